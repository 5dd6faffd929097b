"""What jobs are called, and what each is about: a table that the rooms fill, a line for each of their jobs."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final, NamedTuple

from django.contrib.auth import get_user_model
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from crm.models import ApiKey

__all__ = ["About", "JobWords", "find_about", "label_of", "name_owners", "register", "words_of"]


class About(NamedTuple):
    """What a job works on, where that can be looked at, and who asked for it (``user:1``, ``key:3``)."""

    text: str
    link: str = ""
    by: str = ""


@dataclass(frozen=True, slots=True)
class JobWords:
    """``find`` gives what the jobs are about by their ``argument``, for all jobs of a page at once."""

    label: Any
    argument: str = ""
    find: Callable[[Collection[int]], Mapping[int, About]] | None = None


_words: dict[str, JobWords] = {
    "crm.jobs.retry_stalled_jobs": JobWords(gettext_lazy("Taking up jobs whose worker died")),
    "crm.jobs.forget_old_jobs": JobWords(gettext_lazy("Forgetting jobs that were done days ago")),
    "crm.jobs.forget_old_logins": JobWords(gettext_lazy("Forgetting old sessions, failed logins and audits")),
    "crm.jobs.forget_old_answers": JobWords(gettext_lazy("Forgetting answers that were kept for repeated API calls")),
}
CLOCK: Final = "timestamp"
"""The argument that the queue gives to jobs of the clock."""


def register(words: Mapping[str, JobWords]) -> None:
    """By the name of the task."""
    _words.update(words)


def words_of(task_name: str) -> JobWords | None:
    return _words.get(task_name)


def label_of(task_name: str) -> str:
    """Its words, or the task's own name where it has none."""
    words = words_of(task_name)
    return str(words.label) if words else task_name


def find_about(jobs: Iterable[Any]) -> dict[int, About]:
    """What these jobs are about, by their ids: a statement for each kind that can say it."""
    by_kind: dict[str, dict[int, list[int]]] = {}
    for job in jobs:
        number = _number_of(job)
        if number is not None:
            by_kind.setdefault(job.task_name, {}).setdefault(number, []).append(job.pk)
    found: dict[int, About] = {}
    for task_name, numbers in by_kind.items():
        words = words_of(task_name)
        if words and words.find:
            for number, about in words.find(list(numbers)).items():
                found |= dict.fromkeys(numbers.get(number, ()), about)
    return found


def _number_of(job: Any) -> int | None:
    """The argument that says what a job is about, if it has one that is a number."""
    words = words_of(job.task_name)
    number = job.args.get(words.argument) if words and words.find and isinstance(job.args, dict) else None
    return number if isinstance(number, int) else None


def name_owners(jobs: Iterable[Any], about: Mapping[int, About]) -> dict[int, str]:
    """For whom each job is, by its id."""
    jobs = list(jobs)
    asked = {job.pk: about[job.pk].by for job in jobs if job.pk in about and about[job.pk].by}
    names = _name_people(set(asked.values()))
    return {job.pk: names.get(asked[job.pk], "—") if job.pk in asked else _owner_of(job) for job in jobs}


def _owner_of(job: Any) -> str:
    return _("the clock") if CLOCK in job.args else _("the system")


def _name_people(people: Collection[str]) -> dict[str, str]:
    """Users and API keys; whoever else asks is no person."""
    users, keys = (_ids_of(kind, people) for kind in ("user", "key"))
    names = {}
    for user in get_user_model().objects.filter(pk__in=users) if users else ():
        names[f"user:{user.pk}"] = user.get_full_name() or user.get_username()
    for pk, name in ApiKey.objects.filter(pk__in=keys).values_list("pk", "name") if keys else ():
        names[f"key:{pk}"] = _("API key {name}").format(name=name)
    return names


def _ids_of(kind: str, people: Collection[str]) -> list[int]:
    found = (person.partition(":") for person in people)
    return [int(number) for name, _colon, number in found if name == kind and number.isdecimal()]

"""Who did it: a journal's ``kind:id`` as people call it."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final, NamedTuple

from django.contrib.auth import get_user_model
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from contacts.models import ContactAction, Import, SubscriptionForm
from crm.models import ApiKey

__all__ = ["Actor", "name_actors"]

TRACKERS: Final[dict[str, Any]] = {"web": gettext_lazy("Web tracking"), "mobile": gettext_lazy("Mobile tracking")}
RULES: Final[dict[str, Any]] = {
    "retention": gettext_lazy("The retention rule"),
    "schedule": gettext_lazy("The clock"),
}

PAGES: Final[dict[str, Any]] = {
    "confirm": gettext_lazy("Whoever opened the confirmation link"),
    "unsubscribe": gettext_lazy("Whoever opened the link to unsubscribe"),
}


class Actor(NamedTuple):
    """A name, and a page about it where there is one."""

    label: str
    link: str = ""


def name_actors(actors: Iterable[str]) -> dict[str, Actor]:
    """The names of all these, with one statement each for users, keys and imports, and two for bulk actions."""
    wanted = dict.fromkeys(actors)
    users = {str(pk): name for pk, name in _read_users(wanted)}
    keys = {str(pk): name for pk, name in _read_keys(wanted)}
    files = {str(pk): name for pk, name in _read_files(wanted)}
    named = {actor: _name_actor(actor, users, keys, files) for actor in wanted}
    return named | _name_actions(wanted) | _name_forms(wanted)


def _ids_of(kind: str, actors: Iterable[str]) -> list[int]:
    found = (actor.partition(":") for actor in actors)
    return [int(number) for name, _colon, number in found if name == kind and number.isdecimal()]


def _read_users(actors: Iterable[str]) -> list[tuple[int, str]]:
    ids = _ids_of("user", actors)
    users = get_user_model().objects.filter(pk__in=ids) if ids else ()
    return [(user.pk, user.get_full_name() or user.get_username()) for user in users]


def _read_keys(actors: Iterable[str]) -> list[tuple[int, str]]:
    ids = _ids_of("key", actors)
    return list(ApiKey.objects.filter(pk__in=ids).values_list("pk", "name")) if ids else []


def _read_files(actors: Iterable[str]) -> list[tuple[int, str]]:
    ids = _ids_of("import", actors)
    return list(Import.objects.filter(pk__in=ids).values_list("pk", "file_name")) if ids else []


def _name_actions(actors: Iterable[str]) -> dict[str, Actor]:
    """Bulk actions, by what they did and who began them; each has a page."""
    ids = _ids_of("action", actors)
    if not ids:
        return {}
    found = ContactAction.objects.in_bulk(ids)
    users = {f"user:{pk}": name for pk, name in _read_users(action.by for action in found.values())}
    return {f"action:{pk}": _name_action(found.get(pk), users) for pk in ids}


def _name_forms(actors: Iterable[str]) -> dict[str, Actor]:
    """Subscription forms; each has a page."""
    ids = _ids_of("form", actors)
    names = dict(SubscriptionForm.objects.filter(pk__in=ids).values_list("pk", "name")) if ids else {}
    return {f"form:{pk}": _name_form(pk, names.get(pk, "")) for pk in ids}


def _name_form(pk: int, name: str) -> Actor:
    if not name:
        return Actor(_("A former subscription form"))
    return Actor(
        _("Subscription form {name}").format(name=name), reverse("admin:contacts_subscriptionform_change", args=[pk])
    )


def _name_action(action: ContactAction | None, users: dict[str, str]) -> Actor:
    if action is None:
        return Actor(_("A former bulk action"))
    text = _("{name}, bulk action “{what}”")
    name = users.get(action.by, _("A former user"))
    link = reverse("admin:contacts_contactaction_change", args=[action.pk])
    return Actor(text.format(name=name, what=action.get_verb_display()), link)


def _name_actor(actor: str, users: dict[str, str], keys: dict[str, str], files: dict[str, str]) -> Actor:
    kind, _colon, number = actor.partition(":")
    match kind:
        case "user":
            return Actor(users.get(number, _("A former user")))
        case "key":
            return Actor(_("API key {name}").format(name=keys.get(number, number)))
        case "import":
            link = reverse("admin:contacts_import_change", args=[number]) if number in files else ""
            return Actor(_("Import of {file}").format(file=files[number]) if link else _("A former import"), link)
        case "tracker":
            return Actor(str(TRACKERS.get(number, number)))
        case "rule":
            return Actor(str(RULES.get(number, number)))
        case "page":
            return Actor(str(PAGES.get(number, number)))
        case "command":
            return Actor(_("The command {name}").format(name=number))
        case _:
            return Actor(actor)

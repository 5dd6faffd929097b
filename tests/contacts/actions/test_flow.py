"""An action from confirming to the end: who is meant, in what batches, and what stops it."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from contacts import actions
from contacts.actions import Delete, Edit, Join, WrongMoment, flow, gathering, jobs, run
from contacts.actions.errors import TakenOver, TooManyDeaths
from contacts.custom_filters import UnknownCondition
from contacts.models import ActionBatch, ActionRow, ActionStatus, Change, Contact, ContactAction, ContactState
from contacts.selections import Selection
from crm.jobs import app
from tests.contacts.actions.conftest import MANY, Stop, ask, dying_after
from tests.people import Stage, have, visitor

WHOLE: dict[str, str] = {}


def towns(stage: Stage) -> dict[str, str | None]:
    rows = dict(Contact.objects.values_list("pk", "town"))
    return {name: rows.get(pk) for name, pk in stage.ids.items()}


# Whom it means


def test_all_that_the_list_shows_is_changed_and_no_more(do: Any, stage: Stage) -> None:
    action = do(Edit("fields.tier", "gold"), has_phone="yes")

    changed = Contact.objects.filter(attributes__tier="gold").values_list("pk", flat=True)
    assert (list(changed), action.total) == ([stage.ids["ivan"]], 1)


def test_whoever_comes_after_it_was_confirmed_does_not_slip_in(stage: Stage) -> None:
    visitor("maryna", "cookie-1")(stage)  # her number is older than the action, her contact is not
    action = ask(stage, Edit("town", "Kyiv"), **WHOLE)
    later = {"identifiers": [{"kind": "cookie", "app": "", "value": "cookie-1"}]}
    stage.now = timezone.now()
    for name, record in (("petro", {}), ("halyna", later)):
        have(name, {"external_id": name, **record})(stage)

    run.carry_out(action)

    assert stage.ids["halyna"] == stage.ids["maryna"]
    assert (towns(stage)["petro"], towns(stage)["halyna"], towns(stage)["ivan"]) == (None, None, "Kyiv")


def test_who_is_meant_is_settled_before_the_first_batch_changes_anything(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The edit takes each contact out of the very list that was chosen."""
    monkeypatch.setattr(gathering.gather, "__kwdefaults__", {"size": 1})
    do_edit = Edit("fields.tier", "gold")
    have("daryna", {"external_id": "A-0", "fields.tier": "silver"})(stage)
    have("emma", {"external_id": "A-9", "fields.tier": "silver"})(stage)
    action = ask(stage, do_edit, **{"fields.tier": "silver"})

    run.carry_out(action)

    assert action.counts == {"changed": 2, "unchanged": 0, "refused": 0}
    assert ActionBatch.objects.filter(action=action).count() == 2


def test_a_condition_that_is_gone_means_nobody_and_is_said(stage: Stage) -> None:
    action = ask(stage, Delete(), **{"fields.gone": "x"}, count=1)

    assert (action.status, action.done) == (ActionStatus.FAILED, 0)
    assert action.error == UnknownCondition.default_message()


def test_an_empty_selection_is_finished_at_once(do: Any, stage: Stage) -> None:
    action = do(Delete(), q="nobody at all")

    assert (action.status, action.total, action.counts["changed"]) == (ActionStatus.FINISHED, 0, 0)


# At once, or in the background


def test_a_few_are_done_at_once_without_a_job(stage: Stage) -> None:
    action = ask(stage, Delete(), "olena", "ivan", count=2)

    assert (action.status, action.counts["changed"]) == (ActionStatus.FINISHED, 2)
    assert not list(app.job_manager.list_jobs(task=flow.JOB))


def test_many_wait_for_the_worker(stage: Stage, run_jobs: Any) -> None:
    action = ask(stage, Delete(), **WHOLE)
    assert action.status == ActionStatus.QUEUED

    run_jobs()

    action.refresh_from_db()
    assert (action.status, action.counts["changed"]) == (ActionStatus.FINISHED, 3)


def test_what_ends_an_action_is_said_on_it(stage: Stage, guests: int, run_jobs: Any) -> None:
    action = ask(stage, Join(guests), **WHOLE)
    from segments.models import Segment

    Segment.objects.all().delete()
    run_jobs()

    action.refresh_from_db()
    assert (action.status, action.done) == (ActionStatus.FAILED, 0)
    assert "The segment is not there any more" in action.error


# Batches


def test_an_action_that_was_interrupted_goes_on_where_it_stopped(stage: Stage, in_ones: None) -> None:
    action = ask(stage, Edit("town", "Kyiv"), **WHOLE)
    with pytest.raises(Stop):
        run.carry_out(action, tell=dying_after(2))
    action.refresh_from_db()
    assert (action.status, action.done, action.total) == (ActionStatus.RUNNING, 2, 3)

    run.carry_out(action)

    assert action.counts == {"changed": 3, "unchanged": 0, "refused": 0}
    assert Change.objects.filter(by=f"action:{action.pk}").count() == 3


def test_a_batch_that_another_process_did_is_not_done_again(stage: Stage) -> None:
    action = ask(stage, Edit("town", "Kyiv"), **WHOLE)
    gathering.gather(action)
    batch = ActionBatch.objects.get(action=action)
    ActionBatch.objects.filter(pk=batch.pk).update(done_at=timezone.now())

    with pytest.raises(TakenOver):
        run._do(action, Edit("town", "Kyiv"), batch)

    assert not Change.objects.filter(by=f"action:{action.pk}").exists()


def test_it_pauses_and_goes_on(stage: Stage, in_ones: None) -> None:
    action = ask(stage, Edit("town", "Kyiv"), **WHOLE)

    def pause_after_the_first() -> None:
        held = ContactAction.objects.get(pk=action.pk)
        if held.done == 1:
            actions.pause(held)

    run.carry_out(action, tell=pause_after_the_first)
    assert (action.status, action.done) == (ActionStatus.PAUSED, 2)

    actions.resume(action)
    run.carry_out(action)
    assert (action.status, action.done) == (ActionStatus.FINISHED, 3)


def test_cancelling_leaves_what_is_done(stage: Stage, in_ones: None) -> None:
    action = ask(stage, Edit("town", "Kyiv"), **WHOLE)
    gathering.gather(action)
    actions.cancel(action)

    run.carry_out(action)

    assert (action.status, action.done) == (ActionStatus.CANCELLED, 0)
    with pytest.raises(WrongMoment):
        actions.resume(action)


def test_who_is_stopped_before_it_began_does_not_begin(stage: Stage) -> None:
    action = ask(stage, Edit("town", "Kyiv"), **WHOLE)
    actions.pause(ContactAction.objects.get(pk=action.pk))

    with pytest.raises(TakenOver):
        run.carry_out(action)

    assert ContactAction.objects.get().status == ActionStatus.PAUSED


def test_refusals_are_listed_up_to_a_bound_and_counted_all(
    stage: Stage, in_ones: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(run, "LISTED_AT_MOST", 1)

    action = ask(stage, Edit("town", "Kyiv"), "mariia", "olena")
    Contact.objects.filter(pk=stage.ids["olena"]).update(state=ContactState.DELETED, deleted_at=timezone.now())
    run.carry_out(action)

    assert (action.counts["refused"], ActionRow.objects.filter(action=action).count()) == (2, 1)


# Left by a worker that died


def test_whatever_nobody_works_on_is_taken_up_again(stage: Stage) -> None:
    action = ask(stage, Delete(), **WHOLE)
    gathering.gather(action)

    jobs.take_up_left()
    jobs.take_up_left()

    waiting = [job for job in app.job_manager.list_jobs(task=flow.JOB) if job.queueing_lock]
    assert len(waiting) == 1


def test_one_that_kills_its_worker_again_and_again_is_given_up(stage: Stage) -> None:
    action = ask(stage, Delete(), **WHOLE)

    for _ in range(jobs.MOST_ATTEMPTS):
        jobs.count_attempt(action)
    with pytest.raises(TooManyDeaths):
        jobs.count_attempt(action)


def test_whom_old_actions_meant_is_forgotten_and_their_counts_stay(do: Any, stage: Stage) -> None:
    action = do(Edit("town", "Kyiv"), "olena", "mariia")

    assert flow.forget_old() == 0
    assert flow.forget_old(now=timezone.now() + flow.KEPT_FOR + timedelta(days=1)) == 1

    action.refresh_from_db()
    assert action.counts == {"changed": 1, "unchanged": 0, "refused": 1}
    assert not action.batches.exists()
    with pytest.raises(WrongMoment):
        actions.undo(action, by="user:1")


def test_a_selection_is_kept_as_it_was_chosen(stage: Stage) -> None:
    action = ask(stage, Delete(), has_phone="yes", count=MANY)

    assert Selection.from_json(action.selection) == Selection(conditions={"has_phone": "yes"})

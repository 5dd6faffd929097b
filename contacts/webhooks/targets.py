"""Targets: made, changed, given a new secret, told to go on."""

from __future__ import annotations

from collections.abc import Collection
from datetime import UTC, datetime

from django.conf import settings

from contacts.columns import all_columns
from contacts.models import CustomField, Webhook
from contacts.webhooks.bell import forget_targets, ring
from contacts.webhooks.errors import NoKinds, UnknownColumn, UnknownKind
from contacts.webhooks.signature import make_salt, secret_of
from contacts.webhooks.sources import sources
from crm.errors import CardfileError, Refused
from crm.outbound import check_address

__all__ = ["change_secret", "check_webhook", "count_waiting", "save_webhook", "skip_waiting", "try_now"]

WRITTEN = ("name", "url", "kinds", "columns", "is_active", "positions", "attempts", "failures", "next_try_at")


def save_webhook(webhook: Webhook) -> Webhook:
    """Keep a target, new or changed; raises ``Refused`` with an error a field.

    One that is new, or is switched on for the first time, is told of what happens from now on; one that was switched
    off goes on where it stood. A new address is tried at once.
    """
    check_webhook(webhook)
    if webhook.is_active:
        for source in sources():
            webhook.positions.setdefault(source.name, source.last())
    webhook.attempts = webhook.failures = 0
    webhook.next_try_at = None
    if webhook.pk is None:
        webhook.salt = make_salt()
        webhook.save()
    else:
        webhook.save(update_fields=WRITTEN)
    forget_targets()
    ring()
    return webhook


def check_webhook(webhook: Webhook) -> None:
    """Raises ``Refused`` with everything that is wrong with it, by field."""
    errors = [*_check_kinds(webhook.kinds), *_check_columns(webhook.columns), *_check_url(webhook.url)]
    if errors:
        raise Refused(errors, errors[0].message)


def _check_kinds(kinds: Collection[str]) -> list[CardfileError]:
    known = {kind for source in sources() for kind in source.kinds}
    if not kinds:
        return [NoKinds(path="kinds")]
    return [UnknownKind(path="kinds", kind=kind) for kind in kinds if kind not in known]


def _check_columns(columns: Collection[str]) -> list[CardfileError]:
    if not columns:
        return []
    known = {column.key for column in all_columns(CustomField.objects.all()) if column.read}
    return [UnknownColumn(path="columns", column=column) for column in columns if column not in known]


def _check_url(url: str) -> list[CardfileError]:
    try:
        check_address(url, networks=settings.OUTBOUND_NETWORKS)
    except CardfileError as error:
        error.path = "url"
        return [error]
    return []


def change_secret(webhook: Webhook) -> str:
    """A new secret, shown this once; requests are signed with the old one too for a day."""
    webhook.old_salt, webhook.salt, webhook.salted_at = webhook.salt, make_salt(), datetime.now(UTC)
    webhook.save(update_fields=["salt", "old_salt", "salted_at"])
    return secret_of(webhook.salt)


def try_now(webhook: Webhook) -> None:
    """Do not wait for the next attempt."""
    Webhook.objects.filter(pk=webhook.pk).update(next_try_at=None)
    ring()


def skip_waiting(webhook: Webhook) -> None:
    """What happened until now is never sent; it goes on with what happens next. Ends a claim that is held."""
    positions = {**webhook.positions, **{source.name: source.last() for source in sources()}}
    Webhook.objects.filter(pk=webhook.pk).update(
        positions=positions, attempts=0, failures=0, next_try_at=None, claimed_until=None, last_error=""
    )


def count_waiting(webhook: Webhook) -> int:
    """How many changes the target may still be told of, at most: not every one concerns it."""
    if not webhook.positions:
        return 0
    return sum(max(source.last() - int(webhook.positions.get(source.name, 0)), 0) for source in sources())

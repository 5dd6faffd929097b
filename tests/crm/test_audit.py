"""The audit log: what is written down, what never is, and that nobody takes it back."""

from datetime import timedelta

import pytest
from django.conf import settings
from django.db import DatabaseError, transaction
from django.test import RequestFactory
from django.utils import timezone

from crm.addresses import address_of
from crm.audit import Action, forget_old_entries, note, noted_change
from crm.models import ApiKey, AuditEntry

pytestmark = pytest.mark.django_db


def asked(**headers):
    return RequestFactory().get("/", **headers)


def test_an_entry_says_who_did_what_from_where(admin_user):
    request = asked(REMOTE_ADDR="192.0.2.7", HTTP_USER_AGENT="Firefox")
    request.user = admin_user

    note(Action.EXPORTED, by=f"user:{admin_user.pk}", about="contacts.contactexport:7", request=request)

    entry = AuditEntry.objects.get()
    assert (entry.action, entry.who, entry.about) == ("exported", "admin", "contacts.contactexport:7")
    assert (entry.address, entry.user_agent) == ("192.0.2.7", "Firefox")


def test_an_action_that_nobody_knows_is_no_entry():
    with pytest.raises(ValueError, match="danced"):
        note("danced", by="user:1")


def test_an_entry_still_says_who_it_was_when_the_account_is_gone(django_user_model):
    olena = django_user_model.objects.create_user("olena")
    note(Action.SIGNED_IN, by=f"user:{olena.pk}")
    olena.delete()

    assert AuditEntry.objects.get().who == "olena"


def test_a_rollback_takes_the_entry_along():
    with transaction.atomic():
        note(Action.CHANGED, by="user:1")
        transaction.set_rollback(True)

    assert not AuditEntry.objects.exists()


@pytest.mark.parametrize("verb", ["update", "delete"])
def test_nobody_changes_or_deletes_an_entry(verb):
    note(Action.SIGNED_IN, by="user:1")
    entries = AuditEntry.objects.all()

    with pytest.raises(DatabaseError, match="only ever added to"), transaction.atomic():
        entries.update(who="nobody") if verb == "update" else entries.delete()

    assert AuditEntry.objects.count() == 1


def test_retention_erases_what_is_old_enough_and_then_the_log_is_shut_again():
    long_ago = timezone.now() - timedelta(days=settings.AUDIT_DAYS, minutes=1)
    AuditEntry.objects.create(at=long_ago, action=Action.SIGNED_IN)
    recent = note(Action.SIGNED_IN, by="user:1")

    assert forget_old_entries() == 1

    assert AuditEntry.objects.get() == recent
    with pytest.raises(DatabaseError), transaction.atomic():
        AuditEntry.objects.all().delete()


def test_a_change_is_written_with_old_and_new(admin_user):
    key = ApiKey.objects.create(name="Shop", prefix="cf_1", digest=b"x")
    request = asked()
    request.user = admin_user

    with noted_change(key, request=request):
        key.name = "Web shop"
        key.save()

    entry = AuditEntry.objects.get()
    assert (entry.action, entry.about) == ("changed", f"crm.apikey:{key.pk}")
    assert entry.details == {"name": f"{key}", "name →": ["Shop", "Web shop"]}


def test_what_did_not_change_is_no_entry_and_what_is_secret_is_not_told(admin_user):
    request = asked()
    request.user = admin_user

    with noted_change(admin_user, request=request):
        admin_user.save()
    assert not AuditEntry.objects.exists()

    with noted_change(admin_user, request=request):
        admin_user.set_password("a new and long one")
        admin_user.save()
    assert AuditEntry.objects.get().details["password →"] == ["•••", "•••"]


def test_a_failed_save_leaves_no_entry(admin_user):
    key = ApiKey.objects.create(name="Shop", prefix="cf_1", digest=b"x")
    request = asked()
    request.user = admin_user

    key.scope = "unheard of"
    with pytest.raises(DatabaseError), transaction.atomic(), noted_change(key, request=request):
        key.save()

    assert not AuditEntry.objects.exists()


ADDRESSES = {
    # what stands in X-Forwarded-For, proxies of ours, whose address it is
    "nobody stands before us": ("", 0, "192.0.2.7"),
    "a header that anybody can write": ("203.0.113.9", 0, "192.0.2.7"),
    "one proxy of ours": ("203.0.113.9", 1, "203.0.113.9"),
    "one proxy, and a made up one": ("1.1.1.1, 203.0.113.9", 1, "203.0.113.9"),
    "two proxies": ("1.1.1.1, 203.0.113.9, 10.0.0.2", 2, "203.0.113.9"),
    "a port behind it": ("203.0.113.9:4711", 1, "203.0.113.9"),
    "IPv6": ("[2001:db8::1]:4711", 1, "2001:db8::1"),
    "an IPv4 address in IPv6": ("::ffff:203.0.113.9", 1, "203.0.113.9"),
    "no address at all": ("unknown", 1, None),
}


@pytest.mark.parametrize("case", ADDRESSES)
def test_the_address_is_that_of_the_caller_behind_our_proxies(case, settings):
    forwarded, settings.PROXIES, expected = ADDRESSES[case]

    assert address_of(asked(REMOTE_ADDR="192.0.2.7", HTTP_X_FORWARDED_FOR=forwarded)) == expected

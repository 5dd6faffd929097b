"""One of everything that has a page."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.conf import settings
from django.contrib.auth.models import User
from django.utils import timezone

from contacts.imports.run import open_import
from contacts.mobile import create_app_key
from contacts.models import (
    Account,
    App,
    Change,
    Clearing,
    Contact,
    ContactAction,
    ContactExport,
    CustomField,
    DuplicateCase,
    EventType,
    ExportTable,
    ExportTarget,
    FieldWork,
    Identifier,
    Import,
    ImportStatus,
    JunkValue,
    Policy,
    SavedView,
    Site,
    SubscriptionCategory,
    SubscriptionForm,
    Webhook,
    WebhookDeadLetter,
)
from contacts.webhooks.signature import make_salt
from crm import roles
from crm.api.keys import create_api_key
from crm.audit import Action, note
from crm.jobs import retry_stalled_jobs
from crm.models import LoginAttempts, Role
from segments.membership import add_members
from segments.models import Segment
from tests.contacts.imports.flowing import map_columns, upload
from tests.people import BOHDAN, OLENA, Stage, browsed, change, deleted, device, have, merged, ordered

__all__ = ["WRITTEN_BY_ANYBODY", "make_samples", "make_user"]

WRITTEN_BY_ANYBODY = frozenset({"crm_session", "crm_auditentry", "crm_loginattempts", "django_session"})
"""Tables that requests of people who may change nothing write into: that they came, and that they failed."""


COUNTS = ("changed", "unchanged", "refused")
WISH = {"type": "text", "options": []}


def make_user(role: str) -> User:
    user = User.objects.create_user(role.replace("_", "-"), f"{role}@example.com", "correct horse battery")
    roles.set_role(user, role)
    return user


def make_samples() -> dict[str, Any]:
    """A value for each parameter of an address: see ``addresses.sample_for``."""
    return {
        **make_contacts(),
        **make_settings(),
        **make_house(),
        **make_work(),
        "app_label": "contacts",
        "url": "nowhere",
        "token": "nothing",
        "uidb64": "MQ",
        "content_type_id": "1",
        "object_id": "1",
        "external_id": "C-1",
        "email": OLENA,
        "app": "shop",
        "session_id": "nothing",
    }


def make_contacts() -> dict[str, Any]:
    stage = Stage()
    steps = [
        have("olena", {"external_id": "C-1", "email": OLENA, "first_name": "Olena", "identifiers": [device()]}),
        have("twin", {"external_id": "C-2", "email": OLENA, "first_name": "Olena"}),
        have("bohdan", {"email": BOHDAN, "first_name": "Bohdan"}),
        have("taras", {"external_id": "C-3", "first_name": "Taras"}),
        browsed("olena"),
        ordered("olena"),
        change("olena", {"town": "Lutsk"}),
        merged("taras", "bohdan"),
        have("ivan", {"external_id": "C-4", "first_name": "Ivan"}),
        deleted("ivan"),
    ]
    for step in steps:
        step(stage)
    olena = stage.ids["olena"]
    case = DuplicateCase.objects.order_by("pk").first()
    assert case is not None
    return {
        "contacts.contact": olena,
        "contact_id": olena,
        "other_id": stage.ids["twin"],
        "contacts.merge": stage.merges["bohdan"],
        "merge_id": stage.merges["bohdan"],
        "contacts.duplicatecase": case.pk,
        "case_id": case.pk,
        "clearing_id": Clearing.objects.create(by="user:1", finished_at=timezone.now()).pk,
        "duplicatecase.verb": "dismiss",
        "identifier_id": Identifier.objects.filter(contact_id=olena).order_by("pk").values_list("pk", flat=True)[0],
        "change_id": Change.objects.filter(contact_id=olena).order_by("-pk").values_list("pk", flat=True)[0],
        "contact.verb": "edit",
    }


def make_settings() -> dict[str, Any]:
    account = Account.objects.first() or Account.objects.create()
    policy = Policy.objects.first() or Policy.objects.create()
    field = CustomField.objects.create(key="tier", label="Tier", type="choice", options=["gold", "silver"])
    kind = EventType.objects.first() or EventType.objects.create(key="pageView", name="Page view")
    junk = JunkValue.objects.create(value="nobody@example.com")
    form = SubscriptionForm.objects.create(name="Footer")
    app = App.objects.create(name="Shop", app_id="shop")
    work = FieldWork.objects.create(
        field_key="tier", label="Tier", kind="convert", status="done", by="user:1", wish=WISH
    )
    return {
        "work_id": work.pk,
        "contacts.app": app.pk,
        "app_id": app.pk,
        "key_id": create_app_key(app, "Android")[0].pk,
        "app.verb": "disable",
        "contacts.subscriptioncategory": SubscriptionCategory.objects.create(key="news", name="News").pk,
        "contacts.subscriptionform": form.pk,
        "form_key": form.key,
        "contacts.confirmationtext": 1,
        "contacts.account": account.pk,
        "contacts.policy": policy.pk,
        "contacts.customfield": field.pk,
        "field_id": field.pk,
        "contacts.eventtype": kind.pk,
        "contacts.junkvalue": junk.pk,
    }


def make_house() -> dict[str, Any]:
    user = make_user("marketer")
    key, _secret = create_api_key("Shop", scope="full")
    entry = note(Action.SIGNED_IN, by=f"user:{user.pk}")
    attempts = LoginAttempts.objects.create(key="account:0", user=user, failures=3, failed_at=timezone.now())
    webhook = Webhook.objects.create(
        name="Shop", url="https://shop.example.com/hook", kinds=["updated"], salt=make_salt()
    )
    target = ExportTarget.objects.create(name="Warehouse", kind="postgresql", settings={"schema": "public"})
    ExportTable.objects.create(target=target, data_set="contacts", table_name="contacts", columns=["id", "email"])
    site = Site.objects.create(name="Shop", origins=["https://shop.example.com"], last_event_at=timezone.now())
    now = timezone.now()
    letter = WebhookDeadLetter.objects.create(
        webhook=webhook, source="contacts", number=1, kind="updated", contact_id=1, at=now, failed_at=now, attempts=1
    )
    job = retry_stalled_jobs.defer(timestamp=0)
    return {
        "auth.user": user.pk,
        "user_id": user.pk,
        "user.verb": "link",
        "crm.apikey": key.pk,
        "crm.auditentry": entry.pk,
        "crm.loginattempts": attempts.pk,
        "crm.role": Role.objects.get(key="auditor").pk,
        "contacts.site": site.pk,
        "site_id": site.pk,
        "site_key": site.key,
        "contacts.exporttarget": target.pk,
        "target_id": target.pk,
        "warehouse_id": target.pk,
        "exporttarget.verb": "cancel",
        "contacts.webhook": webhook.pk,
        "webhook_id": webhook.pk,
        "webhook.verb": "skip",
        "contacts.webhookdeadletter": letter.pk,
        "procrastinate.procrastinatejob": job,
        "job_id": job,
        "procrastinatejob.verb": "cancel",
    }


def make_work() -> dict[str, Any]:
    """A finished export with its file, an import that is ready to start, a static and a dynamic segment."""
    settings.EXPORTS_DIR.mkdir(parents=True, exist_ok=True)
    (settings.EXPORTS_DIR / "sample.csv").write_text("id\n")
    now, owner = timezone.now(), User.objects.get(username="marketer")
    export = ContactExport.objects.create(
        format="csv", status="finished", stored_name="sample.csv", by=f"user:{owner.pk}", finished_at=now,
        expires_at=now + timedelta(hours=1), rows_total=1, rows_done=1,
    )  # fmt: skip
    run = map_columns(upload("external_id,first_name", "C-1,Olha"))
    open_import(run)
    Import.objects.filter(pk=run.pk).update(status=ImportStatus.PREVIEWED)
    static = Segment.objects.create(name="Guests", type="static")
    add_members(static, [Contact.objects.order_by("pk").values_list("pk", flat=True)[0]], by="user:1")
    action = ContactAction.objects.create(
        verb="delete", status="finished", total=1, done=1, by="user:1", counts=dict.fromkeys(COUNTS, 0)
    )
    view = SavedView.objects.create(name="In Lviv", owner=owner, is_shared=True, query="town=Lviv")
    return {
        "contacts.contactaction": action.pk,
        "action_id": action.pk,
        "contactaction.verb": "undo",
        "view_id": view.pk,
        "contacts.contactexport": export.pk,
        "export_id": export.pk,
        "contacts.import": run.pk,
        "import_id": run.pk,
        "import.verb": "start",
        "segments.segment": static.pk,
        "segment_id": static.pk,
        "group_id": static.pk,
    }

"""Webhooks: targets, what was sent to them lately, and what could not be delivered."""

from __future__ import annotations

from typing import Any, Final

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import Count, QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext
from unfold.admin import ModelAdmin
from unfold.decorators import display
from unfold.widgets import (
    UnfoldAdminCheckboxSelectMultipleWidget,
    UnfoldAdminSelect2MultipleWidget,
    UnfoldAdminTextInputWidget,
)

from contacts import webhooks
from contacts.admin.journal import show_moment
from contacts.admin.listing import ReadOnlyAdmin, UncountedList
from contacts.admin.wording import link_contact
from contacts.columns import all_columns
from contacts.models import CustomField, Webhook, WebhookDeadLetter
from crm.admin.own_page import OwnPage
from crm.audit import Action, about, actor_of, note, noted_change
from crm.errors import Refused

__all__ = ["WebhookAdmin", "WebhookDeadLetterAdmin"]

DELIVERIES_SHOWN: Final = 15
OFF, WAITING, WELL, FAILING = "off", "waiting", "well", "failing"
STATUS_LABELS: Final = {OFF: "default", WAITING: "info", WELL: "success", FAILING: "danger"}
STATUS_WORDS: Final[dict[str, Any]] = {
    OFF: gettext_lazy("Off"),
    WAITING: gettext_lazy("Nothing sent yet"),
    WELL: gettext_lazy("Delivering"),
    FAILING: gettext_lazy("Failing"),
}


def list_kinds() -> list[tuple[str, str]]:
    """Every kind of change that a source tells of."""
    return [(kind, str(label).capitalize()) for source in webhooks.sources() for kind, label in source.kinds.items()]


def list_columns() -> list[tuple[str, str]]:
    columns = all_columns(CustomField.objects.order_by("label"))
    return [(column.key, column.label if column.is_custom else _(column.label)) for column in columns if column.read]


def status_of(webhook: Webhook) -> str:
    if not webhook.is_active:
        return OFF
    if webhook.failures:
        return FAILING
    return WELL if webhook.last_delivered_at else WAITING


def letters_of(webhook: Webhook) -> str:
    """Where its undelivered changes are listed."""
    return f"{reverse('admin:contacts_webhookdeadletter_changelist')}?webhook__id__exact={webhook.pk}"


class WebhookForm(forms.ModelForm):
    """Checks shape; what the target may be is said by ``contacts.webhooks``."""

    url = forms.CharField(
        label=gettext_lazy("Address"),
        max_length=2000,
        widget=UnfoldAdminTextInputWidget(
            attrs={"placeholder": "https://shop.example.com/cardfile", "inputmode": "url"}
        ),
        help_text=gettext_lazy("A public https address. It answers with any 2xx status within 15 seconds."),
    )
    kinds = forms.MultipleChoiceField(
        label=gettext_lazy("Kinds of change"),
        choices=list_kinds,
        initial=lambda: [kind for kind, _label in list_kinds()],
        widget=UnfoldAdminCheckboxSelectMultipleWidget(),
    )
    columns = forms.MultipleChoiceField(
        label=gettext_lazy("Columns"),
        choices=list_columns,
        required=False,
        widget=UnfoldAdminSelect2MultipleWidget(),
        help_text=gettext_lazy(
            "Sent with each change, as they are at that moment. An update is told only if one of them changed."
            " None: the contact ID alone, for every change."
        ),
    )

    class Meta:
        model = Webhook
        fields = ("name", "url", "kinds", "columns", "is_active")

    def clean_url(self) -> str:
        return str(self.cleaned_data["url"]).strip()

    def _post_clean(self) -> None:
        """Once the shape is right and stands on the target."""
        super()._post_clean()  # type: ignore[misc]  # Django's own step, which its stubs leave out
        if self.errors:
            return
        try:
            webhooks.check_webhook(self.instance)
        except Refused as refused:
            for error in refused.errors:
                self.add_error(error.path if error.path in self.fields else None, _(error.message))


@admin.register(Webhook)
class WebhookAdmin(OwnPage, ModelAdmin):
    """The form saves through the verb; what else can be done has a button beside the state."""

    form = WebhookForm
    list_display = ("name", "host", "status_label", "last_delivery", "error_shown", "undelivered")
    list_display_links = ("name",)
    list_disable_select_all = True
    ordering = ("name", "pk")
    sortable_by = ()
    actions = None
    fields = ("name", "url", "kinds", "columns", "is_active")
    change_form_outer_after_template = "contacts/webhook_state.html"

    class Media:
        css = {"all": ("contacts/contacts.css", "contacts/webhooks.css")}

    def get_queryset(self, request: HttpRequest) -> QuerySet[Webhook]:
        counted: QuerySet[Webhook] = super().get_queryset(request).annotate(dead=Count("dead_letters"))
        return counted

    def get_urls(self) -> list[URLPattern]:
        act = path(
            "<int:webhook_id>/do/<slug:verb>/", self.admin_site.admin_view(self.do_view), name="contacts_webhook_do"
        )
        return [act, *super().get_urls()]

    def save_model(self, request: HttpRequest, obj: Webhook, form: WebhookForm, change: bool) -> None:
        with noted_change(obj, request=request, hidden=("url",)):
            webhooks.save_webhook(obj)
        if not change:
            self.show_secret(request, webhooks.secret_of(obj.salt))

    def delete_model(self, request: HttpRequest, obj: Webhook) -> None:
        note(Action.DELETED, by=actor_of(request), about=about(obj), details={"name": obj.name}, request=request)
        super().delete_model(request, obj)

    def get_deleted_objects(self, objs: Any, request: HttpRequest) -> tuple[Any, Any, set[str], Any]:
        """What could not be delivered goes along, though nobody deletes it by itself."""
        found, counts, _permissions, protected = super().get_deleted_objects(objs, request)
        return found, counts, set(), protected

    def show_secret(self, request: HttpRequest, secret: str) -> None:
        text = _("Copy the secret now, it is not shown again: {secret}")
        messages.warning(request, format_html(text, secret=secret))

    def read_state(self, request: HttpRequest, webhook: Webhook) -> dict[str, Any]:
        status = status_of(webhook)
        return {
            "webhook": webhook,
            "status": status,
            "status_words": STATUS_WORDS[status],
            "waiting": webhooks.count_waiting(webhook),
            "deliveries": list(webhook.deliveries.order_by("-pk")[:DELIVERIES_SHOWN]),
            "undelivered": webhook.dead_letters.count(),
            "undelivered_url": letters_of(webhook),
        }

    # What the buttons do

    def do_view(self, request: HttpRequest, webhook_id: int, verb: str) -> HttpResponse:
        verbs = {
            "test": self.send_test,
            "try": self.try_now,
            "skip": self.skip_waiting,
            "secret": self.change_secret,
        }
        if request.method != "POST" or verb not in verbs or not self.has_change_permission(request):
            raise PermissionDenied
        verbs[verb](request, get_object_or_404(Webhook, pk=webhook_id))
        return redirect("admin:contacts_webhook_change", webhook_id)

    def send_test(self, request: HttpRequest, webhook: Webhook) -> None:
        answer = webhooks.send_test(webhook)
        if answer.is_success:
            messages.success(request, _("The test arrived: the server answered {status}.").format(status=answer.status))
        else:
            messages.error(request, _("The test did not arrive. {error}").format(error=_(answer.error)))

    def try_now(self, request: HttpRequest, webhook: Webhook) -> None:
        webhooks.try_now(webhook)
        messages.success(request, _("It is tried again now. Look at this page in a moment."))

    def skip_waiting(self, request: HttpRequest, webhook: Webhook) -> None:
        webhooks.skip_waiting(webhook)
        messages.success(request, _("What waited is skipped. It goes on with what happens from now on."))

    def change_secret(self, request: HttpRequest, webhook: Webhook) -> None:
        secret = webhooks.change_secret(webhook)
        messages.info(request, _("For a day, requests are signed with the old secret as well."))
        self.show_secret(request, secret)

    # The list

    @display(description=gettext_lazy("address"))
    def host(self, webhook: Webhook) -> str:
        """What people tell targets apart by; the rest of an address may be a secret."""
        return webhook.url.partition("://")[2].partition("/")[0]

    @display(description=gettext_lazy("status"), label=STATUS_LABELS)
    def status_label(self, webhook: Webhook) -> tuple[str, str]:
        status = status_of(webhook)
        return status, str(STATUS_WORDS[status])

    @display(description=gettext_lazy("last delivery"))
    def last_delivery(self, webhook: Webhook) -> str:
        return show_moment(webhook.last_delivered_at)

    @display(description=gettext_lazy("error"))
    def error_shown(self, webhook: Webhook) -> str:
        return _(webhook.last_error) if webhook.last_error else "—"

    @display(description=gettext_lazy("undelivered"))
    def undelivered(self, webhook: Any) -> str | SafeString:
        if not webhook.dead:
            return "—"
        return format_html('<a class="text-link underline" href="{}">{}</a>', letters_of(webhook), webhook.dead)


@admin.register(WebhookDeadLetter)
class WebhookDeadLetterAdmin(ReadOnlyAdmin):
    """Changes that were given up; they can be sent again, or forgotten."""

    list_display = ("kind_shown", "contact", "webhook", "changed", "given_up", "error_shown", "replay_shown")
    list_display_links = None
    list_filter = ("webhook",)
    list_select_related = ("webhook",)
    list_per_page = 50
    actions = ("replay", "discard")

    class Media:
        css = {"all": ("contacts/contacts.css", "contacts/webhooks.css")}

    def has_replay_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm("contacts.change_webhook")

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[UncountedList]:
        return UncountedList

    @admin.action(description=gettext_lazy("Send again"), permissions=["replay"])
    def replay(self, request: HttpRequest, queryset: QuerySet[WebhookDeadLetter]) -> None:
        ids = list(queryset.values_list("pk", flat=True))
        count = webhooks.replay_dead_letters(ids)
        text = ngettext("{count} change is sent again.", "{count} changes are sent again.", count).format(count=count)
        off = Webhook.objects.filter(dead_letters__in=ids, is_active=False).exists()
        messages.success(request, text + (" " + _("Targets that are off get them once they are on.") if off else ""))

    @admin.action(description=gettext_lazy("Forget"), permissions=["replay"])
    def discard(self, request: HttpRequest, queryset: QuerySet[WebhookDeadLetter]) -> None:
        count = webhooks.discard_dead_letters(list(queryset.values_list("pk", flat=True)))
        text = ngettext("{count} change was forgotten.", "{count} changes were forgotten.", count)
        messages.success(request, text.format(count=count))

    @display(description=gettext_lazy("what"))
    def kind_shown(self, letter: WebhookDeadLetter) -> str:
        return dict(list_kinds()).get(letter.kind, letter.kind)

    @display(description=gettext_lazy("contact"))
    def contact(self, letter: WebhookDeadLetter) -> SafeString:
        return link_contact(letter.contact_id)

    @display(description=gettext_lazy("changed"))
    def changed(self, letter: WebhookDeadLetter) -> str:
        return show_moment(letter.at)

    @display(description=gettext_lazy("given up"))
    def given_up(self, letter: WebhookDeadLetter) -> str:
        return show_moment(letter.failed_at)

    @display(description=gettext_lazy("error"))
    def error_shown(self, letter: WebhookDeadLetter) -> str:
        return _(letter.error)

    @display(description=gettext_lazy("sent again"))
    def replay_shown(self, letter: WebhookDeadLetter) -> str:
        if letter.replay_at is None:
            return "—"
        return _("asked for at {time}").format(time=timezone.localtime(letter.replay_at).strftime("%H:%M"))

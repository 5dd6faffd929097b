"""The form of a warehouse. It checks shape; what a place may be is said by ``contacts.exports.warehouse``."""

from __future__ import annotations

from typing import Any, Final

from django import forms
from django.contrib.auth import get_user_model
from django.utils.html import format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from unfold.widgets import (
    UnfoldAdminIntegerFieldWidget,
    UnfoldAdminPasswordWidget,
    UnfoldAdminSelectWidget,
    UnfoldAdminTextareaWidget,
    UnfoldAdminTextInputWidget,
)

from contacts.exports.warehouse.choosing import kinds_there_are
from contacts.exports.warehouse.errors import ExportGoesOn
from contacts.exports.warehouse.flow import check_target_settings
from contacts.exports.warehouse.schedule import LONGEST
from contacts.models import ExportTarget, TargetKind
from crm.errors import Refused

__all__ = ["SECRETS", "SETTINGS", "TargetForm"]

SETTINGS: Final[dict[TargetKind, dict[str, str]]] = {
    TargetKind.POSTGRESQL: {"schema": "schema", "sslmode": "sslmode"},
    TargetKind.BIGQUERY: {"project": "project", "dataset_name": "dataset", "location": "location"},
}
"""By kind, the fields, and what they are among the settings. A field ``dataset`` unfold would take for its own."""
SECRETS: Final = {TargetKind.POSTGRESQL: "dsn", TargetKind.BIGQUERY: "key"}
"""By kind, the field in which its secret is typed. What was typed is never shown again."""
KEEPS: Final = gettext_lazy("It is kept. Type a new one only to change it.")


def list_kinds() -> list[tuple[str, Any]]:
    return [(kind.value, kind.label) for kind in kinds_there_are()]


def link_other_kinds(kind: TargetKind) -> SafeString:
    """Each kind is asked for another place, so that it has a form of its own."""
    others = [(other.value, other.label) for other in kinds_there_are() if other != kind]
    return format_html_join(" ", '<a class="underline" href="?kind={}">{}</a>', others) if others else SafeString("")


class TargetForm(forms.ModelForm):
    """``typed_secret`` is None where the one that is kept stays. A new warehouse is of ``asked_kind``."""

    typed_secret: str | None = None
    asked_kind: TargetKind | None = None

    kind = forms.ChoiceField(label=gettext_lazy("Kind"), choices=list_kinds, widget=UnfoldAdminSelectWidget())
    dsn = forms.CharField(
        label=gettext_lazy("Address"),
        required=False,
        max_length=4000,
        widget=UnfoldAdminPasswordWidget(
            attrs={"placeholder": "postgresql://user:password@host:5432/database", "autocomplete": "off"}
        ),
        help_text=gettext_lazy("With user and password. It is encrypted, and never shown again."),
    )
    schema = forms.CharField(
        label=gettext_lazy("Schema"),
        required=False,
        max_length=63,
        initial="public",
        widget=UnfoldAdminTextInputWidget(),
        help_text=gettext_lazy("It must be there. The user needs the right to make tables in it."),
    )
    sslmode = forms.ChoiceField(
        label=gettext_lazy("Encryption on the way"),
        required=False,
        initial="require",
        choices=[
            ("require", gettext_lazy("required")),
            ("verify-full", gettext_lazy("required, and the certificate is checked (verify-full)")),
            ("verify-ca", gettext_lazy("required, and the certificate's issuer is checked (verify-ca)")),
            ("prefer", gettext_lazy("where the server offers it (prefer)")),
            ("disable", gettext_lazy("none (disable)")),
        ],
        widget=UnfoldAdminSelectWidget(),
    )
    project = forms.CharField(
        label=gettext_lazy("Project"), required=False, max_length=100, widget=UnfoldAdminTextInputWidget()
    )
    dataset_name = forms.CharField(
        label=gettext_lazy("Dataset"),
        required=False,
        max_length=1024,
        widget=UnfoldAdminTextInputWidget(),
        help_text=gettext_lazy("It must be there. The service account needs the right to make tables in it."),
    )
    location = forms.CharField(
        label=gettext_lazy("Location"),
        required=False,
        max_length=50,
        widget=UnfoldAdminTextInputWidget(attrs={"placeholder": "EU"}),
    )
    key = forms.CharField(
        label=gettext_lazy("Service account"),
        required=False,
        max_length=20_000,
        widget=UnfoldAdminTextareaWidget(attrs={"rows": 4, "autocomplete": "off", "spellcheck": "false"}),
        help_text=gettext_lazy("The JSON file of its key. It is encrypted, and never shown again."),
    )
    every_minutes = forms.IntegerField(
        label=gettext_lazy("Every … minutes"),
        required=False,
        min_value=1,
        max_value=LONGEST,
        widget=UnfoldAdminIntegerFieldWidget(),
        help_text=gettext_lazy("Empty: at the times below, or when somebody asks."),
    )
    cron = forms.CharField(
        label=gettext_lazy("At the times"),
        required=False,
        max_length=100,
        widget=UnfoldAdminTextInputWidget(attrs={"placeholder": "0 6 * * 1-5"}),
        help_text=gettext_lazy(
            "As cron writes them, in the account's time zone: minute, hour, day, month, day of the week."
        ),
    )

    class Meta:
        model = ExportTarget
        fields = ("name", "kind", "owner", "is_active", "deletions", "every_minutes", "cron")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for field, name in (pair for pairs in SETTINGS.values() for pair in pairs.items()):
            if field in self.fields and name in self.instance.settings:
                self.initial[field] = self.instance.settings[name]
        if self.instance.pk and "kind" in self.fields:
            self.fields["kind"].disabled = True  # another kind is another warehouse
        elif self.asked_kind:
            self.fields["kind"].choices = [(self.asked_kind.value, self.asked_kind.label)]  # type: ignore[attr-defined]
            self.fields["kind"].help_text = link_other_kinds(self.asked_kind)
        if self.instance.secret:
            for name in set(SECRETS.values()) & set(self.fields):
                self.fields[name].help_text = KEEPS
        if "owner" in self.fields:
            people = get_user_model().objects.filter(is_active=True, is_staff=True) | get_user_model().objects.filter(
                pk=self.instance.owner_id
            )
            self.fields["owner"].queryset = people.order_by("username")  # type: ignore[attr-defined]

    def _post_clean(self) -> None:
        """Once the shape is right and stands on the target."""
        super()._post_clean()  # type: ignore[misc]  # Django's own step, which its stubs leave out
        if self.errors:
            return
        target, kind = self.instance, TargetKind(self.instance.kind)
        typed = self.cleaned_data[SECRETS[kind]].strip()
        self.typed_secret = typed if typed or not target.secret else None
        before = dict(target.settings)
        fields = {name: field for field, name in SETTINGS[kind].items()}
        target.settings = {**before, **{name: self.cleaned_data[field].strip() for name, field in fields.items()}}
        try:
            check_target_settings(target, secret=self.typed_secret)
        except Refused as refused:
            for error in refused.errors:
                path = SECRETS[kind] if error.path in ("secret", "") else fields.get(error.path, error.path)
                self.add_error(path if path in self.fields else None, _(error.message))
            return
        if target.pk and before != target.settings and target.runs.filter(status__in=("queued", "running")).exists():
            self.add_error(None, _(ExportGoesOn().message))

"""What each action has to be told, and how that becomes its verb."""

from __future__ import annotations

from contextlib import suppress
from typing import Any, Final, Self

from django import forms
from django.db import IntegrityError
from django.http import HttpRequest
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from unfold.widgets import (
    UnfoldAdminRadioSelectWidget,
    UnfoldAdminSelectWidget,
    UnfoldAdminTextInputWidget,
    UnfoldBooleanWidget,
)

from contacts import populations
from contacts.actions import Delete, Edit, Join, Leave, Restore, Unsubscribe, Verb, settable_columns
from contacts.admin.actions.words import CHANNELS, say_label
from contacts.admin.fields import build_field
from contacts.admin.sheet_segments import SegmentChoice
from contacts.models import ActionVerb
from crm.errors import CardfileError

__all__ = ["FORMS", "ActionForm"]


def sent_with(request: HttpRequest) -> Any:
    return request.POST if request.method == "POST" else None


class ActionForm(forms.Form):
    """Nothing to be told."""

    @classmethod
    def build(cls, request: HttpRequest) -> Self:
        """The form of a page, filled where it was sent."""
        return cls(sent_with(request))

    @property
    def is_complete(self) -> bool:
        """Whether the page can be confirmed, or something has to be chosen first."""
        return True

    def read_verb(self, by: str) -> Verb:
        raise NotImplementedError

    def place(self, error: CardfileError) -> None:
        """Say a refusal where it belongs."""
        place = {"population": "segment"}.get(error.path, error.path)
        self.add_error(place if place in self.fields else None, _(error.message))


class DeleteForm(ActionForm):
    def read_verb(self, by: str) -> Verb:
        return Delete()


class RestoreForm(ActionForm):
    def read_verb(self, by: str) -> Verb:
        return Restore()


class JoinForm(SegmentChoice, ActionForm):
    """One of the static segments, or a new one."""

    @classmethod
    def build(cls, request: HttpRequest) -> Self:
        listed = populations.current().listed()
        return cls(sent_with(request), listed=listed, may_make=request.user.has_perm("segments.add_segment"))

    def read_verb(self, by: str) -> Verb:
        """A new segment is made with nobody in it, and filled by the action."""
        chosen, keeper = self.population, populations.current()
        if isinstance(chosen, str):
            with suppress(IntegrityError):  # somebody made it a moment ago
                keeper.add(chosen, [], by=by)
            chosen = keeper.find(chosen) or 0
        return Join(chosen)


class LeaveForm(JoinForm):
    @classmethod
    def build(cls, request: HttpRequest) -> Self:
        return cls(sent_with(request), listed=populations.current().listed(), may_make=False)

    def read_verb(self, by: str) -> Verb:
        return Leave(int(self.population))


class EditForm(ActionForm):
    """Which field first; then the value, in that field's own input."""

    column = forms.ChoiceField(label=gettext_lazy("Field"), widget=UnfoldAdminSelectWidget)

    @classmethod
    def build(cls, request: HttpRequest) -> Self:
        sent = sent_with(request)
        return cls(sent, chosen=str((sent or request.GET).get("column", "")))

    def __init__(self, data: Any = None, *, chosen: str) -> None:
        super().__init__(data)
        columns = {column.key: column for column in settable_columns()}
        choice: Any = self.fields["column"]
        choice.choices = [("", "—"), *((key, say_label(key)) for key in columns)]
        self.chosen = columns.get(chosen)
        if self.chosen is None:
            return
        choice.initial = chosen
        choice.widget = forms.HiddenInput()
        self.fields["value"] = build_field(self.chosen)
        self.fields["empty"] = _tick(_("Empty the field instead"))
        self.fields["only_blank"] = _tick(_("Only where nothing stands yet"))

    @property
    def is_complete(self) -> bool:
        return self.chosen is not None

    def clean(self) -> dict[str, Any]:
        cleaned: dict[str, Any] = super().clean() or self.cleaned_data
        has_value = cleaned.get("value") not in ("", [], None)
        if self.chosen and "value" in cleaned and has_value == bool(cleaned.get("empty")):
            self.add_error("value", _("Write a value, or choose to empty the field."))
        if cleaned.get("empty") and cleaned.get("only_blank"):
            self.add_error("only_blank", _("What is empty cannot be emptied. Choose one of the two."))
        return cleaned

    def read_verb(self, by: str) -> Verb:
        given = self.cleaned_data
        return Edit(given["column"], "" if given["empty"] else given["value"], only_blank=given["only_blank"])


class UnsubscribeForm(ActionForm):
    channel = forms.ChoiceField(
        label=gettext_lazy("Channel"), choices=list(CHANNELS.items()), widget=UnfoldAdminRadioSelectWidget
    )
    reason = forms.CharField(
        label=gettext_lazy("Reason"),
        required=False,
        max_length=100,
        help_text=gettext_lazy("It is shown with the state of the channel."),
        widget=UnfoldAdminTextInputWidget,
    )

    def read_verb(self, by: str) -> Verb:
        return Unsubscribe(self.cleaned_data["channel"], self.cleaned_data["reason"])


def _tick(label: str) -> forms.BooleanField:
    return forms.BooleanField(label=label, required=False, widget=UnfoldBooleanWidget)


FORMS: Final[dict[str, type[ActionForm]]] = {
    ActionVerb.JOIN: JoinForm,
    ActionVerb.LEAVE: LeaveForm,
    ActionVerb.EDIT: EditForm,
    ActionVerb.UNSUBSCRIBE: UnsubscribeForm,
    ActionVerb.DELETE: DeleteForm,
    ActionVerb.RESTORE: RestoreForm,
}

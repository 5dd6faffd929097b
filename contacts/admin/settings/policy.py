"""The identity policy, and what would change if it were saved."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any, Final, NamedTuple

from django import forms
from django.contrib import admin, messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import URLPattern, path, reverse
from django.utils.html import format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from unfold.widgets import UnfoldAdminSelectWidget

from contacts.admin.journal import show_moment
from contacts.admin.settings.page import FormPage, SingleRowAdmin, link_contacts, may_see_contacts, say_at_least
from contacts.admin.settings.retention import RetentionPage
from contacts.identity.consequences import Consequence, foresee
from contacts.identity.settings import read_policy
from contacts.identity.types import STANDARD, STRICT, PolicyRules
from contacts.models import CustomField, FieldType, Policy
from crm.audit import noted_change

__all__ = ["PRESETS", "PolicyAdmin", "name_policy"]

PRESETS: Final = {"standard": STANDARD, "strict": STRICT}
NAMES: Final[dict[str, Any]] = {"standard": gettext_lazy("Standard"), "strict": gettext_lazy("Strict")}

Says = tuple[Any, Any]
"""Of one, and of several."""

# code → what is said of so many; what happened in the journal is said by its setting
SAYS: Final[dict[str, Says]] = {
    "tracking_may_set_external_id": (
        gettext_lazy("Once tracking gave a contact an external ID since {since}. It would have been left out."),
        gettext_lazy(
            "{count} times tracking gave a contact an external ID since {since}. It would have been left out."
        ),
    ),
    "external_id_attaches_to_found": (
        gettext_lazy(
            "Once a contact found by email or phone got an external ID since {since}. It would have been refused, with"
            " a case for you to decide."
        ),
        gettext_lazy(
            "{count} times a contact found by email or phone got an external ID since {since}. It would have been"
            " refused, with a case for you to decide."
        ),
    ),
    "tracking_may_replace_channels": (
        gettext_lazy("Once tracking replaced an email or phone since {since}. The old one would have stayed."),
        gettext_lazy("{count} times tracking replaced an email or phone since {since}. The old one would have stayed."),
    ),
    "merge_anonymous": (
        gettext_lazy("One anonymous contact became part of an identified one since {since}. It would be apart."),
        gettext_lazy("{count} anonymous contacts became part of identified ones since {since}. They would be apart."),
    ),
    "too_long": (
        gettext_lazy("One contact has a longer external ID. It keeps it, but records that carry it will be refused."),
        gettext_lazy(
            "{count} contacts have a longer external ID. They keep it, but records that carry it will be refused."
        ),
    ),
    "were_refused": (
        gettext_lazy("One row of an import was refused because its external ID was too long."),
        gettext_lazy("{count} rows of imports were refused because their external ID was too long."),
    ),
    "cases_refused": (
        gettext_lazy("One case is open because such a record was refused. It stays; no new ones are opened for that."),
        gettext_lazy(
            "{count} cases are open because such a record was refused. They stay; no new ones are opened for that."
        ),
    ),
    "cases_shared": (
        gettext_lazy(
            "One email or phone is shared by contacts with different external IDs. It stays; the next record that"
            " brings it to such a contact goes without it."
        ),
        gettext_lazy(
            "{count} emails and phones are shared by contacts with different external IDs. They stay; the next record"
            " that brings one to such a contact goes without it."
        ),
    ),
    "anonymous": (
        gettext_lazy("One anonymous contact can become part of an identified one when it comes back."),
        gettext_lazy("{count} anonymous contacts can become part of identified ones as these come back."),
    ),
    "from_now_on": (
        gettext_lazy("It holds for what comes in from now on. What was kept out until now is not known."),
        gettext_lazy("It holds for what comes in from now on. What was kept out until now is not known."),
    ),
    "erased": (
        gettext_lazy("One anonymous contact would be erased tonight, and cannot be brought back."),
        gettext_lazy("{count} anonymous contacts would be erased tonight, and cannot be brought back."),
    ),
    "visitors_erased": (
        gettext_lazy("One visitor would be erased tonight, with the events."),
        gettext_lazy("{count} visitors would be erased tonight, with their events."),
    ),
}


class Foreseen(NamedTuple):
    """A consequence as it is shown."""

    setting: str
    says: str
    contacts: SafeString | str
    cases: SafeString | str


class PolicyForm(forms.ModelForm):
    birthday_field = forms.ModelChoiceField(
        label=gettext_lazy("Birthday"),
        queryset=CustomField.objects.filter(type=FieldType.DATE).order_by("label"),
        required=False,
        widget=UnfoldAdminSelectWidget(),
        help_text=gettext_lazy(
            "A custom field that is a date. Contacts with the same name and the same date in it are shown as possible"
            " duplicates. Empty: names are not compared."
        ),
    )

    class Meta:
        model = Policy
        exclude = ()


class PolicyPage(FormPage):
    """GET shows; POST saves, sets a preset, or only looks (``_look``) and writes nothing."""

    title = gettext_lazy("Identity policy")
    template_name = "contacts/settings/policy.html"
    saved = gettext_lazy("The policy was saved and is in force.")
    sections = (
        (
            gettext_lazy("External ID"),
            ("external_id_max_length", "external_id_attaches_to_found", "external_ids_may_share_channels"),
        ),
        (
            gettext_lazy("Tracking"),
            ("tracking_may_set_external_id", "tracking_may_replace_channels", "merge_anonymous"),
        ),
        (gettext_lazy("Duplicates"), ("birthday_field",)),
        (gettext_lazy("Inactivity"), ("anonymous_erased_after_days", "visitors_erased_after_days")),
    )
    foreseen: list[Foreseen] | None = None
    looked_at = ""

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        if "_look" in request.POST:
            return self.look(request)
        self.require_change()
        for name in PRESETS:
            if f"contacts_policy_set_{name}" in request.POST:
                return self.set_preset(name)
        return super().post(request, *args, **kwargs)

    def look(self, request: HttpRequest) -> HttpResponse:
        """What would change: if the form were saved as it stands, or under a preset."""
        preset = PRESETS.get(request.POST["_look"])
        self.form = self.build_form(request.POST)
        if preset is None and not self.form.is_valid():
            return self.render_to_response(self.get_context_data())
        wanted = preset or rules_of(self.form.cleaned_data)
        may_see = may_see_contacts(request)
        self.foreseen = [show(one, may_see=may_see) for one in foresee(read_policy(), wanted)]
        self.looked_at = str(NAMES[request.POST["_look"]]) if preset else ""
        return self.render_to_response(self.get_context_data())

    def set_preset(self, name: str) -> HttpResponse:
        policy = self.get_row()
        with noted_change(policy, request=self.request):
            for rule, value in asdict(PRESETS[name]).items():
                setattr(policy, rule, value)
            policy.save()
        messages.success(self.request, _("The {name} preset is in force.").format(name=NAMES[name]))
        return redirect(self.request.path)

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        context = super().get_context_data(**kwargs)
        return context | {"foreseen": self.foreseen, "looked_at": self.looked_at, "preset": name_policy(read_policy())}


@admin.register(Policy)
class PolicyAdmin(SingleRowAdmin):
    """The other half of its row, what is kept how long, has a page of its own."""

    form = PolicyForm
    page = PolicyPage

    def get_urls(self) -> list[URLPattern]:
        retention = self.admin_site.admin_view(RetentionPage.as_view(model_admin=self))
        return [path("retention/", retention, name="contacts_retention"), *super().get_urls()]


def rules_of(cleaned: dict[str, Any]) -> PolicyRules:
    return PolicyRules(**{name: cleaned[name] for name in PolicyRules.__dataclass_fields__})


def name_policy(rules: PolicyRules) -> str:
    """The preset that it is, or how far it is from the Standard one."""
    for name, preset in PRESETS.items():
        if rules == preset:
            return str(NAMES[name])
    count = sum(getattr(rules, name) != getattr(STANDARD, name) for name in PolicyRules.__dataclass_fields__)
    return (
        _("Standard, but for %(count)d settings") % {"count": count}
        if count > 1
        else _("Standard, but for one setting")
    )


def show(one: Consequence, *, may_see: bool) -> Foreseen:
    of_one, of_several = SAYS[one.setting] if one.code == "happened" else SAYS[one.code]
    says = of_one if one.count == 1 and one.is_exact else of_several
    since = show_moment(one.since) if one.since else ""
    text = str(says).format(count=say_at_least(one.count, is_exact=one.is_exact), since=since)
    label = str(getattr(Policy._meta.get_field(one.setting), "verbose_name", one.setting))
    return Foreseen(
        setting=label[:1].upper() + label[1:],
        says=text[:1].upper() + text[1:],
        contacts=link_contacts(one.contacts) if may_see and one.contacts else "",
        cases=link_cases(one.cases),
    )


def link_cases(ids: list[int]) -> SafeString:
    rows = ((reverse("admin:contacts_duplicatecase_change", args=[pk]), pk) for pk in ids)
    return format_html_join(", ", '<a class="text-link underline" href="{}">{}</a>', rows)

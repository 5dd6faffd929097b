"""Users: who they are, their role, and how they come in. They choose their passwords themselves, by a link."""

from __future__ import annotations

from typing import Any, Final

from django import forms
from django.contrib import admin, messages
from django.contrib.auth.models import User
from django.core.exceptions import PermissionDenied
from django.db.models import Exists, OuterRef, QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from django.utils.html import format_html
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django_otp.plugins.otp_totp.models import TOTPDevice
from unfold.admin import ModelAdmin
from unfold.decorators import display
from unfold.widgets import UnfoldAdminRadioSelectWidget

from crm import roles
from crm.admin.listing import UncountedList
from crm.admin.moments import show_moment
from crm.admin.own_page import OwnPage
from crm.audit import Action, actor_of, note, noted_change
from crm.login import second_factor, sessions
from crm.login.attempts import key_of, unlock
from crm.login.confirming import is_confirmed_lately, redirect_to_confirm
from crm.login.invitations import MailNotSent, invite, send_link
from crm.models import LoginAttempts

__all__ = ["CardfileUserAdmin"]

admin.site.unregister(User)
admin.site.unregister(TOTPDevice)  # its page would show the secrets

SHUT, WAITS, INVITED, OPEN = "shut", "waits", "invited", "open"
STATES: Final[dict[str, Any]] = {
    SHUT: gettext_lazy("may not sign in"),
    WAITS: gettext_lazy("locked out"),
    INVITED: gettext_lazy("invited"),
    OPEN: gettext_lazy("may sign in"),
}
STATE_TONES: Final = {SHUT: "danger", WAITS: "warning", INVITED: "info", OPEN: "success"}


def list_roles() -> list[tuple[str, str]]:
    return [(key, f"{rule.label}. {rule.says}") for key, rule in roles.ROLES.items()]


class UserForm(forms.ModelForm):
    """Whoever it is, in words; Django's own flags follow from the role."""

    role = forms.ChoiceField(label=gettext_lazy("Role"), choices=list_roles, widget=UnfoldAdminRadioSelectWidget)

    class Meta:
        model = User
        fields = ("username", "first_name", "last_name", "email", "is_active")
        labels = {"is_active": gettext_lazy("May sign in")}
        help_texts = {
            "username": gettext_lazy("What is typed at signing in. Letters, digits and @ . + - _ only."),
            "is_active": gettext_lazy("Take the tick away when somebody leaves: what they did keeps their name."),
        }

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if self.instance.pk and "role" in self.fields:
            self.initial["role"] = roles.role_of(self.instance)

    def clean(self) -> dict[str, Any]:
        cleaned: dict[str, Any] = super().clean() or self.cleaned_data
        stays = cleaned.get("role") == roles.ADMINISTRATOR and cleaned.get("is_active")
        was = self.instance.pk and self.instance.is_superuser and self.instance.is_active
        if was and not stays and roles.is_last_administrator(self.instance):
            raise forms.ValidationError(
                _("Nobody else is an administrator, so nobody could undo this. Make somebody else one first.")
            )
        return cleaned


class RoleFilter(admin.SimpleListFilter):
    title = gettext_lazy("role")
    parameter_name = "role"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        return [(key, rule.label) for key, rule in roles.ROLES.items()]

    def queryset(self, request: HttpRequest, queryset: QuerySet[User]) -> QuerySet[User]:
        rule = roles.ROLES.get(self.value() or "")
        if rule is None:
            return queryset
        if rule.key == roles.ADMINISTRATOR:
            return queryset.filter(is_superuser=True)
        return queryset.filter(groups__name=rule.group, is_superuser=False)


@admin.register(User)
class CardfileUserAdmin(OwnPage, ModelAdmin):
    form = UserForm
    list_display = ("name", "username", "role_shown", "last_login_shown", "two_factor_shown", "state_shown")
    list_display_links = ("name",)
    list_filter = (RoleFilter, "is_active")
    search_fields = ("username", "first_name", "last_name", "email")
    ordering = ("username",)
    sortable_by = ("username",)
    list_disable_select_all = True
    show_full_result_count = False
    actions = None
    fieldsets = (
        (None, {"fields": ("username", "first_name", "last_name", "email")}),
        (gettext_lazy("What they may do"), {"fields": ("role", "is_active")}),
    )
    change_form_outer_after_template = "login/user_state.html"

    class Media:
        css = {"all": ("contacts/contacts.css", "login/account.css")}

    # The list

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[UncountedList]:
        return UncountedList

    def get_queryset(self, request: HttpRequest) -> QuerySet[User]:
        has_app = TOTPDevice.objects.filter(user=OuterRef("pk"), confirmed=True)
        waits = LoginAttempts.objects.filter(user=OuterRef("pk"), locked_until__gt=timezone.now())
        listed: QuerySet[User] = super().get_queryset(request)
        return listed.prefetch_related("groups").annotate(has_app=Exists(has_app), waits=Exists(waits))

    @display(description=gettext_lazy("name"), ordering="username")
    def name(self, user: User) -> str:
        return user.get_full_name() or user.username

    @display(description=gettext_lazy("role"))
    def role_shown(self, user: User) -> str:
        rule = roles.ROLES.get(roles.role_of(user, [group.name for group in user.groups.all()]))
        return str(rule.label) if rule else _("none")

    @display(description=gettext_lazy("last signed in"))
    def last_login_shown(self, user: User) -> str:
        return show_moment(user.last_login) if user.last_login else _("never")

    @display(description=gettext_lazy("two-factor login"), boolean=True)
    def two_factor_shown(self, user: Any) -> bool:
        return bool(user.has_app)

    @display(description=gettext_lazy("state"), label=STATE_TONES)
    def state_shown(self, user: User) -> tuple[str, str]:
        state = state_of(user)
        return state, str(STATES[state])

    # Adding and changing

    def get_form(self, request: HttpRequest, obj: Any = None, change: bool = False, **kwargs: Any) -> Any:
        """Whoever may only look sees the role in words."""
        form: Any = super().get_form(request, obj, change=change, **kwargs)
        return form

    def get_readonly_fields(self, request: HttpRequest, obj: User | None = None) -> tuple[str, ...]:
        return () if self.has_change_permission(request, obj) or obj is None else ("role_shown",)

    def get_fieldsets(self, request: HttpRequest, obj: User | None = None) -> Any:
        if obj is None or self.has_change_permission(request, obj):
            return self.fieldsets
        person = ("username", "first_name", "last_name", "email")
        return ((None, {"fields": person}), (gettext_lazy("What they may do"), {"fields": ("role_shown", "is_active")}))

    def save_model(self, request: HttpRequest, obj: User, form: Any, change: bool) -> None:
        role = form.cleaned_data["role"]
        before = roles.role_of(User.objects.get(pk=obj.pk)) if change else ""
        if not change:
            obj.set_unusable_password()
        with noted_change(obj, request=request):
            super().save_model(request, obj, form, change)
        if role != before:
            roles.set_role(obj, role)
            details = {"name": obj.username, "role →": [before, role]}
            note(Action.ROLE_CHANGED, by=actor_of(request), about=about(obj), details=details, request=request)
        if change and not obj.is_active:
            sessions.end_sessions(obj)
        if not change:
            self.give_link(request, obj)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """A user stands behind changes in the journal, so the account is shut instead."""
        return False

    def lookup_allowed(self, lookup: str, value: str, request: HttpRequest | None = None) -> bool:
        """Nobody narrows a list by hashes, sign by sign."""
        return not lookup.startswith("password") and super().lookup_allowed(lookup, value, request)

    # How somebody comes in

    def read_state(self, request: HttpRequest, shown: User) -> dict[str, Any]:
        attempts = LoginAttempts.objects.filter(key=key_of("account", shown.username)).first()
        until = attempts.locked_until if attempts else None
        return {
            "shown": shown,
            "has_two_factor": second_factor.has_second_factor(shown),
            "sessions_count": sessions.list_sessions(shown).count(),
            "locked_until": until if until and until > timezone.now() else None,
            "audit_url": f"{reverse('admin:crm_auditentry_changelist')}?q={shown.username}",
        }

    def get_urls(self) -> list[URLPattern]:
        act = path("<int:user_id>/do/<slug:verb>/", self.admin_site.admin_view(self.do_view), name="auth_user_do")
        return [act, *super().get_urls()]

    def do_view(self, request: HttpRequest, user_id: int, verb: str) -> HttpResponse:
        verbs = {
            "link": self.give_link,
            "two-factor": self.reset_two_factor,
            "sign-out": self.sign_out,
            "unlock": self.unlock,
        }
        if request.method != "POST" or verb not in verbs or not self.has_change_permission(request):
            raise PermissionDenied
        user = get_object_or_404(User, pk=user_id if user_id < 2**31 else 0)
        address = reverse("admin:auth_user_change", args=[user.pk])
        if verb in ("link", "two-factor") and not is_confirmed_lately(request):
            return redirect_to_confirm(request, address)
        verbs[verb](request, user)
        return redirect(address)

    def give_link(self, request: HttpRequest, user: User) -> None:
        """By mail where there is an address, and shown too: mail gets lost."""
        link = invite(user, request)
        text = _("{name} chooses a password with this link. It is good once, and not shown again: {link}")
        shown = format_html('<span class="login-secret">{}</span>', link)
        messages.warning(request, format_html(text, name=user.username, link=shown))
        if not user.email:
            return
        try:
            send_link(user, link)
        except MailNotSent as error:
            messages.error(request, _(error.message))
        else:
            messages.success(request, _("The link was sent to {email}, too.").format(email=user.email))

    def reset_two_factor(self, request: HttpRequest, user: User) -> None:
        if second_factor.remove(user):
            sessions.end_sessions(user)
            note(Action.TWO_FACTOR_RESET, by=actor_of(request), about=about(user), details=name(user), request=request)
        messages.success(request, _("Two-factor login is off for this account. Ask its owner to set it up anew."))

    def sign_out(self, request: HttpRequest, user: User) -> None:
        ended = sessions.end_sessions(user)
        details = {**name(user), "why": "by an administrator", "sessions": ended}
        note(Action.SESSION_ENDED, by=actor_of(request), about=about(user), details=details, request=request)
        messages.success(request, _("This account is signed out everywhere."))

    def unlock(self, request: HttpRequest, user: User) -> None:
        if unlock(user=user):
            note(Action.UNLOCKED, by=actor_of(request), about=about(user), details=name(user), request=request)
        messages.success(request, _("This account can sign in again at once."))


def about(user: User) -> str:
    return f"auth.user:{user.pk}"


def name(user: User) -> dict[str, str]:
    return {"name": user.username}


def state_of(user: Any) -> str:
    if not user.is_active:
        return SHUT
    if user.waits:
        return WAITS
    return OPEN if user.has_usable_password() else INVITED

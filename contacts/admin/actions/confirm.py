"""The page on which an action is confirmed: exactly what will happen, to whom and to how many."""

from __future__ import annotations

from typing import Any, Final

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils.html import format_html
from django.utils.translation import gettext as _

from contacts import actions
from contacts.admin.actions.choosing import Chosen, conditions_in_words, look_at, read_chosen
from contacts.admin.actions.forms import FORMS, ActionForm
from contacts.admin.actions.words import COUNTED_UP_TO, EXPLAINED, Count, say_count, say_done, say_what
from contacts.models import ActionStatus, ActionVerb, Contact, ContactAction
from crm.audit import Action, actor_of, note
from crm.errors import CardfileError

__all__ = ["TYPED_ABOVE", "act_view", "may_act"]

TYPED_ABOVE: Final = 25
"""To delete more than one page of the list, the number is asked for."""
NEEDED: Final[dict[str, str]] = {
    ActionVerb.JOIN: "segments.change_segment",
    ActionVerb.LEAVE: "segments.change_segment",
    ActionVerb.EDIT: "contacts.change_contact",
    ActionVerb.UNSUBSCRIBE: "contacts.change_contact",
    ActionVerb.DELETE: "contacts.delete_contact",
    ActionVerb.RESTORE: "contacts.change_contact",
}


def may_act(user: Any, verb: str) -> bool:
    """Whoever may do it to one contact may do it to many."""
    sees = user.has_perm("contacts.view_contact") or user.has_perm("contacts.change_contact")
    return bool(sees and user.has_perm(NEEDED[verb]))


def act_view(admin: Any, request: HttpRequest, verb: str) -> HttpResponse:
    """The page, and with POST the action."""
    if verb not in FORMS:
        raise Http404(_("There is no such action."))
    if not may_act(request.user, verb):
        raise PermissionDenied
    try:
        chosen = read_chosen(request)
        count, some = look_at(chosen.selection)
    except CardfileError as error:
        messages.error(request, _(error.message))
        return redirect("admin:contacts_contact_changelist")
    form = FORMS[verb].build(request)
    if request.method == "POST" and form.is_complete and form.is_valid() and is_confirmed(form, verb, count):
        action = begin(request, form, chosen, count)
        if action is not None:
            return go_on(request, action, chosen)
    return show(admin, request, verb, form, chosen, count, some)


def is_confirmed(form: ActionForm, verb: str, count: Count) -> bool:
    """Whether the person saw this number, and typed it where that is asked for."""
    if form.data.get("seen") != write_seen(count):
        form.add_error(None, _("Meanwhile it is {contacts}. Look again.").format(contacts=say_count(count)))
    elif is_typed(verb, count) and read_number(form.data.get("typed", "")) != number_to_type(count):
        text = _("Type {number} to say that you mean so many.")
        form.add_error(None, text.format(number=number_to_type(count)))
    return not form.errors


def is_typed(verb: str, count: Count) -> bool:
    return verb == ActionVerb.DELETE and (count is None or count > TYPED_ABOVE)


def number_to_type(count: Count) -> int:
    return COUNTED_UP_TO if count is None else min(count, COUNTED_UP_TO)


def read_number(text: str) -> int | None:
    """With or without separators of thousands."""
    digits = "".join(char for char in text if char not in " ,.'’\u00a0\u202f")
    return int(digits) if digits.isascii() and digits.isdecimal() and len(digits) < 19 else None


def write_seen(count: Count) -> str:
    return "many" if count is None else str(count)


def begin(request: HttpRequest, form: ActionForm, chosen: Chosen, count: Count) -> ContactAction | None:
    """The action; None where it was refused, which is said on the form."""
    by = actor_of(request)
    try:
        action = actions.begin(form.read_verb(by), chosen.selection, by=by, count=count)
    except CardfileError as error:
        form.place(error)
        return None
    about = f"contacts.contactaction:{action.pk}"
    note(Action.STARTED, by=by, about=about, details={"what": say_what(action), "contacts": count}, request=request)
    return action


def go_on(request: HttpRequest, action: ContactAction, chosen: Chosen) -> HttpResponse:
    """What a few contacts needed is done already, so back to the list; else to how far it is."""
    address = reverse("admin:contacts_contactaction_change", args=[action.pk])
    if action.status != ActionStatus.FINISHED:
        return redirect(address)
    link = format_html('<a class="underline" href="{}">{}</a>', address, _("See it, or take it back"))
    messages.success(request, format_html("{} {}", say_done(action), link))
    return redirect(chosen.back)


def show(
    admin: Any,
    request: HttpRequest,
    verb: str,
    form: ActionForm,
    chosen: Chosen,
    count: Count,
    some: list[Contact],
) -> HttpResponse:
    title = str(ActionVerb(verb).label)
    context = {
        **admin.admin_site.each_context(request),
        "title": title,
        "heading": _("{what}: {contacts}").format(what=title, contacts=say_count(count)),
        "opts": admin.opts,
        "form": form,
        "verb": verb,
        "is_nobody": count == 0,
        "is_whole": chosen.selection.is_whole,
        "conditions": conditions_in_words(chosen.selection),
        "some": some,
        "more": say_more(count, len(some)),
        "lines": EXPLAINED[verb],
        "seen": write_seen(count),
        "number": number_to_type(count) if is_typed(verb, count) else None,
        "in_background": count is None or count > actions.AT_ONCE,
        "back_url": chosen.back,
        "here": f"?{chosen.query}",
        "carried": [(name, value) for name, values in request.GET.lists() for value in values if name != "column"],
        "is_danger": verb == ActionVerb.DELETE,
    }
    return TemplateResponse(request, "contacts/action_confirm.html", context, status=400 if form.errors else 200)


def say_more(count: Count, shown: int) -> str:
    if count is None or count > COUNTED_UP_TO:
        return _("and many more")
    return _("and {count} more").format(count=count - shown) if count > shown else ""

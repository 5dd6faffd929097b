"""Saved views of the contact list, and which columns it has: everybody's own, and those that are shared.

A view is opened by its own query with ``view=<id>`` behind, so that whatever it narrows by stays visible and can be
changed for the moment.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import urlencode

from django import forms
from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.db import IntegrityError, transaction
from django.db.models import Q, QuerySet
from django.forms import Media
from django.forms.widgets import Script
from django.http import Http404, HttpRequest, HttpResponse, QueryDict
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils.functional import cached_property
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from unfold.admin import ModelAdmin
from unfold.widgets import UnfoldAdminTextInputWidget, UnfoldBooleanWidget

from contacts.admin.list_columns import AT_MOST, known_columns, label_of, offered_columns, show_columns
from contacts.models import ListTaste, SavedView

__all__ = ["VIEW", "SavedViews", "read_views"]

VIEW: Final = "view"
ALL: Final = "all"
"""``?view=all``: everybody, whatever somebody's start is."""
PASSING: Final = frozenset({VIEW, "p", "e", "after", "older", "newer", "wait", "_changelist_filters"})
"""Parameters of the list's address that are no part of a view."""
LONGEST_QUERY: Final = 4_000
SHOWN_AT_MOST: Final = 100
SAVE: Final = "contacts.add_savedview"


@dataclass
class Views:
    """The views that a person sees, how they like the list, and which view is open."""

    seen: QuerySet[SavedView]
    taste: ListTaste
    asked: str

    @cached_property
    def found(self) -> list[SavedView]:
        """Read only where they are shown or one is open: the lists of segments have columns and no views."""
        return list(self.seen[:SHOWN_AT_MOST])

    @cached_property
    def open(self) -> SavedView | None:
        return None if not self.asked else next((view for view in self.found if str(view.pk) == self.asked), None)

    @property
    def columns(self) -> list[str]:
        chosen = self.open.columns if self.open is not None and self.open.columns else self.taste.columns
        return known_columns(chosen if isinstance(chosen, list) else [])


def reader_of(request: HttpRequest) -> int:
    """Behind the back office's door everybody has one."""
    return request.user.pk or 0


def read_views(request: HttpRequest) -> Views:
    """Two statements for a request at most, however often it is asked."""
    known: Views | None = getattr(request, "_contact_views", None)
    if known is None:
        mine = SavedView.objects.filter(Q(owner_id=reader_of(request)) | Q(is_shared=True)).select_related("owner")
        taste = ListTaste.objects.filter(user_id=reader_of(request)).first() or ListTaste(user_id=reader_of(request))
        known = Views(mine.order_by("name", "pk"), taste, request.GET.get(VIEW, ""))
        request._contact_views = known  # type: ignore[attr-defined]
    return known


def clean_query(query: QueryDict) -> str:
    """What narrows and orders the list, always written in the same way."""
    kept = sorted((name, value) for name, values in query.lists() for value in values if value)
    return urlencode([(name, value) for name, value in kept if name not in PASSING])


def address_of(view: SavedView) -> str:
    return f"{reverse('admin:contacts_contact_changelist')}?{f'{view.query}&' if view.query else ''}{VIEW}={view.pk}"


class ViewForm(forms.Form):
    """The name, and who sees it."""

    name = forms.CharField(label=gettext_lazy("Name"), max_length=100, widget=UnfoldAdminTextInputWidget)
    is_shared = forms.BooleanField(
        label=gettext_lazy("Shared with everybody"), required=False, widget=UnfoldBooleanWidget
    )
    is_start = forms.BooleanField(
        label=gettext_lazy("What I see first when I open the contacts"), required=False, widget=UnfoldBooleanWidget
    )


class ColumnsForm(forms.Form):
    """Keys of columns, in their order."""

    columns = forms.MultipleChoiceField(error_messages={"required": gettext_lazy("Choose at least one column.")})

    def __init__(self, data: Any = None) -> None:
        super().__init__(data)
        choice: Any = self.fields["columns"]
        choice.choices = [(key, label_of(column)) for key, column in offered_columns().items()]

    def clean_columns(self) -> list[str]:
        chosen = list(dict.fromkeys(self.cleaned_data["columns"]))
        if len(chosen) > AT_MOST:
            raise forms.ValidationError(_("Choose at most {count} columns.").format(count=AT_MOST))
        return chosen


class SavedViews(ModelAdmin):
    """The bar of views above the list, their pages, and the columns. Whoever may save views changes their own."""

    has_views = True
    """Whether the list has views; the lists of segments have its columns alone."""

    @property
    def media(self) -> Media:
        scripts: Any = (Script("contacts/list.js", type="module"),)
        return super().media + Media(css={"all": ("contacts/list-views.css",)}, js=scripts)

    def get_urls(self) -> list[URLPattern]:
        wrap = self.admin_site.admin_view
        return [
            path("views/", wrap(self.views_view), name="contacts_contact_views"),
            path("views/add/", wrap(self.add_view_view), name="contacts_contact_view_add"),
            path("views/<int:view_id>/", wrap(self.change_view_view), name="contacts_contact_view"),
            path("views/<int:view_id>/keep/", wrap(self.keep_view_view), name="contacts_contact_view_keep"),
            path("views/<int:view_id>/delete/", wrap(self.delete_view_view), name="contacts_contact_view_delete"),
            path("columns/", wrap(self.columns_view), name="contacts_contact_columns"),
            *super().get_urls(),
        ]

    # The list

    def get_list_display(self, request: HttpRequest) -> Any:
        return (*self.list_display, *show_columns(read_views(request).columns))

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        if not self.has_views:
            return super().changelist_view(request, extra_context)
        if request.method == "GET" and not request.GET and self.has_view_or_change_permission(request):
            start = read_views(request).taste.start_id
            view = next((view for view in read_views(request).found if view.pk == start), None)
            if view is not None:
                return redirect(address_of(view))
        return super().changelist_view(request, {**(extra_context or {}), **self.describe_views(request)})

    def describe_views(self, request: HttpRequest) -> dict[str, Any]:
        views, here = read_views(request), clean_query(request.GET)
        may_save = request.user.has_perm(SAVE)
        opened = views.open
        return {
            "views": [{"view": view, "url": address_of(view), "is_open": view is opened} for view in views.found],
            "all_url": f"{reverse('admin:contacts_contact_changelist')}?{VIEW}={ALL}",
            "is_all": opened is None and not here,
            "opened": opened,
            "is_altered": opened is not None and here != opened.query,
            "may_keep": opened is not None and may_change(request, opened),
            "may_save": may_save,
            "here": request.GET.urlencode(),
        }

    # Their pages

    def views_view(self, request: HttpRequest) -> HttpResponse:
        """All views that this person sees, to rename, share and delete."""
        self.check_views(self.has_view_or_change_permission(request))
        views = read_views(request)
        rows = [
            {
                "view": view,
                "url": address_of(view),
                "may_change": may_change(request, view),
                "is_mine": view.owner_id == reader_of(request),
                "is_start": view.pk == views.taste.start_id,
            }
            for view in views.found
        ]
        return self.render_views(request, "contacts/views.html", _("Saved views"), rows=rows)

    def add_view_view(self, request: HttpRequest) -> HttpResponse:
        """The list as it stands under this address gets a name."""
        self.check_views(request.user.has_perm(SAVE))
        form = ViewForm(request.POST if request.method == "POST" else None)
        if form.is_valid():
            query = clean_query(request.GET)[:LONGEST_QUERY]
            view = SavedView(owner_id=reader_of(request), query=query, columns=read_views(request).columns)
            if self.save_view(request, view, form):
                return redirect(address_of(view))
        return self.show_form(request, form, _("Save this view"))

    def change_view_view(self, request: HttpRequest, view_id: int) -> HttpResponse:
        """Another name, another circle of readers."""
        view = self.find_view(request, view_id)
        is_start = read_views(request).taste.start_id == view.pk
        initial = {"name": view.name, "is_shared": view.is_shared, "is_start": is_start}
        form = ViewForm(request.POST) if request.method == "POST" else ViewForm(initial=initial)
        if form.is_valid() and self.save_view(request, view, form):
            return redirect("admin:contacts_contact_views")
        return self.show_form(request, form, view.name, view=view)

    def save_view(self, request: HttpRequest, view: SavedView, form: ViewForm) -> bool:
        given = form.cleaned_data
        view.name, view.is_shared = given["name"], given["is_shared"]
        try:
            with transaction.atomic():
                view.save()
                self.set_start(request, view, given["is_start"])
        except IntegrityError:
            form.add_error("name", _("You have a view of this name. Choose another name."))
            return False
        messages.success(request, _("The view was saved."))
        return True

    def set_start(self, request: HttpRequest, view: SavedView, is_start: bool) -> None:
        taste, _made = ListTaste.objects.get_or_create(user_id=reader_of(request))
        if is_start and taste.start_id != view.pk:
            taste.start = view
        elif not is_start and taste.start_id == view.pk:
            taste.start = None
        taste.save()

    def keep_view_view(self, request: HttpRequest, view_id: int) -> HttpResponse:
        """The view becomes what the list shows under this address."""
        view = self.find_view(request, view_id, post_only=True)
        view.query = clean_query(request.GET)[:LONGEST_QUERY]
        view.save(update_fields=["query"])
        messages.success(request, _("The view was saved."))
        return redirect(address_of(view))

    def delete_view_view(self, request: HttpRequest, view_id: int) -> HttpResponse:
        self.find_view(request, view_id, post_only=True).delete()
        messages.success(request, _("The view was deleted. The contacts are as they were."))
        return redirect("admin:contacts_contact_views")

    def columns_view(self, request: HttpRequest) -> HttpResponse:
        """Which columns, in which order: of the view that is open, or of all lists without one."""
        self.check_views(request.user.has_perm(SAVE))
        views = read_views(request)
        is_foreign = views.open is not None and not may_change(request, views.open)
        form = ColumnsForm(request.POST if request.method == "POST" and not is_foreign else None)
        if form.is_valid():
            self.keep_columns(views, [] if "usual" in request.POST else form.cleaned_data["columns"])
            return redirect(f"{reverse('admin:contacts_contact_changelist')}?{request.GET.urlencode() or 'view=all'}")
        offered = offered_columns()
        chosen = request.POST.getlist("columns") if form.is_bound else views.columns
        order = [*(key for key in chosen if key in offered), *(key for key in offered if key not in chosen)]
        return self.render_views(
            request,
            "contacts/columns.html",
            _("Columns"),
            status=400 if form.errors else 200,
            form=form,
            view=views.open,
            is_foreign=is_foreign,
            columns=[{"key": key, "label": label_of(offered[key]), "is_chosen": key in chosen} for key in order],
            here=request.GET.urlencode(),
        )

    def keep_columns(self, views: Views, columns: list[str]) -> None:
        if views.open is not None:
            SavedView.objects.filter(pk=views.open.pk).update(columns=columns)
        else:
            ListTaste.objects.update_or_create(user_id=views.taste.user_id, defaults={"columns": columns})

    # What they have in common

    def find_view(self, request: HttpRequest, view_id: int, *, post_only: bool = False) -> SavedView:
        self.check_views(request.user.has_perm(SAVE) and (request.method == "POST" or not post_only))
        view = next((view for view in read_views(request).found if view.pk == view_id), None)
        if view is None:
            raise Http404(_("There is no such view."))
        self.check_views(may_change(request, view))
        return view

    def check_views(self, allowed: bool) -> None:
        if not allowed:
            raise PermissionDenied

    def show_form(
        self, request: HttpRequest, form: ViewForm, title: str, *, view: SavedView | None = None
    ) -> HttpResponse:
        status = 400 if form.errors else 200
        here = request.GET.urlencode()
        return self.render_views(request, "contacts/view.html", title, status=status, form=form, view=view, here=here)

    def render_views(
        self, request: HttpRequest, template: str, title: str, *, status: int = 200, **context: Any
    ) -> HttpResponse:
        context = {
            **self.admin_site.each_context(request),
            "title": title,
            "opts": self.opts,
            "list_url": reverse("admin:contacts_contact_changelist"),
            "media": self.media,
            **context,
        }
        return TemplateResponse(request, template, context, status=status)


def may_change(request: HttpRequest, view: SavedView) -> bool:
    """One's own; those of others an administrator alone."""
    return request.user.has_perm(SAVE) and (view.owner_id == reader_of(request) or request.user.is_superuser)

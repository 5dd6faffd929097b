"""What the pages about one segment have in common: who may see them, which segment, the frame."""

from __future__ import annotations

from typing import Any

from django.http import Http404, HttpRequest, HttpResponseBase
from django.utils.translation import gettext as _
from django.views.generic import TemplateView
from unfold.views import UnfoldModelAdminViewMixin

from crm.audit import actor_of
from segments.models import Segment

__all__ = ["SegmentPage", "find_segment", "may_see_contacts"]


class SegmentPage(UnfoldModelAdminViewMixin, TemplateView):
    """For those who may see segments, and contacts too, since it shows them."""

    permission_required = ()
    title = ""
    segment: Segment

    def has_permission(self) -> bool:
        return self.model_admin.has_view_permission(self.request) and may_see_contacts(self.request)

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        if not self.has_permission():
            return self.handle_no_permission()
        self.segment = self.find_segment(**kwargs)
        return super().dispatch(request, *args, **kwargs)

    def find_segment(self, **kwargs: Any) -> Segment:
        """What the address names."""
        return find_segment(kwargs["segment_id"])

    @property
    def by(self) -> str:
        return actor_of(self.request)

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        context: dict[str, Any] = super().get_context_data(**kwargs)
        return context | {"segment": self.segment, "opts": self.model_admin.opts, "original": self.segment}


def find_segment(segment_id: int) -> Segment:
    segment = Segment.objects.filter(pk=segment_id).first() if segment_id < 2**63 else None
    if segment is None:
        raise Http404(_("There is no such segment."))
    return segment


def may_see_contacts(request: HttpRequest) -> bool:
    """As the contact list has it."""
    return any(request.user.has_perm(f"contacts.{verb}_contact") for verb in ("view", "change"))

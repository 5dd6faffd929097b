"""The contacts that an import touched, as a segment that may be kept."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext as _

from contacts.models import Import
from segments.models import Segment
from segments.of_imports import build_segment, find_segment, keep_segment
from segments.pages.members import MembersView

__all__ = ["ImportedView"]


class ImportedView(MembersView):
    """All that it touched, or with ``?only=created`` just those that it created; POST without an action keeps them."""

    run: Import

    def find_segment(self, **kwargs: Any) -> Segment:
        import_id: int = kwargs["import_id"]
        run = Import.objects.filter(pk=import_id).first() if import_id < 2**63 else None
        if run is None:
            raise Http404(_("There is no such import."))
        self.run = run
        return build_segment(run, only_created=self.only_created)

    @property
    def only_created(self) -> bool:
        return self.request.GET.get("only") == "created"

    def read_context(self) -> dict[str, Any]:
        return super().read_context() | {
            "run": self.run,
            "only_created": self.only_created,
            "kept": find_segment(self.run, only_created=self.only_created),
            "may_keep": self.model_admin.has_add_permission(self.request),
        }

    def post(self, request: HttpRequest, **kwargs: Any) -> HttpResponse:
        if "action" in request.POST:
            return self.get(request, **kwargs)
        if not self.model_admin.has_add_permission(request):
            raise PermissionDenied
        segment = keep_segment(self.run, only_created=self.only_created)
        text = _("“{name}” is a segment now. Its name can be changed.")
        messages.success(request, text.format(name=segment.name))
        return redirect("admin:segments_segment_members", segment.pk)

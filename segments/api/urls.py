"""Addresses under /api/; patterns end without a slash (``crm.api.paths``)."""

from django.urls import path, register_converter

from contacts.api.urls import ContactIdConverter
from segments.api.details import ExplainView, GroupView, SnapshotView
from segments.api.views import AttachView, DetachView, GroupsView, MembersView

register_converter(ContactIdConverter, "group_id")

urlpatterns = [
    path("v1/groups", GroupsView.as_view(), name="api-groups"),
    path("v1/group/<group_id:group_id>", GroupView.as_view(), name="api-group"),
    path("v1/group/<group_id:group_id>/snapshot", SnapshotView.as_view(), name="api-group-snapshot"),
    path("v1/group/<group_id:group_id>/contacts", MembersView.as_view(), name="api-group-contacts"),
    path("v1/group/<group_id:group_id>/contacts/attach", AttachView.as_view(), name="api-group-attach"),
    path("v1/group/<group_id:group_id>/contacts/detach", DetachView.as_view(), name="api-group-detach"),
    path(
        "v1/group/<group_id:group_id>/contacts/<contact_id:contact_id>/explain",
        ExplainView.as_view(),
        name="api-group-explain",
    ),
]

"""Every address below /api/ for browsers and apps; patterns end without a slash (``crm.api.paths``)."""

from django.urls import path

from contacts.tracking.app import views as app
from contacts.tracking.web.views import EventsView, IdentifyView

urlpatterns = [
    path("v1/device", app.DeviceView.as_view(), name="api-app-device"),
    path("v1/user", app.UserView.as_view(), name="api-app-user"),
    path("v1/events", app.EventsView.as_view(), name="api-app-events"),
    path("v1/web/events", EventsView.as_view(), name="api-web-events"),
    path("v1/web/identify", IdentifyView.as_view(), name="api-web-identify"),
]

"""Every address of the site, room by room. Under /api/ patterns end without a slash (``crm.api.paths``)."""

from django.contrib import admin
from django.urls import include, path
from django.views.generic import RedirectView
from drf_spectacular.renderers import OpenApiJsonRenderer2
from drf_spectacular.views import SpectacularAPIView, SpectacularSwaggerSplitView
from rest_framework.renderers import TemplateHTMLRenderer

from contacts.tracking.web.script import send_script

urlpatterns = [
    path("", RedirectView.as_view(pattern_name="admin:index")),
    path("admin/", admin.site.urls),
    path("", include("contacts.pages.urls")),
    path("web/<str:site_key>.js", send_script, name="web-script"),
    path("api/", include("contacts.api.urls")),
    path("api/", include("contacts.tracking.urls")),
    path("api/", include("segments.api.urls")),
    path("api/schema", SpectacularAPIView.as_view(renderer_classes=[OpenApiJsonRenderer2]), name="api-schema"),
    path(
        "api/docs",
        SpectacularSwaggerSplitView.as_view(renderer_classes=[TemplateHTMLRenderer], url_name="api-schema"),
        name="api-docs",
    ),
]

handler400 = "crm.api.pages.bad_request"
handler403 = "crm.api.pages.permission_denied"
handler404 = "crm.api.pages.page_not_found"
handler500 = "crm.api.pages.server_error"

"""Every address below /api/ for browsers and apps; patterns end without a slash (``crm.api.paths``)."""

from django.urls.resolvers import URLPattern

urlpatterns: list[URLPattern] = []

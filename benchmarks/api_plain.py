"""What the API is compared with: REST framework's own ModelViewSet, which inserts a row of the same model.

It stands behind the same keys, scopes, parser and renderer. It finds nobody, keeps no identifiers and no journal,
counts no calls and remembers no bodies.
"""

from typing import Any

from django.urls import path
from django.utils import timezone
from rest_framework import serializers, viewsets

from contacts.models import Contact
from crm import urls

__all__ = ["urlpatterns"]


class PlainSerializer(serializers.ModelSerializer[Contact]):
    class Meta:
        model = Contact
        fields = ("id", "external_id", "email", "phone", "first_name", "last_name", "town", "language_code")


class PlainContacts(viewsets.ModelViewSet):  # type: ignore[type-arg]
    area = "contacts"
    queryset = Contact.objects.all()
    serializer_class = PlainSerializer

    def perform_create(self, serializer: Any) -> None:
        now = timezone.now()
        serializer.save(created_at=now, updated_at=now)


urlpatterns = [path("api/plain", PlainContacts.as_view({"post": "create"})), *urls.urlpatterns]
handler400, handler403, handler404, handler500 = urls.handler400, urls.handler403, urls.handler404, urls.handler500

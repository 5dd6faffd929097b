from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _


class SavedView(models.Model):
    """The contact list as somebody keeps it: what narrows and orders it, and which columns it has.

    ``query`` is the list's own address without the page, ``columns`` keys of the registry in their order, none for the
    usual ones. A shared one is seen by everybody, and changed by its owner or an administrator.
    """

    name = models.CharField(_("name"), max_length=100)
    owner = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="contact_views")
    is_shared = models.BooleanField(_("shared with everybody"), default=False)
    query = models.TextField(default="", blank=True)
    columns = models.JSONField(default=list, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        verbose_name = _("saved view")
        verbose_name_plural = _("saved views")
        ordering = ["name", "pk"]
        constraints = [models.UniqueConstraint(fields=["owner", "name"], name="saved_view_name")]

    def __str__(self) -> str:
        return self.name


class ListTaste(models.Model):
    """How one person likes the contact list where no view says otherwise."""

    user = models.OneToOneField(settings.AUTH_USER_MODEL, models.CASCADE, related_name="contact_list_taste")
    columns = models.JSONField(default=list, blank=True)
    start = models.ForeignKey(SavedView, models.SET_NULL, null=True, blank=True, related_name="+")

    class Meta:
        verbose_name = _("list settings")
        verbose_name_plural = _("list settings")
        default_permissions = ()

from django.contrib.postgres.indexes import GinIndex
from django.db import models
from django.utils.translation import gettext_lazy as _


class OrderStatus(models.TextChoices):
    """Only DELIVERED counts as bought."""

    INITIALIZED = "INITIALIZED", _("initialized")
    IN_PROGRESS = "IN_PROGRESS", _("in progress")
    DELIVERED = "DELIVERED", _("delivered")
    CANCELLED = "CANCELLED", _("cancelled")
    ABANDONED_SHOPPING_CART = "ABANDONED_SHOPPING_CART", _("abandoned shopping cart")


class Order(models.Model):
    """An order of a contact. Its number stands in ``Identifier`` too (kind order), which finds it and keeps it unique.

    The database key is (contact_id, id). ``items`` is a list of objects.
    """

    contact_id = models.BigIntegerField(_("contact ID"))
    external_order_id = models.CharField(_("order number"), max_length=200)
    status = models.CharField(_("status"), max_length=30, choices=OrderStatus.choices)
    total_cost = models.DecimalField(_("total"), max_digits=18, decimal_places=4)
    currency = models.CharField(_("currency"), max_length=3)
    ordered_at = models.DateTimeField(_("date"))
    items = models.JSONField(_("items"), default=list, blank=True)
    details = models.JSONField(_("details"), default=dict, blank=True)
    source = models.CharField(_("source"), max_length=20, default="")
    updated_at = models.DateTimeField(_("last change"))

    class Meta:
        verbose_name = _("order")
        verbose_name_plural = _("orders")
        indexes = [
            GinIndex(fields=["items"], name="order_items", opclasses=["jsonb_path_ops"]),
            models.Index(fields=["status", "ordered_at"], name="order_status_at", include=["contact_id", "total_cost"]),
        ]
        constraints = [
            models.CheckConstraint(name="order_status_known", condition=models.Q(status__in=OrderStatus.values))
        ]

    def __str__(self) -> str:
        return self.external_order_id


class OrderTotal(models.Model):
    """What the delivered orders of a contact come to in one currency.

    Every transaction that writes orders keeps it, see ``contacts.identity.totals``. There is no row where nothing was
    delivered.
    """

    contact_id = models.BigIntegerField(_("contact ID"))
    currency = models.CharField(_("currency"), max_length=3)
    count = models.BigIntegerField(_("orders"))
    amount = models.DecimalField(_("sum"), max_digits=24, decimal_places=4)
    first_at = models.DateTimeField(_("first order"))
    last_at = models.DateTimeField(_("last order"))

    class Meta:
        verbose_name = _("total of orders")
        verbose_name_plural = _("totals of orders")
        constraints = [models.UniqueConstraint(fields=["contact_id", "currency"], name="order_total_once")]

    def __str__(self) -> str:
        return f"{self.contact_id}: {self.amount} {self.currency}"

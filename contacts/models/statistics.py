from django.db import models
from django.utils.translation import gettext_lazy as _


class ContactTally(models.Model):
    """The active contacts of one range of ids, counted: what is known of a range holds until a contact in it changes.

    ``part`` is the id without its last five digits; ``counts`` are numbers by figure.
    """

    part = models.BigIntegerField(primary_key=True)
    counts = models.JSONField(default=dict)
    counted_at = models.DateTimeField()

    class Meta:
        verbose_name = _("tally of contacts")
        verbose_name_plural = _("tallies of contacts")

    def __str__(self) -> str:
        return f"{self.part}"


class DailyFigure(models.Model):
    """A number of a day of the account's zone: today's is taken again and again, the past stays as it was.

    ``is_reckoned`` says that nobody counted on that day: it was told afterwards from when contacts were created.
    """

    day = models.DateField(_("day"))
    name = models.CharField(_("figure"), max_length=60)
    value = models.BigIntegerField(_("number"))
    taken_at = models.DateTimeField(_("counted"))
    is_reckoned = models.BooleanField(_("reckoned afterwards"), default=False)

    class Meta:
        verbose_name = _("figure of a day")
        verbose_name_plural = _("figures of days")
        constraints = [models.UniqueConstraint(fields=["day", "name"], name="daily_figure_once")]

    def __str__(self) -> str:
        return f"{self.name} {self.day}: {self.value}"

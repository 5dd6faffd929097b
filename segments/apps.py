from django.apps import AppConfig
from django.db.models.signals import post_migrate
from django.utils.translation import gettext_lazy as _


class SegmentsConfig(AppConfig):
    name = "segments"
    verbose_name = _("Segments")

    def ready(self) -> None:
        from contacts import populations
        from segments.port import SegmentPopulations
        from segments.ready_made import make_ready_made

        populations.register(SegmentPopulations())
        post_migrate.connect(make_ready_made, sender=self, dispatch_uid="segments.make_ready_made")

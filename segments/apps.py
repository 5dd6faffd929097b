from django.apps import AppConfig
from django.db.models.signals import post_migrate
from django.utils.translation import gettext_lazy as _


class SegmentsConfig(AppConfig):
    name = "segments"
    verbose_name = _("Segments")

    def ready(self) -> None:
        from contacts import populations
        from contacts.webhooks import register
        from segments.port import SegmentPopulations
        from segments.ready_made import make_ready_made
        from segments.watching import note_changed
        from segments.watching.moves import SegmentMoves

        populations.register(SegmentPopulations())
        populations.contacts_changed.connect(note_changed, dispatch_uid="segments.watching")
        register(SegmentMoves())
        post_migrate.connect(make_ready_made, sender=self, dispatch_uid="segments.make_ready_made")

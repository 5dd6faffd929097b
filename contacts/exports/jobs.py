"""Exports as jobs."""

from __future__ import annotations

import logging
from contextlib import suppress
from functools import partial

from django.utils.translation import gettext as _

from contacts.exports.errors import Withdrawn
from contacts.exports.flow import JOB, OPEN, forget_old_exports, write_export
from contacts.models import ContactExport, ExportStatus
from crm.jobs import app, connection_let_go, failures_told, periodic

__all__ = ["forget_files", "write_export_job"]

logger = logging.getLogger(__name__)


@app.task(name=JOB, queue="exports")
@connection_let_go()
def write_export_job(export_id: int) -> None:
    """Write the file of an export."""
    export = ContactExport.objects.filter(pk=export_id, status__in=OPEN).first()
    if export is not None:
        attend(export)


def attend(export: ContactExport) -> None:
    gone = _("The database was gone. Export again.")
    with (
        failures_told(partial(fail, export), gone=gone, logger=logger, name=f"Export {export.pk}"),
        suppress(Withdrawn),
    ):
        write_export(export)


def fail(export: ContactExport, message: str) -> None:
    ContactExport.objects.filter(pk=export.pk, status__in=OPEN).update(status=ExportStatus.FAILED, error=message)


@periodic(cron="20 * * * *")
def forget_files() -> None:
    """Every hour: files of exports that expired."""
    gone = forget_old_exports()
    if gone:
        logger.info("Removed %d files of exports.", gone)

"""Exports as jobs."""

from __future__ import annotations

import logging

import psycopg
from django.db import InterfaceError, OperationalError, connection
from django.utils.translation import gettext as _

from contacts.exports.errors import Withdrawn
from contacts.exports.flow import JOB, OPEN, forget_old_exports, write_export
from contacts.models import ContactExport, ExportStatus
from crm.errors import CardfileError
from crm.jobs import app, periodic

__all__ = ["forget_files", "write_export_job"]

logger = logging.getLogger(__name__)


@app.task(name=JOB, queue="exports")
def write_export_job(export_id: int) -> None:
    """Write the file of an export."""
    try:
        export = ContactExport.objects.filter(pk=export_id, status__in=OPEN).first()
        if export is not None:
            attend(export)
    finally:
        connection.close()  # the worker's thread may not come back to it for long


def attend(export: ContactExport) -> None:
    try:
        write_export(export)
    except Withdrawn:
        return
    except (OperationalError, InterfaceError, psycopg.OperationalError, psycopg.InterfaceError):
        fail(export, _("The database was gone. Export again."))
        raise
    except CardfileError as error:
        fail(export, error.message)
    except Exception:
        logger.exception("Export %s failed.", export.pk)
        fail(export, _("Something went wrong. Tell the administrator, who finds it in the log."))
        raise


def fail(export: ContactExport, message: str) -> None:
    ContactExport.objects.filter(pk=export.pk, status__in=OPEN).update(status=ExportStatus.FAILED, error=message)


@periodic(cron="20 * * * *")
def forget_files() -> None:
    """Every hour: files of exports that expired."""
    gone = forget_old_exports()
    if gone:
        logger.info("Removed %d files of exports.", gone)

"""Warehouses: keeping one, testing it, running it. Only keys that may do everything change one."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.utils.translation import gettext as _
from rest_framework.request import Request
from rest_framework.response import Response

from contacts.api import schema_warehouse as schema
from contacts.api.refusals import refused
from contacts.api.translate import read_id
from contacts.api.translate_warehouse import read_target, show_run, show_target, told
from contacts.api.views import name_of_caller
from contacts.exports.warehouse.choosing import choose, choose_all
from contacts.exports.warehouse.flow import OPEN, cancel_run, check_target, save_target, start_run
from contacts.models import ExportTarget, RunKind
from contacts.records import Problem
from crm.api.errors import RESOURCE, NotFound
from crm.api.pagination import answer_page, fetch_page, read_page
from crm.api.views import ApiView
from crm.audit import Action, note, noted_change
from crm.audit import about as named_in_audit
from crm.errors import Refused

__all__ = ["WarehouseCancelView", "WarehouseRunsView", "WarehouseTestView", "WarehouseView", "WarehousesView"]


class WarehouseApi(ApiView):
    """No area: a key that is for contacts alone does not say where all of them go."""

    error_shape = RESOURCE
    about = ()


class WarehousesView(WarehouseApi):
    """``/v1/warehouses``."""

    @schema.list_warehouses
    def get(self, request: Request) -> Response:
        rows, total = fetch_page(ExportTarget.objects.order_by("pk"), read_page(request.query_params))
        return answer_page([show_target(target) for target in rows], total)

    @schema.add_warehouse
    def post(self, request: Request) -> Response:
        return Response(show_target(keep(ExportTarget(), request)), status=201)


class WarehouseView(WarehouseApi):
    """``/v1/warehouses/{id}``."""

    @schema.get_warehouse
    def get(self, request: Request, warehouse_id: str) -> Response:
        return Response(show_target(find(warehouse_id)))

    @schema.change_warehouse
    def patch(self, request: Request, warehouse_id: str) -> Response:
        return Response(show_target(keep(find(warehouse_id), request)))

    @schema.delete_warehouse
    def delete(self, request: Request, warehouse_id: str) -> Response:
        target = find(warehouse_id)
        note_about(Action.DELETED, target, request)
        target.delete()
        return Response(status=204)


class WarehouseTestView(WarehouseApi):
    """``/v1/warehouses/{id}/test``."""

    @schema.test_warehouse
    def post(self, request: Request, warehouse_id: str) -> Response:
        problems = [{"code": one.code, "message": one.message} for one in check_target(find(warehouse_id))]
        return Response({"works": not problems, "problems": problems})


class WarehouseRunsView(WarehouseApi):
    """``/v1/warehouses/{id}/runs``: the latest first, and with POST a new one."""

    @schema.list_runs
    def get(self, request: Request, warehouse_id: str) -> Response:
        runs = find(warehouse_id).runs.order_by("-pk")
        rows, total = fetch_page(runs, read_page(request.query_params))
        return answer_page([show_run(run) for run in rows], total)

    @schema.start_run
    def post(self, request: Request, warehouse_id: str) -> Response:
        target, kind = find(warehouse_id), read_run_kind(request.data)
        run = start_run(target, kind, by=name_of_caller(request))
        note_about(Action.EXPORTED, target, request, run=run.pk, kind=kind)
        return Response(show_run(run), status=201)


class WarehouseCancelView(WarehouseApi):
    """``/v1/warehouses/{id}/cancel``: whatever is under way."""

    @schema.cancel_run
    def post(self, request: Request, warehouse_id: str) -> Response:
        run = find(warehouse_id).runs.filter(status__in=OPEN).first()
        if run is None:
            raise NotFound(_("No run of this warehouse is under way."))
        return Response(show_run(cancel_run(run)))


def find(warehouse_id: str) -> ExportTarget:
    target = ExportTarget.objects.filter(pk=read_id(warehouse_id)).first()
    if target is None:
        raise NotFound(_("There is no such warehouse."))
    return target


def keep(target: ExportTarget, request: Request) -> ExportTarget:
    """As the body has it; a new one has every data set with every column unless it says which."""
    is_new = target.pk is None
    wire = read_target(target, request.data)
    if wire.problems:
        raise refused(wire.problems)
    secret = wire.secret if wire.secret is not None or target.secret else ""
    try:
        with noted_change(target, request=request._request, hidden=("secret",), by=name_of_caller(request)):
            save_target(target, secret=secret)
            if wire.tables is not None:
                choose(target, wire.tables, names=wire.names)
            elif is_new:
                choose_all(target)
    except Refused as error:
        raise refused(told(error.errors)) from error
    if wire.tables is not None and not is_new:
        note_about(Action.CHANGED, target, request, tables=sorted(wire.tables))
    return target


def read_run_kind(body: Any) -> str:
    given = body.get("kind", RunKind.INCREMENTAL) if isinstance(body, Mapping) else RunKind.INCREMENTAL
    if not isinstance(given, str) or given not in RunKind.values:
        raise refused([Problem("kind", "unknown_kind", f"The kind is one of: {', '.join(RunKind.values)}.")])
    return str(given)


def note_about(action: Action, target: ExportTarget, request: Request, **details: Any) -> None:
    told_of = {"name": target.name, **details}
    note(action, by=name_of_caller(request), about=named_in_audit(target), details=told_of, request=request._request)

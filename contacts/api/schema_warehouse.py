"""How warehouses describe themselves. The shapes are for readers: bodies are read leniently."""

from __future__ import annotations

from typing import Any, Final

from drf_spectacular.utils import OpenApiExample, OpenApiParameter, OpenApiResponse, extend_schema
from rest_framework import serializers

from contacts.api.schema_resource import RESOURCE_BODY_FAILURES, RESOURCE_FAILURES, resource_failure
from contacts.models import Deletions, RunKind, RunStatus, TargetKind
from contacts.wire import LARGEST_ID
from crm.api.links import Link, leads_to
from crm.api.pagination import PAGE_PARAMETERS

__all__ = [
    "add_warehouse",
    "cancel_run",
    "change_warehouse",
    "delete_warehouse",
    "get_warehouse",
    "list_runs",
    "list_warehouses",
    "start_run",
    "test_warehouse",
]

TAG: Final = "Warehouses"


class TableWish(serializers.Serializer):
    name = serializers.CharField(required=False, help_text="Of the table there, until it is made; else the data set's.")
    columns = serializers.ListField(
        child=serializers.CharField(),
        required=False,
        allow_null=True,
        help_text="Keys. Left out: those it has, or all where it is new.",
    )


class WarehouseWish(serializers.Serializer):
    name = serializers.CharField(required=False)
    kind = serializers.ChoiceField(choices=TargetKind.values, required=False, help_text="It stays what it is.")
    secret = serializers.CharField(
        required=False,
        write_only=True,
        help_text="The address with its password, or the key's JSON. Never shown.",
    )
    settings = serializers.DictField(
        child=serializers.CharField(), required=False, help_text="schema and sslmode; or project, dataset and location."
    )
    deletions = serializers.ChoiceField(choices=Deletions.values, required=False)
    everyMinutes = serializers.IntegerField(required=False, allow_null=True)
    cron = serializers.CharField(required=False, allow_blank=True, help_text="In the account's time zone.")
    isActive = serializers.BooleanField(required=False)
    tables = serializers.DictField(
        child=TableWish(), required=False, help_text="Exactly these data sets leave. Left out of a new one: all."
    )


class Table(serializers.Serializer):
    name = serializers.CharField()
    columns = serializers.ListField(child=serializers.CharField())
    columnsToFill = serializers.ListField(child=serializers.CharField(), help_text="Added by the next run.")
    needsFull = serializers.BooleanField()


class Warehouse(serializers.Serializer):
    id = serializers.IntegerField()
    name = serializers.CharField()
    kind = serializers.ChoiceField(choices=TargetKind.values)
    settings = serializers.DictField(child=serializers.CharField(allow_blank=True))
    hasSecret = serializers.BooleanField()
    deletions = serializers.ChoiceField(choices=Deletions.values)
    everyMinutes = serializers.IntegerField(allow_null=True)
    cron = serializers.CharField(allow_blank=True)
    isActive = serializers.BooleanField()
    nextRunAt = serializers.CharField(allow_null=True)
    failedAt = serializers.CharField(allow_null=True, help_text="null unless its last run failed.")
    checkedAt = serializers.CharField(allow_null=True)
    checkError = serializers.CharField(allow_blank=True)
    tables = serializers.DictField(child=Table())


class WarehouseProblem(serializers.Serializer):
    code = serializers.CharField()
    message = serializers.CharField()


class WarehouseTest(serializers.Serializer):
    works = serializers.BooleanField()
    problems = WarehouseProblem(many=True)


class RunWish(serializers.Serializer):
    kind = serializers.ChoiceField(choices=RunKind.values, required=False, help_text="incremental unless it is said.")


class RunCounts(serializers.Serializer):
    written = serializers.IntegerField()
    removed = serializers.IntegerField()


class WarehouseRun(serializers.Serializer):
    id = serializers.IntegerField()
    warehouse = serializers.IntegerField()
    kind = serializers.ChoiceField(choices=RunKind.values)
    status = serializers.ChoiceField(choices=RunStatus.values)
    counts = serializers.DictField(child=RunCounts(), help_text="By data set.")
    bytes = serializers.IntegerField()
    error = serializers.CharField(allow_blank=True)
    errorCode = serializers.CharField(allow_blank=True)
    createdAt = serializers.CharField()
    startedAt = serializers.CharField(allow_null=True)
    finishedAt = serializers.CharField(allow_null=True)


WISH: Final[dict[str, Any]] = {
    "name": "Company",
    "kind": "postgresql",
    "secret": "postgresql://cardfile:password@db.example.com:5432/company",
    "settings": {"schema": "cardfile"},
    "everyMinutes": 60,
    "tables": {"contacts": {"columns": ["id", "external_id", "email"]}, "orders": {}},
}
UNKNOWN: Final = {404: resource_failure(404, "not_found", "There is no such warehouse.")}
REFUSED_PAGE: Final = {
    422: resource_failure(
        422, "invalid", "Some values were refused.", ("maxrows", "Write a whole number that is not negative.")
    )
}
GOES_ON: Final = {
    409: resource_failure(
        409, "export_goes_on", "An export to this target is under way. Wait until it is finished, or cancel it."
    )
}
NUMBER: Final = OpenApiParameter(
    "warehouse_id",
    {"type": "integer", "format": "int64", "minimum": 1, "maximum": LARGEST_ID},
    OpenApiParameter.PATH,
)
TO_IT: Final = leads_to(Link("getWarehouse", {"warehouse_id": "$response.body#/id"}), after=(201,))


list_warehouses = extend_schema(
    operation_id="listWarehouses",
    summary="Databases of the company that are kept up to date",
    tags=[TAG],
    parameters=PAGE_PARAMETERS,
    responses={200: OpenApiResponse(Warehouse(many=True), "Warehouses."), **RESOURCE_FAILURES, **REFUSED_PAGE},
)
add_warehouse = extend_schema(
    operation_id="addWarehouse",
    summary="Add a warehouse",
    description="Nothing is sent before its first run. A name, a kind and a secret are needed.",
    tags=[TAG],
    request=WarehouseWish,
    responses={201: OpenApiResponse(Warehouse, "It is kept."), **RESOURCE_FAILURES, **RESOURCE_BODY_FAILURES},
    examples=[OpenApiExample("a database", WISH, request_only=True)],
    extensions=TO_IT,
)
get_warehouse = extend_schema(
    operation_id="getWarehouse",
    summary="A warehouse",
    tags=[TAG],
    parameters=[NUMBER],
    responses={200: OpenApiResponse(Warehouse, "The warehouse."), **RESOURCE_FAILURES, **UNKNOWN},
)
change_warehouse = extend_schema(
    operation_id="changeWarehouse",
    summary="Change a warehouse",
    description="Changes only what is sent. Another place gets everything anew.",
    tags=[TAG],
    parameters=[NUMBER],
    request=WarehouseWish,
    responses={
        200: OpenApiResponse(Warehouse, "It is kept."),
        **RESOURCE_FAILURES,
        **RESOURCE_BODY_FAILURES,
        **UNKNOWN,
        **GOES_ON,
    },
    examples=[OpenApiExample("a schedule", {"cron": "0 6 * * 1-5", "everyMinutes": None}, request_only=True)],
)
delete_warehouse = extend_schema(
    operation_id="deleteWarehouse",
    summary="Keep a warehouse up no more",
    description="Its tables stay there as they are.",
    tags=[TAG],
    parameters=[NUMBER],
    responses={204: OpenApiResponse(description="It is gone."), **RESOURCE_FAILURES, **UNKNOWN},
)
test_warehouse = extend_schema(
    operation_id="testWarehouse",
    summary="Test its connection",
    description="Whether tables can be made and written there. Nothing is left behind.",
    tags=[TAG],
    parameters=[NUMBER],
    request=None,
    responses={
        200: OpenApiResponse(WarehouseTest, "What came of it."),
        **RESOURCE_FAILURES,
        **RESOURCE_BODY_FAILURES,
        **UNKNOWN,
    },
)
list_runs = extend_schema(
    operation_id="listWarehouseRuns",
    summary="Its runs, the latest first",
    tags=[TAG],
    parameters=[NUMBER, *PAGE_PARAMETERS],
    responses={
        200: OpenApiResponse(WarehouseRun(many=True), "The runs of three months."),
        **RESOURCE_FAILURES,
        **REFUSED_PAGE,
        **UNKNOWN,
    },
)
start_run = extend_schema(
    operation_id="startWarehouseRun",
    summary="Bring it up to date now",
    description="In the background. A full run sends everything anew, beside the tables that stand.",
    tags=[TAG],
    parameters=[NUMBER],
    request=RunWish,
    responses={
        201: OpenApiResponse(WarehouseRun, "It begins in a moment."),
        **RESOURCE_FAILURES,
        **RESOURCE_BODY_FAILURES,
        **UNKNOWN,
        **GOES_ON,
    },
    examples=[OpenApiExample("everything anew", {"kind": "full"}, request_only=True)],
)
cancel_run = extend_schema(
    operation_id="cancelWarehouseRun",
    summary="Cancel the run that is under way",
    description="It stops after the rows that are being written; the next run goes on from there.",
    tags=[TAG],
    parameters=[NUMBER],
    request=None,
    responses={
        200: OpenApiResponse(WarehouseRun, "It stops."),
        **RESOURCE_FAILURES,
        **RESOURCE_BODY_FAILURES,
        **UNKNOWN,
    },
)

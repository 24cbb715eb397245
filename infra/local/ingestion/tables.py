"""From an envelope to the row that a query finds: which table it is filed in, and under which columns.

Tables and columns of Application Insights: https://learn.microsoft.com/azure/azure-monitor/app/data-model-complete and
https://learn.microsoft.com/azure/azure-monitor/reference/tables-category ("Legacy" names, as a query of the component
itself uses). Only columns that the telemetry of this product fills are filed.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from infra.local.ingestion.envelopes import Envelope

# Tags that stand beside the data of every envelope.
_TAGS = {
    "ai.operation.id": "operation_Id",
    "ai.operation.parentId": "operation_ParentId",
    "ai.operation.name": "operation_Name",
    "ai.cloud.role": "cloud_RoleName",
    "ai.cloud.roleInstance": "cloud_RoleInstance",
}
_CALLS = {"id": "id", "name": "name", "duration": "duration", "success": "success"}
_REQUESTS = {**_CALLS, "responseCode": "resultCode"}
_DEPENDENCIES = {**_CALLS, "resultCode": "resultCode", "type": "type", "target": "target", "data": "data"}
_METRICS = {"name": "name", "value": "valueSum", "count": "valueCount", "min": "valueMin", "max": "valueMax"}
_TRACES = {"message": "message", "severityLevel": "severityLevel"}
_EXCEPTIONS = {"type": "type", "outerMessage": "outerMessage", "severityLevel": "severityLevel"}


@dataclass(frozen=True)
class Row:
    """One row.

    Attributes:
        table: such as ``requests``.
        columns: by name; ``customDimensions`` holds a mapping.
    """

    table: str
    columns: Mapping[str, Any]

    @property
    def dimensions(self) -> Mapping[str, str]:
        """The custom dimensions."""
        found: Mapping[str, str] = self.columns["customDimensions"]
        return found


def rows(envelope: Envelope) -> Iterator[Row]:
    """Iterate over the rows an envelope becomes: one, but for metrics, which come several at a time.

    Raises:
        KeyError: it is of a type that no table is known for.
    """
    data = envelope["data"]["baseData"]
    shared = {column: envelope.get("tags", {}).get(tag, "") for tag, column in _TAGS.items()}
    common = {"timestamp": envelope["time"], **shared, "customDimensions": data.get("properties") or {}}
    for table, columns in _BY_TYPE[envelope["data"]["baseType"]](data):
        yield Row(table, {**common, **columns})


def _named(names: Mapping[str, str], data: Mapping[str, Any]) -> dict[str, Any]:
    return {column: data[field] for field, column in names.items() if data.get(field) is not None}


def _metrics(data: Mapping[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    for point in data["metrics"]:
        found = _named(_METRICS, point)
        yield "customMetrics", {"valueCount": 1, **found, "value": found["valueSum"]}


def _exception(data: Mapping[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    first = data["exceptions"][0]
    known = {"type": first.get("typeName"), "outerMessage": first.get("message"), **data}
    yield "exceptions", _named(_EXCEPTIONS, known)


_BY_TYPE = {
    "RequestData": lambda data: [("requests", _named(_REQUESTS, data))],
    "RemoteDependencyData": lambda data: [("dependencies", _named(_DEPENDENCIES, data))],
    "MetricData": _metrics,
    "EventData": lambda data: [("customEvents", {"name": data["name"]})],
    "MessageData": lambda data: [("traces", _named(_TRACES, data))],
    "ExceptionData": _exception,
}

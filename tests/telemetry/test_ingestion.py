"""The ingestion endpoint takes what exporters send, and says what is wrong with anything else."""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterator
from typing import Any

import pytest
import requests

from infra.local.ingestion.server import Ingestion

pytestmark = pytest.mark.unit

EVENT: dict[str, Any] = {
    "name": "Microsoft.ApplicationInsights.Event",
    "time": "2026-03-04T12:00:00Z",
    "tags": {"ai.operation.id": "trace", "ai.operation.parentId": "span"},
    "data": {"baseType": "EventData", "baseData": {"ver": 2, "name": "tag-moved", "properties": {"a": "b"}}},
}


@pytest.fixture
def ingestion() -> Iterator[Ingestion]:
    with Ingestion() as listening:
        yield listening


def post(ingestion: Ingestion, body: bytes, **headers: str) -> requests.Response:
    session = requests.Session()
    session.trust_env = False
    return session.post(f"{ingestion.url}/v2.1/track", data=body, headers=headers, timeout=5)


def test_compressed_envelopes_are_taken_and_filed(ingestion: Ingestion) -> None:
    body = gzip.compress(json.dumps([EVENT, EVENT]).encode())
    answer = post(ingestion, body, **{"Content-Encoding": "gzip"})
    assert answer.json() == {"itemsReceived": 2, "itemsAccepted": 2, "errors": []}
    row = ingestion.rows("customEvents")[0]
    assert (row.columns["name"], row.columns["operation_Id"], row.dimensions) == ("tag-moved", "trace", {"a": "b"})


def test_envelopes_one_a_line_are_taken(ingestion: Ingestion) -> None:
    body = "\n".join(json.dumps(EVENT) for _ in range(3)).encode()
    assert post(ingestion, body).json()["itemsAccepted"] == 3


@pytest.mark.parametrize(
    "body",
    [
        b"nonsense",
        b'[{"name": "x"}]',
        json.dumps([{**EVENT, "data": {"baseType": "Strange", "baseData": {}}}]).encode(),
    ],
    ids=["no-json", "no-data", "unknown-type"],
)
def test_what_is_no_envelope_is_refused_and_not_kept(ingestion: Ingestion, body: bytes) -> None:
    answer = post(ingestion, body)
    assert answer.status_code == 400
    assert answer.json()["errors"]
    assert ingestion.rows() == []


def test_one_envelope_with_several_metrics_is_several_rows(ingestion: Ingestion) -> None:
    points = [{"name": "one", "value": 4, "count": 2, "max": 3}, {"name": "two", "value": 1}]
    data = {"baseType": "MetricData", "baseData": {"metrics": points, "properties": {}}}
    post(ingestion, json.dumps([{**EVENT, "data": data}]).encode())
    one, two = ingestion.rows("customMetrics")
    assert (one.columns["valueSum"], one.columns["valueCount"], one.columns["valueMax"]) == (4, 2, 3)
    assert (two.columns["value"], two.columns["valueCount"]) == (1, 1)

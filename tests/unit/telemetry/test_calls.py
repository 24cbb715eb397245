"""Calls of others are counted; one that failed is told whole, below what it was made for, and no flood of them is."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import pytest
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import SpanKind
from requests import Session
from urllib3.exceptions import HTTPError, ProtocolError

from shared.adapters import listening
from shared.adapters.connections import Connections
from shared.adapters.deadlines import Exchange
from shared.adapters.kept_alive import Discreet, KeptAlive
from shared.call_ports import Call
from shared.domain.events.messages import LookAtDue
from shared.domain.promotion.due import Due
from shared.telemetry import spans
from shared.telemetry.calls import called
from tests.doubles.scripted_http import ScriptedHttp, wire
from tests.unit.examples import NOON

pytestmark = pytest.mark.unit

__all__ = ["wire"]
LOOK = LookAtDue(v=1, due=Due.STAGING, at=NOON)
URL = "https://account.table.core.windows.net/candidates"


@pytest.fixture(autouse=True)
def heard() -> Iterator[None]:
    """Let the telemetry hear what is asked, as the app does when it is put together."""
    before = list(listening._listeners)
    listening.listen(called)
    yield
    listening._listeners[:] = before


def ask(url: str = URL, headers: Mapping[str, str] | None = None) -> int:
    """Ask as Azure's SDKs do."""
    with Session() as session:
        session.trust_env = False
        session.mount("https://", KeptAlive())
        return session.get(url, headers=dict(headers or {})).status_code


def attributes(span: ReadableSpan) -> dict[str, Any]:
    return dict(span.attributes or {})


def test_a_call_that_went_well_is_counted_and_is_no_span(wire: ScriptedHttp, exported: InMemorySpanExporter) -> None:
    wire.answer(200)
    wire.answer(201)
    with spans.consuming("imports", LOOK):
        ask()
        ask()
    (step,) = exported.get_finished_spans()
    told = attributes(step)
    assert (told["tidegate.calls"], "tidegate.calls.failed" in told) == (2, False)
    assert 0 <= told["tidegate.calls.seconds"] < 60


def test_a_look_at_an_upstream_is_counted_in_the_same_way(
    wire: ScriptedHttp,
    exported: InMemorySpanExporter,
) -> None:
    wire.answer(200)
    with spans.consuming("checks", LOOK):
        exchange = Exchange(60)
        Connections(1, 1).send("HEAD", "https://registry-1.docker.io/v2/a/manifests/1", {}, None, exchange)
    (step,) = exported.get_finished_spans()
    assert attributes(step)["tidegate.calls"] == 1


def test_a_call_that_failed_is_a_span_below_what_it_was_made_for(
    wire: ScriptedHttp,
    exported: InMemorySpanExporter,
) -> None:
    wire.answer(503)
    with spans.consuming("imports", LOOK):
        assert ask(f"{URL}?sig=secret") == 503
    call, step = exported.get_finished_spans()
    assert call.parent is not None
    assert (call.kind, call.parent.span_id, call.status.is_ok) == (SpanKind.CLIENT, step.context.span_id, False)
    assert attributes(call) == {
        "http.request.method": "GET",
        "url.full": "https://account.table.core.windows.net:443/candidates",
        "server.address": "account.table.core.windows.net",
        "server.port": 443,
        "http.response.status_code": 503,
        "error.type": "503",
    }
    assert (attributes(step)["tidegate.calls"], attributes(step)["tidegate.calls.failed"]) == (1, 1)
    assert step.status.is_ok


def test_a_call_without_an_answer_is_told_with_the_kind_of_error(
    wire: ScriptedHttp,
    exported: InMemorySpanExporter,
) -> None:
    wire.fail(ProtocolError("cut off"))
    with spans.consuming("checks", LOOK), pytest.raises(HTTPError):
        exchange = Exchange(60)
        Connections(1, 1).send("HEAD", "https://quay.io/v2/", {}, None, exchange)
    call, _ = exported.get_finished_spans()
    assert (attributes(call)["error.type"], attributes(call)["tidegate.error"]) == ("ProtocolError", "ProtocolError")
    assert "http.response.status_code" not in attributes(call)


def test_a_failed_call_lasts_as_long_as_it_did(exported: InMemorySpanExporter) -> None:
    called(Call("GET", URL, 500, "", True, 1_000, 3_000))
    (call,) = exported.get_finished_spans()
    assert (call.start_time, call.end_time) == (1_000, 3_000)


@pytest.mark.parametrize(
    ("status", "signed", "failed"),
    [
        (200, True, False),
        (304, True, False),
        (404, True, False),
        (409, True, False),
        (412, True, False),
        (401, False, False),
        (401, True, True),
        (400, True, True),
        (403, True, True),
        (429, True, True),
        (500, False, True),
        (0, True, True),
    ],
)
def test_an_answer_that_was_asked_for_is_no_failure(
    status: int, signed: bool, failed: bool, exported: InMemorySpanExporter
) -> None:
    called(Call("GET", URL, status, "" if status else "ProtocolError", signed, 0, 1))
    assert len(exported.get_finished_spans()) == failed


def test_of_very_many_failures_of_one_step_the_first_are_told_and_all_are_counted(
    wire: ScriptedHttp,
    exported: InMemorySpanExporter,
) -> None:
    for _ in range(25):
        wire.answer(500)
    with spans.consuming("checks", LOOK):
        for _ in range(25):
            ask()
    *calls, step = exported.get_finished_spans()
    assert (len(calls), attributes(step)["tidegate.calls.failed"]) == (10, 25)


def test_a_call_that_says_who_asks_is_known_by_its_header(
    wire: ScriptedHttp,
    exported: InMemorySpanExporter,
) -> None:
    wire.answer(401)
    wire.answer(401)
    ask()
    assert exported.get_finished_spans() == ()
    ask(headers={"Authorization": "Bearer x"})
    assert len(exported.get_finished_spans()) == 1


def test_where_an_address_is_a_secret_only_its_host_is_told(wire: ScriptedHttp) -> None:
    told: list[str] = []
    listening.listen(lambda call: told.append(call.url))
    wire.answer(200)
    with Session() as session:
        session.trust_env = False
        session.mount("https://", Discreet())
        assert session.post("https://hooks.slack.com/services/T0/B0/secret?sig=secret").status_code == 200
    assert told == ["https://hooks.slack.com:443"]

"""What is told of a change, and under which trace; without an SDK nothing is told and the trace is still passed on."""

from __future__ import annotations

import logging
import re
from datetime import timedelta
from pathlib import Path
from typing import Any

import msgspec
import pytest
from azure.monitor.opentelemetry.exporter.export.metrics._exporter import APPLICATION_INSIGHTS_METRIC_TEMPORALITIES
from opentelemetry import trace
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.semconv._incubating.attributes import (
    container_attributes,
    error_attributes,
    messaging_attributes,
    oci_attributes,
)
from opentelemetry.trace import SpanKind

from shared.domain.events.messages import LookAtCandidate
from shared.domain.promotion.candidate import Candidate, Reason
from shared.domain.promotion.lifecycle import advance
from shared.domain.promotion.rebuilds import RebuildStatus
from shared.domain.watching.budget import Budget, Learned, Purpose
from shared.errors import RateLimited, TidegateError, Unavailable
from shared.rules.ledger import Ledger
from shared.rules.progress import candidate_progress
from shared.telemetry import metrics, spans
from shared.telemetry.changes import candidate_changed, rebuild_changed
from shared.telemetry.observers import CountedUpstream, TracedOutbox
from tests.doubles.queues import InMemoryOutbox
from tests.doubles.storage import InMemoryBudgets, InMemoryRecords, SettableClock
from tests.doubles.upstreams import InMemoryUpstream
from tests.unit.examples import NODE, NOON, ONE, TAG, candidate, rebuild

pytestmark = pytest.mark.unit

TRACE = "0af7651916cd43dd8448eb211c80319c"
TRACEPARENT = f"00-{TRACE}-b7ad6b7169203331-01"
LOOK = LookAtCandidate(v=1, candidate=candidate().id, step=1, traceparent=TRACEPARENT)


ROOT = Path(__file__).resolve().parents[3]
# What the telemetry's own modules write in quotes with dots between and is no attribute: whose log is kept quiet.
LIBRARIES = {name for name in spans._CHATTY if "." in name} | {"tidegate.events"}


def names_collected(reader: InMemoryMetricReader) -> set[str]:
    """The metrics that a reader has something of since it last looked."""
    data = reader.get_metrics_data()
    resources = data.resource_metrics if data else []
    return {metric.name for one in resources for scope in one.scope_metrics for metric in scope.metrics}


class Counted:
    """Stands for an instrument and keeps what it was told."""

    def __init__(self) -> None:
        self.told: list[tuple[float, dict[str, str]]] = []

    def add(self, amount: float, dimensions: dict[str, str] | None = None) -> None:
        self.told.append((amount, dimensions or {}))

    record = add


@pytest.fixture
def exported(monkeypatch: pytest.MonkeyPatch) -> InMemorySpanExporter:
    exporter, provider = InMemorySpanExporter(), TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    monkeypatch.setattr(spans, "_TRACER", provider.get_tracer("tidegate"))
    return exporter


@pytest.fixture
def events(caplog: pytest.LogCaptureFixture) -> pytest.LogCaptureFixture:
    caplog.set_level(logging.INFO, "tidegate.events")
    return caplog


def told(events: pytest.LogCaptureFixture, key: str) -> list[Any]:
    return [vars(record)[key] for record in events.records if key in vars(record)]


def passed() -> tuple[Candidate, Candidate]:
    """A candidate in its gate, and what one write makes of it when the gate has let it pass."""
    staged = candidate()
    for reason in (Reason.IMPORT_STARTED, Reason.IMPORT_VERIFIED, Reason.GATE_STARTED):
        staged = advance(staged, reason, NOON)
    now = NOON + timedelta(seconds=30)
    return staged, advance(advance(staged, Reason.GATE_PASSED, now), Reason.PROMOTION_STARTED, now)


def test_every_step_of_one_write_is_an_event_with_the_time_before_it(events: pytest.LogCaptureFixture) -> None:
    candidate_changed(*passed())
    assert told(events, "microsoft.custom_event.name") == ["gate-passed", "promotion-started"]
    assert told(events, "tidegate.seconds") == [30.0, 0.0]
    assert told(events, "oci.manifest.digest") == [ONE, ONE]


def test_a_verdict_and_the_time_to_promote_are_measured(monkeypatch: pytest.MonkeyPatch) -> None:
    verdicts, times = Counted(), Counted()
    monkeypatch.setattr(metrics, "VERDICTS", verdicts)
    monkeypatch.setattr(metrics, "TIME_TO_PROMOTE", times)
    before, promoting = passed()
    candidate_changed(before, promoting)
    done = advance(promoting, Reason.PROMOTION_VERIFIED, NOON + timedelta(minutes=2))
    candidate_changed(promoting, done)
    assert verdicts.told == [(1, {"tidegate.verdict": "passed"})]
    assert times.told == [(120.0, {})]


def test_a_rebuild_is_told_of_when_its_status_changes_and_counted_when_it_ends(
    events: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    ended = Counted()
    monkeypatch.setattr(metrics, "REBUILDS", ended)
    running, done = rebuild(status=RebuildStatus.RUNNING), rebuild(status=RebuildStatus.SUCCEEDED)
    rebuild_changed(running, running)
    rebuild_changed(running, done)
    assert told(events, "microsoft.custom_event.name") == ["rebuild-succeeded"]
    assert ended.told == [(1, {"tidegate.outcome": "succeeded"})]


def test_a_renewed_lease_is_no_change() -> None:
    clock, seen = SettableClock(NOON), list[Candidate]()
    records = InMemoryRecords(Candidate)
    outbox = InMemoryOutbox(clock)
    progress = candidate_progress(records, outbox, clock, tell=lambda _, after: seen.append(after))
    assert progress.insert(candidate())
    stored = records.get(candidate().id)
    assert stored is not None
    progress.again(stored, timedelta(minutes=5))
    assert seen == [candidate()]


def test_a_write_that_another_worker_overtook_is_not_told_of() -> None:
    clock, seen = SettableClock(NOON), list[Candidate]()
    records = InMemoryRecords(Candidate)
    progress = candidate_progress(records, InMemoryOutbox(clock), clock, tell=lambda _, after: seen.append(after))
    records.insert(candidate())
    stored = records.get(candidate().id)
    assert stored is not None
    started = advance(candidate(), Reason.IMPORT_STARTED, NOON)
    assert progress.claim(stored, started) is not None
    assert progress.claim(stored, started) is None
    assert seen == [started]


def test_without_an_sdk_a_message_keeps_the_trace_it_names() -> None:
    outbox = InMemoryOutbox(SettableClock(NOON))
    TracedOutbox(outbox).send(LOOK)
    assert outbox.sent[0].message.traceparent == TRACEPARENT


def test_a_message_is_sent_in_the_trace_it_names_and_linked_to_what_sends_it(exported: InMemorySpanExporter) -> None:
    outbox = InMemoryOutbox(SettableClock(NOON))
    with spans.acting("sweep"):
        TracedOutbox(outbox).send(LOOK)
    sent, sweep = exported.get_finished_spans()
    assert (sent.name, sent.kind, f"{sent.context.trace_id:032x}") == ("send imports", SpanKind.PRODUCER, TRACE)
    assert [link.context.trace_id for link in sent.links] == [sweep.context.trace_id]
    assert outbox.sent[0].message.traceparent == f"00-{TRACE}-{sent.context.span_id:016x}-01"


def test_a_message_is_worked_on_below_the_span_that_sent_it(exported: InMemorySpanExporter) -> None:
    with spans.consuming("imports", LOOK) as look:
        assert look.traceparent == spans.current_traceparent()
    (worked,) = exported.get_finished_spans()
    assert (worked.kind, worked.parent and f"{worked.parent.span_id:016x}") == (SpanKind.CONSUMER, "b7ad6b7169203331")
    assert dict(worked.attributes or {})["messaging.destination.name"] == "imports"


def test_a_message_without_a_readable_trace_begins_one(exported: InMemorySpanExporter) -> None:
    with spans.consuming("imports", LookAtCandidate(v=1, candidate=candidate().id, step=1, traceparent="nonsense")):
        pass
    assert exported.get_finished_spans()[0].parent is None


def test_what_happens_to_a_record_is_told_in_its_own_trace(exported: InMemorySpanExporter) -> None:
    with spans.acting("webhook"):
        with spans.within(TRACEPARENT):
            assert f"{trace.get_current_span().get_span_context().trace_id:032x}" == TRACE
        assert f"{trace.get_current_span().get_span_context().trace_id:032x}" != TRACE
    assert [span.name for span in exported.get_finished_spans()] == ["webhook"]


def test_work_that_breaks_off_names_its_error_by_the_convention(exported: InMemorySpanExporter) -> None:
    with pytest.raises(Unavailable), spans.consuming("imports", LOOK):
        raise Unavailable("away")
    assert dict(exported.get_finished_spans()[0].attributes or {})["error.type"] == "Unavailable"


def test_attributes_are_registered_conventions_or_our_own() -> None:
    told_of = {
        name
        for file in (ROOT / "shared" / "telemetry").glob("*.py")
        for name in re.findall(r'"((?:\w+\.)+\w+)"', file.read_text())
    }
    conventions = (container_attributes, error_attributes, messaging_attributes, oci_attributes)
    registered = {value for module in conventions for value in vars(module).values() if isinstance(value, str)}
    # By it the exporter tells events: https://learn.microsoft.com/azure/azure-monitor/app/opentelemetry-add-modify
    others = {name for name in told_of - registered - LIBRARIES if not name.startswith("tidegate.")}
    assert others == {"microsoft.custom_event.name"}
    assert "oci.manifest.digest" in told_of


@pytest.mark.parametrize(
    ("error", "outcome"),
    [(None, "absent"), (RateLimited("later"), "rate-limited"), (Unavailable("away"), "unavailable")],
    ids=["absent", "rate-limited", "unavailable"],
)
def test_a_look_at_an_upstream_is_counted_by_its_outcome(
    error: TidegateError | None, outcome: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Upstream:
        def digest(self, *_: object) -> None:
            if error is not None:
                raise error

    looks = Counted()
    monkeypatch.setattr(metrics, "UPSTREAM_REQUESTS", looks)
    upstream = CountedUpstream("docker.io", Upstream())
    if error is None:
        assert upstream.digest(NODE, TAG) is None
    else:
        with pytest.raises(type(error)):
            upstream.digest(NODE, TAG)
    assert looks.told == [(1, {"tidegate.upstream": "docker.io", "tidegate.outcome": outcome})]


def test_a_question_to_a_catalogue_is_counted_against_the_catalogues_own_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    looks = Counted()
    monkeypatch.setattr(metrics, "UPSTREAM_REQUESTS", looks)
    upstream = InMemoryUpstream(catalogue=True)
    upstream.push(NODE, TAG, ONE)
    CountedUpstream("docker.io", upstream).hints(NODE, None)
    assert looks.told == [(1, {"tidegate.upstream": "hub.docker.com", "tidegate.outcome": "found"})]


HOUR = timedelta(hours=1)
HUB = Budget(upstream="docker.io", limit=100, remaining=76, resets_at=NOON + HOUR)


@pytest.mark.parametrize(
    ("budget", "expected"),
    [
        (HUB, {"left": 76, "limit": 100}),
        (msgspec.structs.replace(HUB, locked_until=NOON + HOUR), {"left": 0, "limit": 100, "locked": 3600}),
        (msgspec.structs.replace(HUB, locked_until=NOON - HOUR), {"left": 76, "limit": 100}),
        (Budget(upstream="docker.io", locked_until=NOON + HOUR), {"locked": 3600}),
        (Budget(upstream="docker.io"), {}),
        (msgspec.structs.replace(HUB, resets_at=NOON), {}),
        (msgspec.structs.replace(HUB, resets_at=None), {}),
    ],
    ids=["limited", "locked-out", "free-again", "locked-out-without-a-limit", "no-limit", "window-over", "not-asked"],
)
def test_a_sweep_tells_what_is_left_while_a_limits_window_runs(
    budget: Budget, expected: dict[str, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    instruments = {"left": Counted(), "limit": Counted(), "locked": Counted()}
    for name, instrument in instruments.items():
        monkeypatch.setattr(metrics, f"BUDGET_{name.upper()}", instrument)
    metrics.budgets_observed([budget], NOON)
    dimensions = {"tidegate.upstream": "docker.io"}
    assert {name: one.told for name, one in instruments.items() if one.told} == {
        name: [(value, dimensions)] for name, value in expected.items()
    }


def test_what_is_left_is_told_once_and_not_again_by_the_same_process_later() -> None:
    reader = InMemoryMetricReader(preferred_temporality=APPLICATION_INSIGHTS_METRIC_TEMPORALITIES)
    meter = MeterProvider([reader]).get_meter("tidegate")
    for instrument in (meter.create_histogram("histogram").record, meter.create_gauge("gauge").set):
        instrument(76, {})
    assert names_collected(reader) == {"histogram", "gauge"}
    assert names_collected(reader) == {"gauge"}, "which is why no metric here is one"


def test_what_a_budget_does_not_allow_is_counted_with_the_reason(monkeypatch: pytest.MonkeyPatch) -> None:
    put_off, budgets = Counted(), InMemoryBudgets()
    monkeypatch.setattr(metrics, "PUT_OFF", put_off)
    ledger = Ledger(budgets, SettableClock(NOON), metrics.put_off)
    budgets.replace(budgets.get("docker.io"), msgspec.structs.replace(HUB, remaining=1))
    assert ledger.grant("docker.io", 1, Purpose.IMPORT).requests == 1
    assert ledger.grant("docker.io", 1, Purpose.IMPORT).requests == 0
    ledger.learned("docker.io", Learned(locked_for=HOUR))
    ledger.settle()
    assert ledger.grant("docker.io", 1, Purpose.LOOK).requests == 0
    assert put_off.told == [
        (1, {"tidegate.upstream": "docker.io", "tidegate.reason": reason}) for reason in ("spent", "locked-out")
    ]


def test_a_sweep_that_finds_nothing_tells_zeros_as_the_heartbeat(monkeypatch: pytest.MonkeyPatch) -> None:
    candidates = Counted()
    monkeypatch.setattr(metrics, "CANDIDATES", candidates)
    metrics.observed({}, NOON)
    assert {amount for amount, _ in candidates.told} == {0}
    assert {"tidegate.status": "detected"} in [dimensions for _, dimensions in candidates.told]

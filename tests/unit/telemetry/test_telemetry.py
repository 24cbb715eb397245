"""What is told of a change, and under which trace; without an SDK nothing is told and the trace is still passed on."""

from __future__ import annotations

import logging
import re
from datetime import timedelta
from pathlib import Path
from typing import Any

import msgspec
import pytest
from opentelemetry import trace
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.semconv._incubating.attributes import (
    container_attributes,
    error_attributes,
    http_attributes,
    messaging_attributes,
    oci_attributes,
    server_attributes,
    url_attributes,
)
from opentelemetry.trace import SpanKind

from shared.domain.events.messages import LookAtDue
from shared.domain.promotion.admission import Admission
from shared.domain.promotion.candidate import Candidate
from shared.domain.promotion.due import Due
from shared.domain.promotion.lifecycle import advance
from shared.domain.promotion.rebuilds import RebuildStatus
from shared.domain.promotion.statuses import Reason
from shared.domain.promotion.target import Origin, Target
from shared.domain.references import Tag
from shared.domain.scan.decision import Outcome
from shared.errors import Unavailable
from shared.rules.progress import candidate_progress
from shared.rules.wake import Waker
from shared.telemetry import spans
from shared.telemetry.changes import candidate_changed, rebuild_changed, target_changed
from shared.telemetry.observers import TracedOutbox
from tests.doubles.queues import InMemoryOutbox
from tests.doubles.storage import InMemoryRecords, SettableClock
from tests.unit.examples import NOON, ONE, candidate, rebuild

pytestmark = pytest.mark.unit

TRACE = "0af7651916cd43dd8448eb211c80319c"
TRACEPARENT = f"00-{TRACE}-b7ad6b7169203331-01"
LOOK = LookAtDue(v=1, due=Due.STAGING, at=NOON, traceparent=TRACEPARENT)


ROOT = Path(__file__).resolve().parents[3]
# What the telemetry's own modules write in quotes with dots between and is no attribute: whose log is kept quiet.
LIBRARIES = {name for name in spans._CHATTY if "." in name} | {"tidegate.events"}


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


def test_what_a_scan_means_for_a_tag_is_told_once_however_often_it_is_decided(events: pytest.LogCaptureFixture) -> None:
    origin = Origin("node", candidate().source, Tag("22"))
    admission = Admission(digest=ONE, outcome=Outcome.HOLD, reasons=("scan-awaited",), policy="standard", at=NOON)
    bare = Target(registry="base", repository="node", tag=Tag("22"), origin=origin)
    held = msgspec.structs.replace(bare, admissions=(admission,))
    later = msgspec.structs.replace(
        held, admissions=(msgspec.structs.replace(admission, at=NOON + timedelta(hours=1)),)
    )
    for before, after in ((bare, held), (held, held), (held, later)):
        target_changed(before, after)
    assert told(events, "tidegate.outcome") == ["hold"]
    assert told(events, "tidegate.reasons") == ["scan-awaited"]
    assert told(events, "tidegate.policy") == ["standard"]


def test_every_step_of_one_write_is_an_event_with_the_time_before_it(events: pytest.LogCaptureFixture) -> None:
    candidate_changed(*passed())
    assert told(events, "microsoft.custom_event.name") == ["gate-passed", "promotion-started"]
    assert told(events, "tidegate.seconds") == [30.0, 0.0]
    assert told(events, "oci.manifest.digest") == [ONE, ONE]


def test_a_promotion_is_told_with_the_time_since_it_was_detected(events: pytest.LogCaptureFixture) -> None:
    _, promoting = passed()
    candidate_changed(promoting, advance(promoting, Reason.PROMOTION_VERIFIED, NOON + timedelta(minutes=2)))
    assert told(events, "microsoft.custom_event.name") == ["promotion-verified"]
    assert (told(events, "tidegate.time_to_promote"), told(events, "tidegate.seconds")) == ([120.0], [90.0])


def test_a_rebuild_is_told_of_when_its_status_changes(events: pytest.LogCaptureFixture) -> None:
    running, done = rebuild(status=RebuildStatus.RUNNING), rebuild(status=RebuildStatus.SUCCEEDED)
    rebuild_changed(running, running)
    rebuild_changed(running, done)
    assert told(events, "microsoft.custom_event.name") == ["rebuild-succeeded"]


def test_another_time_of_the_next_look_is_no_change() -> None:
    clock, seen = SettableClock(NOON), list[Candidate]()
    records = InMemoryRecords(Candidate)
    progress = candidate_progress(
        records, Waker(InMemoryOutbox(clock), clock), clock, tell=lambda _, after: seen.append(after)
    )
    assert progress.insert(candidate())
    stored = records.get(candidate().id)
    assert stored is not None
    progress.again(stored, timedelta(minutes=5))
    assert seen == [candidate()]


def test_a_write_that_another_worker_overtook_is_not_told_of() -> None:
    clock, seen = SettableClock(NOON), list[Candidate]()
    records = InMemoryRecords(Candidate)
    progress = candidate_progress(
        records, Waker(InMemoryOutbox(clock), clock), clock, tell=lambda _, after: seen.append(after)
    )
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


def test_to_send_a_message_is_no_span_and_one_without_a_trace_gets_that_of_what_sends_it(
    exported: InMemorySpanExporter,
) -> None:
    outbox = InMemoryOutbox(SettableClock(NOON))
    with spans.acting("sweep"):
        TracedOutbox(outbox).send(LOOK)
        TracedOutbox(outbox).send(msgspec.structs.replace(LOOK, traceparent=""))
    (sweep,) = exported.get_finished_spans()
    kept, given = (one.message.traceparent for one in outbox.sent)
    assert kept == TRACEPARENT
    assert given.startswith(f"00-{sweep.context.trace_id:032x}-{sweep.context.span_id:016x}-")


def test_a_message_is_worked_on_below_the_span_that_sent_it(exported: InMemorySpanExporter) -> None:
    with spans.consuming("imports", LOOK) as look:
        assert look.traceparent == spans.current_traceparent()
    (worked,) = exported.get_finished_spans()
    assert (worked.kind, worked.parent and f"{worked.parent.span_id:016x}") == (SpanKind.CONSUMER, "b7ad6b7169203331")
    attributes = dict(worked.attributes or {})
    assert (attributes["messaging.destination.name"], attributes["tidegate.kind"]) == ("imports", "due")


def test_a_message_without_a_readable_trace_begins_one(exported: InMemorySpanExporter) -> None:
    with spans.consuming("imports", msgspec.structs.replace(LOOK, traceparent="nonsense")):
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
    conventions = (container_attributes, error_attributes, http_attributes, messaging_attributes, oci_attributes)
    conventions += (server_attributes, url_attributes)
    registered = {value for module in conventions for value in vars(module).values() if isinstance(value, str)}
    # By it the exporter tells events: https://learn.microsoft.com/azure/azure-monitor/app/opentelemetry-add-modify
    others = {name for name in told_of - registered - LIBRARIES if not name.startswith("tidegate.")}
    assert others == {"microsoft.custom_event.name"}
    assert "oci.manifest.digest" in told_of

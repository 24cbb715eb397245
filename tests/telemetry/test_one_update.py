"""What Application Insights is told of one update is one connected story, and no more than it should be."""

from __future__ import annotations

import json
import re

import pytest

from infra.local.ingestion.tables import Row
from shared.domain.promotion.candidate import Status
from tests.telemetry.conftest import Told

pytestmark = pytest.mark.e2e

# From the table of the lifecycle: the way of an update that its gate lets pass.
WAY = ["tag-moved", "import-started", "import-verified", "gate-started", "gate-passed", "promotion-started"]
WAY += ["promotion-verified"]
STAGES = {"imports", "validations"}
METRICS = {"tidegate.checks", "tidegate.upstream.requests", "tidegate.candidates", "tidegate.candidates.oldest"}
METRICS |= {"tidegate.time_to_promote", "tidegate.verdicts", "tidegate.rebuilds", "tidegate.poison"}
METRICS |= {"tidegate.budget.left", "tidegate.budget.limit", "tidegate.budget.locked", "tidegate.put_off"}
NO_SPAN = ("", "0" * 16)


def events_of(told: Told) -> list[Row]:
    """The events of the good update, in the order they happened."""
    events = (row for row in told.of("customEvents") if row.dimensions.get("oci.manifest.digest") == told.promoted)
    return sorted(events, key=lambda row: str(row.columns["timestamp"]))


def spans_of(told: Told) -> list[Row]:
    """The spans of the good update's trace."""
    trace = events_of(told)[0].columns["operation_Id"]
    return [row for row in told.of("requests") + told.of("dependencies") if row.columns["operation_Id"] == trace]


def test_every_change_of_the_candidate_is_an_event_by_the_name_of_its_reason(told: Told) -> None:
    named = [row.columns["name"] for row in events_of(told) if "tidegate.candidate" in row.dimensions]
    assert named == WAY


def test_every_event_from_the_check_to_the_rebuild_is_in_the_same_trace(told: Told) -> None:
    events = events_of(told)
    # The registry's webhook may be faster than the look that finds the promotion done.
    assert {row.columns["name"] for row in events} >= {"tag-moved", "promotion-verified", "rebuild-succeeded"}
    assert len({row.columns["operation_Id"] for row in events}) == 1


def test_the_trace_is_connected_and_begins_with_the_check(told: Told) -> None:
    spans = spans_of(told)
    ids = {row.columns["id"] for row in spans}
    roots = [row for row in spans if row.columns["operation_ParentId"] in NO_SPAN]
    assert [row.columns["name"] for row in roots] == ["check docker.io"]
    orphans = [row for row in spans if row not in roots and row.columns["operation_ParentId"] not in ids]
    assert orphans == []
    assert [row for row in events_of(told) if row.columns["operation_ParentId"] not in ids] == []


def test_the_trace_goes_through_every_queue_with_a_span_for_the_sender_and_one_for_the_worker(told: Told) -> None:
    spans = spans_of(told)
    sent = {str(row.columns["name"]) for row in spans if row.table == "dependencies"}
    worked = {str(row.columns["name"]) for row in spans if row.table == "requests"}
    assert {f"send {queue}" for queue in STAGES} <= sent
    assert {f"process {queue}" for queue in STAGES} == worked


def test_every_message_is_worked_on_under_the_span_that_sent_it(told: Told) -> None:
    senders = {row.columns["id"]: row.columns["name"] for row in spans_of(told) if row.table == "dependencies"}
    workers = [row for row in spans_of(told) if row.table == "requests"]
    assert workers
    for row in workers:
        queue = str(row.columns["name"]).removeprefix("process ")
        assert senders[row.columns["operation_ParentId"]] == f"send {queue}"


def test_what_the_worker_did_for_a_candidate_names_its_digest(told: Told) -> None:
    digests = {row.dimensions.get("oci.manifest.digest") for row in spans_of(told) if row.table == "requests"}
    assert told.promoted in digests


def test_every_metric_arrives(told: Told) -> None:
    assert {name for name in told.names("customMetrics") if name.startswith("tidegate.")} == METRICS


def test_the_metrics_say_what_happened(told: Told) -> None:
    def total(name: str, **dimensions: str) -> float:
        wanted = {f"tidegate.{key}": value for key, value in dimensions.items()}.items()
        rows = [row for row in told.of("customMetrics") if row.columns["name"] == name]
        return sum(row.columns["valueSum"] for row in rows if wanted <= row.dimensions.items())

    assert total("tidegate.verdicts", verdict="passed") == 4
    assert total("tidegate.verdicts", verdict="rejected") == 1
    assert total("tidegate.rebuilds", outcome="succeeded") == 1
    assert total("tidegate.poison", queue="imports") == 1
    assert total("tidegate.time_to_promote") > 0
    assert total("tidegate.upstream.requests", upstream="docker.io", outcome="found") > 0
    assert total("tidegate.checks", upstream="mcr.microsoft.com") > 0


def test_what_upstreams_still_grant_is_told_beside_their_limits_and_only_of_those_that_have_one(told: Told) -> None:
    def most(name: str) -> dict[str, float]:
        rows = sorted(
            (row for row in told.of("customMetrics") if row.columns["name"] == f"tidegate.budget.{name}"),
            key=lambda row: float(row.columns["valueMax"]),
        )
        return {row.dimensions["tidegate.upstream"]: row.columns["valueMax"] for row in rows}

    # As the emulator has it: anonymous pulls in six hours, and requests of Docker Hub's API in a minute.
    assert most("limit") == {"docker.io": 100, "hub.docker.com": 180}
    assert most("left") == {"docker.io": 100, "hub.docker.com": pytest.approx(170, abs=10)}
    assert most("locked") == {"hub.docker.com": pytest.approx(3600, abs=30)}


def test_a_check_that_is_put_off_is_counted_with_the_upstream_and_the_reason(told: Told) -> None:
    (row,) = [row for row in told.of("customMetrics") if row.columns["name"] == "tidegate.put_off"]
    assert row.columns["value"] == 1
    assert row.dimensions == {"tidegate.upstream": "hub.docker.com", "tidegate.reason": "locked-out"}


def test_metrics_have_dimensions_of_few_values(told: Told) -> None:
    values: dict[str, set[str]] = {}
    for row in told.of("customMetrics"):
        if str(row.columns["name"]).startswith("tidegate."):
            for key, value in row.dimensions.items():
                values.setdefault(key, set()).add(value)
    assert values.pop("tidegate.status") <= {status.value for status in Status}
    assert values.pop("tidegate.upstream") == {"docker.io", "hub.docker.com", "mcr.microsoft.com"}
    assert set(values) == {"tidegate.outcome", "tidegate.verdict", "tidegate.queue", "tidegate.reason"}
    assert not any(re.search(r"[~:/]|\d", value) for found in values.values() for value in found)


def test_a_function_that_breaks_off_is_a_failed_request_with_its_exception(told: Told) -> None:
    (failed,) = [row for row in told.of("requests") if row.columns["success"] is False]
    assert failed.columns["name"] == "process validations"
    told_of = [row for row in told.of("exceptions") if row.columns["operation_Id"] == failed.columns["operation_Id"]]
    assert {str(row.columns["type"]) for row in told_of} == {"shared.errors.Refused"}


def test_a_dead_message_is_an_event_by_the_name_it_has_in_the_activity_log(told: Told) -> None:
    (event,) = [row for row in told.of("customEvents") if row.columns["name"] == "message-poisoned"]
    assert event.dimensions["tidegate.subject"] == "queue:imports"


def test_no_secret_is_told(told: Told) -> None:
    text = json.dumps([dict(row.columns) for row in told.rows])
    assert [secret for secret in told.secrets if secret in text] == []
    assert re.findall(r"[?&]sig=(?!REDACTED)", text) == []


def test_the_hosts_own_polling_is_not_told_of(told: Told) -> None:
    asked = {str(row.columns.get("data", "")) for row in told.of("dependencies")}
    polled = [address for address in asked if "numofmessages" in address]
    assert {address.split("/")[-2] for address in polled} == {"imports-poison", "validations-poison"}, "the sweep's own"


def test_what_was_rejected_is_told_as_a_trouble_until_it_is_over(told: Told) -> None:
    troubles = [row for row in told.of("customEvents") if row.columns["name"] == "trouble"]
    rejected = {row.columns["name"]: row for row in told.of("customEvents")}["gate-rejected"]
    (one,) = [row for row in troubles if row.dimensions["tidegate.trouble"] == "candidate-rejected"]
    assert one.dimensions["tidegate.subject"] == f"candidate:{rejected.dimensions['tidegate.candidate']}"
    assert rejected.dimensions["oci.manifest.digest"] in one.dimensions["tidegate.detail"]

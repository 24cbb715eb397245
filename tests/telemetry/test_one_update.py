"""What Application Insights is told of one update is one connected story, and no more than it should be."""

from __future__ import annotations

import json
import re
from collections import Counter

import pytest

from infra.local.ingestion.tables import Row
from shared.domain.promotion.statuses import Status
from shared.telemetry import counts
from tests.telemetry.conftest import Told

pytestmark = pytest.mark.e2e

# From the table of the lifecycle: the way of an update that its gate lets pass.
WAY = ["tag-moved", "import-started", "import-verified", "gate-started", "gate-passed", "promotion-started"]
WAY += ["promotion-verified"]
STAGES = {"imports", "validations"}
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


def test_the_trace_goes_through_every_queue_with_one_span_for_each_message_that_is_worked_on(told: Told) -> None:
    worked = [row for row in spans_of(told) if row.table == "requests"]
    looks = {f"look at {kind}" for kind in ("staging", "gates", "targets", "rebuilds")}
    assert {str(row.columns["name"]) for row in worked} == {f"process {queue}" for queue in STAGES} | looks
    assert {row.dimensions["tidegate.kind"] for row in worked} >= {"check", "candidate", "target", "rebuild"}


def test_every_message_is_worked_on_below_the_check_or_what_was_worked_on_before(told: Told) -> None:
    spans = {row.columns["id"]: row for row in spans_of(told)}
    workers = [row for row in spans.values() if row.table == "requests"]
    assert workers
    for row in workers:
        above = spans[row.columns["operation_ParentId"]]
        assert above.table == "requests" or above.columns["name"] == "check docker.io"


def test_nothing_that_went_well_is_told_but_what_was_done_for_it(told: Told) -> None:
    calls = [row for row in told.of("dependencies") if row.columns["type"] != "InProc"]
    assert calls, "some failed in this life"
    assert [row.columns["data"] for row in calls if row.columns["success"]] == []
    assert {row.columns["type"] for row in calls} == {"HTTP"}


def test_a_failed_call_is_told_below_what_it_was_made_for_with_its_answer(told: Told) -> None:
    spans = {row.columns["id"]: row for row in told.of("requests") + told.of("dependencies")}
    (call,) = [row for row in told.of("dependencies") if row.columns["resultCode"] == "400"]
    assert call.columns["data"].endswith("/_tags/22-alpine")
    above = spans[call.columns["operation_ParentId"]]
    assert (above.columns["name"], above.columns["success"]) == ("process validations", False)


def test_what_the_worker_did_for_a_candidate_names_its_digest(told: Told) -> None:
    digests = {row.dimensions.get("oci.manifest.digest") for row in spans_of(told) if row.table == "requests"}
    assert told.promoted in digests


def counted(told: Told, name: str) -> list[dict[str, float]]:
    """A count that is told apart by something, of each span that has it."""
    return [json.loads(row.dimensions[name]) for row in told.rows if name in row.dimensions]


def in_all(tables: list[dict[str, float]]) -> dict[str, float]:
    """Several counts together."""
    return {key: sum(table.get(key, 0) for table in tables) for table in tables for key in table}


def test_every_count_is_told(told: Told) -> None:
    """No limit makes a request wait on the twin, no entry there asks for signatures, and no house is kept yet."""
    every = {value.name for value in vars(counts).values() if isinstance(value, counts.Count)}
    every -= {counts.PACED.name, counts.SIGNATURES.name, counts.HOUSE_DELETED.name, counts.HOUSE_SPARED.name}
    assert every - {key for row in told.rows for key in row.dimensions} == set()


def test_no_metric_is_told(told: Told) -> None:
    assert told.of("customMetrics") == []


def test_the_counts_say_what_happened(told: Told) -> None:
    asked, checked = in_all(counted(told, "tidegate.asked")), in_all(counted(told, "tidegate.checked"))
    assert asked["docker.io found"] > 0
    assert asked["hub.docker.com rate-limited"] == 1
    assert checked["mcr.microsoft.com"] > 0
    assert set(checked) == {"docker.io", "mcr.microsoft.com"}


def test_the_events_say_how_it_ended(told: Told) -> None:
    ended = Counter(str(row.columns["name"]) for row in told.of("customEvents"))
    assert (ended["gate-passed"], ended["gate-rejected"]) == (4, 1)
    assert (ended["rebuild-succeeded"], ended["message-poisoned"]) == (1, 1)
    (promoted,) = [row for row in events_of(told) if row.columns["name"] == "promotion-verified"]
    assert float(promoted.dimensions["tidegate.time_to_promote"]) > 0


def test_what_upstreams_still_grant_is_told_beside_their_limits_and_only_of_those_that_have_one(told: Told) -> None:
    def most(name: str) -> dict[str, float]:
        tables = counted(told, f"tidegate.budget.{name}")
        return {key: max(table.get(key, 0) for table in tables) for table in tables for key in table}

    # As the emulator has it: anonymous pulls in six hours, and requests of Docker Hub's API in a minute.
    assert most("limit") == {"docker.io": 100, "hub.docker.com": 180}
    assert most("left") == {"docker.io": 100, "hub.docker.com": pytest.approx(170, abs=10)}
    assert most("locked") == {"hub.docker.com": pytest.approx(3600, abs=30)}


def test_a_check_that_is_put_off_is_counted_with_the_upstream_and_the_reason(told: Told) -> None:
    assert counted(told, "tidegate.put_off") == [{"hub.docker.com locked-out": 1}]


def test_what_is_counted_by_has_few_values(told: Told) -> None:
    statuses = {key for name in ("waiting", "oldest") for key in in_all(counted(told, f"tidegate.{name}"))}
    assert statuses <= {status.value for status in Status}
    asked = in_all(counted(told, "tidegate.asked"))
    assert {key.partition(" ")[0] for key in asked} == {"docker.io", "hub.docker.com", "mcr.microsoft.com"}
    assert not any(re.search(r"[~:/]|\d", key) for key in asked)


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


def test_what_was_rejected_is_told_as_a_trouble_until_it_is_over(told: Told) -> None:
    troubles = [row for row in told.of("customEvents") if row.columns["name"] == "trouble"]
    rejected = {row.columns["name"]: row for row in told.of("customEvents")}["gate-rejected"]
    (one,) = [row for row in troubles if row.dimensions["tidegate.trouble"] == "candidate-rejected"]
    assert one.dimensions["tidegate.subject"] == f"candidate:{rejected.dimensions['tidegate.candidate']}"
    assert rejected.dimensions["oci.manifest.digest"] in one.dimensions["tidegate.detail"]

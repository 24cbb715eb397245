"""Saved queries ask for nothing that the telemetry does not hold, and every one has somebody who uses it."""

from __future__ import annotations

import json
import re
from functools import cache
from pathlib import Path

import pytest

from docs.parts import ROOT
from shared.domain.promotion.rebuilds import RebuildStatus
from shared.domain.promotion.statuses import Reason
from shared.domain.watching.troubles import Kind
from shared.domain.waves.states import MemberState, WaveState
from tests.telemetry.conftest import Told
from tests.telemetry.kql import Query, read_queries

QUERIES = sorted((ROOT / "infra" / "queries").glob("*.kql"))
ALERTS = (ROOT / "infra" / "modules" / "alerts.bicep").read_text()
WORKBOOK = json.loads((ROOT / "infra" / "workbook" / "tidegate.json").read_text())
RUNBOOK = (ROOT / "docs" / "runbook.md").read_text()
PARTS = re.findall(r"^var \w+ = loadTextContent\('\.\./queries/([\w-]+)\.kql'\)$", ALERTS, re.MULTILINE)
# What did not happen in this life of the product, and is told by the same lines of code.
EVENTS = {reason.value for reason in Reason} | {f"rebuild-{status.value}" for status in RebuildStatus}
EVENTS |= {f"wave-{state.value}" for state in WaveState} | {f"wave-member-{state.value}" for state in MemberState}
TOLD_OF_WAVES = (ROOT / "shared" / "telemetry" / "waves.py").read_text()
OF_WAVES = set(re.findall(r'"(tidegate\.[a-z_]+|[a-z.]+\.(?:name|digest))"', TOLD_OF_WAVES))
EVENTS |= {"tag-missing", "tag-overwritten", "tag-in-order", "trouble"}


def name_of(file: Path) -> str:
    """A query's name."""
    return file.stem


def everything() -> str:
    """The alert rule's query, put together from its parts as the template does it."""
    made = re.search(r"^var everything = '(.*?)\$\{join\(parts, '(.*?)'\)\}(.*)'$", ALERTS, re.MULTILINE)
    assert made is not None
    start, between, end = (piece.replace("\\n", "\n") for piece in made.groups())
    return start + between.join(saved_text(part) for part in PARTS) + end


@cache
def saved() -> dict[str, Query]:
    """Every saved query, read."""
    return read_queries({name_of(file): file.read_text() for file in QUERIES})


def one(text: str) -> Query:
    """A query of a test's own, read."""
    return read_queries({"one": text})["one"]


@pytest.mark.unit
@pytest.mark.parametrize("file", QUERIES, ids=name_of)
def test_microsofts_parser_has_nothing_against_a_query(file: Path) -> None:
    query = saved()[name_of(file)]
    assert query.problems == ()
    assert query.tables


@pytest.mark.e2e
@pytest.mark.parametrize("file", QUERIES, ids=name_of)
def test_a_query_uses_only_tables_and_columns_that_are_written(file: Path, told: Told) -> None:
    query = saved()[name_of(file)]
    assert query.tables <= {row.table for row in told.rows}
    columns = {column for table in query.tables for row in told.of(table) for column in row.columns}
    assert query.columns - columns == set()


@pytest.mark.e2e
@pytest.mark.parametrize("file", QUERIES, ids=name_of)
def test_a_query_uses_only_dimensions_that_are_written(file: Path, told: Told) -> None:
    query = saved()[name_of(file)]
    written = {key for table in query.tables for row in told.of(table) for key in row.dimensions}
    assert query.dimensions - written - OF_WAVES == set()


@pytest.mark.e2e
@pytest.mark.parametrize("file", QUERIES, ids=name_of)
def test_a_query_asks_for_events_and_spans_by_names_that_exist(file: Path, told: Told) -> None:
    known = told.names("requests") | told.names("dependencies") | told.names("customEvents") | EVENTS
    assert saved()[name_of(file)].named <= known


@pytest.mark.unit
@pytest.mark.parametrize("word", ["alive", "wrong now", "waiting", "slowest gates", "rejected", "budget", "rebuilds"])
def test_the_workbook_answers_what_an_operator_asks(word: str) -> None:
    assert any(word in section["title"].lower() for section in WORKBOOK)


@pytest.mark.unit
def test_every_query_is_used_by_an_alert_the_workbook_or_the_runbook() -> None:
    shown = {section["query"] for section in WORKBOOK}
    used = shown | set(PARTS)
    unused = [file.stem for file in QUERIES if file.stem not in used and f"infra/queries/{file.name}" not in RUNBOOK]
    assert unused == []


@pytest.mark.unit
def test_the_workbooks_module_loads_the_query_of_every_section_and_no_other() -> None:
    module = (ROOT / "infra" / "modules" / "workbook.bicep").read_text()
    loaded = dict(re.findall(r"^  '?([\w-]+)'?: loadTextContent\('../queries/([\w-]+)\.kql'\)$", module, re.MULTILINE))
    assert loaded == {section["query"]: section["query"] for section in WORKBOOK}
    assert {f"{name}.kql" for name in loaded} <= {file.name for file in QUERIES}


@pytest.mark.unit
@pytest.mark.parametrize("part", PARTS)
def test_the_runbook_leads_from_everything_that_calls_to_its_query_and_to_an_action(part: str) -> None:
    section = RUNBOOK.partition(f"\n## {part}\n")[2].partition("\n## ")[0]
    assert f"`infra/queries/{part}.kql`" in section
    assert "**Do.**" in section


@pytest.mark.unit
@pytest.mark.parametrize("part", PARTS)
def test_everything_that_calls_bears_the_name_of_its_part_of_the_runbook(part: str) -> None:
    text = saved_text(part)
    kinds = [part] if part != "troubles" else sorted(kind.value for kind in Kind)
    named = re.findall(r'trouble = "([\w-]+)"', text) or kinds
    assert named == kinds
    assert [kind for kind in kinds if not re.search(rf"^###? {kind}$", RUNBOOK, re.MULTILINE)] == []
    assert re.search(r"\btrouble\b.*\bsubject\b.*\bdetail\b", text, re.DOTALL)


@pytest.mark.unit
def test_microsofts_parser_has_nothing_against_all_parts_of_the_alert_together() -> None:
    assert len(PARTS) == len(set(PARTS)) == 6
    query = one(everything())
    assert query.problems == ()
    assert query.tables == frozenset().union(*(saved()[part].tables for part in PARTS))


@pytest.mark.unit
def test_each_trouble_calls_by_itself_however_many_fire_already_and_names_its_part_of_the_runbook() -> None:
    columns = re.findall(r"\{ name: '(\w+)', operator: 'Include', values: \['\*'\] \}", ALERTS)
    assert columns == ["trouble", "subject", "runbook"]
    assert 'runbook = strcat("docs/runbook.md#", trouble)' in everything()


@pytest.mark.unit
def test_no_part_of_the_alert_looks_back_further_than_the_rule_does() -> None:
    (window,) = re.findall(r"windowSize: 'PT(\d)H'", ALERTS)
    reach = {"m": 1, "h": 60}
    back = [int(number) * reach[unit] for number, unit in re.findall(r"ago\((\d+)([mh])\)", everything())]
    assert back
    assert max(back) <= int(window) * 60


@pytest.mark.unit
def test_one_rule_is_paid_for_at_the_cheapest_pace() -> None:
    assert ALERTS.count("resource ") == 1
    assert "evaluationFrequency: 'PT15M'" in ALERTS


def saved_text(name: str) -> str:
    """The text of a saved query."""
    return (ROOT / "infra" / "queries" / f"{name}.kql").read_text()


WRONG = {
    "a-column-that-is-not-there": ("requests | where nmae == 'x'", "KS142"),
    "a-table-that-is-not-there": ("request | count", "KS204"),
    "a-column-that-was-left-behind": ("requests | project name | where success == false", "KS142"),
    "a-function-that-is-not-there": ("requests | extend a = tostrin(name)", "KS211"),
    "an-operator-that-is-not-there": ("requests | wher success == false", "KS"),
    "a-wrong-type": ("requests | where timestamp > 5", "KS"),
    "an-open-bracket": ("requests | where (name == 'x'", "KS"),
}


@pytest.mark.unit
@pytest.mark.parametrize("text", [text for text, _ in WRONG.values()], ids=list(WRONG))
def test_what_is_wrong_with_a_query_is_said(text: str) -> None:
    (code,) = [code for known, code in WRONG.values() if known == text]
    assert any(code in problem for problem in one(text).problems)


@pytest.mark.unit
def test_a_query_is_known_by_what_it_asks_for() -> None:
    query = one(
        'let since = ago(1h); requests | where timestamp > since and name in ("a", "b") or name == "c"'
        ' | extend who = tostring(customDimensions["user"]), at = customDimensions.place | summarize count() by who'
    )
    assert query == Query(
        (),
        frozenset({"requests"}),
        frozenset({"timestamp", "name", "customDimensions"}),
        frozenset({"user", "place"}),
        frozenset({"a", "b", "c"}),
    )

"""Saved queries ask for nothing that the telemetry does not hold, and every one has somebody who uses it."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from docs.parts import ROOT
from shared.domain.promotion.candidate import Reason
from shared.domain.promotion.rebuilds import RebuildStatus
from tests.telemetry.conftest import Told
from tests.telemetry.kql import Query, read_query

QUERIES = sorted((ROOT / "infra" / "queries").glob("*.kql"))
ALERTS = (ROOT / "infra" / "modules" / "alerts.bicep").read_text()
WORKBOOK = json.loads((ROOT / "infra" / "workbook" / "tidegate.json").read_text())
RUNBOOK = (ROOT / "docs" / "runbook.md").read_text()
# What did not happen in this life of the product, and is told by the same lines of code.
EVENTS = {reason.value for reason in Reason} | {f"rebuild-{status.value}" for status in RebuildStatus}


def name_of(file: Path) -> str:
    """A query's name."""
    return file.stem


def alert_names() -> list[str]:
    """The names of the alert rules."""
    return re.findall(r"^    name: '([\w-]+)'$", ALERTS, re.MULTILINE)


def tables_of(query: Query, told: Told) -> set[str]:
    """The tables that a query reads, of those that were written."""
    return {row.table for row in told.rows} & query.names


@pytest.mark.e2e
@pytest.mark.parametrize("file", QUERIES, ids=name_of)
def test_a_query_uses_only_tables_and_columns_that_are_written(file: Path, told: Told) -> None:
    query = read_query(file)
    tables = tables_of(query, told)
    columns = {column for table in tables for row in told.of(table) for column in row.columns}
    assert tables
    assert query.names - tables - columns == set()


@pytest.mark.e2e
@pytest.mark.parametrize("file", QUERIES, ids=name_of)
def test_a_query_uses_only_dimensions_that_are_written(file: Path, told: Told) -> None:
    query = read_query(file)
    written = {key for table in tables_of(query, told) for row in told.of(table) for key in row.dimensions}
    assert query.dimensions - written == set()


@pytest.mark.e2e
@pytest.mark.parametrize("file", QUERIES, ids=name_of)
def test_a_query_asks_for_events_and_metrics_by_names_that_exist(file: Path, told: Told) -> None:
    assert read_query(file).named <= told.names("customMetrics") | told.names("customEvents") | EVENTS


@pytest.mark.unit
@pytest.mark.parametrize("word", ["alive", "waiting", "slowest gates", "rejected", "budget", "rebuilds"])
def test_the_workbook_answers_what_an_operator_asks(word: str) -> None:
    assert any(word in section["title"].lower() for section in WORKBOOK)


@pytest.mark.unit
def test_every_query_is_used_by_an_alert_the_workbook_or_the_runbook() -> None:
    shown = {section["query"] for section in WORKBOOK}
    unused = [file.stem for file in QUERIES if file.stem not in shown and f"infra/queries/{file.name}" not in RUNBOOK]
    assert unused == []


@pytest.mark.unit
def test_the_workbooks_module_loads_the_query_of_every_section_and_no_other() -> None:
    module = (ROOT / "infra" / "modules" / "workbook.bicep").read_text()
    loaded = dict(re.findall(r"^  '?([\w-]+)'?: loadTextContent\('../queries/([\w-]+)\.kql'\)$", module, re.MULTILINE))
    assert loaded == {section["query"]: section["query"] for section in WORKBOOK}
    assert {f"{name}.kql" for name in loaded} <= {file.name for file in QUERIES}


@pytest.mark.unit
@pytest.mark.parametrize("alert", alert_names())
def test_the_runbook_leads_from_every_alert_to_its_query_and_to_an_action(alert: str) -> None:
    assert f"'../queries/{alert}.kql'" in ALERTS
    section = RUNBOOK.partition(f"\n## {alert}\n")[2].partition("\n## ")[0]
    assert f"`infra/queries/{alert}.kql`" in section
    assert "**Do.**" in section


@pytest.mark.unit
@pytest.mark.parametrize(
    "text",
    ["requests | where name == 'x'", 'requests | where (name == "x"', "requests ? name"],
    ids=["strange-quotes", "open-bracket", "strange-sign"],
)
def test_what_is_no_query_is_not_read_as_one(text: str, tmp_path: Path) -> None:
    file = tmp_path / "bad.kql"
    file.write_text(text)
    with pytest.raises(ValueError, match=r"token|bracket"):
        read_query(file)


@pytest.mark.unit
def test_a_misspelt_word_is_taken_for_a_column(tmp_path: Path) -> None:
    file = tmp_path / "bad.kql"
    file.write_text('requests | wher success == false | extend a = tostring(customDimensions["b"])')
    query = read_query(file)
    assert query.names == {"requests", "wher", "success", "customDimensions"}
    assert query.dimensions == {"b"}

"""Tags as they are in the field: what others took wrongly, as their trackers say, and what well-known lists hold.

To add one, write it into a table of ``choices/``: who told of it (``report``: a project and a number) or whose tags
they are (``list``), what is right in words (``says``), a rule as the watch list has it, the ``tags``, and those that it
``takes``; ``because`` gives reasons of some. A rule that is not one has ``refused`` instead: a part of what is told.
"""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from shared.domain.watching.selection import choose
from shared.domain.watching.tag_rules import TagRule
from shared.errors import WatchListError
from shared.watch_list_yaml import parse_watch_list

pytestmark = pytest.mark.unit

Case = dict[str, Any]


def read(table: Path) -> list[Case]:
    """Return the cases of a table, with every scalar as it is written: 3.10 is a tag, not a number."""
    return list(yaml.load(table.read_text(), Loader=yaml.BaseLoader))  # noqa: S506 (it makes nothing but text)


TABLES = sorted((Path(__file__).parent / "choices").glob("*.yaml"))
CASES: list[Case] = [case for table in TABLES for case in read(table)]
TAKEN = [case for case in CASES if "refused" not in case]
REFUSED = [case for case in CASES if "refused" in case]


def told(case: Case) -> str:
    """Return what a case says, and who said so."""
    return f"{case['says']} ({case.get('report') or case.get('list')})"


def rules_of(case: Case) -> tuple[TagRule, ...]:
    """Return the rule of a case, read as the product reads a watch list."""
    entry = {"name": "field", "source": "field", "target": "base/field", "tags": [case["rule"]]}
    return parse_watch_list(json.dumps({"images": [entry]}).encode()).images[0].rules


@pytest.mark.parametrize("case", TAKEN, ids=told)
def test_of_tags_in_the_field(case: Case) -> None:
    choices = choose(rules_of(case), case["tags"].split())
    assert {choice.tag for choice in choices if choice.target} == set(case["takes"].split())
    because = case.get("because", {})
    assert {choice.tag: choice.reason.value for choice in choices if choice.tag in because} == because


@pytest.mark.parametrize("case", TAKEN, ids=told)
def test_of_tags_in_the_field_in_any_order(case: Case) -> None:
    choices = choose(rules_of(case), reversed(case["tags"].split()))
    assert {choice.tag for choice in choices if choice.target} == set(case["takes"].split())


@pytest.mark.parametrize("case", REFUSED, ids=told)
def test_of_rules_in_the_field_that_are_refused(case: Case) -> None:
    with pytest.raises(WatchListError) as refused:
        rules_of(case)
    assert case["refused"] in str(refused.value)


@pytest.mark.parametrize("case", CASES, ids=told)
def test_a_case_says_whose_it_is_and_what_is_right(case: Case) -> None:
    assert ("report" in case) != ("list" in case)
    assert re.fullmatch(r"[\w.-]+/[\w.-]+#[0-9]+", case.get("report", "a/b#1"))
    assert set(case) - {"report", "list", "because"} in ({"says", "rule", "tags", "takes"}, {"says", "rule", "refused"})
    assert [told(other) for other in CASES].count(told(case)) == 1

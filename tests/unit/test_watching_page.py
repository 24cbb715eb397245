"""The page on watching tags says what is so: its list is read, and its choices are made anew."""

from __future__ import annotations

import re

import pytest

from docs.parts import ROOT
from shared.domain.watching.budget import Refusal
from shared.domain.watching.selection import choose
from shared.rules import asking
from shared.watch_list_yaml import parse_watch_list

pytestmark = pytest.mark.unit

PAGE = (ROOT / "docs" / "watching.md").read_text()
LISTS = re.findall(r"^```yaml\n(.*?)^```", PAGE, re.DOTALL | re.MULTILINE)
ROW = r"\| `([^`]+)` \| `([^`]+)` \|\n"


@pytest.mark.parametrize("name", ["alpine", "python", "renovate", "debian", "minio", "aspnet"])
def test_the_choices_on_the_page_are_those_that_are_made(name: str) -> None:
    lists = [parse_watch_list(each.encode()) for each in LISTS[:2]]
    image = next(found for each in lists if (found := each.named(name)) is not None)
    table = re.search(rf"^\| {name} \| reason \|\n\| --- \| --- \|\n((?:{ROW})+)", PAGE, re.MULTILINE)
    assert table is not None
    told = dict(re.findall(ROW, table[1]))
    assert {choice.tag: choice.reason.value for choice in choose(image.rules, told)} == told


def test_every_reason_for_being_put_off_is_on_the_page() -> None:
    table = PAGE.partition("| `deferred` |")[2].partition("\n\n")[0]
    assert set(re.findall(r"^\| `([\w-]+)`", table, re.MULTILINE)) == {refusal.value for refusal in Refusal}


def test_the_most_heads_of_one_check_are_those_the_page_names() -> None:
    assert f"at most {asking.MOST_HEADS:,} HEADs" in PAGE


def test_the_policies_and_gates_on_the_page_are_those_that_hold() -> None:
    (found,) = (parse_watch_list(each.encode()) for each in LISTS if each.startswith("defaults: {policy"))
    table = re.search(r"^\| entry \| policy \| gate \|\n\| --- \| --- \| --- \|\n((?:\|.*\n)+)", PAGE, re.MULTILINE)
    assert table is not None
    told = {tuple(cell.strip(" `") for cell in row.strip("|").split("|")) for row in table[1].splitlines()}
    assert told == {
        (image.name, policy.name, policy.gate or "none")
        for image in found.base_images
        if (policy := found.policy_of(image)) is not None
    }
    assert found.scanner is not None
    assert [image.name for image in found.images if image.is_tool] == [found.scanner.database]

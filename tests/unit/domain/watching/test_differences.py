"""What another list would change is told entry by entry, and field by field."""

from __future__ import annotations

import pytest

from shared.domain.watching.differences import Difference, FieldChanged, difference
from shared.domain.watching.watch_list import WatchList
from shared.watch_list_yaml import parse_watch_list

pytestmark = pytest.mark.unit


def listed(*entries: str, head: str = "") -> WatchList:
    """A list of some entries."""
    lines = "".join(f"- {entry}\n" for entry in entries)
    return parse_watch_list(f"{head}images:\n{lines}".encode())


NODE = "{name: node, source: node, tags: ['22'], target: base/node}"
NGINX = "{name: nginx, source: nginx, tags: ['1.29'], target: base/nginx}"
STRICT = "policies: {strict: {min_age: 72h}}\n"


def test_the_same_list_changes_nothing() -> None:
    assert difference(listed(NODE, NGINX), listed(NGINX, NODE), 20) == Difference()
    assert difference(listed(NODE), listed(NODE), 20).is_none


def test_what_comes_and_what_goes_is_told_by_name() -> None:
    found = difference(listed(NODE), listed(NGINX), 20)
    assert (found.added, found.removed, found.gone, found.changed) == (("nginx",), ("node",), ("node",), ())
    assert not found.is_none


def test_an_entry_by_another_name_is_not_gone() -> None:
    found = difference(listed(NODE), listed(NODE.replace("name: node", "name: js")), 20)
    assert (found.added, found.removed, found.gone) == (("js",), ("node",), ())


def test_a_field_is_told_with_what_it_says_now_and_then() -> None:
    found = difference(listed(NODE), listed(NODE.replace("'22'", "'24'").replace("}", ", owner: web}")), 20)
    (entry,) = found.changed
    assert entry.name == "node"
    assert FieldChanged("owner", None, "web") in entry.fields
    assert {one.field for one in entry.fields} == {"tags", "owner"}


def test_a_policy_that_says_something_else_is_told_with_each_entry_that_has_it() -> None:
    node = NODE.replace("}", ", policy: strict}")
    before = listed(node, NGINX, head=STRICT)
    after = listed(node, NGINX, head=STRICT.replace("72h", "24h"))
    found = difference(before, after, 20)
    (entry,) = found.changed
    assert [one.field for one in entry.fields] == ["policy"]
    assert list(found.weaker) == ["node"]


def test_a_list_that_would_be_held_is_told_so() -> None:
    many = [NODE.replace("node", f"node{number}") for number in range(20)]
    assert difference(listed(*many), listed(*many[:10]), 20).held
    assert not difference(listed(*many), listed(*many[:18]), 20).held

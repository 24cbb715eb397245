"""Two entries may fill one repository of the base registry, but never one tag of it from two upstream tags."""

from __future__ import annotations

import pytest

from shared.errors import WatchListError
from shared.watch_list_yaml import parse_watch_list

pytestmark = pytest.mark.unit

LIST = """
images:
  - {{name: one, source: node, tags: [{one}], target: base/node}}
  - {{name: two, source: {source}, tags: [{two}], target: {target}}}
"""


def problems(one: str, two: str, source: str = "node", target: str = "base/node") -> tuple[str, ...]:
    """Return what is wrong with two entries, of which the first is of Docker Hub's node."""
    try:
        parse_watch_list(LIST.format(one=one, two=two, source=source, target=target).encode())
    except WatchListError as error:
        return error.problems
    return ()


@pytest.mark.parametrize(
    ("one", "two", "source", "place"),
    [
        ("{glob: '22*'}", "{tag: lts-alpine, as: 22-alpine}", "node", "line 4: images[1].tags[0]: base/node:22-alpine"),
        ("{tag: lts, as: '22'}", "{semver: ^22}", "node", "line 3: images[0].tags[0]: base/node:22"),
        ("{glob: 'cur*'}", "{semver: ^22, newest: 1, as: current}", "node", "line 4: images[1].tags[0]"),
        ("{glob: '22*'}", "'22.1'", "ghcr.io/acme/node", "line 4: images[1].tags[0]: base/node:22.1"),
    ],
)
def test_a_tag_that_a_pattern_of_another_entry_may_write_is_refused(
    one: str, two: str, source: str, place: str
) -> None:
    (problem,) = problems(one, two, source)
    assert problem.startswith(place)
    assert "exclude it in the patterns of images[" in problem


def test_patterns_of_two_upstream_repositories_do_not_fill_one_repository() -> None:
    (problem,) = problems("{glob: '22*'}", "{glob: '20*'}", "ghcr.io/acme/node")
    assert problem.startswith("line 4: images[1].target: base/node is filled from another")


@pytest.mark.parametrize(
    ("one", "two", "source", "target"),
    [
        ("{glob: '22*'}", "'22.1'", "node", "base/node"),
        ("{glob: '22*'}", "{glob: '2*'}", "node", "base/node"),
        ("{glob: '22*', exclude: ['22.1']}", "{tag: lts, as: '22.1'}", "node", "base/node"),
        ("{glob: '22*'}", "{tag: lts, as: current}", "ghcr.io/acme/node", "base/node"),
        ("{glob: '22*'}", "{glob: '22*'}", "ghcr.io/acme/node", "base/other"),
    ],
)
def test_entries_that_cannot_get_into_each_others_way_are_accepted(
    one: str, two: str, source: str, target: str
) -> None:
    assert problems(one, two, source, target) == ()

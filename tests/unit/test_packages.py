"""What is published is what was tested: every package is pinned, those that others bring along too."""

from __future__ import annotations

import re
from importlib.metadata import distribution

import pytest
from packaging.requirements import Requirement

from docs.parts import ROOT

pytestmark = pytest.mark.unit


def canonical(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def pinned(part: str) -> dict[str, str]:
    """Version by package of the lines that are no comment."""
    lines = re.findall(r"^[A-Za-z].*", part, re.MULTILINE)
    return {canonical(name): version for name, _, version in (line.partition("==") for line in lines)}


DIRECT, _, ALONG = (ROOT / "requirements.txt").read_text().partition("\n\n# What those bring")


def brought_along(names: set[str]) -> dict[str, str]:
    """The versions that are installed of some packages and of all that these need, with their extras."""
    found: dict[tuple[str, str], str] = {}
    wanted = [(name, "") for name in sorted(names)]
    while wanted:
        name, extra = wanted.pop()
        if (name, extra) not in found:
            installed = distribution(name)
            found[name, extra] = installed.version
            needed = [each for each in map(Requirement, installed.requires or []) if is_needed(each, extra)]
            wanted += [(canonical(each.name), part) for each in needed for part in ("", *each.extras)]
    return {name: version for (name, _), version in found.items()}


def is_needed(requirement: Requirement, extra: str) -> bool:
    return requirement.marker is None or requirement.marker.evaluate({"extra": extra})


def test_every_package_that_runs_in_azure_is_pinned_with_all_that_it_brings_along() -> None:
    assert pinned(DIRECT) | pinned(ALONG) == brought_along(set(pinned(DIRECT)))


def test_nothing_is_pinned_twice() -> None:
    assert pinned(DIRECT)
    assert set(pinned(DIRECT)) & set(pinned(ALONG)) == set()

"""Kinds of notices."""

from __future__ import annotations

import pytest

from shared.domain.notices.kinds import KINDS, Severity, Told
from shared.domain.watching.troubles import Kind as TroubleKind

pytestmark = pytest.mark.unit


def test_each_trouble_and_each_thing_that_is_told_has_a_kind_of_its_own() -> None:
    assert set(KINDS) == {kind.value for kind in TroubleKind} | {told.value for told in Told}
    assert len(KINDS) == len(TroubleKind) + len(Told)


def test_a_kind_is_known_by_its_own_name_and_says_what_it_means() -> None:
    assert all(kind.name == name and kind.title for name, kind in KINDS.items())


def test_only_troubles_last() -> None:
    assert {name for name, kind in KINDS.items() if kind.is_trouble} == {kind.value for kind in TroubleKind}


def test_severities_grow() -> None:
    assert [one.rank for one in Severity] == sorted(one.rank for one in Severity)
    assert Severity.INFO.rank < Severity.CRITICAL.rank

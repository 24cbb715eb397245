"""What the place promises where answers are kept by idempotency keys."""

from __future__ import annotations

from datetime import timedelta

import pytest
from msgspec.structs import replace

from shared.adapters.storage.account import StorageAccount
from shared.adapters.storage.answers_table import AnswersTable
from shared.answer_ports import KeptAnswers
from shared.domain.access.repeating import MOST_KEPT, Kept
from shared.errors import Conflict
from tests.contract.examples import NOON
from tests.doubles.answers import InMemoryAnswers

pytestmark = pytest.mark.contract

BEGUN = Kept(name="a" * 64, asked="b" * 64, at=NOON)


@pytest.fixture
def answers(account_or_none: StorageAccount | None) -> KeptAnswers:
    """The table, and its double."""
    return InMemoryAnswers() if account_or_none is None else AnswersTable(account_or_none)


def test_a_request_is_kept_once_and_its_answer_is_read_back(answers: KeptAnswers) -> None:
    assert answers.find(BEGUN.name) is None
    stored = answers.add(BEGUN)
    assert stored is not None
    assert answers.add(BEGUN) is None
    whole = replace(BEGUN, status=200, media="application/json", body="ä" * (MOST_KEPT // 2))
    answers.replace(stored, whole)
    found = answers.find(BEGUN.name)
    assert found is not None
    assert found.kept == whole


def test_what_somebody_changed_is_neither_replaced_nor_forgotten(answers: KeptAnswers) -> None:
    stored = answers.add(BEGUN)
    assert stored is not None
    answers.replace(stored, replace(BEGUN, status=200))
    with pytest.raises(Conflict):
        answers.replace(stored, BEGUN)
    with pytest.raises(Conflict):
        answers.remove(stored)


def test_forgetting_twice_is_forgetting_once(answers: KeptAnswers) -> None:
    stored = answers.add(BEGUN)
    assert stored is not None
    answers.remove(stored)
    answers.remove(stored)
    assert answers.find(BEGUN.name) is None


def test_what_began_before_a_moment_is_put_away_and_nothing_else(answers: KeptAnswers) -> None:
    for number in range(3):
        answers.add(replace(BEGUN, name=f"old{number}", at=NOON - timedelta(days=2)))
    answers.add(BEGUN)
    answers.put_away(NOON - timedelta(days=1))
    answers.put_away(NOON - timedelta(days=1))
    assert [answers.find(f"old{number}") for number in range(3)] == [None, None, None]
    assert answers.find(BEGUN.name) is not None

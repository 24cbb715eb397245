"""A token of a form opens what it was made for, to whom it was given, and for some hours."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.domain.access.callers import Caller, Kind, Role
from shared.domain.access.form_tokens import (
    KEY_LIFE,
    LIFE,
    Believed,
    FormKey,
    believed,
    form_token,
    key_number,
    new_form_key,
    number_at,
)
from shared.rules.form_keys import FormTokens
from tests.doubles.form_keys import InMemoryFormKeys
from tests.doubles.storage import SettableClock

pytestmark = pytest.mark.unit

NOW = datetime(2026, 3, 4, 12, tzinfo=UTC)
KEY = FormKey(number_at(NOW), "ab" * 32)
ADA = Caller(Kind.PERSON, "ada@33-44", "ada", frozenset({Role.APPROVER}))
BOB = Caller(Kind.PERSON, "bob@33-44", "ada", frozenset({Role.APPROVER}))
ABOUT = ("approve", "base~node~22", "7", "sha256:" + "a" * 64)
TOKEN = form_token(KEY, ADA, ABOUT, NOW)


def test_a_token_is_believed_from_whom_it_was_given_for_what_it_was_given() -> None:
    assert believed(TOKEN, KEY, ADA, ABOUT, NOW + timedelta(hours=7)) is Believed.YES


@pytest.mark.parametrize("at", range(len(ABOUT)))
def test_a_token_of_another_act_record_decision_or_digest_is_not_believed(at: int) -> None:
    other = [*ABOUT[:at], ABOUT[at] + "0", *ABOUT[at + 1 :]]
    assert believed(TOKEN, KEY, ADA, other, NOW) is Believed.FORGED


def test_a_token_of_somebody_else_is_not_believed_though_both_have_one_name() -> None:
    assert believed(TOKEN, KEY, BOB, ABOUT, NOW) is Believed.FORGED
    machine = Caller(Kind.APPLICATION, ADA.id, ADA.name, ADA.roles)
    assert believed(TOKEN, KEY, machine, ABOUT, NOW) is Believed.FORGED


def test_parts_that_are_put_together_otherwise_are_others() -> None:
    assert believed(form_token(KEY, ADA, ("ab", "c"), NOW), KEY, ADA, ("a", "bc"), NOW) is Believed.FORGED
    assert believed(form_token(KEY, ADA, ("a",), NOW), KEY, ADA, ("a", ""), NOW) is Believed.FORGED


def test_a_token_is_old_after_some_hours_and_none_is_of_tomorrow() -> None:
    assert believed(TOKEN, KEY, ADA, ABOUT, NOW + LIFE) is Believed.YES
    assert believed(TOKEN, KEY, ADA, ABOUT, NOW + LIFE + timedelta(seconds=1)) is Believed.OLD
    assert believed(TOKEN, KEY, ADA, ABOUT, NOW - timedelta(minutes=6)) is Believed.OLD


def test_a_token_whose_time_was_changed_is_forged() -> None:
    number, at, mac = TOKEN.split(".")
    later = f"{number}.{int(at) + 1}.{mac}"
    assert believed(later, KEY, ADA, ABOUT, NOW) is Believed.FORGED


@given(st.text(max_size=120))
def test_what_is_no_token_is_forged_whatever_it_is(text: str) -> None:
    assert believed(text, KEY, ADA, ABOUT, NOW) is Believed.FORGED


@given(st.integers(0, len(TOKEN) - 1), st.characters())
def test_a_token_with_one_character_changed_is_forged(at: int, other: str) -> None:
    changed = TOKEN[:at] + other + TOKEN[at + 1 :]
    key = KEY if key_number(changed) == KEY.number else None
    assert changed == TOKEN or believed(changed, key, ADA, ABOUT, NOW) is Believed.FORGED


def test_keys_are_not_alike_and_hold_256_bits() -> None:
    first, second = new_form_key(1), new_form_key(1)
    assert first.secret != second.secret
    assert len(bytes.fromhex(first.secret)) == 32


# As a process knows them.


def tokens(keys: InMemoryFormKeys, clock: SettableClock) -> FormTokens:
    """What makes tokens in one process."""
    return FormTokens(lambda: keys, clock)


def test_two_processes_believe_each_others_tokens_and_one_key_is_made() -> None:
    keys, clock = InMemoryFormKeys(), SettableClock()
    one, other = tokens(keys, clock), tokens(keys, clock)
    assert other.believed(one.make(ADA, ABOUT), ADA, ABOUT) is Believed.YES
    assert one.believed(other.make(ADA, ABOUT), ADA, ABOUT) is Believed.YES
    assert len(keys.kept) == 1


def test_a_token_of_the_last_key_is_believed_still_and_of_the_one_before_no_more() -> None:
    keys, clock = InMemoryFormKeys(), SettableClock()
    clock.now = datetime(1970, 1, 1, tzinfo=UTC) + 700 * KEY_LIFE - timedelta(minutes=1)
    token = tokens(keys, clock).make(ADA, ABOUT)
    clock.now += timedelta(minutes=2)
    fresh = tokens(keys, clock)
    assert fresh.believed(token, ADA, ABOUT) is Believed.YES
    fresh.make(ADA, ABOUT)
    assert sorted(keys.kept) == [699, 700]
    clock.now += KEY_LIFE
    assert tokens(keys, clock).believed(token, ADA, ABOUT) is Believed.FORGED


def test_a_token_of_a_key_that_is_none_asks_storage_for_nothing() -> None:
    keys, clock = InMemoryFormKeys(), SettableClock()
    made = tokens(keys, clock)
    for number in (0, 1, 999_999_999):
        assert made.believed(f"{number}.1.{'a' * 64}", ADA, ABOUT) is Believed.FORGED
    assert keys.reads == 0


def test_a_key_is_read_once_by_a_process() -> None:
    keys, clock = InMemoryFormKeys(), SettableClock()
    made = tokens(keys, clock)
    token = made.make(ADA, ABOUT)
    reads = keys.reads
    for _ in range(5):
        assert made.believed(token, ADA, ABOUT) is Believed.YES
        made.make(ADA, ABOUT)
    assert keys.reads == reads

"""A record is believed if it is signed, about this image in this repository, and says that it passed."""

from __future__ import annotations

import json
from base64 import b64decode, b64encode, urlsafe_b64encode
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.domain.record.statement import Result, Verifier
from shared.domain.record.verifying import NotVerified, Refusal, Verified, newest, verify
from shared.domain.signatures.keys import read_public_key
from tests.doubles.registries import digest_of
from tests.made_signatures.authorities import public_pem
from tests.made_signatures.cosign import statement as other_statement
from tests.unit.domain.record.examples import KEY, OTHER_KEY, a_bundle, passed, sealed, wanted
from tests.unit.examples import NOON, ONE, TWO

pytestmark = pytest.mark.unit

HOUR = timedelta(hours=1)
EARLIER = timezone(-5 * HOUR)
ELSEWHERE = "https://base.example.io/base/other"


def refused(content: bytes, **fields: Any) -> Refusal:
    answer = verify(content, wanted(**fields), NOON + HOUR)
    assert isinstance(answer, NotVerified), answer
    assert answer.detail
    return answer.refusal


def verified(content: bytes, **fields: Any) -> Verified:
    answer = verify(content, wanted(**fields), NOON + HOUR)
    assert isinstance(answer, Verified), answer
    return answer


def altered(content: bytes) -> bytes:
    """Return a record that says another thing under the same signature."""
    whole = json.loads(content)
    envelope = whole.get("dsseEnvelope", whole)
    envelope["payload"] = b64encode(passed(resource_uri=ELSEWHERE)).decode()
    return json.dumps(whole).encode()


@pytest.mark.parametrize("content", [a_bundle(), sealed(passed())])
def test_a_record_is_verified_as_a_bundle_and_as_an_envelope(content: bytes) -> None:
    answer = verified(content)
    assert (answer.key, answer.age) == ("key.pem", HOUR)
    assert answer.statement.predicate.verification_result is Result.PASSED


def test_it_is_verified_for_a_platform_as_well() -> None:
    assert verified(a_bundle(), digest=TWO).key == "key.pem"


def test_any_of_several_keys_will_do() -> None:
    keys = {"new.pem": OTHER_KEY.public_key(), "old.pem": read_public_key(public_pem(KEY))}
    assert verified(a_bundle(), keys=keys).key == "old.pem"


def test_an_altered_record_is_refused_by_name() -> None:
    assert refused(altered(a_bundle())) is Refusal.ALTERED


def test_a_record_by_another_key_is_refused_by_name() -> None:
    assert refused(a_bundle(key=OTHER_KEY)) is Refusal.OTHER_KEY


def test_an_envelope_that_says_no_key_is_altered_or_by_another_and_nobody_can_tell() -> None:
    assert refused(altered(sealed(passed()))) is Refusal.NOT_BY_KEY
    assert refused(sealed(passed(), OTHER_KEY)) is Refusal.NOT_BY_KEY


def test_a_record_of_another_image_is_refused_by_name() -> None:
    assert refused(a_bundle(), digest=digest_of("three")) is Refusal.OTHER_IMAGE


def test_a_record_that_was_copied_to_another_repository_is_refused_by_name() -> None:
    assert refused(a_bundle(), uri=ELSEWHERE) is Refusal.OTHER_REPOSITORY


def test_a_record_of_another_verifier_is_refused_by_name() -> None:
    assert refused(a_bundle(passed(verifier=Verifier("https://other")))) is Refusal.OTHER_VERIFIER


def test_a_record_that_says_failed_is_refused_by_name() -> None:
    assert refused(a_bundle(passed(verification_result=Result.FAILED))) is Refusal.FAILED


def test_a_signed_statement_of_another_kind_is_no_record() -> None:
    assert refused(a_bundle(other_statement(ONE))) is Refusal.OTHER_PREDICATE


def test_levels_that_are_asked_for_must_be_said() -> None:
    assert refused(a_bundle(), levels=("TIDEGATE_SIGNED",)) is Refusal.LEVEL_MISSING


def test_a_record_may_be_too_old_or_of_the_future() -> None:
    assert refused(a_bundle(), longest=timedelta(minutes=59)) is Refusal.TOO_OLD
    assert refused(a_bundle(passed(time_verified=NOON + 2 * HOUR))) is Refusal.NOT_YET
    assert verified(a_bundle(), longest=HOUR).age == HOUR


@pytest.mark.parametrize(
    "at",
    [NOON.replace(tzinfo=None), datetime(1, 1, 1, tzinfo=timezone(HOUR)), datetime(9999, 12, 31, 23, tzinfo=EARLIER)],
)
@pytest.mark.parametrize("result", list(Result))
def test_a_time_that_is_none_makes_a_record_that_cannot_be_read(at: datetime, result: Result) -> None:
    content = a_bundle(passed(time_verified=at, verification_result=result))
    assert refused(content) is Refusal.UNREADABLE
    newest([verify(content, wanted(), NOON), verify(a_bundle(), wanted(), NOON)])


def test_whatever_zone_a_time_is_of_it_is_told_as_utc() -> None:
    elsewhere = NOON.astimezone(EARLIER)
    answer = verified(a_bundle(passed(time_verified=elsewhere)))
    told = answer.statement.predicate.time_verified
    assert (told, told.tzinfo, answer.age) == (NOON, UTC, HOUR)


def test_an_envelope_may_be_written_in_the_alphabet_of_addresses() -> None:
    written = set[str]()
    while not {"-", "_"} <= written:  # each signature is another one
        whole = json.loads(a_bundle())
        envelope = whole["dsseEnvelope"]
        envelope["payload"] = urlsafe_b64encode(b64decode(envelope["payload"])).decode()
        envelope["signatures"][0]["sig"] = urlsafe_b64encode(b64decode(envelope["signatures"][0]["sig"])).decode()
        written |= set(envelope["signatures"][0]["sig"])
        assert verified(json.dumps(whole).encode()).key == "key.pem"


@given(st.binary(max_size=200))
def test_whatever_the_bytes_are_there_is_an_answer(content: bytes) -> None:
    assert refused(content) is Refusal.UNREADABLE


@given(st.data())
def test_no_change_of_a_single_byte_is_believed_otherwise_than_the_record_itself(data: st.DataObject) -> None:
    content = bytearray(BUNDLE)
    place = data.draw(st.integers(0, len(content) - 1))
    content[place] ^= 1 << data.draw(st.integers(0, 7))
    answer = verify(bytes(content), wanted(), NOON + HOUR)
    assert isinstance(answer, NotVerified) or answer.statement == verified(BUNDLE).statement


BUNDLE = a_bundle()


def test_of_several_records_the_latest_that_is_rightly_signed_counts() -> None:
    old, new = (verify(a_bundle(passed(time_verified=at)), wanted(), NOON + HOUR) for at in (NOON, NOON + HOUR))
    failed = passed(time_verified=NOON + HOUR, verification_result=Result.FAILED)
    no = verify(a_bundle(failed), wanted(), NOON + HOUR)
    stranger = verify(a_bundle(failed, OTHER_KEY), wanted(), NOON + HOUR)
    assert newest([new, old]) is new
    assert newest([old, no]) is no
    assert newest([no, new]) is no
    assert newest([stranger, old]) is old
    assert newest([stranger]) is stranger
    assert newest([]) is None

"""The key that signs records: published before it signs, and known for ever."""

from __future__ import annotations

from datetime import timedelta

import pytest

from shared.domain.record.signing_keys import PUBLISHED_AHEAD, shown
from shared.domain.signatures.findings import Refused as NotSigned
from shared.domain.signatures.keys import check_signature
from shared.errors import NotPermitted, RateLimited, Refused, ServiceError, Unavailable
from shared.rules.key_ring import ASKED_EVERY, KeyRing, Signed
from tests.doubles.records import InMemorySigningKeys, SoftSigner
from tests.doubles.storage import SettableClock

pytestmark = pytest.mark.unit

MESSAGE = b"what is signed"


class Ring:
    """A ring with all that it needs."""

    def __init__(self) -> None:
        self.signer, self.keys, self.clock = SoftSigner(), InMemorySigningKeys(), SettableClock()
        self.ring = self.another()

    def another(self) -> KeyRing:
        """The ring of another process."""
        return KeyRing(self.signer, self.keys, self.clock)

    def sign(self) -> str:
        """Sign, and return by which version."""
        signed = self.ring.sign(MESSAGE)
        check_signature(self.ring.public_keys()[signed.key.fingerprint], signed.signatures[0], MESSAGE)
        return signed.key.version

    @property
    def published(self) -> list[str]:
        return [one.version for one in self.keys.keys]


def test_the_first_key_is_published_and_signs_at_once() -> None:
    ring = Ring()
    assert ring.sign() == "v1"
    assert ring.published == ["v1"]


def test_nothing_is_signed_by_a_key_that_could_not_be_published() -> None:
    ring = Ring()
    ring.keys.fail("put", Unavailable("503"))
    with pytest.raises(Unavailable):
        ring.sign()
    assert not ring.signer.signed


def test_a_new_version_is_published_a_day_before_it_signs() -> None:
    ring = Ring()
    ring.sign()
    ring.signer.rotate()
    ring.clock.advance(ASKED_EVERY)
    assert (ring.sign(), ring.published) == ("v1", ["v1", "v2"])
    ring.clock.advance(PUBLISHED_AHEAD - timedelta(seconds=1))
    assert ring.sign() == "v1"
    ring.clock.advance(timedelta(seconds=1))
    assert ring.sign() == "v2"


def test_the_vault_is_asked_for_a_new_version_once_an_hour() -> None:
    ring = Ring()
    for _ in range(5):
        ring.sign()
    assert ring.signer.asked["newest"] == 1
    ring.clock.advance(ASKED_EVERY)
    ring.sign()
    assert ring.signer.asked["newest"] == 2


def test_each_key_is_shown_with_the_times_from_and_until_which_it_signs() -> None:
    ring = Ring()
    begun = ring.clock()
    ring.sign()
    ring.signer.rotate()
    ring.clock.advance(ASKED_EVERY)
    ring.sign()
    first, second = shown(ring.keys.keys)
    assert (first.valid_from, first.valid_until) == (begun, begun + ASKED_EVERY + PUBLISHED_AHEAD)
    assert (second.valid_from, second.valid_until) == (first.valid_until, None)


def test_where_the_version_in_use_is_disabled_one_that_is_published_takes_over_at_once() -> None:
    ring = Ring()
    ring.sign()
    ring.signer.rotate()
    ring.clock.advance(ASKED_EVERY)
    ring.sign()
    ring.signer.disabled.add("v1")
    assert ring.sign() == "v2"
    assert [one.valid_until for one in shown(ring.keys.keys)] == [ring.clock(), None]


def test_where_it_is_disabled_and_nothing_else_is_published_nothing_is_signed() -> None:
    ring = Ring()
    ring.sign()
    ring.signer.disabled.add("v1")
    with pytest.raises(Refused, match="disabled"):
        ring.sign()


@pytest.mark.parametrize("error", [NotPermitted("403"), RateLimited("429"), Unavailable("503")])
def test_no_right_and_no_answer_are_no_reason_to_sign_by_another_key(error: ServiceError) -> None:
    ring = Ring()
    ring.sign()
    ring.signer.rotate()
    ring.clock.advance(ASKED_EVERY)
    ring.signer.fail("sign", error)
    with pytest.raises(type(error)):
        ring.sign()
    assert set(ring.signer.signed) == {"v1"}


def test_a_vault_that_does_not_say_which_version_is_the_newest_keeps_nobody_from_the_one_in_use() -> None:
    ring = Ring()
    ring.sign()
    ring.clock.advance(ASKED_EVERY)
    ring.signer.fail("newest", Unavailable("503"))
    assert ring.sign() == "v1"


def test_two_processes_publish_a_version_once() -> None:
    ring = Ring()
    ring.sign()
    assert ring.another().sign(MESSAGE).key.version == "v1"
    assert ring.published == ["v1"]


def test_what_does_not_verify_by_the_published_key_is_no_signature() -> None:
    ring = Ring()
    ring.sign()
    ring.signer.versions["v1"] = SoftSigner().versions["v1"]
    with pytest.raises(Unavailable, match="is none by it"):
        ring.sign()


def test_keys_that_signed_once_still_verify_what_they_signed() -> None:
    ring = Ring()
    signed: Signed = ring.ring.sign(MESSAGE)
    ring.signer.rotate()
    ring.clock.advance(ASKED_EVERY + PUBLISHED_AHEAD)
    ring.sign()
    old = ring.ring.public_keys()[signed.key.fingerprint]
    check_signature(old, signed.signatures[0], MESSAGE)
    with pytest.raises(NotSigned):
        check_signature(old, signed.signatures[0], b"something else")

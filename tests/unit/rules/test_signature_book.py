"""What lies beside images is read once, kept whole, and read again ever more rarely while it does not do."""

from __future__ import annotations

import threading
from datetime import timedelta
from typing import Any

import msgspec
import pytest

from shared.domain.promotion.signed import Kept, kept_name
from shared.domain.references import DOCKER_HUB, Digest, Repository, parse_repository
from shared.domain.signatures.material import Material
from shared.domain.watching.budget import Learned
from shared.errors import RateLimited, Unavailable
from shared.rules.ledger import Ledger
from shared.rules.signature_book import SignatureBook
from shared.signature_ports import Beside, Spend
from tests.doubles.registries import digest_of
from tests.doubles.storage import MIDDAY, InMemoryBudgets, InMemoryEvidence, SettableClock
from tests.doubles.upstreams import InMemoryUpstream
from tests.made_signatures.authorities import new_key
from tests.made_signatures.cosign import bundle, key_bundle, legacy, legacy_layer, payload, statement

pytestmark = pytest.mark.unit

NODE, MIRROR = parse_repository("docker.io/library/node"), parse_repository("ghcr.io/org/node")
ONE, KEY = digest_of("one"), new_key()
BUNDLE = bundle(key_bundle(statement(ONE), KEY))


class Process:
    """A process with a book, and the registries that it asks."""

    def __init__(self) -> None:
        self.clock = SettableClock()
        self.hub = InMemoryUpstream(clock=self.clock)
        self.ghcr = InMemoryUpstream(clock=self.clock)
        self.evidence = InMemoryEvidence()
        self.start()

    def start(self) -> None:
        ledger = Ledger(InMemoryBudgets(), self.clock)
        by_registry: dict[str, Any] = {DOCKER_HUB: self.hub, "ghcr.io": self.ghcr}
        self.book = SignatureBook(by_registry.__getitem__, ledger, self.evidence, self.clock)


@pytest.fixture
def process() -> Process:
    return Process()


def test_what_was_read_is_read_no_more_also_by_another_process(process: Process) -> None:
    process.hub.sign(NODE, ONE, BUNDLE)
    first = process.book.of(NODE, ONE)
    process.start()
    assert process.book.of(NODE, ONE) == first
    assert first.material == Material(ONE, artefacts=(BUNDLE,))
    assert process.hub.besides[ONE] == 1


def test_another_repository_may_have_other_signatures_of_the_same_digest(process: Process) -> None:
    process.hub.sign(NODE, ONE, BUNDLE)
    assert process.book.of(NODE, ONE).material.artefacts == (BUNDLE,)
    assert process.book.of(MIRROR, ONE).material.artefacts == ()


def test_it_can_be_read_whole_and_that_is_kept(process: Process) -> None:
    old = legacy(legacy_layer(payload(ONE, str(NODE)), KEY))
    process.hub.sign(NODE, ONE, BUNDLE, old)
    first = process.book.of(NODE, ONE)
    assert not first.whole
    process.clock.advance(timedelta(minutes=1))
    again = process.book.again(first)
    assert (again.whole, again.material.artefacts, again.times) == (True, (BUNDLE, old), 2)
    assert (again.first_at, again.read_at) == (first.first_at, process.clock())
    assert process.book.of(NODE, ONE) == again


def test_what_somebody_else_read_anew_is_not_read_once_more(process: Process) -> None:
    first = process.book.of(NODE, ONE)
    second = process.book.again(first)
    assert process.book.again(first) == second
    assert process.hub.besides[ONE] == 2


def test_what_is_kept_and_cannot_be_read_is_fetched_anew(process: Process) -> None:
    process.hub.sign(NODE, ONE, BUNDLE)
    process.evidence.kept[ONE, kept_name(NODE)] = b"{broken"
    assert process.book.of(NODE, ONE).material.artefacts == (BUNDLE,)


def test_a_failure_keeps_nothing_and_is_not_asked_for_again_within_a_minute(process: Process) -> None:
    process.hub.fail("beside", Unavailable("HTTP 503"))
    for _ in range(3):
        with pytest.raises(Unavailable):
            process.book.of(NODE, ONE)
    assert (process.hub.besides[ONE], process.evidence.kept) == (1, {})
    process.clock.advance(timedelta(minutes=1))
    assert process.book.of(NODE, ONE).times == 1


def test_those_who_ask_at_once_share_one_reading(process: Process) -> None:
    entered, may_end = threading.Event(), threading.Event()

    class Slow(InMemoryUpstream):
        def beside(self, repository: Repository, digest: Digest, spend: Spend, *, whole: bool) -> Beside:
            entered.set()
            may_end.wait(5)
            return super().beside(repository, digest, spend, whole=whole)

    process.hub = Slow()
    process.start()
    threads = [threading.Thread(target=process.book.of, args=(NODE, ONE)) for _ in range(4)]
    for thread in threads:
        thread.start()
    entered.wait(5)
    may_end.set()
    for thread in threads:
        thread.join(5)
    assert process.hub.besides[ONE] == 1


def test_pauses_grow_to_an_hour_and_after_a_day_to_a_day() -> None:
    kept = Kept(source=NODE, first_at=MIDDAY, read_at=MIDDAY, material=Material(ONE))
    pauses = [msgspec.structs.replace(kept, times=times).again_at - MIDDAY for times in (1, 2, 4, 7, 30)]
    assert pauses == [timedelta(minutes=minutes) for minutes in (1, 2, 8, 60, 60)]
    later = msgspec.structs.replace(kept, times=40, read_at=MIDDAY + timedelta(days=1))
    assert later.again_at == MIDDAY + timedelta(days=2)


def test_a_spent_budget_is_told_with_its_end(process: Process) -> None:
    ledger = Ledger(InMemoryBudgets(), process.clock)
    ledger.learned(DOCKER_HUB, Learned(locked_for=timedelta(minutes=30)))
    by_registry: dict[str, Any] = {DOCKER_HUB: process.hub}
    book = SignatureBook(by_registry.__getitem__, ledger, process.evidence, process.clock)
    with pytest.raises(RateLimited, match="short until 12:30:00 UTC"):
        book.of(NODE, ONE)
    assert process.hub.besides[ONE] == 0

"""Waves and what is known of them, to test with."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import msgspec

from shared.domain.policy.rebuilding import OnFailure, Rebuilding
from shared.domain.promotion.decision import decide
from shared.domain.promotion.rebuilds import EndKind
from shared.domain.promotion.reconciling import has_passed, landed, scheduled, sighted
from shared.domain.promotion.said import Said
from shared.domain.promotion.target import Origin, Sighting, Target
from shared.domain.references import Digest
from shared.domain.waves.judge import Judged, Move, applied, judge
from shared.domain.waves.results import Baseline, Ended, Result, TagSeen, result_of
from shared.domain.waves.states import MemberState, WaveState
from shared.domain.waves.wave import Member, Spoken, Wave, Word, claimed, learned
from shared.domain.waves.way_back import Grounds, Scanned
from tests.doubles.registries import digest_of
from tests.unit.examples import NODE, NOON, ONE, TAG, TWO

THREE = digest_of("three")
LATER = NOON + timedelta(hours=1)
HOLD, RESTORE = Rebuilding(), Rebuilding(on_canary_failure=OnFailure.RESTORE)
CONTINUE = Rebuilding(on_canary_failure=OnFailure.CONTINUE)
FINE = Grounds(Scanned.CLEAN, there=True)
ON_IT = TagSeen(TWO, 2)
SAID = Said("ada", "I looked at it", NOON)
CANARY, SHOP, BLOG = "acr:apps/canary", "acr:apps/shop", "acr:apps/blog"


def target(*digests: Digest, **fields: Any) -> Target:
    """Return a target whose tag bore these digests one after another; without any, ``ONE`` and then ``TWO``."""
    origin = Origin("node", NODE, TAG, "node")
    record = Target(registry="tidegatebase", repository="base/node", tag=TAG, origin=origin)
    for order, digest in enumerate(digests or (ONE, TWO), start=1):
        record = has_passed(sighted(record, Sighting(order, digest), origin, NOON), digest)
        record = landed(decide(record, NOON)[0], digest, NOON)
    return msgspec.structs.replace(scheduled(record, NOON), **fields)


def member(name: str, *, canary: bool = False, **fields: Any) -> Member:
    """Return a member; a canary was good before."""
    good = {"baseline": Baseline.GOOD} if canary else {}
    return Member(**{"target": name, "resource": f"/tasks/{name}", "canary": canary, **good, **fields})


def wave(*members: Member, **fields: Any) -> Wave:
    """Return a wave for the decision that moved the tag from ``ONE`` to ``TWO``, as it was planned."""
    first = Wave(
        registry="tidegatebase",
        repository="base/node",
        tag=TAG,
        number=2,
        digest=TWO,
        former=ONE,
        planned_at=NOON,
        members=members or (member(CANARY, canary=True), member(SHOP), member(BLOG)),
        look_at=NOON,
    )
    return msgspec.structs.replace(first, **fields)


def ended(attempt: int = 1, *, passed: bool, kind: EndKind = EndKind.BUILD, **fields: Any) -> Ended:
    """Return a run that ended."""
    return Ended(attempt=attempt, passed=passed, kind=kind, run=f"run{attempt}", **fields)


def result(name: str, run: Ended, before: TagSeen = ON_IT, after: TagSeen = ON_IT) -> Result:
    """Return what a run says about ``TWO``, decided by number 2."""
    return result_of(name, TWO, 2, run, before, after)


def passed(name: str, attempt: int = 1) -> Result:
    """Return that a member was built."""
    return result(name, ended(attempt, passed=True, reported=TWO))


def failed(name: str, attempt: int = 1) -> Result:
    """Return that a member's build failed."""
    return result(name, ended(attempt, passed=False))


def broke(name: str, attempt: int = 1) -> Result:
    """Return that the platform ended a member's run."""
    return result(name, ended(attempt, passed=False, kind=EndKind.PLATFORM))


def spoken(word: Word) -> Spoken:
    """Return what a person said."""
    return Spoken(word, SAID)


def at(found: Wave, state: WaveState, **fields: Any) -> Wave:
    """Return a wave as it would be in some state."""
    return msgspec.structs.replace(found, state=state, **fields)


def state_of(found: Wave, name: str) -> MemberState:
    """Return where a member is."""
    known = found.member(name)
    assert known is not None
    return known.state


def judged(
    found: Wave,
    asked: Rebuilding = HOLD,
    record: Target | None = None,
    grounds: Grounds = FINE,
    now: Any = NOON,
) -> Judged:
    """Judge a wave, of a tag that is at its decision unless another record is given."""
    return judge(found, record or target(), asked, grounds, now)


def played(found: Wave, *results: Result, asked: Rebuilding = HOLD, record: Target | None = None) -> Wave:
    """Do what is judged until it waits, and let these results come when their attempts have begun."""
    left, now = list(results), NOON
    for _ in range(200):
        verdict = judge(found, record or target(), asked, FINE, now)
        if verdict.move not in {Move.WAIT, Move.RESTORE}:
            found = applied(found, verdict, now, ON_IT)
        elif (come := next((one for one in left if _is_begun(found, one)), None)) is not None:
            left.remove(come)
            found = learned(found, come, now)
        elif verdict.until is None or found.state is WaveState.HELD or not _retries(found, now):
            return found
        else:
            now = verdict.until
    raise AssertionError("it never comes to rest")


def _retries(found: Wave, now: datetime) -> bool:
    return any(one.retry_at is not None and one.retry_at > now for one in found.members)


def _is_begun(found: Wave, one: Result) -> bool:
    known = found.member(one.target)
    return known is not None and known.attempts >= one.ended.attempt


def asks(found: Wave, *names: str) -> Wave:
    """Return a wave whose members were asked for."""
    return claimed(found, names, ON_IT)

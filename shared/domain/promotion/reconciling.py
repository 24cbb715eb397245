"""What differs between a target and what it should be, what is to be done about it next, and what came of it: pure."""

from __future__ import annotations

from datetime import datetime
from enum import Enum

import msgspec

from shared.domain.promotion.admission import Admission, Waiting, takes_back, with_admission
from shared.domain.promotion.adopting import is_passed_over, sighted_again
from shared.domain.promotion.barring import is_taken_back
from shared.domain.promotion.consents import closed
from shared.domain.promotion.decision import decided, without_trouble
from shared.domain.promotion.importing import Importing, Unsettled
from shared.domain.promotion.lifecycle import cause_of, reason_of
from shared.domain.promotion.schedule import (
    FAILED_LOOK,
    FIRST_RETRY,
    IMPORT_LIFE,
    IMPORT_PATIENCE,
    LEASE,
    MOST_ATTEMPTS,
    SEARCH_LOOK,
    VERDICT_LOOK,
    most_attempts,
    pause_before_retry,
    pause_before_turn,
)
from shared.domain.promotion.statuses import Reason
from shared.domain.promotion.target import FAILED_BY_LOCK, Awaited, Former, Origin, Sighting, Staged, Target
from shared.domain.references import Digest
from shared.domain.scan.decision import Outcome
from shared.errors import Locked, Paced, RateLimited, TidegateError

_SIGHTINGS_KEPT = 20
_PASSED_KEPT = 30
_FORMER_KEPT = 10
_DETAIL_KEPT = 600
# Enough for the longest pause, and too few for an import whose next look fails for another reason to be given up.
_WAITS_COUNTED = MOST_ATTEMPTS - 2


class Todo(Enum):
    """What is to be done next about a target."""

    FOLLOW = "follow"  # an import is under way: look at it
    PUT = "put"  # it does not point at what is wanted, as far as is known: read it, and import
    SETTLE = "settle"  # an import nobody knows the end of may have put another digest back: read it
    SEARCH = "search"  # what is built on it was not looked for: ask for that again
    ASK = "ask"  # the latest sighting has no verdict: look after its candidate
    REST = "rest"  # nothing now


def todo(target: Target, now: datetime) -> Todo:
    """Return what is to be done next about a target."""
    if target.importing is not None:
        return Todo.FOLLOW
    if target.let_go is not None:
        return Todo.REST
    if _differs(target) and (target.retry_at is None or target.retry_at <= now):
        return Todo.PUT
    if any(one.at <= now for one in _harmful(target)):
        return Todo.SETTLE
    if target.search_at is not None and target.search_at <= now:
        return Todo.SEARCH
    return Todo.ASK if target.awaited is not None and target.awaited.at <= now else Todo.REST


def scheduled(target: Target, now: datetime) -> Target:
    """Return a record that says when it is to be looked at again."""
    times = [one.at for one in _harmful(target)]
    times += [target.awaited.at] if target.awaited else []
    times += [target.search_at] if target.search_at else []
    times += [target.pinned.until] if target.pinned and target.pinned.until and target.pinned.until > now else []
    if target.importing is not None:
        # Its own steps say when it is to be looked at; what else is learned meanwhile must not put that off.
        times = [target.look_at or now + LEASE]
    elif target.let_go is not None:
        times = []
    elif _differs(target):
        times.append(target.retry_at or target.decided_at or now)
    return msgspec.structs.replace(target, look_at=min(times, default=None))


def may_share_import(first: Target, other: Target, now: datetime) -> bool:
    """Whether a target may be brought to what it wants by the import of another one: into one repository, by digest."""
    same = (first.registry, first.repository, first.wanted) == (other.registry, other.repository, other.wanted)
    return same and todo(other, now) is Todo.PUT


def _differs(target: Target) -> bool:
    """What was blocked while the target is held stays wanted until it may decide, and is not imported meanwhile.

    Neither is what is not let in any more, and stays wanted as there is nothing else.
    """
    blocked = target.wanted in {one.digest for one in target.blocked}
    return bool(target.wanted) and target.reached != target.number and not blocked and not is_taken_back(target)


def _harmful(target: Target) -> tuple[Unsettled, ...]:
    """Imports that would leave what is not wanted; while the tag is about to be written anyway, they can wait."""
    if _differs(target):
        return ()
    return tuple(one for one in target.unsettled if one.digest != target.wanted)


# What is learned of digests.


def sighted(target: Target, sighting: Sighting, origin: Origin, now: datetime) -> Target:
    """Take note of what the source points at; a sighting that is known already, or is older, changes nothing.

    What passed another gate than the one that is asked for now has not passed.
    """
    known = next((one for one in target.sightings if one.digest == sighting.digest), None)
    if known is not None and known.order >= sighting.order:
        return target
    target = sighted_again(target, sighting)
    others = [one for one in target.sightings if one.digest != sighting.digest]
    inside = sorted([*others, sighting], key=lambda one: one.order)
    kept = [one for one in inside[:-_SIGHTINGS_KEPT] if one.digest == target.wanted] + inside[-_SIGHTINGS_KEPT:]
    if kept[-1].digest != sighting.digest:
        return msgspec.structs.replace(target, sightings=tuple(kept))
    target = closed(target, sighting.digest)
    passed = target.passed if origin.gate == target.origin.gate else ()
    waits = sighting.digest not in passed and not is_passed_over(target, sighting)
    awaited = Awaited(sighting.digest, now + VERDICT_LOOK) if waits else None
    return msgspec.structs.replace(target, origin=origin, sightings=tuple(kept), passed=passed, awaited=awaited)


def passes_anew(target: Target, digest: Digest) -> Target:
    """Let what a source returns to be judged by what is in force now, not by what was when it passed.

    What the tag is to be already stays so.
    """
    passed = tuple(one for one in target.passed if one != digest or one == target.wanted)
    return msgspec.structs.replace(target, passed=passed)


def has_passed(target: Target, digest: Digest, repository: str = "") -> Target:
    """Take note that a digest passed its gate, and of the repository of the staging registry that it lies in."""
    passed = target.passed if digest in target.passed else (*target.passed, digest)[-_PASSED_KEPT:]
    staged = tuple(one for one in target.staged if one.digest != digest)
    if repository not in {"", target.repository}:
        staged = (*staged, Staged(digest, repository))[-_PASSED_KEPT:]
    return msgspec.structs.replace(target, passed=passed, staged=staged, awaited=_unless(target.awaited, digest))


def admitted(target: Target, admission: Admission, repository: str) -> Target:
    """Take note of what the scan of a digest that passed its test means here; only a pass lets the tag come to it.

    What it has come to already stays so whatever is found later; what is only decided is not promoted any more, if
    there is anything else. What had passed stays so while its scan has no answer, and not while it waits for time, for
    people, or for somebody to know whether it is signed.

    Args:
        target: the record.
        admission: what was decided.
        repository: of the staging registry, in which the digest lies.
    """
    digest, known = admission.digest, with_admission(target, admission)
    if admission.outcome is Outcome.PASS:
        return has_passed(known, digest, repository)
    if not takes_back(admission):
        return known
    stays = digest == known.wanted and _came_to(known, digest)
    passed = known.passed if stays else tuple(one for one in known.passed if one != digest)
    waits = admission.outcome is Outcome.HOLD and admission.waits_for is not Waiting.NOTHING
    awaited = known.awaited if waits else _unless(known.awaited, digest)
    return msgspec.structs.replace(known, passed=passed, awaited=awaited)


def _came_to(target: Target, digest: Digest) -> bool:
    """Whether what is wanted has been in use, also if it is being put back just now."""
    return target.reached == target.number or digest == target.seen or bore_before(target, digest)


def asks_anew(target: Target, digest: Digest, now: datetime) -> Target:
    """Forget that a digest passed: only its source has it any more, so it is fetched and tested once more."""
    passed = tuple(one for one in target.passed if one != digest)
    newest = target.newest is not None and target.newest.digest == digest
    awaited = Awaited(digest, now, lost_at=now) if newest else target.awaited
    return msgspec.structs.replace(target, passed=passed, awaited=awaited)


def awaiting(target: Target, digest: Digest, at: datetime | None) -> Target:
    """Say when the candidate of a digest is to be looked after again; ``None`` if its verdict is known."""
    if target.awaited is None or target.awaited.digest != digest:
        return target
    later = msgspec.structs.replace(target.awaited, at=at) if at else None
    return msgspec.structs.replace(target, awaited=later)


def _unless(awaited: Awaited | None, digest: Digest) -> Awaited | None:
    return None if awaited is not None and awaited.digest == digest else awaited


# What becomes of imports.


def begun(target: Target, now: datetime) -> Target:
    """Claim the import of what is wanted."""
    return msgspec.structs.replace(
        target, step=target.step + 1, importing=Importing(target.wanted, now), look_at=now + LEASE
    )


def shown(target: Target, found: Digest | None, now: datetime) -> Target:
    """Take note of what the tag was read to point at."""
    seen = found or Digest("")
    former = target.former
    if target.seen and target.seen != seen:
        rest = (one for one in former if one.digest not in {target.seen, seen})
        foreign = target.foreign and not target.knows(target.seen)
        former = (Former(target.seen, now, foreign=foreign), *rest)[:_FORMER_KEPT]
    arrives = bool(seen) and seen == target.wanted
    reached, arrived = (target.number, seen) if arrives else (target.reached, _arrived(target))
    foreign = target.foreign if seen == target.seen else bool(seen) and not target.knows(seen)
    return msgspec.structs.replace(
        target, seen=seen, seen_at=now, foreign=foreign, former=former, reached=reached, arrived=arrived
    )


def _arrived(target: Target) -> Digest:
    """Records of earlier versions tell it by the number of what was reached."""
    return target.arrived or (target.wanted if target.reached == target.number else Digest(""))


def landed(target: Target, found: Digest, now: datetime) -> Target:
    """Take note that an import has ended, or was not needed: the tag was read to point at what was asked for."""
    shows = asks_for_search(shown(target, found, now), now)
    alive = tuple(one for one in target.unsettled if _is_alive(one, now))
    return msgspec.structs.replace(without_trouble(shows), step=target.step + 1, importing=None, unsettled=alive)


def differs(target: Target, now: datetime) -> Target:
    """Take note that an import ended and another digest was read back, which may be that of a replica that lags."""
    importing = target.importing and msgspec.structs.replace(target.importing, differs_since=now, operation="")
    return msgspec.structs.replace(target, step=target.step + 1, importing=importing, look_at=now + FIRST_RETRY)


def asks_for_search(target: Target, now: datetime) -> Target:
    """Say when the search for what is built on it is to be asked for again; it has just been asked for."""
    open_ = bool(target.wanted) and target.reached == target.number != target.searched
    return msgspec.structs.replace(target, search_at=now + SEARCH_LOOK if open_ else None)


def passes_by(target: Target, digest: Digest) -> bool:
    """Whether a digest that a tag was pushed with is ours, and about to be replaced by what is wanted."""
    came_back = digest in {one.digest for one in target.unsettled}
    return target.let_go is None and digest != target.wanted and (_differs(target) or came_back)


def alarmed(target: Target, digest: Digest, now: datetime) -> Target:
    """Have the tag read at once because of an import that nobody knew the end of, and which may just have ended."""
    unsettled = tuple(msgspec.structs.replace(one, at=now) if one.digest == digest else one for one in target.unsettled)
    return msgspec.structs.replace(target, unsettled=unsettled)


def was_searched(target: Target, number: int) -> Target:
    """Take note that what is built on a decision was looked for, and its rebuilds were made."""
    done = msgspec.structs.replace(target, searched=max(target.searched, number))
    return msgspec.structs.replace(done, search_at=None) if done.searched == done.number else done


def fell_through(target: Target, error: TidegateError, now: datetime, *, over: bool, settled: bool) -> Target:
    """Decide what an error means for its step; that of an import which nobody wants any more means nothing.

    Args:
        target: the record as it was before the step.
        error: what happened; temporary or not decides whether it is tried again soon or daily. Being asked to wait
            never counts as having been tried too often.
        now: UTC.
        over: whether the import has ended or is given up; else it is looked at again. Being asked to wait before it can
            be looked at gives nothing up.
        settled: whether it is certain that it will leave nothing any more.

    Returns:
        What says when it is tried again. A target whose turn at ARM has not come is in no trouble.
    """
    importing, unsettled = target.importing, target.unsettled
    over = over and (settled or not isinstance(error, RateLimited))
    if over and importing is not None and not settled:
        unsettled = (*unsettled, Unsettled(importing.digest, importing.since, now + IMPORT_PATIENCE))
    after = msgspec.structs.replace(
        target, step=target.step + 1, importing=None if over else importing, unsettled=unsettled
    )
    if over and importing is not None and importing.digest != target.wanted:
        return after
    if isinstance(error, Paced):
        return _tried_again(after, now + pause_before_turn(error))
    cause = cause_of(error)
    locked = isinstance(cause, Locked)
    failed_by = FAILED_BY_LOCK if locked else reason_of(error, Reason.TROUBLE).value
    failures = 1 + (target.failures if target.failed_by == failed_by else 0)
    waits = isinstance(cause, RateLimited)
    failures = min(failures, _WAITS_COUNTED) if waits else failures
    too_often = failures >= most_attempts(cause) and not waits
    gave_up = target.gave_up or not error.temporary or too_often
    pause = FAILED_LOOK if gave_up else pause_before_retry(failures, error.retry_after)
    tried = f" (tried {failures} times)" if error.temporary and gave_up else ""
    trouble = f"{str(error)[:_DETAIL_KEPT]}{tried}"
    after = msgspec.structs.replace(after, failures=failures, failed_by=failed_by, gave_up=gave_up, trouble=trouble)
    return _tried_again(after, now + pause)


def _tried_again(target: Target, at: datetime) -> Target:
    """An import under way is looked at then."""
    look_at = at if target.importing is not None else target.look_at
    return msgspec.structs.replace(target, retry_at=at, look_at=look_at)


def settled(target: Target, found: Digest | None, now: datetime) -> Target:
    """Take note of what the tag points at while an import may still put another digest back.

    If one did, the tag is put right under a new number, since tasks may have been built on what came back. Reading
    goes on, ever more rarely, until such an import is too old to be alive.
    """
    alive = tuple(_later(one, now) for one in target.unsettled if _is_alive(one, now))
    shows = msgspec.structs.replace(shown(target, found, now), unsettled=alive)
    came_back = bool(target.wanted) and found != target.wanted and found in {one.digest for one in target.unsettled}
    return decided(shows, now) if came_back else shows


def _is_alive(unsettled: Unsettled, now: datetime) -> bool:
    return now - unsettled.since < IMPORT_LIFE


def _later(unsettled: Unsettled, now: datetime) -> Unsettled:
    """The last look is made when the import cannot be alive any more."""
    if unsettled.at > now:
        return unsettled
    at = min(now + max(now - unsettled.since, IMPORT_PATIENCE), unsettled.since + IMPORT_LIFE)
    return msgspec.structs.replace(unsettled, at=at)


def bore_before(target: Target, digest: Digest) -> bool:
    """Whether a target's tag pointed at a digest before what it points at now."""
    return digest in {one.digest for one in target.former}


def looked_at(target: Target | None, step: int, look_at: datetime, operation: str) -> Target | None:
    """Return a target whose import is to be looked at again at a time; ``None`` if it has gone on since a step."""
    if target is None or target.step != step or target.importing is None:
        return None
    importing = msgspec.structs.replace(target.importing, operation=operation)
    return msgspec.structs.replace(target, importing=importing, look_at=look_at)

"""What a listing of the base registry means for a target, and what is done about it: pure, each with a named reason.

Listings lag behind, and registries in trouble say that nothing is there. So what is missing is believed when a second
listing that began some minutes after the first says so too, and a third where the listing holds no tags at all; so is a
digest that the tag bore before, which a replica may still show. A digest that it never bore is no lag.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from enum import Enum

import msgspec

from shared.domain.promotion.adopting import is_passed_over, on_return
from shared.domain.promotion.astray import Astray, LetGo
from shared.domain.promotion.decision import decide, decided, without_trouble
from shared.domain.promotion.reconciling import alarmed, shown
from shared.domain.promotion.said import Why
from shared.domain.promotion.schedule import LAG_PATIENCE
from shared.domain.promotion.target import Awaited, Target
from shared.domain.references import Digest, Tag
from shared.domain.watching.remedies import Remedies, Remedy

LISTINGS_NEEDED = 2
# As for upstreams: docs/decisions/0014-absence-is-doubted.md.
EMPTY_LISTINGS_NEEDED = 3
# So many repairs within so long, each with its rebuilds, and others overwrite the tag again: two controllers.
MOST_REPAIRS, QUIET = 3, timedelta(days=1)
_NOTHING = Digest("")


class Listed(msgspec.Struct, frozen=True):
    """One whole listing of a repository's tags.

    Attributes:
        tags: what each of them points at.
        began: when it was begun, UTC.
        apart: how much later another listing must have begun, so as to count beside it.
    """

    tags: Mapping[Tag, Digest]
    began: datetime
    apart: timedelta = LAG_PATIENCE


class Deleted(msgspec.Struct, frozen=True):
    """What the registry told of a deletion: the digest, empty for a repository; and by whom, if it said."""

    digest: Digest
    by: str


class Finding(Enum):
    """What a listing says of a target's tag."""

    NOT_JUDGED = "not-judged"  # its import is under way, nothing is wanted, or it is let go
    TOO_SOON = "too-soon"  # the listing may be older than what is known, or come from a replica that lags
    IN_ORDER = "in-order"  # it is what is wanted
    CAME_BACK = "came-back"  # an import of ours that nobody knew the end of put it back: it is read and put right
    MISSING_ONCE = "missing-once"  # it is not there, which is not believed yet
    MISSING = "missing"  # it is not there
    DIFFERS_ONCE = "differs-once"  # it is what it was before, which is not believed yet
    OVERWRITTEN = "overwritten"  # others made it point at another digest


class Answer(Enum):
    """What is done about a tag that is missing or overwritten, and why."""

    REPAIR = "repair"  # what is wanted is put back
    TELL = "tell"  # the watch list says to tell it
    BLOCKED = "blocked"  # told: what is wanted is blocked
    HELD = "held"  # told: somebody said that nothing is to be decided
    FOUGHT = "fought"  # told: it was put back too often, and others overwrite it each time


_ASTRAY = frozenset({Finding.MISSING_ONCE, Finding.MISSING, Finding.DIFFERS_ONCE, Finding.OVERWRITTEN})
_CERTAIN = frozenset({Finding.MISSING, Finding.OVERWRITTEN})


def find(target: Target, listed: Listed) -> Finding:
    """Return what a whole listing says of a target's tag."""
    if not _is_judged(target):
        return Finding.NOT_JUDGED
    found = listed.tags.get(target.tag, _NOTHING)
    if _is_too_soon(target, found, listed):
        return Finding.TOO_SOON
    if found == target.wanted:
        return Finding.IN_ORDER
    if found and found in {one.digest for one in target.unsettled}:
        return Finding.CAME_BACK
    return _missing(target, listed) if not found else _differing(target, found, listed)


def _is_judged(target: Target) -> bool:
    rests = target.importing is None and target.let_go is None
    return rests and bool(target.wanted) and target.reached == target.number


def _missing(target: Target, listed: Listed) -> Finding:
    astray = _still(target, _NOTHING)
    needed = LISTINGS_NEEDED if listed.tags else EMPTY_LISTINGS_NEEDED
    certain = astray is not None and astray.told
    return Finding.MISSING if certain or _looks(astray, listed) >= needed else Finding.MISSING_ONCE


def _differing(target: Target, found: Digest, listed: Listed) -> Finding:
    astray, borne = _still(target, found), found in {one.digest for one in target.former}
    certain = astray is not None and astray.told
    enough = certain or not borne or _looks(astray, listed) >= LISTINGS_NEEDED
    return Finding.OVERWRITTEN if enough else Finding.DIFFERS_ONCE


def answer(target: Target, finding: Finding, remedies: Remedies) -> Answer:
    """Return what is done about a tag that is missing or overwritten."""
    if target.wanted in {one.digest for one in target.blocked}:
        return Answer.BLOCKED
    if target.hold is not None:
        return Answer.HELD
    if finding is Finding.OVERWRITTEN and remedies.drift is Remedy.REPAIR and _is_fought(target):
        return Answer.FOUGHT
    remedy = remedies.missing if finding is Finding.MISSING else remedies.drift
    return Answer.REPAIR if remedy is Remedy.REPAIR else Answer.TELL


def _is_fought(target: Target) -> bool:
    """Whether others overwrote a tag within a day after the last of several repairs that lay within one.

    What is left so lasts until others mend it or a person acts; a repair that is under way is finished.
    """
    repairs, astray = target.repairs, target.astray
    if astray is None or len(repairs) < MOST_REPAIRS or target.reached != target.number:
        return False
    return repairs[-1] - repairs[0] < QUIET and astray.since - repairs[-1] < QUIET


def compared(target: Target, listed: Listed, remedies: Remedies, deleted: Deleted | None, now: datetime) -> Target:
    """Take note of what a whole listing shows, and begin what is to be done about it.

    Args:
        target: the record.
        listed: the listing.
        remedies: what the watch list wants done.
        deleted: the deletion that had the repository looked at, if one did.
        now: UTC.

    Returns:
        The record; unchanged where there is nothing to say.
    """
    found = listed.tags.get(target.tag, _NOTHING)
    if target.let_go is not None:
        return returned(target, found, listed.began, now) if target.importing is None else target
    finding = find(target, listed)
    if finding is Finding.CAME_BACK:
        return alarmed(target, found, now)
    if finding is Finding.IN_ORDER:
        seen = target if target.seen == found else shown(target, found, listed.began)
        return msgspec.structs.replace(_put_right(seen, now), astray=None)
    if finding not in _ASTRAY:
        return target
    noted = _noted(target, found, listed, deleted, certain=finding in _CERTAIN)
    if finding in _CERTAIN and answer(noted, finding, remedies) is Answer.REPAIR:
        return repaired(noted, finding, now)
    return noted


def repaired(target: Target, finding: Finding, now: datetime) -> Target:
    """Have what is wanted put back.

    What is built on a digest that was only missing is built on that very digest, so the decision keeps its number and
    nothing is rebuilt. On what others put there something may have been built: that needs a number of its own.
    """
    if finding is Finding.MISSING and not _bore_others(target):
        return msgspec.structs.replace(without_trouble(target), reached=target.number - 1)
    repairs = (*target.repairs, now)[-MOST_REPAIRS:] if finding is Finding.OVERWRITTEN else target.repairs
    return decided(target, now, repairs=repairs)


def _put_right(target: Target, now: datetime) -> Target:
    """Others put back what is wanted: what was built on their other digest is built once more by a new number."""
    blocked = target.wanted in {one.digest for one in target.blocked}
    return decided(target, now) if _bore_others(target) and not blocked else target


def _bore_others(target: Target) -> bool:
    """Whether others' digest stood there, by the word that was told, since the decision in force."""
    return target.astray is not None and target.astray.overwrote == target.number


def let_go(target: Target, why: str, now: datetime) -> Target:
    """Mark that no entry of the watch list writes a tag any more; an import under way is followed to its end."""
    left = msgspec.structs.replace(without_trouble(target), let_go=LetGo(now, why), astray=None)
    return msgspec.structs.replace(left, awaited=None, search_at=None)


def returned(target: Target, found: Digest, began: datetime, now: datetime) -> Target:
    """Take a tag back that has returned to the watch list, with what stands there now.

    What others put there meanwhile is adopted, and nothing that is built on it is rebuilt: nothing has changed.
    """
    back, away_since = msgspec.structs.replace(target, let_go=None), target.let_go.since if target.let_go else now
    if found:
        back = shown(back, found, began)
    if found and found != target.wanted:
        back = msgspec.structs.replace(back, adopted=on_return(target, found, away_since))
    after, _ = decide(back, now)
    if after.wanted == found and after.why is Why.ADOPTED:
        after = msgspec.structs.replace(after, reached=after.number, searched=after.number)
    return waiting_again(after, now)


def waiting_again(target: Target, now: datetime) -> Target:
    """Await what was being tested when the tag was let go, and ended then."""
    newest = target.newest
    if newest is None or newest.digest in target.passed or is_passed_over(target, newest):
        return msgspec.structs.replace(target, awaited=None)
    return msgspec.structs.replace(target, awaited=Awaited(newest.digest, now))


def ended(target: Target) -> bool:
    """Whether what was told of a tag is over by the product's own word: it was read to be what is wanted since."""
    astray, seen_at = target.astray, target.seen_at
    read = astray is not None and seen_at is not None and seen_at > astray.last
    return read and target.seen == target.wanted and target.reached == target.number


def _is_too_soon(target: Target, found: Digest, listed: Listed) -> bool:
    """What was read of the tag itself is newer than a listing that was begun before."""
    if target.seen_at is not None:
        since = listed.began - target.seen_at
        if since < listed.apart and (found != target.wanted or since <= timedelta(0)):
            return True
    return target.astray is not None and listed.began < target.astray.last


def _still(target: Target, found: Digest) -> Astray | None:
    """What is noted of the same, unless it was put right since."""
    astray = target.astray
    return None if astray is None or astray.digest != found or ended(target) else astray


def _looks(astray: Astray | None, listed: Listed) -> int:
    """How many listings that began some minutes apart say so, with this one."""
    if astray is None:
        return 1
    return astray.looks + (listed.began - astray.last >= listed.apart)


def _noted(target: Target, found: Digest, listed: Listed, deleted: Deleted | None, *, certain: bool) -> Target:
    astray, began = _still(target, found), listed.began
    by = deleted.by if deleted and not found and deleted.digest in {"", target.wanted} else ""
    overwrote = target.number if certain and found else target.astray.overwrote if target.astray else 0
    if astray is None:
        fresh = Astray(found, began, began, 1, told=certain, by=by, overwrote=overwrote)
        return msgspec.structs.replace(target, astray=fresh)
    looks = _looks(astray, listed)
    counted = looks > astray.looks and not astray.told
    after = msgspec.structs.replace(
        astray,
        looks=looks if counted else astray.looks,
        last=began if counted else astray.last,
        told=astray.told or certain,
        by=astray.by or by,
        overwrote=overwrote,
    )
    return msgspec.structs.replace(target, astray=after)

"""What keeps an image from being what its upstream is: one record a trouble, of a named kind, for as long as it lasts.

Whoever looks compares what is so now with what was noted, so that a beginning is told once, and so is an end; and that
it still lasts is told again and again in between, for an alert to see.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from datetime import datetime, timedelta
from enum import Enum

import msgspec

from shared.domain.references import Repository, Tag

_DETAIL_KEPT = 600
# So many of one kind are told by name; of more, how many there are besides: hundreds are one outage, not as many calls.
MOST_OF_A_KIND = 20
OTHERS = "others"


class Kind(Enum):
    """What is wrong. Each has its section in docs/runbook.md."""

    LIST_INVALID = "watch-list-invalid"  # the stored watch list is not valid; the last good one stays in force
    LIST_HELD = "watch-list-held"  # the stored watch list lacks too much to be taken without a word
    LIST_MISSING = "watch-list-missing"  # no watch list is stored
    EXCEPTIONS_INVALID = "exceptions-invalid"  # waivers, VEX or known-exploited cannot be read; the last good ones stay
    TRUST_INVALID = "trust-invalid"  # keys, roots or stores for signatures cannot be read; the last good ones stay
    RECORDS_UNREADABLE = "records-unreadable"  # rows of a table cannot be read: nothing is known of what they tell
    REPOSITORY_NEVER_ANSWERED = "repository-never-answered"  # it gave no answer yet: is its name right?
    REPOSITORY_FAILS = "repository-fails"  # it has given no answer for an hour
    NOT_CHECKED = "not-checked"  # nobody asked it for a week: a schedule or a budget
    TAG_NEVER_THERE = "tag-never-there"  # the list names a tag that its upstream never had
    TAG_GONE = "tag-gone"  # the list names a tag that its upstream has no more
    TAG_UNANSWERED = "tag-unanswered"  # what is answered about one tag cannot be used
    NOTHING_TAKEN = "nothing-taken"  # the rules of an entry take no tag of its upstream
    CANDIDATE_REJECTED = "candidate-rejected"  # what upstream bears did not pass its gate
    CANDIDATE_HELD = "candidate-held"  # what upstream bears passed its test, and its scan gives no answer
    CANDIDATE_FAILED = "candidate-failed"  # what upstream bears could not be decided; it is tried daily
    NOT_PROMOTED = "not-promoted"  # what is wanted does not get into the base registry; it is tried daily
    COMPANIONS_MISSING = "companions-missing"  # what must be beside an image does not come, and its tag waits
    LOCKED_BY_OTHERS = "locked-by-others"  # somebody locked a tag of the base registry, or all of its repository
    BASE_TAG_MISSING = "base-tag-missing"  # a tag of the base registry was deleted
    BASE_TAG_OVERWRITTEN = "base-tag-overwritten"  # others made a tag of the base registry point elsewhere
    BASE_TAG_WITHDRAWN = "base-tag-withdrawn"  # what a tag bears is blocked, nothing else can be had: it is left so
    IN_FORCE_REJECTED = "in-force-rejected"  # what a tag bears would be rejected now; it stays until people act
    KNOWN_EXPLOITED = "known-exploited-in-use"  # what a tag bears has what is known to be exploited
    WAIVER_ENDING = "waiver-ending"  # a waiver of one tag's digest ends within a week
    TOOL_NOT_MIRRORED = "tool-not-mirrored"  # a tool's newest digest does not get into the staging registry
    NOT_REBUILT = "not-rebuilt"  # the rebuild of an application task failed, or nobody may run it: it has its old base
    DISPATCHER_NOT_SET = "dispatcher-not-set"  # the list names who builds elsewhere, and the settings do not
    DISPATCHER_OFF = "dispatcher-off"  # whoever builds elsewhere wants to be asked nothing more; the base is old there
    TASK_FAILS = "task-fails-since-base-moved"  # it failed twice on what its base is now, and not on what that was
    WAVE_WAITS = "wave-waits"  # for an hour rebuilds have waited for a person: what is built on it has its old base
    NOBODY_APPROVES = "nobody-could-approve"  # a policy asks for approvals that nobody could give
    NOTIFY_INVALID = "notify-invalid"  # who is told of what cannot be read, or names what is not there
    DESTINATION_BROKEN = "destination-broken"  # a destination of notices does not take them; the others are told
    DECISIONS_NOT_KNOWN = "decisions-not-known"  # another account kept what people decided; nothing is promoted without
    DECISIONS_NOT_KEPT = "decisions-not-kept"  # what people decided could not be kept in another account for two days
    HOUSE_NOT_KEPT = "housekeeping-fails"  # what is to go from a registry could not be deleted, or listed, for two days
    NOT_UPDATED = "not-updated"  # upstream moved a week ago and the base registry did not follow, for whatever reason


# How long something has to last until it is a trouble. An hour is more than an upstream's restart and one more check.
# Two are more than a scan takes that has to be made again twice.
# A week is what may pass while all is well: a failed candidate is tried again daily, a small budget gives everybody a
# turn within a day, and most images upstream are made anew weekly, so that nothing stands still for two of them unseen.
PATIENCE = {
    Kind.REPOSITORY_FAILS: timedelta(hours=1),
    Kind.TAG_UNANSWERED: timedelta(hours=1),
    Kind.COMPANIONS_MISSING: timedelta(hours=1),
    Kind.WAVE_WAITS: timedelta(hours=1),
    Kind.CANDIDATE_HELD: timedelta(hours=2),
    Kind.NOT_CHECKED: timedelta(days=7),
    Kind.NOT_UPDATED: timedelta(days=7),
}
# Their beginning is a line of the activity log by another hand, at once; of some their end is, too.
BEGUN_BY_OTHERS = frozenset(
    {
        Kind.LIST_INVALID,
        Kind.LIST_HELD,
        Kind.BASE_TAG_MISSING,
        Kind.BASE_TAG_OVERWRITTEN,
        Kind.BASE_TAG_WITHDRAWN,
        Kind.DISPATCHER_OFF,
    }
)
ENDED_BY_OTHERS = frozenset({Kind.BASE_TAG_MISSING, Kind.BASE_TAG_OVERWRITTEN})


class Trouble(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True):
    """Something that is wrong now.

    Attributes:
        kind: what.
        about: of what, as the activity log names its subjects: ``watch-list``, ``repository:<name>``,
            ``tag:<repository>:<tag>``, ``image:<entry>``, ``candidate:<id>``, ``target:<id>``, ``tool:<name>``,
            ``task:<registry>/<task>``, ``task:<dispatcher>:<place>``, ``wave:<id>``, ``table:<name>``,
            ``file:<container>/<name>``, ``policy:<name>``, ``decisions``, ``housekeeping:<place>``,
            ``dispatcher:<name>``.
        detail: for people; at most 600 characters.
        images: names of the entries of the watch list that it concerns; none: all.
        since: since when, UTC; ``None`` where nothing says so: since it was first noticed.
    """

    kind: Kind
    about: str
    detail: str
    images: tuple[str, ...] = ()
    since: datetime | None = None


class Noted(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True):
    """A trouble that was noticed.

    Attributes:
        trouble: as it was last.
        since: since when it lasts, UTC.
        told: whether its beginning was told; until then it is no trouble for people yet.
        ended_at: when it was noticed to be over, UTC; ``None`` while it lasts.
        notified: how often notices told people of it: of its beginning, and that it lasts.
        notified_at: when first, UTC.
    """

    trouble: Trouble
    since: datetime
    told: bool = False
    ended_at: datetime | None = None
    notified: int = 0
    notified_at: datetime | None = None


def about_repository(repository: Repository) -> str:
    """Return what a trouble of an upstream repository is about."""
    return f"repository:{repository}"


def about_tag(repository: Repository, tag: Tag) -> str:
    """Return what a trouble of an upstream tag is about."""
    return f"tag:{repository}:{tag}"


def about_image(name: str) -> str:
    """Return what a trouble of an entry of the watch list is about."""
    return f"image:{name}"


def about_tool(name: str) -> str:
    """Return what a trouble of a tool is about, by its name."""
    return f"tool:{name}"


def about_target(target: str) -> str:
    """Return what a trouble of a target is about, by its id."""
    return f"target:{target}"


def about_task(registry: str, task: str) -> str:
    """Return what a trouble of an application task is about."""
    return f"task:{registry}/{task}"


def about_build(target: str) -> str:
    """Return what a trouble of a build elsewhere is about, by its rebuild target."""
    return f"task:{target}"


def about_wave(wave: str) -> str:
    """Return what a trouble of a wave is about, by its id."""
    return f"wave:{wave}"


def about_candidate(candidate: str) -> str:
    """Return what a trouble of a candidate is about, by its id."""
    return f"candidate:{candidate}"


def noted(known: Noted | None, trouble: Trouble, now: datetime) -> Noted:
    """Return what is to be kept of a trouble that was found.

    Args:
        known: what was kept of it; ``None`` if it is new, and it is new if that has ended.
        trouble: as found.
        now: UTC.
    """
    short = msgspec.structs.replace(trouble, detail=trouble.detail[:_DETAIL_KEPT])
    if known is None or known.ended_at is not None:
        return Noted(trouble=short, since=trouble.since or now)
    return msgspec.structs.replace(known, trouble=short)


def has_lasted(one: Noted, now: datetime) -> bool:
    """Whether it has lasted for as long as its kind has to, by what says so now."""
    return now - (one.trouble.since or one.since) >= PATIENCE.get(one.trouble.kind, timedelta(0))


def is_kept(one: Noted, now: datetime) -> bool:
    """Whether it is to be kept: of what has not lasted long enough, that which only its record knows the time of."""
    return has_lasted(one, now) or one.trouble.since is None


def to_tell(lasting: Iterable[Noted]) -> tuple[Noted, ...]:
    """Return what is told while it lasts: of each kind the oldest by name, and how many others there are."""
    of_kind: Counter[Kind] = Counter()
    told, left = list[Noted](), dict[Kind, Noted]()
    for one in sorted(lasting, key=lambda one: (one.since, one.trouble.about)):
        kind = one.trouble.kind
        of_kind[kind] += 1
        if of_kind[kind] <= MOST_OF_A_KIND:
            told.append(one)
        else:
            left.setdefault(kind, one)
    return (*told, *(_others(one, of_kind[kind] - MOST_OF_A_KIND) for kind, one in left.items()))


def _others(first: Noted, count: int) -> Noted:
    detail = f"{count} more; the table troubles has each"
    trouble = Trouble(kind=first.trouble.kind, about=OTHERS, detail=detail)
    return msgspec.structs.replace(first, trouble=trouble)

"""What is told of troubles: their beginning, that they still last, and their end."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from shared.domain.notices.composing import title_of
from shared.domain.notices.delivery import Delivery
from shared.domain.notices.destination import Destination
from shared.domain.notices.kinds import Told, Usually, kind_named
from shared.domain.notices.notice import Notice
from shared.domain.watching.troubles import Kind, Noted, Trouble

# After these it is told that it still lasts, and once a week from then on.
_REMINDERS = (timedelta(hours=1), timedelta(days=1), timedelta(days=7))
_WEEK = timedelta(days=7)
_MOST_NAMED = 5
DESTINATION = "destination:"
# What one registry does to its repositories is one outage.
_BY_REGISTRY = frozenset({Kind.REPOSITORY_FAILS, Kind.REPOSITORY_NEVER_ANSWERED, Kind.TAG_UNANSWERED, Kind.NOT_CHECKED})


def stage_of(noted: Noted, now: datetime) -> int:
    """Return how often a trouble is to have been told, its beginning included, by a moment."""
    if noted.notified_at is None:
        return 1
    lasted = now - noted.notified_at
    reminders = _REMINDERS if kind_named(noted.trouble.kind.value).usually is Usually.NOW else _REMINDERS[-1:]
    passed = sum(1 for one in reminders if lasted >= one)
    return 1 + passed + (max((lasted - reminders[-1]) // _WEEK, 0) if passed == len(reminders) else 0)


def begins_or_lasts(noted: Noted, stage: int, now: datetime) -> Notice:
    """Return what is told of a trouble that lasts.

    Args:
        noted: the trouble.
        stage: how often it has been told then, this one included.
        now: UTC.
    """
    since = f"since {noted.since:%Y-%m-%d %H:%M} UTC"
    return _of(noted, at=now if stage > 1 else noted.since, stage=stage - 1, detail=f"{noted.trouble.detail} ({since})")


def is_over(noted: Noted, at: datetime) -> Notice:
    """Return what is told of a trouble that is over."""
    detail = f"it lasted since {noted.since:%Y-%m-%d %H:%M} UTC: {noted.trouble.detail}"
    return _of(noted, at=at, detail=detail, over=True)


def broken_destination(destination: Destination, waits: Sequence[Delivery]) -> Trouble:
    """Return the trouble that a broken destination is; others are told of it.

    Args:
        destination: its record.
        waits: what it was to be told.
    """
    broken, named = destination.broken, [title_of(one.notice) for one in waits[:_MOST_NAMED]]
    more = f", and {len(waits) - _MOST_NAMED} more" if len(waits) > _MOST_NAMED else ""
    what = f"; {len(waits)} notices wait for it: {'; '.join(named)}{more}" if waits else ""
    what += "; what waited for a week is given up" if destination.given_up is not None else ""
    why = broken.why if broken is not None else destination.last_error
    detail = f"{destination.name} does not take notices, and is tried again now and then: {why[:200]}{what}"
    since = broken.since if broken is not None else None
    kind = Kind.DESTINATION_BROKEN
    return Trouble(kind=kind, about=f"{DESTINATION}{destination.name}", detail=detail, since=since)


def _of(noted: Noted, *, at: datetime, detail: str, stage: int = 0, over: bool = False) -> Notice:
    trouble = noted.trouble
    kind = trouble.kind.value
    return Notice(
        kind=Told.SOLVED.value if over else kind,
        closes=kind if over else "",
        about=trouble.about,
        mark=noted.since.isoformat(),
        at=at,
        detail=detail,
        place=_place(trouble.about),
        images=trouble.images,
        cause=_cause(noted),
        stage=stage,
        not_to=trouble.about.removeprefix(DESTINATION) if trouble.about.startswith(DESTINATION) else "",
    )


def _place(about: str) -> str:
    """The tag of the base registry, of a trouble that is about one."""
    kind, _, name = about.partition(":")
    _, _, path = name.partition("~")
    repository, _, tag = path.rpartition("~")
    return f"{repository.replace('~', '/')}:{tag}" if kind == "target" and repository else ""


def _cause(noted: Noted) -> str:
    trouble = noted.trouble
    if trouble.kind not in _BY_REGISTRY:
        return ""
    return f"{trouble.about.partition(':')[2].partition('/')[0]}"

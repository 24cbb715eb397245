"""The page of what happened, and the same as a table for other programs. Lines in, a view out."""

from __future__ import annotations

import io
from urllib.parse import urlencode

import azure.functions as func
import msgspec

from shared.domain.pages import MOST_LISTED
from shared.domain.spreadsheets import as_text
from shared.errors import MalformedRequest
from shared.ports import Activity, Clock, Event
from shared.web.pages.listing import ROWS, filter_of
from shared.web.pages.now import link_of
from shared.web.pages.shown import iso
from shared.web.queries import after_of

MOST_SAVED = 10_000
_HEADINGS = ("at", "name", "subject", "detail")


class Happened(msgspec.Struct, frozen=True):
    """One line, and the page of what it is about; empty if that has none."""

    event: Event
    link: str


class ActivityView(msgspec.Struct, frozen=True):
    """What the page shows."""

    lines: tuple[Happened, ...]
    subject: str
    next: str
    csv: str


def read_lines(request: func.HttpRequest, activity: Activity, clock: Clock, most: int) -> tuple[tuple[Event, ...], str]:
    """Return some lines, the newest first, and where to go on.

    Raises:
        MalformedRequest, InvalidReference: a parameter is not what it should be.
    """
    subject, after = filter_of(request, "subject"), after_of(request)
    if not subject:
        return activity.recent(clock(), most, after)
    if after or not subject.isprintable():
        raise MalformedRequest(f"subject: the lines of one subject are told at once, up to {MOST_LISTED}")
    return activity.of(subject, most), ""


def activity_view(request: func.HttpRequest, activity: Activity, clock: Clock) -> ActivityView:
    """Return what the page shows: lines of the last month, or of one subject however long ago.

    Raises:
        MalformedRequest, InvalidReference: a parameter is not what it should be.
    """
    subject = filter_of(request, "subject")
    lines, after = read_lines(request, activity, clock, MOST_LISTED if subject else ROWS)
    asked = {"subject": subject} if subject else {"after": after_of(request)} if after_of(request) else {}
    return ActivityView(
        lines=tuple(Happened(one, link_of(one.subject)) for one in lines),
        subject=subject,
        next=f"?{urlencode({'after': after})}" if after else "",
        csv=f"?{urlencode(asked)}" if asked else "",
    )


def all_lines(request: func.HttpRequest, activity: Activity, clock: Clock) -> tuple[Event, ...]:
    """Return all lines that are asked for, up to ``MOST_SAVED``; where there are more, the last one says so.

    Raises:
        MalformedRequest, InvalidReference: a parameter is not what it should be.
    """
    found, after = read_lines(request, activity, clock, MOST_LISTED)
    while after and len(found) < MOST_SAVED:
        more, after = activity.recent(clock(), MOST_LISTED, after)
        found = (*found, *more)
    if not after:
        return found
    return (
        *found,
        Event("activity", "cut", clock(), f"there are more: ask for them by ?{urlencode({'after': after})}"),
    )


def as_csv(lines: tuple[Event, ...]) -> str:
    """Return lines as RFC 4180 has them; nothing in them is taken for a formula by what opens it."""
    import csv  # noqa: PLC0415

    out = io.StringIO()
    writer = csv.writer(out)
    writer.writerow(_HEADINGS)
    writer.writerows((iso(one.at), *map(as_text, (one.name, one.subject, one.detail))) for one in lines)
    return out.getvalue()

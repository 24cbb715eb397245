"""The table ``activity``: one partition for each subject and one for each day, its newest line first.

A line is two rows. That of its subject is written first and counts; a death before the second leaves a line that is
told of its subject, and not of its day, until whoever wrote it does so again.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from itertools import islice

import msgspec

from shared.adapters.storage.account import StorageAccount
from shared.adapters.storage.tables import Row, Table, key
from shared.errors import InvalidReference
from shared.ports import ACTIVITY_DAYS, Event

# Rows are sorted by their keys, so a line's key counts down: microseconds until the last year there is.
_END_OF_TIME, _BEGINNING_OF_TIME = datetime.max.replace(tzinfo=UTC), datetime.min.replace(tzinfo=UTC)
_MOST_A_PAGE = 1000
# A watch list can have thousands of problems; what nobody would read must not exceed what a row holds (1 MiB).
_LONGEST_DETAIL = 30_000
_EVENTS = msgspec.json.Decoder(Event)
# A row's key of a day's partition, and the day: where to go on.
_PLACE = re.compile(r"[0-9]{18}-[0-9a-f]{24}")
# No subject begins so: ``:`` stands in each that holds what others chose.
_DAY = "day~"


class ActivityTable:
    """The port ``Activity``.

    Args:
        account: where the table is.
    """

    def __init__(self, account: StorageAccount) -> None:
        self._table = Table(account, "activity")

    def append(self, event: Event) -> None:
        """See ``Activity.append``. Two transactions."""
        columns = {"name": event.name, "at": event.at}
        kept = msgspec.structs.replace(event, detail=event.detail[:_LONGEST_DETAIL])
        record, own = msgspec.json.encode(kept).decode(), f"{_countdown(event.at)}-{_short(event.name)}"
        self._table.insert(Row(key(event.subject), own, record, columns))
        self._table.insert(Row(_partition(event.at.date()), own + _short(event.subject), record, columns))

    def of(self, subject: str, limit: int) -> tuple[Event, ...]:
        """See ``Activity.of``. One transaction for each thousand lines."""
        most = min(max(limit, 1), _MOST_A_PAGE)
        rows = self._table.select("PartitionKey eq @partition", {"partition": key(subject)}, most)
        return tuple(self._table.decode(row, _EVENTS) for row in islice(rows, limit))

    def recent(self, now: datetime, limit: int, after: str = "") -> tuple[tuple[Event, ...], str]:
        """See ``Activity.recent``. One transaction for each day, and each thousand lines."""
        rows = tuple(islice(self._rows(now, min(limit, _MOST_A_PAGE) + 1, _checked(after)), limit + 1))
        lines = tuple(self._table.decode(row, _EVENTS) for row in rows[:limit])
        return lines, rows[limit - 1].key if len(rows) > limit else ""

    def _rows(self, now: datetime, most: int, after: str) -> Iterator[Row]:
        """A moment ahead of our clock is another instance's, by a little."""
        latest = now + timedelta(hours=1)
        first = min(_moment(after), latest) if after else latest
        oldest = now.date() - timedelta(days=ACTIVITY_DAYS)
        for ago in range((first.date() - oldest).days + 1):
            bounds = {"partition": _partition(first.date() - timedelta(days=ago)), "after": after}
            yield from self._table.select("PartitionKey eq @partition and RowKey gt @after", bounds, most)


def _partition(day: date) -> str:
    return f"{_DAY}{day.isoformat()}"


def _countdown(moment: datetime) -> str:
    return f"{(_END_OF_TIME - moment) // timedelta(microseconds=1):018d}"


def _short(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:12]


def _checked(after: str) -> str:
    if after and (not _PLACE.fullmatch(after) or after > _countdown(_BEGINNING_OF_TIME)):
        raise InvalidReference(f"after: {after[:80]!r} was said by no earlier answer")
    return after


def _moment(after: str) -> datetime:
    return _END_OF_TIME - timedelta(microseconds=int(after[:18]))

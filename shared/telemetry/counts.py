"""What is counted while one thing is done, and told with its span: calls of others, questions, what a sweep found.

A counter of its own would be sent every minute whether anything happened or not, and never by an instance that is gone
before the minute is over. A span is on its way within seconds.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import datetime
from threading import Lock
from typing import TYPE_CHECKING, NamedTuple

import msgspec
from opentelemetry.trace import Span

from shared.domain.events.messages import CheckRepositories
from shared.domain.pacing.bucket import Kind, Wait
from shared.domain.promotion.transitions import ENDS
from shared.domain.promotion.waiting import Waiting
from shared.domain.references import parse_repository
from shared.domain.watching.budget import Budget, Refusal, left, locked_for

if TYPE_CHECKING:
    from shared.domain.housekeeping.rounds import Tally


class Count(NamedTuple):
    """Something that is counted.

    Attributes:
        name: of the span's attribute.
        by: by what it is told apart, as a JSON object; empty for one number.
        meaning: for people.
    """

    name: str
    by: str
    meaning: str


CALLS = Count("tidegate.calls", "", "HTTP requests that were made: to storage, registries, Azure and upstreams.")
CALL_SECONDS = Count("tidegate.calls.seconds", "", "For how long their answers were waited for.")
CALLS_FAILED = Count("tidegate.calls.failed", "", "How many of them failed; the first ten have spans of their own.")
CHECKED = Count("tidegate.checked", "upstream", "Upstream repositories that were checked.")
ASKED = Count("tidegate.asked", "host and outcome", "Questions asked, by the host whose limit they count against.")
PUT_OFF = Count(
    "tidegate.put_off", "upstream and reason", "Looks and imports that were put off because a budget is short."
)
PACED = Count("tidegate.arm.paced", "kind and reason", "Requests to ARM that waited for their turn.")
SIGNATURES = Count("tidegate.signatures", "outcome", "Signatures of digests that were judged for a tag.")
HOUSE_DELETED = Count("tidegate.housekeeping.deleted", "why", "What was deleted from registries at a sweep.")
HOUSE_SPARED = Count("tidegate.housekeeping.spared", "why", "What was looked at for that and stays.")
WAITING = Count("tidegate.waiting", "status", "Candidates under way at a sweep. A sweep that could not tell has none.")
OLDEST = Count("tidegate.oldest", "status", "Seconds since the oldest of them that has not ended came to its status.")
BUDGET_LEFT = Count(
    "tidegate.budget.left", "upstream", "Requests that it still grants in the window that runs, at a sweep."
)
BUDGET_LIMIT = Count("tidegate.budget.limit", "upstream", "Requests that it grants in a whole window.")
BUDGET_LOCKED = Count(
    "tidegate.budget.locked", "upstream", "Seconds for which it is still left alone because it said 429, at a sweep."
)


class _Counts:
    """The counts of one span; threads that work for it may share them."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._numbers: dict[str, float] = {}
        self._tables: dict[str, dict[str, float]] = {}

    def add(self, count: Count, number: float, key: str) -> float:
        """Return what it comes to."""
        with self._lock:
            into, at = (self._tables.setdefault(count.name, {}), key) if count.by else (self._numbers, count.name)
            into[at] = into.get(at, 0) + number
            return into[at]

    def note(self, count: Count, found: Mapping[str, float]) -> None:
        with self._lock:
            self._tables[count.name] = dict(found)

    def told(self) -> dict[str, float | str]:
        with self._lock:
            tables = {name: msgspec.json.encode(table).decode() for name, table in self._tables.items()}
            return {**{name: round(number, 3) for name, number in self._numbers.items()}, **tables}


_CURRENT: ContextVar[_Counts | None] = ContextVar("counts", default=None)


@contextmanager
def counting(span: Span) -> Iterator[None]:
    """Count what happens within the block, and tell it with a span when the block ends, however it does."""
    counts = _Counts()
    token = _CURRENT.set(counts)
    try:
        yield
    finally:
        _CURRENT.reset(token)
        span.set_attributes(counts.told())


def add(count: Count, number: float = 1, key: str = "") -> float:
    """Add to a count of what is under way.

    Args:
        count: which.
        number: how much.
        key: what it is told apart by.

    Returns:
        What it comes to; ``number`` where nothing is under way that is told of.
    """
    counts = _CURRENT.get()
    return counts.add(count, number, key) if counts is not None else number


def _note(count: Count, found: Mapping[str, float]) -> None:
    counts = _CURRENT.get()
    if counts is not None:
        counts.note(count, found)


def checked(check: CheckRepositories) -> None:
    """Count the repositories of a check that was made."""
    for repository in check.repositories:
        add(CHECKED, key=parse_repository(repository).registry)


def observed(waiting: Mapping[str, Waiting], now: datetime) -> None:
    """Tell what a sweep found, also if that is nothing: that it is told at all is the app's heartbeat.

    Args:
        waiting: current candidates by status.
        now: UTC.
    """
    ends = {status.value for status in ENDS}
    _note(WAITING, {status: found.count for status, found in waiting.items()})
    _note(OLDEST, {status: _age(found, now) for status, found in waiting.items() if status not in ends})


def _age(found: Waiting, now: datetime) -> float:
    return round((now - found.oldest).total_seconds())


def budgets_observed(budgets: Iterable[Budget], now: datetime) -> None:
    """Tell what a sweep found in the table that all instances take from.

    An upstream without a known limit tells nothing. One that is not asked any more tells nothing from the end of its
    window on, though its row stays.

    Args:
        budgets: of every upstream.
        now: UTC.
    """
    known = {budget.upstream: budget for budget in budgets}
    granted = {upstream: requests for upstream, one in known.items() if (requests := left(one, now)) is not None}
    locked = {upstream: until.total_seconds() for upstream, one in known.items() if (until := locked_for(one, now))}
    found: dict[Count, Mapping[str, float]] = {
        BUDGET_LEFT: granted,
        BUDGET_LIMIT: {upstream: known[upstream].limit for upstream in granted},
        BUDGET_LOCKED: locked,
    }
    for count, by_upstream in found.items():
        if by_upstream:
            _note(count, by_upstream)


def put_off(upstream: str, refusal: Refusal) -> None:
    """Count a look or an import that an upstream's budget did not allow."""
    add(PUT_OFF, key=f"{upstream} {refusal.value}")


def judged_signatures(outcome: str) -> None:
    """Count a judgement over a digest's signatures."""
    add(SIGNATURES, key=outcome)


def paced(kind: Kind, wait: Wait) -> None:
    """Count a request that waits for its turn at ARM."""
    add(PACED, key=f"{kind.value} {wait.value}")


def house_kept(tally: Tally) -> None:
    """Count what was deleted from a registry, and what stays there."""
    for count, found in ((HOUSE_DELETED, tally.deleted), (HOUSE_SPARED, tally.spared)):
        for why, number in found.items():
            add(count, number, why)

"""One list of a registry's runs for all who look at the same time.

A look costs one request, alone or as one of hundreds. The first who looks asks for a page of the registry's runs,
newest first, and whoever looks meanwhile, or shortly after, is answered from it. No filter is asked for: which of them
Azure knows is documented, but hardly one was seen at work.

https://learn.microsoft.com/rest/api/container-registry-tasks/runs/list
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Mapping

from shared.domain.gate.verdict import UNDER_WAY, RunStatus
from shared.errors import ServiceError

# How old an answer may be at most when a look begins: about as long as a round of looks lasts.
SHARED_SECONDS = 2.0
# Longer than a run is ever left alone; one of which no end was seen for so long is followed by somebody else.
_FOLLOWED_SECONDS = 300.0


class _Listing:
    """A list of runs that is read as far as somebody needs it."""

    def __init__(self, pages: Iterator[Mapping[str, RunStatus]], asked_at: float) -> None:
        self.asked_at = asked_at
        self.found: dict[str, RunStatus] = {}
        self._pages = pages
        self._read = 0
        self._ended = False

    def read_for(self, run_id: str, looked_at: Callable[[], set[str]]) -> None:
        """Read on until a run is found, but never more pages than are missing of the runs that were looked at.

        So pages and single looks together are at most twice what single looks would have been.
        """
        while run_id not in self.found and not self._ended and self._read < self._missing(looked_at()):
            page = next(self._pages, None)
            self._read += 1
            self._ended = page is None
            self.found |= page or {}

    def _missing(self, looked_at: set[str]) -> int:
        return len(looked_at - self.found.keys())


class SharedRuns:
    """The statuses of one registry's runs; many threads may ask at once.

    Args:
        pages: asks for the registry's runs, newest first, each page when it is needed.
        one: asks for one run; ``None`` if there is none.
        clock: tells the time, in seconds.
    """

    def __init__(
        self,
        pages: Callable[[], Iterator[Mapping[str, RunStatus]]],
        one: Callable[[str], RunStatus | None],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._pages = pages
        self._one = one
        self._clock = clock
        self._turn = threading.Lock()
        self._lock = threading.Lock()
        self._followed: dict[str, float] = {}
        self._looks: dict[str, float] = {}
        self._listing: _Listing | None = None
        self._failure: tuple[float, ServiceError] | None = None

    def follow(self, run_id: str) -> None:
        """Note that a run is under way, so that a look at it knows whether it is the only one."""
        with self._lock:
            self._followed[run_id] = self._clock()

    def status(self, run_id: str) -> RunStatus | None:
        """Return a run's status, no older than ``SHARED_SECONDS`` before this was called; ``None`` if there is none.

        A list never says that a run is not there: it may have been asked for before that run was scheduled. What is
        not in it is asked for by itself, and so is a run that is known to be the only one under way.

        Raises:
            ServiceError: what was raised by the request for all, to all who waited for it; or by that for this run.
        """
        began = self._clock()
        is_alone = self._is_alone(run_id, began)
        status = self._known(run_id, began)
        if status is None and not is_alone:
            status = self._listed(run_id, began)
        if status is None:
            status = self._one(run_id)
        if status not in UNDER_WAY:
            with self._lock:
                self._followed.pop(run_id, None)
        return status

    def _is_alone(self, run_id: str, now: float) -> bool:
        """Note a look at a run; say whether the run was followed before, and no other is."""
        with self._lock:
            known = run_id in self._followed
            self._followed = {**_since(self._followed, now - _FOLLOWED_SECONDS), run_id: now}
            self._looks = {**_since(self._looks, now - 2 * SHARED_SECONDS), run_id: now}
            return known and len(self._followed) == 1

    def _known(self, run_id: str, began: float) -> RunStatus | None:
        """What the last list said of a run, if that may still be told."""
        listing = self._listing
        return None if listing is None or listing.asked_at < began - SHARED_SECONDS else listing.found.get(run_id)

    def _listed(self, run_id: str, began: float) -> RunStatus | None:
        with self._turn:
            if self._failure is not None and self._failure[0] >= began:
                raise self._failure[1]
            listing = self._listing
            if listing is None or listing.asked_at < began - SHARED_SECONDS:
                self._listing = listing = _Listing(self._pages(), self._clock())
            try:
                listing.read_for(run_id, lambda: self._looked_at(listing.asked_at))
            except ServiceError as error:
                self._listing, self._failure = None, (self._clock(), error)
                raise
            return listing.found.get(run_id)

    def _looked_at(self, asked_at: float) -> set[str]:
        """The runs that are looked at in the round of a list; while it is read they become more."""
        with self._lock:
            return set(_since(self._looks, asked_at - SHARED_SECONDS))


def _since(noted: Mapping[str, float], moment: float) -> dict[str, float]:
    return {run_id: at for run_id, at in noted.items() if at >= moment}

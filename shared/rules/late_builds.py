"""Builds that show up after they were looked for: by then another request was made, so that there may be two."""

from __future__ import annotations

import logging
from collections.abc import Iterable

import msgspec

from shared.domain.dispatch.builds import Found, asked_of, in_order
from shared.domain.promotion.rebuilds import Rebuild
from shared.errors import ServiceError
from shared.ports import Activity, Event
from shared.rules.dispatch_asking import Asking

log = logging.getLogger("tidegate.dispatch")


class LateBuilds:
    """Looks for them, where a request was given up; of all other rebuilds nothing is read.

    Args:
        asking: knows who builds.
        activity: is told of what was built twice.
        server: login server of the base registry, as images are named to builders.
    """

    def __init__(self, asking: Asking, activity: Activity, server: str) -> None:
        self._asking = asking
        self._activity = activity
        self._server = server

    def find(self, rebuild: Rebuild) -> tuple[Found, ...]:
        """Return the builds of requests that were given up, each by its own correlation, the first one before others.

        Raises:
            ServiceError: its dispatcher did not answer, or is gone.
        """
        if not rebuild.lost:
            return ()
        dispatcher, found = self._asking.dispatcher_of(rebuild), list[Found]()
        for attempt in rebuild.lost:
            earlier = msgspec.structs.replace(rebuild, runs=attempt, asked_at=rebuild.since)
            found += dispatcher.find(asked_of(earlier, self._server))
        return in_order(one for one in found if one.run not in {rebuild.live_run, rebuild.run_id})

    def at_the_end(self, rebuild: Rebuild) -> str:
        """Look once more when a rebuild is about to end, tell what was built twice, and return that for its record.

        That it cannot be told keeps no rebuild from its end.
        """
        try:
            found = self.find(rebuild)
        except ServiceError as error:
            log.warning("%s: whether an earlier request began a build as well is not known: %s", rebuild.id, error)
            return f"; whether an earlier request began a build as well is not known: {error}"
        if found:
            self.tell(rebuild, found, rebuild.live_run or rebuild.run_id)
        return f"; {words(found)}" if found else ""

    def tell(self, rebuild: Rebuild, others: Iterable[Found], followed: str) -> None:
        """Tell that there are more builds than the one that is followed, under the moment of the latest request."""
        one = f"{followed} is followed" if followed else "none is followed"
        told = f"{rebuild.target} is built more than once for one decision: {one}, {words(others)}"
        at = rebuild.asked_at or rebuild.since
        self._activity.append(Event(f"task:{rebuild.target}", "rebuild-doubled", at, told))


def words(others: Iterable[Found]) -> str:
    """Return builds in words: by their pages, where they have any."""
    return "also found: " + ", ".join(one.link or one.run for one in others)

"""Application tasks that are not built on what was decided, with the rebuilds that were to build them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime

from shared.domain.promotion.missing import Behind, bases_of, behind, rebuild_of
from shared.domain.promotion.rebuilds import ApplicationTask, Rebuild
from shared.domain.promotion.schedule import KEPT_CURRENT
from shared.domain.promotion.target import Target
from shared.domain.references import Tag
from shared.ports import Clock, Records
from shared.rules.listings import KeptListings

# Of more than these all current rebuilds are read at once: whoever waits in a wave has none yet.
_FEW = 20


class UnbuiltTasks:
    """Finds them by the tasks as last listed: no registry is asked.

    Args:
        listings: the tasks of the application registries.
        rebuilds: where rebuilds are; one is read for each task that is behind.
        base_login_server: as application tasks name the base registry.
        clock: tells the time.
    """

    def __init__(
        self, listings: KeptListings, rebuilds: Records[Rebuild], base_login_server: str, clock: Clock
    ) -> None:
        self._listings = listings
        self._rebuilds = rebuilds
        self._login_server = base_login_server
        self._clock = clock

    def listed(self) -> tuple[ApplicationTask, ...]:
        """Return all tasks as last listed: one transaction a registry, for each thousand bases.

        Raises:
            ServiceError: a listing cannot be read.
        """
        return self._listings.last()

    def bases(self, tasks: Iterable[ApplicationTask]) -> frozenset[tuple[str, Tag]]:
        """Return the repositories and tags of the base registry that any of the tasks is built on."""
        return bases_of(tasks, self._login_server)

    def unbuilt(
        self, tasks: Iterable[ApplicationTask], targets: Iterable[Target]
    ) -> Iterator[tuple[Behind, Rebuild | None]]:
        """Iterate over the tasks that are behind a target, each with its rebuild: two transactions each at most.

        Raises:
            ServiceError: a rebuild cannot be read.
        """
        now = self._clock()
        found = behind(tasks, targets, self._login_server, now)
        current = self._current() if len(found) > _FEW else {}
        for one in found:
            name = rebuild_of(one, now).id
            yield one, current.get(name) or (None if current and _is_new(one, now) else self._kept(name))

    def _current(self) -> dict[str, Rebuild]:
        return {one.record.id: one.record for one in self._rebuilds.current()}

    def _kept(self, name: str) -> Rebuild | None:
        stored = self._rebuilds.get(name)
        return stored.record if stored is not None else None


def _is_new(one: Behind, now: datetime) -> bool:
    """What was made since then is still among the current ones, so that nothing is to be read of what is not."""
    return one.target.decided_at is not None and now - one.target.decided_at < KEPT_CURRENT

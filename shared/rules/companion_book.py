"""How the companions of a digest change: by whoever learns something, guarded by their ETag, as targets do."""

from __future__ import annotations

import logging
from collections.abc import Callable
from contextlib import suppress

import msgspec

from shared.domain.promotion.due import Due
from shared.domain.references import Digest
from shared.domain.travel.companions import Companions, companions_id
from shared.domain.travel.next_step import is_waited_for
from shared.errors import Conflict
from shared.ports import Clock
from shared.rules.changing import changed
from shared.rules.wake import Waker
from shared.travel_ports import CompanionRecords, StoredCompanions

log = logging.getLogger("tidegate.companions")

# Returns the record to be written, or ``None`` to leave what is there. Given ``None`` where there is no record.
Change = Callable[[Companions | None], Companions | None]


def _untold(before: Companions | None, companions: Companions) -> None:
    """Nobody listens."""


class CompanionBook:
    """Reads and changes the companions of one base registry's digests, and wakes for them.

    Args:
        records: where they are.
        waker: wakes for what is due.
        clock: tells the time.
        registry: the base registry's name.
        tell: is told of every change, once it is written: the record before, ``None`` for a new one, and after.
    """

    def __init__(
        self,
        records: CompanionRecords,
        waker: Waker,
        clock: Clock,
        registry: str,
        tell: Callable[[Companions | None, Companions], None] = _untold,
    ) -> None:
        self.records = records
        self.clock = clock
        self.registry = registry.lower()
        self._waker = waker
        self._tell = tell

    def read(self, repository: str, digest: Digest) -> StoredCompanions | None:
        """Return the companions of a digest as they are to be changed, or ``None`` if there are none."""
        return self.records.get(companions_id(self.registry, repository, digest))

    def change(
        self, companions: str, change: Change, stored: StoredCompanions | None = None, *, absent: bool = False
    ) -> StoredCompanions | None:
        """Change a record, as often as others are faster.

        Args:
            companions: its id.
            change: what to do to it; called again with what others wrote.
            stored: as it was read, if it was.
            absent: whether it was just looked for and not found.

        Returns:
            What is there afterwards; ``None`` if the change left it.

        Raises:
            Conflict: others were faster every time.
        """
        return changed(self.records, companions, change, self._tell, stored, absent=absent)

    def take_up(self, companions: Companions) -> None:
        """See that companions whose time has come are looked at, whether anybody waits for them or not."""
        if companions.look_at is not None:
            self._waker.at(Due.COMPANIONS, companions.look_at)

    def step(self, stored: StoredCompanions, change: Callable[[Companions], Companions]) -> StoredCompanions | None:
        """Write what a step led to, unless somebody else took one since.

        Returns:
            What was written; ``None`` if somebody was faster, who then sees to what is next.
        """
        before = stored.record

        def same(known: Companions | None) -> Companions | None:
            return change(known) if known is not None and known.step == before.step else None

        return self.change(before.id, same, stored)

    def rest(self, stored: StoredCompanions) -> None:
        """Look no more at what is of a base registry that is not in force; who writes it meanwhile knows better."""
        with suppress(Conflict):
            self.records.replace(stored, msgspec.structs.replace(stored.record, look_at=None))

    def wake(self, companions: Companions) -> None:
        """See that companions are looked at when they say; those that nobody waits for, when the sweep comes by."""
        if companions.look_at is not None and is_waited_for(companions, self.clock()):
            self._waker.at(Due.COMPANIONS, companions.look_at)

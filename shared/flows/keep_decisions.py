"""Have another account keep what people decided, once a day, whichever instance sweeps."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator

from shared.decision_ports import StoredKeeping, Vault
from shared.domain.decisions.document import written
from shared.domain.decisions.keeping import claimed, failed, has_failed_long, is_due, kept, name_of
from shared.domain.decisions.records import Decisions
from shared.domain.watching.troubles import Kind, Trouble
from shared.errors import Conflict, ServiceError
from shared.ports import Clock
from shared.rules.remembering import Memory

log = logging.getLogger("tidegate.decisions")

ABOUT = "decisions"


class DecisionKeeper:
    """Keeps documents of what people decided in another account.

    An account that does not know what people decided keeps nothing: its document would be the newest one, and empty.

    Args:
        export: reads what people decided.
        memory: knows whether that is known here, and when it was kept.
        vault: where it is kept.
        clock: tells the time.
    """

    def __init__(self, export: Callable[[], Decisions], memory: Memory, vault: Vault, clock: Clock) -> None:
        self._export = export
        self._memory = memory
        self._vault = vault
        self._clock = clock

    def sweep(self) -> None:
        """Keep a document if none was kept for a day; who fails is followed an hour later.

        Raises:
            ServiceError: our own storage account did not answer.
        """
        known = self._memory.look()
        now = self._clock()
        if not is_due(known.keeping, now):
            return
        try:
            self._memory.keepings.put(self._memory.registry, known, claimed(known.keeping, now))
        except Conflict:
            return  # another instance sweeps at the same time
        self._keep()

    def _keep(self) -> None:
        """The name is of this moment, so that whoever died after writing leaves a document more, and never one less."""
        now = self._clock()
        name = name_of(self._memory.registry, now)
        try:
            self._vault.add(name, written(self._export()))
        except (ServiceError, Conflict) as error:
            why = str(error)
            log.warning("what people decided could not be kept elsewhere: %s", why)
            self._memory.change(lambda known: failed(known, why))
            return
        self._memory.change(lambda known: kept(known, name, now))

    def troubles(self) -> Iterator[Trouble]:
        """Return what is wrong: decisions that are to be brought back, or that could not be kept for two days.

        Raises:
            ServiceError: our own storage account did not answer.
        """
        stored = self._memory.keepings.get(self._memory.registry)
        if stored is not None:
            yield from _troubles(stored, self._clock)


def _troubles(stored: StoredKeeping, clock: Clock) -> Iterator[Trouble]:
    known = stored.keeping
    if not known.remembers and known.asked_at is not None:
        told = (
            f"this storage account knows nothing of what people decided, and {known.waits_for} is kept elsewhere: "
            "nothing is promoted until it is brought back (tidegate import), or an empty document says that nothing is "
            "to be"
        )
        yield Trouble(kind=Kind.DECISIONS_NOT_KNOWN, about=ABOUT, detail=told, since=known.asked_at)
    elif not known.remembers and known.unanswered_since is not None:
        told = (
            "the account that DECISIONS_ACCOUNT names does not say whether it kept what people decided, and nothing is "
            f"promoted until it does: {known.trouble}"
        )
        yield Trouble(kind=Kind.DECISIONS_NOT_KNOWN, about=ABOUT, detail=told, since=known.unanswered_since)
    if has_failed_long(known, clock()) and known.fails_since is not None:
        last = f"the last one is {known.kept_as}" if known.kept_as else "there is none"
        told = (
            f"what people decided could not be kept elsewhere for two days; {last}: {known.trouble or 'it broke off'}"
        )
        yield Trouble(kind=Kind.DECISIONS_NOT_KEPT, about=ABOUT, detail=told, since=known.fails_since)

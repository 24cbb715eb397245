"""Whether this storage account has what people decided: before it has, nothing is written into the base registry.

An account that was lost is followed by an empty one, whose first check would promote what people kept out. Who has
another account keep what people decided can tell: documents are there, and this account has never kept or taken one.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from datetime import datetime

from shared.decision_ports import Keepings, StoredKeeping, Vault
from shared.domain.decisions.keeping import ASKED_AGAIN, Keeping, prefix_of, remembering, unanswered, waiting
from shared.errors import Conflict, TidegateError
from shared.ports import Clock

log = logging.getLogger("tidegate.decisions")

_TRIES = 8
# Where nothing is known, nothing is written.
_NOTHING = StoredKeeping(Keeping(), "")


class Memory:
    """Knows whether what people decided is known here.

    Args:
        keepings: what is known of that here.
        vault: where documents are kept.
        registry: name of the base registry in force.
        clock: tells the time.
    """

    def __init__(self, keepings: Keepings, vault: Vault, registry: str, clock: Clock) -> None:
        self.keepings = keepings
        self.registry = registry.lower()
        self._vault = vault
        self._clock = clock
        self._remembers = False
        self._asking = threading.Lock()
        self._ask_at: datetime | None = None

    def remembers(self) -> bool:
        """Whether what people decided is known here. Once it is nothing is asked any more.

        No answer of the other account is that it is not: nothing is written, and that is told.

        Raises:
            ServiceError: our own storage account did not answer, and so nothing may be written.
        """
        if not self._remembers:
            self._remembers = self.look().keeping.remembers
        return self._remembers

    def look(self) -> StoredKeeping:
        """Return what is known; the first look of an account asks whether another one was there before it.

        Raises:
            ServiceError: our own storage account did not answer.
        """
        stored = self.keepings.get(self.registry)
        if stored is not None and stored.keeping.remembers:
            return stored
        return self._ask() or stored or _NOTHING

    def _ask(self) -> StoredKeeping | None:
        """One asks at a time, and after no answer nobody for a while: ``None`` where nobody asked now."""
        if not self._asking.acquire(blocking=False):
            return None
        try:
            return self._asked() if self._ask_at is None or self._ask_at <= self._clock() else None
        finally:
            self._asking.release()

    def _asked(self) -> StoredKeeping:
        try:
            newest = self._vault.newest(prefix_of(self.registry))
        except TidegateError as error:
            now, why = self._clock(), str(error)
            self._ask_at = now + ASKED_AGAIN
            log.warning("nobody can tell whether decisions were kept elsewhere, so nothing is promoted: %s", why)
            return self.change(lambda known: unanswered(known, why, now))
        now, self._ask_at = self._clock(), None
        if newest:
            return self.change(lambda known: known if known.remembers else waiting(known, newest, now))
        return self.change(lambda known: remembering(known, now))

    def remembered(self) -> None:
        """Take note that what people decided was brought back, or that nothing is to be."""
        now = self._clock()
        self.change(lambda known: remembering(known, now))
        self._remembers = True

    def change(self, change: Callable[[Keeping], Keeping]) -> StoredKeeping:
        """Change what is known, as often as others are faster.

        Raises:
            Conflict: others were faster every time.
        """
        for _ in range(_TRIES):
            stored = self.keepings.get(self.registry)
            known = stored.keeping if stored is not None else Keeping()
            after = change(known)
            if stored is not None and after == known:
                return stored
            try:
                return self.keepings.put(self.registry, stored, after)
            except Conflict as conflict:
                log.info("%s", conflict)
        raise Conflict("what is known of decisions kept elsewhere changes too fast; it is tried again")

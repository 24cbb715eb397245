"""How a base registry that takes the place of another one is filled: by the records of the other one's targets."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping

from shared.domain.promotion.decision import decide
from shared.domain.promotion.drift import Listed
from shared.domain.promotion.moving import caught_up, latest, taken_over
from shared.domain.promotion.reconciling import Todo, scheduled, todo
from shared.domain.promotion.rulings import begun_as
from shared.domain.promotion.target import Target, target_id
from shared.domain.references import Digest, Tag
from shared.rules.targets import TargetBook
from shared.target_ports import StoredTarget

log = logging.getLogger("tidegate.moving")

# Imports that one look at a repository begins; the next look, some minutes later, begins as many.
MOST_AT_ONCE = 20


class MovingIn:
    """Makes the targets of the base registry that is in force of those of former ones.

    Args:
        book: where targets are.
    """

    def __init__(self, book: TargetBook) -> None:
        self._book = book

    def formers(self, repository: str, registries: Iterable[str]) -> dict[Tag, Target]:
        """Return what former base registries know of a repository: of each tag the record that knows its source best.

        Args:
            repository: in each of them.
            registries: their names.
        """
        found: dict[Tag, list[Target]] = {}
        for registry in registries:
            for stored in self._book.targets.of_repository(registry, repository):
                found.setdefault(stored.record.tag, []).append(stored.record)
        return {tag: best for tag, records in found.items() if (best := latest(records)) is not None}

    def catch_up(self, stored: StoredTarget, formers: Mapping[Tag, Target]) -> StoredTarget:
        """Let a target learn what a former base registry's was told while that was in force."""
        former, now = formers.get(stored.record.tag), self._book.clock()
        if former is None:
            return stored

        def learn(known: Target | None) -> Target | None:
            if known is None:
                return None
            after = caught_up(known, former, now)
            return known if after == known else scheduled(after, now)

        learned = self._book.change(stored.record.id, learn, stored) or stored
        if learned.record != stored.record:
            self._book.set_going(learned)
        return learned

    def move_in(self, formers: list[Target], listed: Listed) -> bool:
        """Begin to fill the base registry with what these targets want, and say whether there are more of them.

        Whoever dies before the message is sent leaves a record that the sweep takes up.
        """
        for former in formers[:MOST_AT_ONCE]:
            self._begin(former, listed.tags.get(former.tag, Digest("")))
        return len(formers) > MOST_AT_ONCE

    def _begin(self, former: Target, found: Digest) -> None:
        now = self._book.clock()
        fresh = taken_over(former, self._book.registry, found, now)
        first = scheduled(decide(fresh, now)[0], now)
        target = target_id(self._book.registry, former.repository, former.tag)
        stored = self._book.change(target, lambda known: begun_as(known, first))
        if stored is not None and todo(stored.record, now) is Todo.PUT:
            log.info("%s goes on where %s was", target, former.id)
            self._book.wake(stored.record)

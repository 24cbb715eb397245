"""Bring what travels with an image into the base registry, one thing at a time: names, referrers, a record.

Each step is a comparison of the record with what is wanted (``next_step``), and writes what came of it: whoever dies
anywhere leaves a record that says what is next, and asking twice for anything leads to the same.
"""

from __future__ import annotations

import logging
from collections.abc import Callable

from shared.domain.travel import changes
from shared.domain.travel.companions import Companions
from shared.domain.travel.next_step import Todo, is_tried_again, nameless, next_step, scheduled
from shared.errors import Paced, TidegateError
from shared.rules.beside_lists import BesideLists
from shared.rules.companion_book import CompanionBook
from shared.rules.companion_imports import CompanionImports
from shared.rules.companions_told import TargetsTold
from shared.rules.naming import Namer
from shared.travel_ports import StoredCompanions

log = logging.getLogger("tidegate.companions")

# Does the next thing about the record of a decision, and writes what came of it.
RecordStep = Callable[[StoredCompanions], StoredCompanions | None]
# One look takes a record so many steps on at most; what is left is looked at again at once.
_MOST_STEPS = 24


class Accompanist:
    """Does what is to be done next about the companions of a digest.

    Args:
        book: where companions are.
        targets: tells targets that their tags may be moved, and knows what they want.
        lists: asks upstreams what refers to images.
        names: gives unique tags.
        imports: copies images and referrers.
        record: does the next thing about the record of a decision.
        lock: sees to the next lock.
    """

    def __init__(
        self,
        book: CompanionBook,
        targets: TargetsTold,
        lists: BesideLists,
        names: Namer,
        imports: CompanionImports,
        record: RecordStep,
        lock: RecordStep,
    ) -> None:
        self._book = book
        self._targets = targets
        self._lists = lists
        self._steps: dict[Todo, Callable[[StoredCompanions], StoredCompanions | None]] = {
            Todo.TELL: targets.tell,
            Todo.LAND: imports.land,
            Todo.LIST: self._list,
            Todo.NAME: self._name,
            Todo.IMAGE: imports.image,
            Todo.CARRY: imports.carry,
            Todo.RECORD: record,
            Todo.LOCK: lock,
        }
        self._names = names

    def look(self, stored: StoredCompanions) -> None:
        """Look at the companions of a digest: do what can be done now, and say when they are to be looked at again.

        Raises:
            Paced: our turn at ARM has not come; nothing was begun.
            ServiceError: the storage account did not answer.
        """
        if stored.record.registry != self._book.registry:
            self._book.rest(stored)
            return
        current = self._current(stored)
        for _ in range(_MOST_STEPS):
            if current is None or self._doing(current) is Todo.REST:
                break
            current = self._steps[self._doing(current)](current)
            if current is None or self._doing(current) is Todo.LAND:
                break
        if current is not None:
            self._book.wake(current.record)

    def _doing(self, stored: StoredCompanions) -> Todo:
        return next_step(stored.record, self._book.clock())

    def _current(self, stored: StoredCompanions) -> StoredCompanions | None:
        """Time alone may let a tag go on; and what is tried once more may not be wanted any more."""
        known, now = stored.record, self._book.clock()
        left = self._targets.not_wanted(known) if is_tried_again(known, now) else ()

        def brought_up(known: Companions | None) -> Companions | None:
            if known is None:
                return None
            for want in left:
                known = changes.unwanted(known, want.tag, want.number, now)
            return scheduled(known, now)

        return self._book.change(known.id, brought_up, stored)

    def _list(self, stored: StoredCompanions) -> StoredCompanions | None:
        known, now = stored.record, self._book.clock()
        try:
            manifests = self._lists.manifests(known)
            listing = self._lists.of(known, manifests)
        except Paced:
            raise
        except TidegateError as error:
            return self._unlisted(stored, error)
        return self._book.step(stored, lambda record: changes.listed(record, manifests, listing, now))

    def _name(self, stored: StoredCompanions) -> StoredCompanions | None:
        known, now = stored.record, self._book.clock()
        want = nameless(known)
        if want is None:
            return stored
        try:
            unique = self._names.name(known, want)
        except TidegateError as error:
            return self._unnamed(stored, error)
        return self._book.step(stored, lambda record: changes.named(record, unique, now))

    def _unlisted(self, stored: StoredCompanions, error: TidegateError) -> StoredCompanions | None:
        log.warning("what refers to %s is not known: %s", stored.record.id, error)
        now = self._book.clock()
        return self._book.step(stored, lambda record: changes.unlisted(record, error, now))

    def _unnamed(self, stored: StoredCompanions, error: TidegateError) -> StoredCompanions | None:
        log.warning("%s gets no unique tag: %s", stored.record.id, error)
        now = self._book.clock()
        return self._book.step(stored, lambda record: changes.image_fell(record, error, now))

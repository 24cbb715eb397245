"""Compare what application tasks are built on with what the targets decided, and ask for what is missing.

What a signal began may be lost: its message, its search, a task made just after the listing. The comparison needs none
of them, so that all of these heal by themselves.
"""

from __future__ import annotations

import logging

from shared.domain.events.messages import base_moved
from shared.domain.promotion.missing import Behind, bases_of, behind, missing, rebuild_of
from shared.domain.promotion.rebuilds import ApplicationTask, Rebuild
from shared.domain.promotion.target import Target
from shared.domain.references import Tag
from shared.errors import ServiceError
from shared.ports import Activity, Event, Outbox, Registry
from shared.rules.listings import KeptListings
from shared.rules.progress import Progress
from shared.rules.targets import TargetBook
from shared.wave_ports import Rolls

log = logging.getLogger("tidegate.comparison")


class Comparison:
    """Finds the rebuilds that are wanted and missing.

    Args:
        progress: where rebuilds are.
        book: where targets are.
        listings: the tasks of the application registries.
        outbox: where the searches that make the missing rebuilds are asked for.
        activity: is told what was missing.
        base: the base registry: what others pushed over a decision asks for no rebuild of it.
        base_login_server: as application tasks name the base registry.
        waves: knows which are seen to by a wave.
    """

    def __init__(
        self,
        progress: Progress[Rebuild],
        book: TargetBook,
        listings: KeptListings,
        outbox: Outbox,
        activity: Activity,
        base: Registry,
        base_login_server: str,
        waves: Rolls,
    ) -> None:
        self._waves = waves
        self._progress = progress
        self._book = book
        self._listings = listings
        self._outbox = outbox
        self._activity = activity
        self._base = base
        self._login_server = base_login_server

    def compare(self) -> int:
        """Compare the tasks of each registry whose turn has come, and return how many rebuilds were missing.

        Dying in between compares once more: what is asked for twice is made once.

        Raises:
            ServiceError: the base registry or the storage account did not answer; the next sweep compares.
        """
        count = 0
        for registry, tasks in self._listings.to_compare():
            found = self._missing(tasks)
            self._ask(found)
            self._listings.compared(registry)
            count += len(found)
        return count

    def _missing(self, tasks: tuple[ApplicationTask, ...]) -> tuple[Behind, ...]:
        now = self._progress.clock()
        bases = sorted(bases_of(tasks, self._login_server))
        targets = [target for base in bases if (target := self._read(*base)) is not None]
        found = behind(tasks, targets, self._login_server, now)
        wanted = [rebuild_of(one, now).id for one in found]
        known = {rebuild for rebuild in wanted if self._progress.records.get(rebuild) is not None}
        lost = tuple(one for one in missing(found, known, now) if not self._is_in_wave(one))
        there = {one.target.id for one in lost if self._is_there(one.target)}
        return tuple(one for one in lost if one.target.id in there)

    def _read(self, repository: str, tag: Tag) -> Target | None:
        """One that cannot be read keeps no other from being compared."""
        try:
            return self._book.of(repository, tag)
        except ServiceError as error:
            if error.temporary:
                raise
            log.warning("what is built on %s:%s is not compared: %s", repository, tag, error)
            return None

    def _is_in_wave(self, one: Behind) -> bool:
        """Whoever waits in a wave has no rebuild yet, and is not missed."""
        return self._waves.asked(one.target) is not None and self._waves.knows(one.target, one.task)

    def _is_there(self, target: Target) -> bool:
        return self._base.digest(target.repository, target.tag) == target.wanted

    def _ask(self, found: tuple[Behind, ...]) -> None:
        for one in found:
            detail = f"built on something else than {one.target.wanted}, which {one.target.id} decided; it is asked for"
            log.warning("rebuild-missing: %s/%s: %s", one.task.registry, one.task.name, detail)
            subject = f"task:{one.task.registry}/{one.task.name}"
            self._activity.append(Event(subject, "rebuild-missing", self._progress.clock(), detail))
        for target in {one.target.id: one.target for one in found}.values():
            self._outbox.send(base_moved(target))

"""Find the application tasks that are built on a base image that moved, and make a rebuild of each, once."""

from __future__ import annotations

import logging
from collections.abc import Container, Iterator, Sequence
from datetime import datetime, timedelta

import msgspec

from shared.domain.events.messages import BaseMoved
from shared.domain.promotion.kept_tasks import base_name
from shared.domain.promotion.listing import WAIT, Listing, left_to_read, next_after
from shared.domain.promotion.missing import is_first_filling
from shared.domain.promotion.rebuilds import ApplicationTask, BuilderKind, Rebuild, depends_on
from shared.domain.promotion.reconciling import alarmed, bore_before, passes_by, scheduled, was_searched
from shared.domain.promotion.schedule import LAG_LOOKS, most_attempts, pause_before_retry
from shared.domain.promotion.target import Target
from shared.domain.references import Digest
from shared.domain.waves.builders import task_id
from shared.errors import BeingListed, Paced, ServiceError
from shared.ports import Outbox, Registry
from shared.rules.listings import KeptListings
from shared.rules.progress import Progress
from shared.rules.targets import TargetBook
from shared.rules.wanted_rebuilds import WantedRebuilds
from shared.target_ports import StoredTarget
from shared.wave_ports import BuiltElsewhere, Rolls

log = logging.getLogger("tidegate.dependants")


class DependantSearch:
    """Finds what depends on a base image.

    Args:
        progress: where rebuilds are kept and how they go on.
        book: tells the decision that the base registry follows.
        listings: the tasks of the application registries.
        outbox: where a signal is sent that is to be worked on later.
        base: the base registry, to tell a signal that came late.
        base_login_server: as application tasks name the base registry.
        waves: says which are rebuilt in a wave of their decision, and plans it.
    """

    def __init__(
        self,
        progress: Progress[Rebuild],
        book: TargetBook,
        listings: KeptListings,
        outbox: Outbox,
        base: Registry,
        base_login_server: str,
        waves: Rolls,
    ) -> None:
        self._waves = waves
        self._progress = progress
        self._wanted = WantedRebuilds(progress)
        self._book = book
        self._listings = listings
        self._outbox = outbox
        self._base = base
        self._login_server = base_login_server

    def take(self, message: BaseMoved) -> None:
        """Find what a signal asks for; while a registry does not answer, try again ever more rarely.

        Raises:
            ServiceError: trying again cannot help, or did not help often enough; the message dies and is kept.
        """
        try:
            self.find(message)
        except (BeingListed, Paced) as error:
            waiting = msgspec.structs.replace(message, asked_at=self._asked_at(message))
            self._outbox.send(waiting, timedelta(seconds=error.retry_after or 1))
        except ServiceError as error:
            attempt = message.attempt + 1
            if not error.temporary or attempt >= most_attempts(error):
                raise
            log.warning("what is built on %s:%s is looked for later: %s", message.repository, message.tag, error)
            again = msgspec.structs.replace(message, attempt=attempt)
            self._outbox.send(again, pause_before_retry(attempt, error.retry_after))

    def find(self, message: BaseMoved) -> int:
        """Make a rebuild of every task that is built on the tag that moved; a second signal makes none.

        Returns:
            How many are to be rebuilt.

        Raises:
            ServiceError: a registry did not answer; the rebuilds of the others are made, and nothing is lost if it is
                asked again.
        """
        stored = self._book.read(message.repository, message.tag)
        target = stored.record if stored is not None else None
        if stored is not None and passes_by(stored.record, message.digest):
            self._alarm(stored, message.digest)
            return 0
        decided = target if target is not None and target.wanted == message.digest else None
        if stored is not None and decided is not None and is_first_filling(decided, message.digest):
            log.info("first-filling: %s bore nothing before, so nothing that is built on it is rebuilt", decided.id)
            self._searched(stored)
            return 0
        asked_at = self._asked_at(message)
        kept = self._listings.built_on(base_name(self._login_server, message.repository), message.asked_at)
        dependent = tuple(task for task in kept.tasks if self._depends(task, message))
        elsewhere = self._waves.elsewhere(message.repository, message.tag, target)
        concerned = bool(dependent or elsewhere)
        found = self._base.digest(message.repository, message.tag) if concerned else message.digest
        if found != message.digest:
            if not self._is_late(message, target, found):
                return 0
            dependent, elsewhere = (), ()
        self._ask(message, decided, dependent, elsewhere)
        _raise_worst(kept.problems)
        count = len(dependent) + len(elsewhere)
        if found == message.digest and self._looks_when_all_are_read(message, kept.listings):
            return count
        if found == message.digest:
            self._look_once_more(message, next_after(kept.listings, asked_at))
        if stored is not None and decided is not None:
            self._searched(stored)
        log.info("%d are built on %s:%s", count, message.repository, message.tag)
        return count

    def _ask(
        self,
        message: BaseMoved,
        decided: Target | None,
        dependent: Sequence[ApplicationTask],
        elsewhere: Sequence[BuiltElsewhere],
    ) -> None:
        """Ask at once for whoever waits for no other: for all, unless the entry asks for waves."""
        asked = self._waves.asked(decided) if decided is not None and (dependent or elsewhere) else None
        if decided is not None and asked is not None:
            for task in self._waves.plan(decided, asked, dependent):
                self._wanted.want(task, message, decided)
            return
        tasks = {task_id(one.registry, one.name): one for one in dependent}
        left = self._waves.left_to_waves([*tasks, *(one.id for one in elsewhere)]) if decided is None else frozenset()
        for one in self._named(elsewhere, tasks, left):
            self._wanted.want_elsewhere(one, message, decided)
        for name, task in tasks.items():
            if name not in left and not (decided is not None and self._is_built_on(task, decided)):
                self._wanted.want(task, message, decided)

    def _named(
        self, elsewhere: Sequence[BuiltElsewhere], tasks: dict[str, ApplicationTask], left: Container[str]
    ) -> Iterator[BuiltElsewhere]:
        """What the list names of ACR Tasks is run as any other task, once it is listed."""
        named = {one.id for one in elsewhere if one.kind is BuilderKind.ACR_TASK} - {*tasks}
        for task in self._listings.last() if named else ():
            if (name := task_id(task.registry, task.name)) in named:
                tasks[name] = task
        yield from (one for one in elsewhere if one.kind is not BuilderKind.ACR_TASK and one.id not in left)

    def _alarm(self, stored: StoredTarget, digest: Digest) -> None:
        """What is wanted instead has a signal of its own, once the tag is read and put right."""
        target, now = stored.record, self._book.clock()
        log.info("%s is %s only for now", target.id, digest)
        read = self._book.change(
            target.id, lambda known: scheduled(alarmed(known, digest, now), now) if known else None, stored
        )
        if read is not None and read.record.importing is None:
            self._book.wake(read.record)

    def _searched(self, stored: StoredTarget) -> None:
        """Its target would have the search made again if it were not told."""
        target, now = stored.record, self._book.clock()
        self._book.change(
            target.id, lambda known: scheduled(was_searched(known, target.number), now) if known else None, stored
        )

    def _asked_at(self, message: BaseMoved) -> datetime:
        return message.asked_at or self._progress.clock()

    def _looks_when_all_are_read(self, message: BaseMoved, listings: Sequence[Listing]) -> bool:
        """A task of which nobody knows yet what it is built on may be built on this: the search is not over."""
        pause = left_to_read(listings)
        if pause is None:
            return False
        self._outbox.send(msgspec.structs.replace(message, asked_at=self._asked_at(message)), pause)
        return True

    def _look_once_more(self, message: BaseMoved, moment: datetime | None) -> None:
        """What was made or first built since the listing is found by the next one, which is for all such signals."""
        if moment is not None and not message.again:
            again = msgspec.structs.replace(message, again=True, asked_at=None)
            self._outbox.send(again, max(moment - self._progress.clock(), WAIT))

    def _depends(self, task: ApplicationTask, message: BaseMoved) -> bool:
        return depends_on(task, self._login_server, message.repository, message.tag) is not None

    def _is_built_on(self, task: ApplicationTask, target: Target) -> bool:
        """A tag that is put back calls for no rebuild of what is built on that digest, once its decision was known."""
        found = depends_on(task, self._login_server, target.repository, target.tag)
        known = target.searched >= target.number
        return known and found is not None and found.digest == target.wanted

    def _is_late(self, message: BaseMoved, target: Target | None, found: Digest | None) -> bool:
        """Whether a signal came late or again; if not, the registry may have been read at a replica that lags.

        Then it is looked at again for some minutes. If the tag has moved on since, the newer digest has a signal of
        its own. What came into force after it, by its target's record, is no lag.
        """
        looks, where = message.looks + 1, f"{message.repository}:{message.tag}"
        replaced = target is not None and found == target.seen and bore_before(target, message.digest)
        if looks >= LAG_LOOKS or replaced:
            log.info("signal-late: %s is %s by now, not %s", where, found, message.digest)
            return True
        log.info("replica-lags: %s is %s, not %s; it is looked at again", where, found, message.digest)
        self._outbox.send(msgspec.structs.replace(message, looks=looks), pause_before_retry(looks))
        return False


def _raise_worst(problems: Sequence[ServiceError]) -> None:
    """What somebody else is about to answer is no trouble."""
    for error in sorted(problems, key=lambda problem: isinstance(problem, BeingListed)):
        raise error

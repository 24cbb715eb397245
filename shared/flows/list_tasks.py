"""List the tasks of a registry for all searches, and read one by one, slowly, what a list does not say.

A round is one list, the runs that ended since the last one, and a bounded number of single reads. What was read is kept
until the task's definition changes or a run of it ends, so that a list which lacks bases costs its pages.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from datetime import datetime, timedelta

import msgspec

from shared.domain.events.messages import ListTasks
from shared.domain.promotion.kept_tasks import KeptTask, answered, doubted, renewed, to_read, united, with_runs
from shared.domain.promotion.listing import MOST_READS, ROUND, Listing, is_fresh, listed, not_listed, taken_up
from shared.domain.promotion.rebuilds import ApplicationTask
from shared.domain.promotion.schedule import pause_before_retry
from shared.errors import Conflict, ServiceError
from shared.ports import Clock, Outbox
from shared.run_ports import Listings, Runs, StoredListing

log = logging.getLogger("tidegate.listings")

Tasks = dict[str, KeptTask]
# A run that is under way is looked for among those that were asked for so long before: the time ACR gives one unless
# its task says otherwise. Of one that lasts longer the end is not seen, and its task is read within a day.
_RUN_LASTS = timedelta(hours=1)


class TaskLister:
    """Makes the listings that searches are made from.

    Args:
        listings: where they are kept.
        runs: ACR Tasks of the application registries, by the registry's name.
        outbox: where the next round is asked for.
        clock: tells the time.
    """

    def __init__(self, listings: Listings, runs: Mapping[str, Runs], outbox: Outbox, clock: Clock) -> None:
        self._listings = listings
        self._runs = runs
        self._outbox = outbox
        self._clock = clock

    def take(self, message: ListTasks) -> None:
        """Make a round, unless another worker took this message up; who dies in it is taken for dead after a lease.

        Raises:
            ServiceError: the storage account did not answer; whoever needs the tasks asks anew.
        """
        if message.registry not in self._runs:
            log.info("the tasks of %.100s are listed by nobody any more", message.registry)
            return
        stored = self._listings.get(message.registry)
        if stored.listing.step != message.step:
            log.info("the tasks of %s were listed by another worker", message.registry)
            return
        try:
            claimed = self._listings.replace(stored, taken_up(stored.listing, self._clock()))
            self._round(claimed)
        except Conflict:
            log.info("the tasks of %s are listed by another worker, too", message.registry)

    def _round(self, claimed: StoredListing) -> None:
        try:
            began, tasks = self._tasks(claimed.listing)
        except ServiceError as error:
            log.warning("the tasks of %s cannot be listed now: %s", claimed.listing.registry, error)
            self._listings.replace(claimed, not_listed(claimed.listing, error, self._clock()))
            return
        problem = self._read(claimed.listing.registry, tasks)
        claimed, tasks = self._with_runs(claimed, tasks)
        self._keep(claimed, began, tasks, problem)

    def _tasks(self, listing: Listing) -> tuple[datetime | None, Tasks]:
        """Return the tasks, and when their list was begun; ``None`` if the one that is kept is new enough."""
        known, whole = self._known(listing.registry)
        now = self._clock()
        if whole and is_fresh(listing, now):
            return None, known
        return now, self._doubted(listing, renewed(self._runs[listing.registry].tasks(), known))

    def _known(self, registry: str) -> tuple[Tasks, bool]:
        """What cannot be read is listed, and written, anew."""
        kept: list[KeptTask] = []
        try:
            kept.extend(self._listings.tasks(registry))
        except ServiceError as error:
            if error.temporary:
                raise
            log.warning("the tasks of %s are listed anew: %s", registry, error)
            return united(kept), False
        return united(kept), True

    def _doubted(self, listing: Listing, tasks: Tasks) -> Tasks:
        """What a task is built on changes with a run of it, whoever asked for that."""
        if listing.listed_at is None or not any(one.alone and one.is_read for one in tasks.values()):
            return tasks
        return doubted(tasks, self._runs[listing.registry].ended_since(listing.listed_at - _RUN_LASTS))

    def _with_runs(self, claimed: StoredListing, tasks: Tasks) -> tuple[StoredListing, Tasks]:
        """What runs say is read where somebody asked for it; a search goes without, so that it waits for none of it."""
        listing = claimed.listing
        if not listing.runs_wanted:
            return claimed, tasks
        done = msgspec.structs.replace(listing, runs_wanted=False)
        try:
            tasks = with_runs(tasks, self._runs[listing.registry].latest_runs())
            done = msgspec.structs.replace(done, runs_at=self._clock())
        except ServiceError as error:
            log.warning("what the runs of %s say of its tasks is not known now: %s", listing.registry, error)
        return msgspec.structs.replace(claimed, listing=done), tasks

    def _read(self, registry: str, tasks: Tasks) -> ServiceError | None:
        """Read some tasks by themselves, and return what ended that before all had their turn.

        A task that may not be read for good is kept as it was, so that it keeps no other waiting.
        """
        for kept in to_read(tasks.values(), MOST_READS, self._clock()):
            try:
                task = self._runs[registry].task(kept.task.name)
            except ServiceError as error:
                log.warning("it is not known what %s/%s is built on: %s", registry, kept.task.name, error)
                if error.temporary:
                    return error
                task = kept.task
            self._answer(tasks, kept, task)
        return None

    def _answer(self, tasks: Tasks, kept: KeptTask, task: ApplicationTask | None) -> None:
        if task is None:
            del tasks[kept.name]
        else:
            tasks[kept.name] = answered(kept, task, self._clock())

    def _keep(self, claimed: StoredListing, began: datetime | None, tasks: Tasks, problem: ServiceError | None) -> None:
        """Dying before the message is sent is healed by the next search or sweep, which asks anew."""
        unread = sum(not one.is_read for one in tasks.values())
        done = listed(claimed.listing, tasks=len(tasks), unread=unread, began=began)
        if problem is not None:
            done = msgspec.structs.replace(done, failures=claimed.listing.failures + 1)
        kept = self._listings.keep(claimed, done, tasks.values())
        log.info("%s has %d tasks, of which %d are still to be read", done.registry, len(tasks), unread)
        if unread:
            pause = max(ROUND, pause_before_retry(done.failures, problem.retry_after)) if problem else ROUND
            self._outbox.send(ListTasks(v=1, registry=done.registry, step=kept.listing.step), pause)

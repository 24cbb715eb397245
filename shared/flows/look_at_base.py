"""Compare the base registry with what is wanted: one listing a repository, told and put right where they differ."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime, timedelta

import msgspec

from shared.domain.events.messages import MOST_REPOSITORIES, LookAtBase
from shared.domain.promotion.drift import Deleted, Finding, Listed, answer, compared, ended, find, let_go
from shared.domain.promotion.reconciling import Todo, scheduled, todo
from shared.domain.promotion.schedule import LAG_PATIENCE, PATIENT_ATTEMPTS, pause_before_retry
from shared.domain.promotion.target import Target
from shared.domain.references import Digest, Tag
from shared.domain.watching.places import Places
from shared.domain.watching.watch_list import Image, WatchList
from shared.errors import RateLimited, ServiceError
from shared.ports import Activity, Event, Observations, Outbox, Registry
from shared.rules.drift_told import has_left, in_order_again, taken_back, what_is_wrong
from shared.rules.moving_in import MovingIn
from shared.rules.targets import TargetBook
from shared.target_ports import StoredTarget

log = logging.getLogger("tidegate.base")

# A little more than is asked for between two listings, so that the second counts: clocks of two instances differ.
_BEYOND = 1.2


def _nothing_beside(repository: str, tags: Mapping[Tag, Digest], targets: Sequence[Target]) -> None:
    """Nobody wants anything beside images."""


class BaseComparer:
    """Compares repositories of the base registry with their targets.

    Args:
        book: where targets are.
        base: the base registry.
        watch_list: gives the list in force.
        observations: what is known of upstream tags.
        outbox: where looks are sent.
        activity: is told of what is missing or overwritten, and of its end.
        let_go: is given a target that has left the watch list, to end what is still being tested for it alone.
        apart: how long after one listing another must begin, so that both together are believed.
        beside: compares what lies beside digests, given the repository, its tags as they were listed and its targets
            that are on the list.
    """

    def __init__(
        self,
        book: TargetBook,
        base: Registry,
        watch_list: Callable[[], WatchList],
        observations: Observations,
        outbox: Outbox,
        activity: Activity,
        let_go: Callable[[Target], None],
        apart: timedelta = LAG_PATIENCE,
        beside: Callable[[str, Mapping[Tag, Digest], Sequence[Target]], None] = _nothing_beside,
    ) -> None:
        self._book = book
        self._base = base
        self._watch_list = watch_list
        self._observations = observations
        self._outbox = outbox
        self._activity = activity
        self._end_candidates = let_go
        self._apart = apart
        self._beside = beside
        self._moving = MovingIn(book)

    def plan(self, traceparent: str) -> int:
        """Ask for a look at every repository that has a target, and return how many those are."""
        known = self._book.targets.repositories()
        paths = sorted({path for _, path in known})
        for start in range(0, len(paths), MOST_REPOSITORIES):
            some = tuple(paths[start : start + MOST_REPOSITORIES])
            former = tuple(sorted({name for name, path in known if path in some} - {self._book.registry}))
            message = LookAtBase(v=1, repositories=some, former=former, traceparent=traceparent)
            self._outbox.send(message)
        return len(paths)

    def look(self, message: LookAtBase) -> None:
        """Look at some repositories; one that cannot be listed says nothing of its tags.

        A registry that has had enough is asked for the rest later, a few times; then that is left to the next schedule.

        Raises:
            TidegateError: the storage account failed, or a row of it cannot be read; the message is to be delivered
                again.
        """
        watch_list = self._watch_list()
        unreadable: list[ServiceError] = []
        for done, repository in enumerate(message.repositories):
            try:
                enough = self._look(repository, watch_list.into(repository), message)
            except ServiceError as error:
                if error.temporary:
                    raise
                unreadable.append(error)
                continue
            if enough is not None:
                self._later(message, message.repositories[done:], enough)
                return
        if unreadable:
            raise unreadable[0]

    def _later(self, message: LookAtBase, left: tuple[str, ...], enough: RateLimited) -> None:
        attempt = message.attempt + 1
        if attempt < PATIENT_ATTEMPTS:
            again = msgspec.structs.replace(message, repositories=left, attempt=attempt)
            self._outbox.send(again, pause_before_retry(attempt, enough.retry_after))

    def _look(self, repository: str, images: tuple[Image, ...], message: LookAtBase) -> RateLimited | None:
        """Return what the registry says if it may not be asked for more."""
        began, targets = self._book.clock(), list[StoredTarget]()
        unreadable = self._read(repository, targets)
        formers = self._moving.formers(repository, message.former)
        places = self._places(images) if targets or formers else Places((), {})
        watched = self._watched(places, [self._moving.catch_up(stored, formers) for stored in targets])
        for stored in targets:
            formers.pop(stored.record.tag, None)
        moving = [former for former in formers.values() if _entry(places, former)]
        try:
            listed = Listed(self._base.list_tags(repository), began, self._apart) if watched or moving else None
        except ServiceError as error:
            log.warning("the tags of %s could not be listed, which says nothing of them: %s", repository, error)
            return error if isinstance(error, RateLimited) else None
        if listed is not None:
            soon = self._compare(listed, watched, message)
            self._beside(repository, listed.tags, [stored.record for stored, _ in watched])
            more = self._moving.move_in(moving, listed)
            self._again(repository, message, soon=soon, more=more)
        if unreadable is not None:
            raise unreadable
        return None

    def _read(self, repository: str, targets: list[StoredTarget]) -> ServiceError | None:
        """A row that cannot be read keeps nobody from the others."""
        try:
            targets.extend(self._book.of_repository(repository))
        except ServiceError as error:
            if error.temporary:
                raise
            return error
        return None

    def _watched(self, places: Places, targets: Iterable[StoredTarget]) -> list[tuple[StoredTarget, Image]]:
        """Return the targets that are on the list, and let go of the others."""
        watched = []
        for stored in targets:
            entry = _entry(places, stored.record)
            if entry is None:
                self._let_go(stored)
            else:
                watched.append((stored, entry))
        return watched

    def _places(self, images: tuple[Image, ...]) -> Places:
        sources = {image.repository for image in images if image.needs_listing}
        return Places(images, {source: self._observations.of(source).tags for source in sources})

    def _compare(self, listed: Listed, watched: list[tuple[StoredTarget, Image]], message: LookAtBase) -> bool:
        """Say whether there is to be another look soon."""
        deleted = Deleted(message.deleted, message.by) if message.by else None
        again = [self._judge(stored, listed, entry, deleted) for stored, entry in watched]
        return any(again)

    def _again(self, repository: str, message: LookAtBase, *, soon: bool, more: bool) -> None:
        if soon or more:
            former = message.former if more else ()
            again = LookAtBase(v=1, repositories=(repository,), former=former, traceparent=message.traceparent)
            self._outbox.send(again, self._apart * _BEYOND)

    def _judge(self, stored: StoredTarget, listed: Listed, entry: Image, deleted: Deleted | None) -> bool:
        """Say whether there is to be another look: at what was just noted, or will have been put right."""
        before, now = stored.record, self._book.clock()
        self._tell_end(before, listed, now)
        changed = self._book.change(before.id, lambda known: _compared(known, listed, entry, deleted, now), stored)
        if changed is None:
            return False
        after = changed.record
        self._tell(after, entry)
        if after != before and todo(after, now) in {Todo.PUT, Todo.SETTLE}:
            self._book.wake(after)
        soon = find(after, listed) is Finding.TOO_SOON and listed.tags.get(after.tag) != after.wanted
        return soon or (after != before and after.astray is not None)

    def _let_go(self, stored: StoredTarget) -> None:
        """Marked first, then told, then noted that it was: whoever dies in between does the same once more."""
        now = self._book.clock()
        if stored.record.let_go is not None and stored.record.let_go.told:
            return
        marked = self._book.change(stored.record.id, lambda known: _left(known, now), stored)
        if marked is None or marked.record.let_go is None:
            return
        target, mark = marked.record, marked.record.let_go
        log.info("%s: %s", target.id, mark.why)
        self._activity.append(Event(f"target:{target.id}", "tag-let-go", mark.since, mark.why))
        self._end_candidates(target)
        self._book.change(target.id, _was_told, marked)

    def _tell(self, target: Target, entry: Image) -> None:
        """For as long as it lasts: the same line of the log each time, and an event each time."""
        astray = target.astray
        if astray is None or not astray.told or ended(target):
            return
        finding, subject = Finding.OVERWRITTEN if astray.digest else Finding.MISSING, f"target:{target.id}"
        detail = what_is_wrong(target, astray, answer(target, finding, entry.remedies))
        log.warning("%s", detail)
        if astray.digest:
            self._activity.append(Event(subject, "tag-overwritten", astray.since, detail))
        else:
            self._activity.append(Event(subject, "tag-missing", astray.since, detail))

    def _tell_end(self, target: Target, listed: Listed, now: datetime) -> None:
        """Before the record forgets it: whoever dies in between is told of the same end again."""
        if target.let_go is not None and target.importing is None:
            self._activity.append(Event(f"target:{target.id}", "tag-taken-back", now, taken_back(target)))
        if target.astray is None or not target.astray.told or find(target, listed) is not Finding.IN_ORDER:
            return
        at = target.seen_at if ended(target) and target.seen_at is not None else now
        subject, detail = f"target:{target.id}", in_order_again(target, target.astray)
        self._activity.append(Event(subject, "tag-in-order", at, detail))


def _entry(places: Places, target: Target) -> Image | None:
    return places.entry_of(target.tag, target.origin.source, target.origin.source_tag)


def _compared(
    known: Target | None, listed: Listed, entry: Image, deleted: Deleted | None, now: datetime
) -> Target | None:
    if known is None:
        return None
    after = compared(known, listed, entry.remedies, deleted, now)
    # One that comes back into force with its base registry may have come to rest in the middle of something.
    rests = after == known and known.look_at is not None
    return known if rests else scheduled(after, now)


def _left(known: Target | None, now: datetime) -> Target | None:
    if known is None or known.let_go is not None:
        return known
    return scheduled(let_go(known, has_left(known), now), now)


def _was_told(known: Target | None) -> Target | None:
    if known is None or known.let_go is None:
        return known
    return msgspec.structs.replace(known, let_go=msgspec.structs.replace(known.let_go, told=True))

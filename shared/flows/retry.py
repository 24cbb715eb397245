"""Try again what failed or was rejected, many at once, because somebody asked: after an outage, or a gate mended."""

from __future__ import annotations

import logging
from datetime import datetime

import msgspec

from shared.domain.events.messages import MOST_TARGETS, RetryTargets
from shared.domain.promotion.candidate import Candidate
from shared.domain.promotion.identity import candidate_id
from shared.domain.promotion.retrying import lacks_newest
from shared.domain.promotion.said import Said
from shared.domain.promotion.statuses import Status
from shared.domain.promotion.target import Target
from shared.domain.watching.observation import Look
from shared.errors import ServiceError
from shared.ports import Activity, Event, Outbox, Records
from shared.rules.detection import Detector
from shared.rules.reading import readable
from shared.rules.targets import TargetBook

log = logging.getLogger("tidegate.retry")

_SUBJECT = "retry"


class Wish(msgspec.Struct, frozen=True):
    """What is to be tried again.

    Attributes:
        statuses: of candidates, some of ``RETRIED``.
        image: only those of one entry of the watch list; ``None`` for all.
        since: only what ended at this moment or later, UTC; ``None`` for whenever.
    """

    statuses: frozenset[Status]
    image: str | None = None
    since: datetime | None = None


class Retrier:
    """Finds what a tag still wants and did not get, and has it tried again.

    Args:
        book: where targets are.
        candidates: what became of their digests.
        detector: tries again.
        outbox: sends the messages.
        activity: where it is recorded that somebody asked.
    """

    def __init__(
        self,
        book: TargetBook,
        candidates: Records[Candidate],
        detector: Detector,
        outbox: Outbox,
        activity: Activity,
    ) -> None:
        self._book = book
        self._candidates = candidates
        self._detector = detector
        self._outbox = outbox
        self._activity = activity

    def ask(self, wish: Wish, said: Said, traceparent: str) -> tuple[tuple[str, ...], str]:
        """Send the messages for everything that is to be tried again.

        One or two transactions for each tag that bears another digest than its source; a death in between is mended by
        asking again, for what began again since is not begun a second time.

        Args:
            wish: what is to be tried again.
            said: who asks, why, and when.
            traceparent: trace context of the request.

        Returns:
            The ids of the targets that will be tried again, and which records could not be read, for people.
        """
        stored, problem = readable(self._book.targets.every(self._book.registry))
        names = tuple(one.record.id for one in stored if self._is_wished(one.record, wish))
        for start in range(0, len(names), MOST_TARGETS):
            some = names[start : start + MOST_TARGETS]
            statuses = tuple(sorted(wish.statuses, key=lambda status: status.value))
            self._outbox.send(
                RetryTargets(v=1, targets=some, statuses=statuses, asked_at=said.at, traceparent=traceparent)
            )
        if names:
            detail = f"{said.by}: {said.why} ({len(names)} tags, {_told(wish)})"
            self._activity.append(Event(_SUBJECT, "retry-asked", said.at, detail))
        return names, problem

    def retry(self, message: RetryTargets) -> None:
        """Try again what some targets want; one that fails keeps no other from being tried.

        Raises:
            ServiceError: the storage account failed, or a record cannot be read; the message is delivered again.
        """
        problems: list[ServiceError] = []
        for name in message.targets:
            try:
                self._retry(name, message)
            except ServiceError as error:
                log.warning("%s is not tried again yet: %s", name, error)
                problems.append(error)
        if problems:
            raise problems[0]

    def _retry(self, name: str, message: RetryTargets) -> None:
        stored = self._book.targets.get(name)
        if stored is None or not self._is_wished(stored.record, Wish(frozenset(message.statuses))):
            log.info("%s has nothing any more that is to be tried again", name)
            return
        target = stored.record
        if target.newest is not None:
            self._detector.want(
                target.repository, target.tag, target.origin, target.newest, Look.UNCHANGED, message.asked_at
            )

    def _is_wished(self, target: Target, wish: Wish) -> bool:
        candidate = self._wanted(target, wish)
        if candidate is None or candidate.status not in wish.statuses:
            return False
        return wish.since is None or candidate.since >= wish.since

    def _wanted(self, target: Target, wish: Wish) -> Candidate | None:
        """The candidate of what a tag's source bears and the base registry does not have; none for most tags."""
        other = wish.image not in {None, target.origin.image}
        if other or target.newest is None or not lacks_newest(target):
            return None
        name = candidate_id(target.origin.source, target.newest.digest, target.origin.gate)
        try:
            stored = self._candidates.get(name)
        except ServiceError as error:
            if error.temporary:
                raise
            log.warning("%s cannot be tried again: %s", target.id, error)
            return None
        return stored.record if stored is not None else None


def _told(wish: Wish) -> str:
    statuses = " or ".join(sorted(status.value for status in wish.statuses))
    of = f" of {wish.image}" if wish.image is not None else ""
    return f"{statuses}{of}" + (f" since {wish.since:%Y-%m-%dT%H:%M:%SZ}" if wish.since else "")

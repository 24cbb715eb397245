"""Checks that ask for another one: a second look at what is doubted, another try, and what there was no time for."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from datetime import datetime, timedelta

import msgspec

from shared.domain.events.messages import CheckRepositories
from shared.domain.promotion.schedule import PATIENT_ATTEMPTS, pause_before_retry
from shared.domain.references import Digest, Repository, Tag
from shared.domain.watching.flapping import believed
from shared.domain.watching.observation import Doubted
from shared.domain.watching.waves import Wave
from shared.ports import Activity, Event, Known, Outbox

log = logging.getLogger("tidegate.second_looks")

_LONGEST_DETAIL = 1000
_CLOCKS_DIFFER = timedelta(seconds=5)


class SecondLooks:
    """Doubts what a tag bore before, for some minutes.

    Args:
        outbox: where a second look is asked for.
        activity: where it is recorded.
        pause: how long after the first look the second one is made; zero believes everything at once.
    """

    def __init__(self, outbox: Outbox, activity: Activity, pause: timedelta) -> None:
        self._outbox = outbox
        self._activity = activity
        self._pause = pause

    def believed(
        self, repository: Repository, known: Known, digests: Mapping[Tag, Digest | None], now: datetime
    ) -> tuple[Mapping[Tag, Digest | None], Mapping[Tag, Doubted]]:
        """Say which digests to go by after a look.

        Args:
            repository: that was looked at.
            known: what was known of it.
            digests: what it says its tags point at.
            now: when it was asked, UTC.

        Returns:
            The digest to go by for each tag, and what is doubted of some.

        Raises:
            ServiceError: the storage account failed.
        """
        heard = {tag: believed(known.tags.get(tag), digest, now, self._pause) for tag, digest in digests.items()}
        doubted = {tag: doubt for tag, (_, doubt) in heard.items() if doubt is not None}
        new = {tag: doubt for tag, doubt in doubted.items() if doubt.since == now}
        if new:
            self._ask(repository, new, now)
        return {tag: digest for tag, (digest, _) in heard.items()}, doubted

    def try_again(self, message: CheckRepositories, wave: Wave) -> None:
        """Ask soon for what was not begun because the base registry could not be read, a few times.

        A right that is missing, and an outage that lasts, are left to the next scheduled check.
        """
        problem, attempt = wave.closed, message.attempt + 1
        if problem is None or attempt >= PATIENT_ATTEMPTS:
            return
        names = tuple(str(repository) for repository in wave.held)
        again = msgspec.structs.replace(message, repositories=names, attempt=attempt)
        self._outbox.send(again, pause_before_retry(attempt, problem.retry_after))

    def go_on(self, message: CheckRepositories, rest: tuple[Repository, ...]) -> None:
        """Ask at once for what a check had no time left for; who dies before does all of its message once more."""
        names = tuple(str(repository) for repository in rest)
        self._outbox.send(msgspec.structs.replace(message, repositories=names))

    def _ask(self, repository: Repository, new: Mapping[Tag, Doubted], now: datetime) -> None:
        """If the message of the second look is lost, the next check that comes after its time is that look."""
        due = min(doubt.due for doubt in new.values())
        shown = "; ".join(f"{tag} bears {one.digest} again ({one.reason.value})" for tag, one in sorted(new.items()))
        detail = f"{len(new)} tags bear what they bore within a day; at {due:%H:%M} UTC a second look counts: {shown}"
        log.info("%s: %s", repository, detail)
        self._activity.append(Event(f"repository:{repository}", "flapping", now, detail[:_LONGEST_DETAIL]))
        again = CheckRepositories(v=1, repositories=(str(repository),))
        self._outbox.send(again, due - now + _CLOCKS_DIFFER)

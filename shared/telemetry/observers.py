"""Ports that are watched: each does what the one inside it does, and tells of it. Flows know nothing of this."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Protocol, TypeVar

from shared.digest_ports import UpstreamHolder
from shared.domain.events.messages import Message
from shared.domain.references import Digest, Repository, Tag
from shared.domain.watching.questions import CATALOGUES
from shared.errors import NotFound, RateLimited, Refused, TidegateError, Unavailable, UnusableAnswer
from shared.ports import Activity, Event, Hints, Outbox, Upstream
from shared.signature_ports import Beside, SignatureSource, Spend
from shared.telemetry.counts import ASKED, add
from shared.telemetry.events import tell
from shared.telemetry.spans import traced

T = TypeVar("T")

_OUTCOMES: dict[type[TidegateError], str] = {
    NotFound: "not-found",
    RateLimited: "rate-limited",
    Refused: "refused",
    Unavailable: "unavailable",
    UnusableAnswer: "unavailable",
}


# What travels with images is loaded where something does.
if TYPE_CHECKING:
    from shared.domain.travel.referrers import Listing
    from shared.travel_ports import ReferrerSource

    class _Asked(Upstream, UpstreamHolder, SignatureSource, ReferrerSource, Protocol):
        """All in one, as every upstream is."""


class TracedOutbox:
    """The port ``Outbox``: every message carries a trace, if not its own then that of what is under way.

    Args:
        outbox: sends the messages.
    """

    def __init__(self, outbox: Outbox) -> None:
        self._outbox = outbox

    def send(self, message: Message, delay: timedelta = timedelta(0)) -> None:
        """See ``Outbox.send``."""
        self._outbox.send(traced(message), delay)


class CountedUpstream:
    """The ports ``Upstream``, ``UpstreamHolder``, ``SignatureSource``, ``ReferrerSource``: all questions are counted.

    By its outcome, and by the host that is asked.

    Args:
        name: the registry, such as ``docker.io``.
        upstream: answers.
    """

    def __init__(self, name: str, upstream: _Asked) -> None:
        self._name = name
        self._upstream = upstream

    def digest(self, repository: Repository, tag: Tag) -> Digest | None:
        """See ``Upstream.digest``."""
        return self._counted(self._name, lambda: self._upstream.digest(repository, tag))

    def tags(self, repository: Repository) -> tuple[Tag, ...]:
        """See ``Upstream.tags``."""
        return self._counted(self._name, lambda: self._upstream.tags(repository))

    def hints(self, repository: Repository, since: datetime | None) -> Hints | None:
        """See ``Upstream.hints``."""
        catalogue = CATALOGUES.get(self._name, self._name)
        return self._counted(catalogue, lambda: self._upstream.hints(repository, since))

    def manifests(self, repository: Repository, tag: Tag, digest: Digest) -> int | None:
        """See ``Upstream.manifests``."""
        catalogue = CATALOGUES.get(self._name, self._name)
        return self._counted(catalogue, lambda: self._upstream.manifests(repository, tag, digest))

    def holds(self, repository: Repository, digest: Digest) -> bool:
        """See ``UpstreamHolder.holds``."""
        return self._counted(self._name, lambda: self._upstream.holds(repository, digest))

    def beside(self, repository: Repository, digest: Digest, spend: Spend, *, whole: bool) -> Beside:
        """See ``SignatureSource.beside``: one question, however many requests it takes."""
        return self._counted(self._name, lambda: self._upstream.beside(repository, digest, spend, whole=whole))

    def referrers(self, repository: Repository, manifests: Sequence[Digest], spend: Spend) -> Listing:
        """See ``ReferrerSource.referrers``: one question, however many requests it takes."""
        return self._counted(self._name, lambda: self._upstream.referrers(repository, manifests, spend))

    def reads(self, repository: Repository) -> bool:
        """See ``Upstream.reads``."""
        return self._upstream.reads(repository)

    def prepare(self, repositories: tuple[Repository, ...]) -> None:
        """See ``Upstream.prepare``."""
        self._upstream.prepare(repositories)

    def _counted(self, host: str, ask: Callable[[], T]) -> T:
        outcome = "failed"
        try:
            found = ask()
            outcome = "absent" if found is None else "found"
        except TidegateError as error:
            outcome = _OUTCOMES.get(type(error), outcome)
            raise
        finally:
            add(ASKED, key=f"{host} {outcome}")
        return found


class ToldActivity:
    """The port ``Activity``: every line is an event too, by the same name.

    Args:
        activity: keeps the lines.
    """

    def __init__(self, activity: Activity) -> None:
        self._activity = activity

    def append(self, event: Event) -> None:
        """See ``Activity.append``."""
        self._activity.append(event)
        tell(event.name, {"tidegate.subject": event.subject}, event.detail)

    def of(self, subject: str, limit: int) -> tuple[Event, ...]:
        """See ``Activity.of``."""
        return self._activity.of(subject, limit)

    def recent(self, now: datetime, limit: int, after: str = "") -> tuple[tuple[Event, ...], str]:
        """See ``Activity.recent``."""
        return self._activity.recent(now, limit, after)

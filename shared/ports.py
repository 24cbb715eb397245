"""What flows ask of the outside: small Protocols. Adapters provide them; tests have doubles that keep them.

Every method raises only errors of ``shared.errors``: ``Unavailable``, ``RateLimited`` and ``Conflict`` are worth
another try, others are not. Times are UTC and aware.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from enum import Enum
from typing import Generic, Protocol, TypeVar

import msgspec

from shared.domain.events.messages import Message
from shared.domain.promotion.candidate import Candidate
from shared.domain.promotion.rebuilds import Rebuild
from shared.domain.references import Digest, Repository, Tag
from shared.domain.scan.scan import Scan
from shared.domain.watching.observation import Observation
from shared.domain.watching.questions import RepositoryState
from shared.errors import TidegateError

R = TypeVar("R", Candidate, Rebuild, Scan)
# How far back the lines about everything can be read; those about one subject, as far back as they are kept.
ACTIVITY_DAYS = 31


class Clock(Protocol):
    """Tells the time."""

    def __call__(self) -> datetime:
        """Return now, UTC."""
        ...


class Stored(msgspec.Struct, Generic[R], frozen=True):
    """A record as it was read, with the ETag that guards its replacement."""

    record: R
    etag: str


class Records(Protocol[R]):
    """Records that are current (under way, or ended not long ago), apart from the archive of those long ended.

    Listing what is current never reads the archive.
    """

    def get(self, record_id: str) -> Stored[R] | None:
        """Return a current record, or else an archived one, or ``None``."""
        ...

    def insert(self, record: R, *, absent: bool = False) -> bool:
        """Add a record to the current ones; ``False`` if one with its id is there already, current or archived.

        Args:
            record: the record.
            absent: whether ``get`` has just found none, so that the archive need not be asked again.
        """
        ...

    def replace(self, stored: Stored[R], record: R) -> Stored[R]:
        """Replace a record that nobody changed since it was read; an archived one becomes current.

        Raises:
            Conflict: somebody did change it.
        """
        ...

    def replace_all(self, changes: Sequence[tuple[Stored[R], R]]) -> Sequence[Stored[R] | TidegateError]:
        """Replace current records that nobody changed since. Return of each what is there, or what kept it."""
        ...

    def current(self, prefix: str = "") -> Iterator[Stored[R]]:
        """Iterate over the current records whose id begins with ``prefix``, in the order of their ids."""
        ...

    def in_status(self, statuses: Collection[Enum], by: datetime | None = None) -> Iterator[Stored[R]]:
        """Iterate over the current records of some statuses.

        Args:
            statuses: of candidates, of rebuilds or of scans.
            by: only those that are, or were, to be looked at by a moment, UTC.

        Raises:
            ServiceError: some cannot be read; after all others, so that they keep nobody from the rest.
        """
        ...

    def count(self, statuses: Collection[Enum]) -> int:
        """Return how many current records are of some statuses, without reading them."""
        ...

    def archive_all(self, stored: Sequence[Stored[R]]) -> Mapping[str, TidegateError]:
        """Move records to the archive; twice does no harm. Return what kept some where they were, by their ids."""
        ...

    def archived(self, group: str) -> Iterator[Stored[R]]:
        """Iterate over the archived records of one group: see ``identity.group_of``; or of one task."""
        ...

    def delete_all(self, stored: Sequence[Stored[R]]) -> Mapping[str, TidegateError]:
        """Delete current records that nobody changed since; twice does no harm. Return what kept some, by their ids."""
        ...


class Known(msgspec.Struct, frozen=True):
    """What is known of an upstream repository.

    Attributes:
        tags: the observations of its tags.
        state: what is remembered of it as a whole.
        etag: guards the next writing; empty if nothing was known.
    """

    tags: Mapping[Tag, Observation]
    state: RepositoryState
    etag: str = ""


class Observations(Protocol):
    """What upstream repositories and their tags were like when last looked at; each is read ``dated`` by the state."""

    def of(self, repository: Repository) -> Known:
        """Return everything known of one upstream repository."""
        ...

    def together(self, first: Repository, others: Collection[Repository]) -> Mapping[Repository, Known]:
        """Return everything known of one upstream repository, and of those others that come by the same read."""
        ...

    def save(
        self, repository: Repository, known: Known, state: RepositoryState, observations: tuple[Observation, ...]
    ) -> Known:
        """Replace a repository's state, and what was ``known`` of some tags; return what is known from then on.

        Raises:
            Conflict: somebody wrote it since it was read: whoever looked longer ago may not have the last word.
        """
        ...

    def states(self) -> Mapping[Repository, RepositoryState]:
        """Return the state of every repository: a table's scan, for when a budget is short."""
        ...

    def every(self) -> Iterator[tuple[Repository, Known]]:
        """Iterate over every repository and all that is known of it.

        Raises:
            ServiceError: some rows cannot be read; after all others, so that they keep nobody from the rest.
        """
        ...


class Event(msgspec.Struct, frozen=True):
    """One line of the activity log.

    Attributes:
        subject: of what: ``repository:<name>``, ``target:<id>``, ``task:<registry>/<task>``, ``watch-list``, a queue.
        name: what happened, such as ``poisoned``.
        at: when, UTC.
        detail: for people.
    """

    subject: str
    name: str
    at: datetime
    detail: str = ""


class Activity(Protocol):
    """What happened, append only."""

    def append(self, event: Event) -> None:
        """Add a line; the same event of the same subject and time is one line however often it is added."""
        ...

    def of(self, subject: str, limit: int) -> tuple[Event, ...]:
        """Return the newest lines about a subject, newest first, at most ``limit``."""
        ...

    def recent(self, now: datetime, limit: int, after: str = "") -> tuple[tuple[Event, ...], str]:
        """Return the newest lines about everything, newest first, of the last ``ACTIVITY_DAYS`` days.

        Args:
            now: UTC.
            limit: how many at most.
            after: where an earlier answer said to go on; empty to begin.

        Returns:
            The lines, and where to go on; empty if there are no more.

        Raises:
            InvalidReference: ``after`` was said by no answer.
        """
        ...


class Outbox(Protocol):
    """Sends queue messages."""

    def send(self, message: Message, delay: timedelta = timedelta(0)) -> None:
        """Put a message into its queue, to be seen after a delay of at most seven days."""
        ...


class Evidence(Protocol):
    """Keeps what led to a verdict."""

    def keep(self, candidate: str, name: str, content: bytes) -> None:
        """Write ``evidence/<candidate>/<name>``; writing it again replaces it."""
        ...

    def read(self, candidate: str, name: str) -> bytes | None:
        """Return what was kept as ``evidence/<candidate>/<name>``, or ``None`` if it is not there any more."""
        ...


class Hint(msgspec.Struct, frozen=True):
    """What an upstream's own catalogue says of a tag; the registry is asked by HEAD before anything is imported.

    Attributes:
        tag: the tag.
        digest: what it is said to point at; empty if the catalogue does not say.
        updated: when it was last pushed, UTC; ``None`` if the catalogue does not say.
    """

    tag: Tag
    digest: Digest
    updated: datetime | None = None


class Hints(msgspec.Struct, frozen=True):
    """What an upstream's own catalogue says of a repository.

    Attributes:
        hints: of tags, the latest pushed first where the catalogue says when.
        complete: whether these are all tags there are; else the others were not pushed since the time asked for.
    """

    hints: tuple[Hint, ...]
    complete: bool


class Upstream(Protocol):
    """A public registry, asked without pulling."""

    def digest(self, repository: Repository, tag: Tag) -> Digest | None:
        """Return what a tag points at now, or ``None`` if the registry says it is not there."""
        ...

    def tags(self, repository: Repository) -> tuple[Tag, ...]:
        """Return every tag of a repository, as the registry itself lists them."""
        ...

    def hints(self, repository: Repository, since: datetime | None) -> Hints | None:
        """Return what the upstream's own catalogue says, or ``None`` if it has none or will not answer.

        Args:
            since: what was pushed before is known and need not be told; ``None`` for everything.
        """
        ...

    def manifests(self, repository: Repository, tag: Tag, digest: Digest) -> int | None:
        """Return how many manifests there are behind a digest, or ``None`` if that cannot be told without a pull.

        Args:
            repository: in this upstream.
            tag: under which the digest was seen.
            digest: of an index, or of a manifest, which is one.
        """
        ...

    def reads(self, repository: Repository) -> bool:
        """Whether manifests of a repository had to be read, as HEAD did not tell what they are; asks nobody."""
        ...

    def prepare(self, repositories: tuple[Repository, ...]) -> None:
        """Learn which repositories are looked at together, so that one token may do for all; asks nobody."""
        ...


class ImportSource(msgspec.Struct, frozen=True):
    """Where an import copies from, always by digest.

    Attributes:
        repository: in an upstream or in a registry of ours.
        digest: what to copy.
        staging, base, own: whether ``repository`` is in the staging registry, in the base registry, or in the one that
            is copied into.
    """

    repository: Repository
    digest: Digest
    staging: bool = False
    own: bool = False
    base: bool = False


class Operation(msgspec.Struct, frozen=True):
    """An import under way or ended.

    Attributes:
        done: whether the registry says it has ended well; what it holds is to be read back all the same.
        token: to look again with, without secrets; empty once done.
        retry_after: seconds the registry asked us to wait.
    """

    done: bool
    token: str = ""
    retry_after: float | None = None


class Registry(Protocol):
    """One of our own registries."""

    def take_turn(self) -> None:
        """Make sure, before an import is claimed, that it can be asked for now.

        Raises:
            Paced: it cannot yet; nothing is wrong.
        """
        ...

    def start_import(self, source: ImportSource, repository: str, *tags: Tag) -> Operation:
        """Ask the registry to copy a manifest and all it refers to, and tag it, once or more often.

        Asking twice copies the same.
        """
        ...

    def look_at_import(self, token: str) -> Operation:
        """Look at an import once.

        Raises:
            NotFound: the registry does not know the operation any more.
            OperationFailed: the import ended badly; temporary if another import may succeed.
            ServiceError: the look could not be made; the import may still be under way.
        """
        ...

    def digest(self, repository: str, tag: Tag) -> Digest | None:
        """Read back what a tag points at, or ``None`` if it is not there."""
        ...

    def list_tags(self, repository: str) -> Mapping[Tag, Digest]:
        """List what every tag points at: all of them, none where there is no such repository, or it raises."""
        ...

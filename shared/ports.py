"""What flows ask of the outside: small Protocols. Adapters provide them; tests have doubles that keep them.

Every method raises only errors of ``shared.errors``: ``Unavailable``, ``RateLimited`` and ``Conflict`` are worth
another try, others are not. Times are UTC and aware.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from typing import Generic, Protocol, TypeVar

import msgspec

from shared.domain.candidate import Candidate
from shared.domain.messages import Message
from shared.domain.observation import Observation
from shared.domain.rebuilds import ApplicationTask, Rebuild
from shared.domain.references import Digest, Repository, Tag
from shared.domain.verdict import RunStatus

R = TypeVar("R", Candidate, Rebuild)


class Clock(Protocol):
    """Tells the time."""

    def __call__(self) -> datetime:
        """Return now, UTC."""
        ...


class Stored(msgspec.Struct, Generic[R], frozen=True):
    """A record as it was read, with the ETag that guards its replacement."""

    record: R
    etag: str


class Waiting(msgspec.Struct, frozen=True):
    """Records of one status, as a sweep found them.

    Attributes:
        count: how many.
        oldest: since when the oldest of them has been in that status, UTC.
    """

    count: int
    oldest: datetime


class Records(Protocol[R]):
    """Records that are current (under way, or ended not long ago), apart from the archive of those long ended.

    Listing what is current never reads the archive.
    """

    def get(self, record_id: str) -> Stored[R] | None:
        """Return a current record, or else an archived one, or ``None``."""
        ...

    def insert(self, record: R) -> bool:
        """Add a record to the current ones; ``False`` if one with its id is there already, current or archived."""
        ...

    def replace(self, stored: Stored[R], record: R) -> Stored[R]:
        """Replace a record that nobody changed since it was read; an archived one becomes current.

        Raises:
            Conflict: somebody did change it.
        """
        ...

    def current(self, prefix: str = "") -> Iterator[Stored[R]]:
        """Iterate over the current records whose id begins with ``prefix``, in the order of their ids."""
        ...

    def archive(self, stored: Stored[R]) -> None:
        """Move a record to the archive; doing it twice does no harm."""
        ...

    def archived(self, group: str) -> Iterator[Stored[R]]:
        """Iterate over the archived records of one target repository, or of one task."""
        ...


class Observations(Protocol):
    """What upstream tags pointed at when last looked at."""

    def of(self, repository: Repository) -> Mapping[Tag, Observation]:
        """Return every observation of one upstream repository."""
        ...

    def save(self, repository: Repository, observations: tuple[Observation, ...]) -> None:
        """Write observations of one repository, replacing what was known of their tags."""
        ...


class Event(msgspec.Struct, frozen=True):
    """One line of the activity log.

    Attributes:
        subject: what it is about: a candidate's id, a rebuild's id, ``watch-list``, or a queue's name.
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


class Outbox(Protocol):
    """Sends queue messages."""

    def send(self, queue: str, message: Message, delay: timedelta = timedelta(0)) -> None:
        """Put a message into a queue, to be seen after a delay of at most seven days."""
        ...


class Evidence(Protocol):
    """Keeps what led to a verdict."""

    def keep(self, candidate: str, name: str, content: bytes) -> None:
        """Write ``evidence/<candidate>/<name>``; writing it again replaces it."""
        ...


class ListSource(msgspec.Struct, frozen=True):
    """The text of a watch list.

    Attributes:
        text: YAML, as stored.
        version: changes whenever the text does.
        origin: where it came from, for people.
        modified: when it was stored, UTC.
    """

    text: bytes
    version: str
    origin: str
    modified: datetime


class Configuration(Protocol):
    """The watch list and its gates, as the operators last stored them, or else as they were deployed."""

    def watch_list(self) -> ListSource:
        """Return the stored watch list, or the deployed default if none is stored."""
        ...

    def last_good(self) -> ListSource | None:
        """Return the last watch list that was found valid, if one ever was."""
        ...

    def keep_last_good(self, source: ListSource) -> None:
        """Remember a watch list that was found valid."""
        ...

    def gate(self, name: str) -> Mapping[str, bytes]:
        """Return the files of a gate by their relative paths; empty if there is no such gate."""
        ...


class Upstream(Protocol):
    """A public registry, asked without pulling."""

    def digest(self, repository: Repository, tag: Tag) -> Digest | None:
        """Return what a tag points at now, or ``None`` if the registry says it is not there."""
        ...


class ImportSource(msgspec.Struct, frozen=True):
    """Where an import copies from, always by digest.

    Attributes:
        repository: in an upstream or in the staging registry.
        digest: what to copy.
        staging: whether ``repository`` is in the staging registry.
    """

    repository: Repository
    digest: Digest
    staging: bool = False


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

    def start_import(self, source: ImportSource, repository: str, tag: Tag) -> Operation:
        """Ask the registry to copy a manifest and all it refers to, and tag it; asking twice copies the same."""
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


class Run(msgspec.Struct, frozen=True):
    """A run of ACR Tasks.

    Attributes:
        run_id: the registry's id; empty until the registry has given one.
        status: its status.
    """

    run_id: str
    status: RunStatus


class GateRun(msgspec.Struct, frozen=True):
    """A gate's run to be scheduled.

    Attributes:
        image: repository of the staged image in the staging registry.
        digest: of the staged image.
        files: the gate's files by relative path, with its Dockerfile.
    """

    image: str
    digest: Digest
    files: Mapping[str, bytes]


class Runs(Protocol):
    """Runs of ACR Tasks in one registry, each under a name that makes scheduling it twice the same as once."""

    def find(self, name: str) -> Run | None:
        """Return the run that was scheduled under a name, or ``None``."""
        ...

    def start_gate(self, name: str, gate: GateRun) -> Run:
        """Build the gate's test image from the staged digest and run it."""
        ...

    def start_task(self, name: str, task_id: str) -> Run:
        """Run an existing task."""
        ...

    def log(self, run_id: str) -> str:
        """Return a finished run's log, its last megabyte at most; empty if the registry has none."""
        ...

    def forget(self, name: str) -> None:
        """Delete the name of a run whose result is recorded; no harm if it is gone already."""
        ...

    def tasks(self) -> tuple[ApplicationTask, ...]:
        """Return the registry's tasks with what they were last built on."""
        ...

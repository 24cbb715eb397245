"""What flows ask of ACR Tasks; see ``shared.ports`` for what holds for every port."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from typing import Protocol

import msgspec

from shared.domain.gate.given import Given
from shared.domain.gate.identity import GateIdentity
from shared.domain.gate.task import Task
from shared.domain.gate.verdict import RunStatus
from shared.domain.gate.words import Words
from shared.domain.policy.scanner_format import ScannerFormat
from shared.domain.promotion.kept_tasks import KeptTask, ListedTask
from shared.domain.promotion.listing import Listing
from shared.domain.promotion.rebuilds import ApplicationTask
from shared.domain.promotion.task_runs import TaskRuns
from shared.domain.references import Digest


class Run(msgspec.Struct, frozen=True):
    """A run of ACR Tasks.

    Attributes:
        run_id: the registry's id; empty until the registry has given one.
        status: its status.
        named: whether it can be found under the name it was asked for by; else only by its id.
        strange: why the run that bears the name is not the one that was asked for; empty if it is.
    """

    run_id: str
    status: RunStatus
    strange: str = ""
    named: bool = True


class GateRun(msgspec.Struct, frozen=True):
    """A gate's run to be scheduled.

    Attributes:
        image: repository of the staged image in the staging registry.
        digest: of the staged image.
        words: what is said in this run.
        files: the gate's files by relative path, with its Dockerfile.
        command: what the test's container runs: a program and its arguments; empty if the gate has steps of its own.
        repeated: whether a run for the same image decided nothing before, so that nothing kept from it is relied on.
        given: what the run is told of what it tests.
        task: the gate's own steps; ``None`` if it is a Dockerfile with its test.
        identity: as whom the run reads the gate's secrets; ``None`` if it has none.
    """

    image: str
    digest: Digest
    words: Words
    files: Mapping[str, bytes]
    command: tuple[str, ...]
    repeated: bool = False
    given: Given = Given()
    task: Task | None = None
    identity: GateIdentity | None = None


class ScannerInUse(msgspec.Struct, frozen=True):
    """With what a scan is made: each as ``repository@sha256:…`` in the registry that the run belongs to.

    Attributes:
        scanner: the image with Trivy, or with another scanner.
        database: its database of vulnerabilities; empty if another scanner has none but its own.
        java_database: by which it knows jars that do not say what they are; empty if there is none, and then an image
            with jars cannot be scanned.
        format: as what another scanner writes its report; ``None`` if it is Trivy, which is told all it needs.
        command: what the other scanner is called with.
    """

    scanner: str
    database: str = ""
    java_database: str = ""
    format: ScannerFormat | None = None
    command: tuple[str, ...] = ()

    @property
    def knowledge(self) -> str:
        """What a scan is made by, as far as another answer may come of another one.

        It is the database, of Trivy; another scanner brings its own or reads it in its own way, so how it is called
        counts as well.
        """
        if self.format is None:
            return self.database
        called = hashlib.sha256("\0".join((self.format.value, self.java_database, *self.command)).encode()).hexdigest()
        return " ".join(part for part in (self.scanner, self.database, f"called as {called[:8]}") if part)


class ScanRun(msgspec.Struct, frozen=True):
    """A scan's run to be scheduled.

    Attributes:
        image: repository of the image in the registry that the run belongs to.
        digest: of its manifest or index.
        platforms: which of the index are scanned, such as ``linux/arm64/v8``; at least one.
        words: what is said in this run.
        tools: with what it is made.
        documents: scanned instead of an image, by their names in ``platforms``; the digest is of all of them.
    """

    image: str
    digest: Digest
    platforms: tuple[str, ...]
    words: Words
    tools: ScannerInUse
    documents: Mapping[str, bytes] = {}


class Runs(Protocol):
    """Runs of ACR Tasks in one registry, each under a name that makes scheduling it twice the same as once."""

    def take_gate_turn(self) -> None:
        """Make sure, before a gate's run is claimed, that it can be asked for now.

        Raises:
            Paced: it cannot yet; nothing is wrong.
        """
        ...

    def take_task_turn(self, runs: int = 1) -> None:
        """Make sure, before a task's run or a scan is claimed, that it can be asked for now.

        Args:
            runs: for how many, with those that this thread has made sure of and not asked for yet.

        Raises:
            Paced: it cannot yet; nothing is wrong.
        """
        ...

    def find(self, name: str) -> Run | None:
        """Return the run that was scheduled under a name, or ``None``."""
        ...

    def find_gate(self, name: str, words: Words) -> Run | None:
        """Return the run that was scheduled under a name; a run in which other words are said is strange."""
        ...

    def look(self, run_id: str) -> Run | None:
        """Return the run of an id, or ``None`` if there is none.

        Returns:
            The run as it was when this was called, or two seconds before at most: many who look share a request.
        """
        ...

    def start_gate(self, name: str, gate: GateRun, *, again: bool = True) -> Run:
        """Build the gate's test image from the staged digest and run it; twice is twice if the run is not named.

        Args:
            name: of the run.
            gate: what is run.
            again: whether it may have been asked for before, so that it has to be looked for first.
        """
        ...

    def find_scan(self, name: str, words: Words) -> Run | None:
        """Return the run that was scheduled under a name; a run in which other words are said is strange."""
        ...

    def start_scan(self, name: str, scan: ScanRun, *, again: bool = True) -> Run:
        """Scan an image, whose log is read by ``read_scan_log`` however the run ended.

        Args:
            name: of the run.
            scan: what is scanned, and with what.
            again: whether it may have been asked for before, so that it has to be looked for first.
        """
        ...

    def start_task(self, name: str, task_id: str) -> Run:
        """Run an existing task."""
        ...

    def cancel(self, run_id: str) -> None:
        """Ask a run to end, which it does a little later; one that has ended, or is not there, is left as it is."""
        ...

    def log(self, run_id: str) -> str:
        """Return a finished run's log; of a long one, its beginning and its end; empty if the registry has none."""
        ...

    def forget(self, name: str) -> None:
        """Delete the name of a run whose result is recorded; no harm if it is gone already."""
        ...

    def task(self, name: str) -> ApplicationTask | None:
        """Return one task with what it was last built on, or ``None`` if there is none."""
        ...

    def tasks(self) -> tuple[ListedTask, ...]:
        """Return the registry's tasks, as its list has them."""
        ...

    def ended_since(self, moment: datetime) -> Mapping[str, datetime] | None:
        """Return when runs of tasks ended that have ended since a moment, or some more.

        Returns:
            The end of the latest run of each task, UTC, by the task's name in lower case; ``None`` if there are more
            runs than are looked through.
        """
        ...

    def latest_runs(self) -> Mapping[str, TaskRuns]:
        """Return what the newest runs say of their tasks, by the task's name in lower case.

        Of a task whose runs are older than all that are looked through nothing is said.
        """
        ...


class StoredListing(msgspec.Struct, frozen=True):
    """A listing as it was read; the ETag is empty if there was none yet."""

    listing: Listing
    etag: str


class Listings(Protocol):
    """The tasks of each application registry as last listed, shared by all instances."""

    def get(self, registry: str) -> StoredListing:
        """Return what is known of the tasks of a registry as a whole; without a time if they were never listed."""
        ...

    def built_on(self, registry: str, base: str) -> tuple[KeptTask, ...]:
        """Return the tasks of a registry that are built on a repository; see ``base_name``."""
        ...

    def tasks(self, registry: str) -> Iterator[KeptTask]:
        """Iterate over all tasks of a registry: one comes once for each repository that it is built on.

        Raises:
            ServiceError: ``UNREADABLE``, after all that can be read.
        """
        ...

    def replace(self, stored: StoredListing, listing: Listing) -> StoredListing:
        """Write a listing that nobody changed since it was read, and return it as it is stored now.

        Raises:
            Conflict: somebody did.
        """
        ...

    def keep(self, stored: StoredListing, listing: Listing, tasks: Iterable[KeptTask]) -> StoredListing:
        """Write the tasks that a listing found, and last the listing itself; nothing that is the same is written.

        Whoever dies in between leaves each task as it was or as it is, and the listing as it was.

        Raises:
            Conflict: somebody changed the listing, before or while the tasks were written.
        """
        ...

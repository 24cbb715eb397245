"""What flows ask of ACR Tasks; see ``shared.ports`` for what holds for every port."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

import msgspec

from shared.domain.gate.verdict import RunStatus
from shared.domain.gate.words import Words
from shared.domain.promotion.listing import Listing
from shared.domain.promotion.rebuilds import ApplicationTask
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
        command: what the test's container runs: a program and its arguments.
    """

    image: str
    digest: Digest
    words: Words
    files: Mapping[str, bytes]
    command: tuple[str, ...]


class Runs(Protocol):
    """Runs of ACR Tasks in one registry, each under a name that makes scheduling it twice the same as once."""

    def take_gate_turn(self) -> None:
        """Make sure, before a gate's run is claimed, that it can be asked for now.

        Raises:
            Paced: it cannot yet; nothing is wrong.
        """
        ...

    def take_task_turn(self) -> None:
        """Make sure, before a task's run is claimed, that it can be asked for now.

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
        """Return the run of an id, or ``None`` if there is none."""
        ...

    def start_gate(self, name: str, gate: GateRun) -> Run:
        """Build the gate's test image from the staged digest and run it; twice is twice if the run is not named."""
        ...

    def start_task(self, name: str, task_id: str) -> Run:
        """Run an existing task."""
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

    def tasks(self) -> tuple[ApplicationTask, ...]:
        """Return the registry's tasks with what they were last built on."""
        ...


class StoredListing(msgspec.Struct, frozen=True):
    """A listing as it was read; the ETag is empty if there was none yet."""

    listing: Listing
    etag: str


class Listings(Protocol):
    """The tasks of each application registry as last listed, shared by all instances."""

    def get(self, registry: str) -> StoredListing:
        """Return the listing of a registry; one without tasks and time if there never was one."""
        ...

    def replace(self, stored: StoredListing, listing: Listing) -> StoredListing:
        """Write a listing that nobody changed since it was read, and return it as it is stored now.

        Raises:
            Conflict: somebody did.
        """
        ...

"""What is asked of the records of waves, and of how tasks were before; see ``shared.ports`` for every port."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from datetime import datetime
from typing import Protocol

import msgspec

from shared.domain.policy.rebuilding import Rebuilding
from shared.domain.promotion.rebuilds import ApplicationTask, BuilderKind
from shared.domain.promotion.target import Target
from shared.domain.references import Tag
from shared.domain.waves.results import LastRun
from shared.domain.waves.states import WaveState
from shared.domain.waves.wave import Wave
from shared.domain.waves.way_back import Grounds


class StoredWave(msgspec.Struct, frozen=True):
    """A wave as it was read, with the ETag that guards its replacement."""

    record: Wave
    etag: str


class BuiltElsewhere(msgspec.Struct, frozen=True):
    """A build that somebody else is asked for.

    Attributes:
        id: such as ``github:contoso/shop/build.yml@main``.
        dispatcher: who is asked, by the name in the settings.
        place: what is asked for.
        kind: who builds; ``None`` if the settings name no such dispatcher.
    """

    id: str
    dispatcher: str
    place: str
    kind: BuilderKind | None


class Waves(Protocol):
    """The waves of decisions."""

    def get(self, wave_id: str) -> StoredWave | None:
        """Return a wave, or ``None`` if there is none."""
        ...

    def insert(self, wave: Wave) -> StoredWave:
        """Add a wave.

        Raises:
            Conflict: it is there already.
        """
        ...

    def replace(self, stored: StoredWave, wave: Wave) -> StoredWave:
        """Replace a wave that nobody changed since it was read.

        Raises:
            Conflict: somebody did.
        """
        ...

    def delete(self, stored: StoredWave) -> None:
        """Delete a wave that nobody changed since it was read; no harm if it is gone.

        Raises:
            Conflict: somebody did change it.
        """
        ...

    def due(self, moment: datetime) -> Iterator[StoredWave]:
        """Iterate over the waves that are to be looked at by a moment, UTC.

        Raises:
            ServiceError: some cannot be read; after all others, so that they keep nobody from the rest.
        """
        ...

    def untold(self) -> Iterator[StoredWave]:
        """Iterate over the waves that tell people something which nobody has put down yet.

        Raises:
            ServiceError: some cannot be read; after all others, so that they keep nobody from the rest.
        """
        ...

    def every(
        self,
        registry: str,
        *,
        repository: str = "",
        states: Collection[WaveState] = (),
        since: datetime | None = None,
        by: datetime | None = None,
        after: str = "",
    ) -> Iterator[StoredWave]:
        """Iterate over the waves of a base registry, by repository, tag and number.

        Args:
            registry: the base registry's name.
            repository: only those of one repository.
            states: only those in one of these; none for all.
            since: only those that were planned since then, UTC.
            by: only those that were planned by then, UTC.
            after: only those after a wave's id.

        Raises:
            InvalidReference: ``after`` is no wave's id.
            ServiceError: some cannot be read; after all others.
        """
        ...


class Rolls(Protocol):
    """What decides whether tasks are rebuilt at once or in a wave."""

    def asked(self, target: Target) -> Rebuilding | None:
        """Return what a target's entry asks of rebuilds; ``None`` where all are rebuilt at once.

        Raises:
            ServiceError: which list is in force cannot be read.
        """
        ...

    def plan(self, target: Target, asked: Rebuilding, tasks: Sequence[ApplicationTask]) -> tuple[ApplicationTask, ...]:
        """Plan the wave of a decision, or let tasks join it, and return those that take the tag without a wave.

        Raises:
            ServiceError: the storage account did not answer; planning again makes no second wave.
        """
        ...

    def called_off(self, wave: str) -> bool:
        """Whether a wave ended early, or is to: then none of it is begun any more.

        Args:
            wave: its id.

        Raises:
            ServiceError: the storage account did not answer.
        """
        ...

    def in_canaries(self, repository: str, tag: Tag) -> bool:
        """Whether it is not known yet what canaries say of the digest that a tag bears.

        Raises:
            ServiceError: the storage account did not answer.
        """
        ...

    def left_to_waves(self, names: Sequence[str]) -> frozenset[str]:
        """Return those to whom a wave that is under way sees in its own order, as they are built on images between.

        What is pushed of these asks for no rebuild besides.

        Args:
            names: rebuild targets, by their ids.

        Raises:
            ServiceError: the storage account did not answer.
        """
        ...

    def elsewhere(self, repository: str, tag: Tag, target: Target | None) -> tuple[BuiltElsewhere, ...]:
        """Return what the list says is built on a tag by others than ACR Tasks.

        Raises:
            ServiceError: which list is in force cannot be read.
        """
        ...

    def knows(self, target: Target, task: ApplicationTask) -> bool:
        """Whether the wave of a target's decision sees to a task.

        Raises:
            ServiceError: the storage account did not answer.
        """
        ...


class LastRuns(Protocol):
    """How application tasks were before their base moved."""

    def last(self, registry: str, task: str) -> LastRun | None:
        """Return the last run of a task that has ended; ``None`` if none is known.

        Raises:
            ServiceError: the registry did not answer.
        """
        ...


class GroundsOf(Protocol):
    """What is known of the digest that a tag would go back to."""

    def __call__(self, wave: Wave) -> Grounds:
        """Return what speaks for or against it; what cannot be found out is unknown.

        Raises:
            ServiceError: a registry, or the storage account, did not answer.
        """
        ...

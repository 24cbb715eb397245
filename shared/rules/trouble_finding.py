"""Find what is wrong now: every table is read once and nobody outside is asked."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import datetime
from typing import Protocol

import msgspec

from shared.domain.promotion.candidate import Candidate
from shared.domain.promotion.missing import Behind
from shared.domain.promotion.rebuilds import ApplicationTask, Rebuild
from shared.domain.promotion.target import Target
from shared.domain.promotion.target_troubles import awaited_candidate, candidate_troubles, target_troubles
from shared.domain.promotion.task_troubles import task_troubles
from shared.domain.promotion.tool_troubles import tool_troubles
from shared.domain.references import Repository
from shared.domain.watching.questions import RepositoryState
from shared.domain.watching.scanner import SCANNER
from shared.domain.watching.source_troubles import source_troubles
from shared.domain.watching.troubles import Kind, Trouble
from shared.domain.watching.watch_list import Image, WatchList
from shared.errors import ServiceError, WatchListError
from shared.ports import Known, Observations, Records
from shared.rules.targets import TargetBook
from shared.rules.unbuilt_tasks import UnbuiltTasks
from shared.tool_ports import Tools


class NotTaken(msgspec.Struct, frozen=True):
    """Why the stored watch list is not in force: by which kind of trouble, for people, and since when, UTC."""

    kind: Kind
    detail: str
    since: datetime | None = None

    @property
    def trouble(self) -> Trouble:
        """The trouble that it is."""
        return Trouble(kind=self.kind, about="watch-list", detail=self.detail, since=self.since)


class Lists(Protocol):
    """Gives the watch list in force, and what keeps the stored one from being it."""

    @property
    def not_taken(self) -> NotTaken | None:
        """Why the stored list was not taken when the list in force was last asked for; ``None`` if it was."""
        ...

    def in_force(self) -> WatchList:
        """Return the list in force.

        Raises:
            WatchListError: there is none.
        """
        ...


class Found(msgspec.Struct, frozen=True):
    """What is wrong, and whether all was read: what is not found of the rest may last all the same."""

    troubles: tuple[Trouble, ...]
    whole: bool


class InWaves(msgspec.Struct, frozen=True):
    """What is wrong with tasks that waves see to, and the tasks that none does."""

    troubles: tuple[Trouble, ...]
    others: tuple[tuple[Behind, Rebuild | None], ...]


class WavesWrong(Protocol):
    """Finds what is wrong about waves."""

    def held(self) -> Iterable[Trouble]:
        """Return the waves that wait for a person.

        Raises:
            ServiceError: some cannot be read; after all others.
        """
        ...

    def of_tasks(self, found: Sequence[tuple[Behind, Rebuild | None]]) -> InWaves:
        """Return what is wrong with tasks of waves.

        Args:
            found: tasks that are behind a target, each with the rebuild that its decision called for.

        Raises:
            ServiceError: a wave cannot be read.
        """
        ...


class NoWaves:
    """``WavesWrong`` where nobody asks for waves."""

    def held(self) -> Iterable[Trouble]:
        """See ``WavesWrong.held``."""
        return ()

    def of_tasks(self, found: Sequence[tuple[Behind, Rebuild | None]]) -> InWaves:
        """See ``WavesWrong.of_tasks``."""
        return InWaves((), tuple(found))


class ElsewhereWrong(Protocol):
    """Finds what is wrong about builds elsewhere."""

    def concerns(self, target: Target) -> bool:
        """Whether anything is built elsewhere on a target, and its failure would be told.

        Raises:
            ServiceError: which list is in force cannot be read.
        """
        ...

    def of(self, targets: Sequence[Target]) -> Iterable[Trouble]:
        """Return what is wrong with what is built elsewhere on targets.

        Raises:
            ServiceError: a wave, or a rebuild, cannot be read.
        """
        ...


class NobodyElsewhere:
    """``ElsewhereWrong`` where the list names nobody who builds elsewhere."""

    def concerns(self, target: Target) -> bool:  # noqa: ARG002  as the port names it
        """See ``ElsewhereWrong.concerns``."""
        return False

    def of(self, targets: Sequence[Target]) -> Iterable[Trouble]:  # noqa: ARG002  as the port names it
        """See ``ElsewhereWrong.of``."""
        return ()


def _unnoticed(target: Target) -> None:
    """Nobody listens."""


class TroubleFinder:
    """Finds what is wrong with the watch list, upstream repositories, candidates, targets and rebuilds.

    Args:
        lists: gives the watch list in force.
        observations: what is known of upstream tags.
        book: where targets are.
        candidates: where candidates are; one is read for each digest that a target waits for.
        tasks: application tasks that are not built on what was decided.
        tools: where tools are.
        exceptions: gives what is wrong with the files of exceptions.
        notice: is given every target that is read, and may raise ``ServiceError``.
        waves: gives who finds what is wrong about waves.
        elsewhere: gives who finds what is wrong about builds elsewhere.
    """

    def __init__(
        self,
        lists: Lists,
        observations: Observations,
        book: TargetBook,
        candidates: Records[Candidate],
        tasks: UnbuiltTasks,
        tools: Tools,
        exceptions: Callable[[], Iterable[Trouble]] = tuple,
        notice: Callable[[Target], None] = _unnoticed,
        waves: Callable[[], WavesWrong] = NoWaves,
        elsewhere: Callable[[], ElsewhereWrong] = NobodyElsewhere,
    ) -> None:
        self._lists = lists
        self._observations = observations
        self._book = book
        self._candidates = candidates
        self._tasks = tasks
        self._tools = tools
        self._exceptions = exceptions
        self._notice = notice
        self._waves = waves
        self._elsewhere = elsewhere

    def find(self) -> Found:
        """Return what is wrong now.

        Raises:
            ServiceError: the storage account did not answer.
        """
        try:
            watch_list = self._lists.in_force()
        except WatchListError:
            return Found(self._of_list(), whole=False)
        unreadable: list[Trouble] = []
        tasks, built_on, abroad = self._listed(unreadable), list[Target](), list[Target]()
        found = (
            *self._of_list(),
            *self._exceptions(),
            *self._of_sources(watch_list, unreadable),
            *self._of_tools(watch_list, unreadable),
            *self._of_targets(tasks, built_on, abroad, unreadable),
            *self._of_tasks(tasks, built_on, unreadable),
            *self._of_waves(unreadable),
            *self._of_elsewhere(abroad, unreadable),
        )
        return Found((*found, *unreadable), whole=not unreadable)

    def _of_list(self) -> tuple[Trouble, ...]:
        problem = self._lists.not_taken
        return (problem.trouble,) if problem is not None else ()

    def _of_sources(self, watch_list: WatchList, unreadable: list[Trouble]) -> Iterator[Trouble]:
        watched: dict[Repository, list[Image]] = defaultdict(list)
        for image in watch_list.images:
            watched[image.repository].append(image)
        try:
            for repository, known in self._observations.every():
                yield from _of_source(repository, watched.pop(repository, []), known)
        except ServiceError as error:
            unreadable.append(_unreadable("observations", error))
            return
        for repository, images in watched.items():
            yield from _of_source(repository, images, Known({}, RepositoryState()))

    def _of_tools(self, watch_list: WatchList, unreadable: list[Trouble]) -> Iterator[Trouble]:
        names = [image.name for image in watch_list.images if image.is_tool]
        for name in (*names, *([SCANNER] if watch_list.scanner is not None else ())):
            try:
                stored = self._tools.get(name)
            except ServiceError as error:
                unreadable.append(_unreadable("tools", error))
                continue
            if stored is not None and stored.tool.newest is not None:
                tool, newest = stored.tool, stored.tool.newest
                yield from tool_troubles(tool, self._candidate(tool.candidate(newest.digest), unreadable))

    def _listed(self, unreadable: list[Trouble]) -> tuple[ApplicationTask, ...]:
        try:
            return self._tasks.listed()
        except ServiceError as error:
            unreadable.append(_unreadable("listings", error))
            return ()

    def _of_tasks(
        self, tasks: tuple[ApplicationTask, ...], built_on: list[Target], unreadable: list[Trouble]
    ) -> tuple[Trouble, ...]:
        try:
            unbuilt = tuple(self._tasks.unbuilt(tasks, built_on))
        except ServiceError as error:
            unreadable.append(_unreadable("rebuilds", error))
            return ()
        try:
            found = self._waves().of_tasks(unbuilt)
        except ServiceError as error:
            unreadable.append(_unreadable("waves", error))
            return ()
        return (*found.troubles, *task_troubles(found.others))

    def _of_waves(self, unreadable: list[Trouble]) -> Iterator[Trouble]:
        try:
            yield from self._waves().held()
        except ServiceError as error:
            unreadable.append(_unreadable("waves", error))

    def _of_elsewhere(self, targets: list[Target], unreadable: list[Trouble]) -> Iterator[Trouble]:
        try:
            yield from self._elsewhere().of(targets) if targets else ()
        except ServiceError as error:
            unreadable.append(_unreadable("rebuilds", error))

    def _of_targets(
        self,
        tasks: tuple[ApplicationTask, ...],
        built_on: list[Target],
        abroad: list[Target],
        unreadable: list[Trouble],
    ) -> Iterator[Trouble]:
        """Those that tasks, or others elsewhere, are built on are kept for these: a target is read once."""
        bases, elsewhere = self._tasks.bases(tasks), self._elsewhere()
        waiting: dict[str, list[Target]] = defaultdict(list)
        read: dict[str, Candidate | None] = {}
        try:
            for stored in self._book.targets.every(self._book.registry):
                target = stored.record
                self._notice(target)
                if (target.repository, target.tag) in bases:
                    built_on.append(target)
                if elsewhere.concerns(target):
                    abroad.append(target)
                if wanted := awaited_candidate(target):
                    waiting[wanted].append(target)
                    if wanted not in read:
                        read[wanted] = self._candidate(wanted, unreadable)
                yield from target_troubles(target, read.get(wanted), self._book.clock())
        except ServiceError as error:
            unreadable.append(_unreadable("targets", error))
        for wanted, candidate in read.items():
            yield from candidate_troubles(candidate, waiting[wanted]) if candidate is not None else ()

    def _candidate(self, wanted: str, unreadable: list[Trouble]) -> Candidate | None:
        try:
            stored = self._candidates.get(wanted)
        except ServiceError as error:
            unreadable.append(_unreadable("candidates", error))
            return None
        return stored.record if stored else None


def _of_source(repository: Repository, images: list[Image], known: Known) -> tuple[Trouble, ...]:
    return source_troubles(repository, tuple(images), known.tags, known.state)


def _unreadable(table: str, error: ServiceError) -> Trouble:
    """That the storage account did not answer is no trouble of a record: the next survey asks again."""
    if error.temporary:
        raise error
    return Trouble(kind=Kind.RECORDS_UNREADABLE, about=f"table:{table}", detail=str(error))

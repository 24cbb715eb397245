"""In-memory doubles of the ports of waves."""

from __future__ import annotations

import itertools
from collections.abc import Collection, Iterator
from datetime import datetime

import msgspec

from shared.domain.gate.verdict import RunStatus
from shared.domain.gate.words import Words
from shared.domain.promotion.rebuilds import ApplicationTask, Dependency
from shared.domain.promotion.target import parts_of_target
from shared.domain.references import Tag
from shared.domain.waves.results import LastRun
from shared.domain.waves.states import WaveState
from shared.domain.waves.wave import Wave, parts_of_wave
from shared.domain.waves.way_back import Grounds, Scanned
from shared.errors import Conflict
from shared.run_ports import Run
from shared.wave_ports import StoredWave
from tests.doubles.registries import InMemoryRegistry, InMemoryRuns, digest_of
from tests.doubles.storage import Hook, OneAtATime

BASE_SERVER = "tidegatebase.azurecr.io"


class InMemoryWaves(OneAtATime):
    """``Waves`` in a dictionary. Rows are kept as JSON, as the table does.

    Attributes:
        lags: whether the first who reads a wave after a change is told what it was before, as whoever has read it and
            was held up goes by.
    """

    def __init__(self, before_call: Hook | None = None) -> None:
        super().__init__(before_call)
        self.lags = False
        self._versions = itertools.count(1)
        self._rows: dict[str, tuple[bytes, str]] = {}
        self._before: dict[str, tuple[bytes, str]] = {}

    def get(self, wave_id: str) -> StoredWave | None:
        """See ``Waves.get``."""
        self._raise_scripted("get")
        parts_of_wave(wave_id)
        with self._lock:
            row = self._rows.get(wave_id)
        return self._as_read(_stored(row)) if row else None

    def insert(self, wave: Wave) -> StoredWave:
        """See ``Waves.insert``."""
        with self._change("insert"):
            if wave.id in self._rows:
                raise Conflict(f"{wave.id} is there already")
            return self._put(wave)

    def replace(self, stored: StoredWave, wave: Wave) -> StoredWave:
        """See ``Waves.replace``."""
        with self._change("replace"):
            if wave.id not in self._rows or self._rows[wave.id][1] != stored.etag:
                raise Conflict(f"{wave.id} was changed by another worker")
            self._before[wave.id] = self._rows[wave.id]
            return self._put(wave)

    def delete(self, stored: StoredWave) -> None:
        """See ``Waves.delete``."""
        with self._change("delete"):
            row = self._rows.get(stored.record.id)
            if row is not None and row[1] != stored.etag:
                raise Conflict(f"{stored.record.id} was changed by another worker")
            self._rows.pop(stored.record.id, None)

    def due(self, moment: datetime) -> Iterator[StoredWave]:
        """See ``Waves.due``."""
        found = (one for one in self._all("due") if one.record.look_at is not None and one.record.look_at <= moment)
        return (self._as_read(one) for one in found)

    def _as_read(self, stored: StoredWave) -> StoredWave:
        row = self._before.pop(stored.record.id, None) if self.lags else None
        return _stored(row) if row else stored

    def untold(self) -> Iterator[StoredWave]:
        """See ``Waves.untold``."""
        return (one for one in self._all("untold") if one.record.notices)

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
        """See ``Waves.every``."""
        last = _order(after) if after else None
        for one in sorted(self._all("every"), key=lambda stored: _order(stored.record.id)):
            wave = one.record
            meant = wave.registry == registry and repository in {"", wave.repository} and wave.state in (states or _ALL)
            old = by is None or wave.planned_at <= by
            late = old and (since is None or wave.planned_at >= since) and (last is None or _order(wave.id) > last)
            if meant and late:
                yield one

    def _all(self, method: str) -> list[StoredWave]:
        self._raise_scripted(method)
        with self._lock:
            return [_stored(row) for _, row in sorted(self._rows.items())]

    def _put(self, wave: Wave) -> StoredWave:
        self._rows[wave.id] = (msgspec.json.encode(wave), f"wave:{next(self._versions)}")
        return _stored(self._rows[wave.id])


class BuildingRuns(InMemoryRuns):
    """Runs of tasks that are built on what tags bear when a run starts, and say so once it passed, and push then.

    What they push beside the base registry's is in ``images``, by its name with the registry and its tag.

    Args:
        base: the base registry.
        before_call: as for every double.

    Attributes:
        lags: whether the first who reads a task after a run has built it is told what it was built on before.
    """

    def __init__(self, base: InMemoryRegistry, before_call: Hook | None = None) -> None:
        super().__init__(before_call=before_call)
        self.lags = False
        self._before: dict[str, ApplicationTask] = {}
        self._base = base
        self._built_on: dict[str, tuple[str, dict[tuple[str, str], str]]] = {}
        self.bases_at_start: list[tuple[str, dict[tuple[str, str], str]]] = []
        self.images: dict[tuple[str, str], str] = {}

    def task(self, name: str) -> ApplicationTask | None:
        """See ``Runs.task``."""
        before = self._before.pop(name.lower(), None) if self.lags else None
        return before or super().task(name)

    def start_late(self, run_id: str) -> None:
        """Let a run read its bases as they are now."""
        key, _ = self._built_on[run_id]
        self._built_on[run_id] = (key, self._bases())

    def _start(self, name: str, key: str, words: Words | None = None, log: str = "") -> Run:
        known = set(self._runs)
        run = super()._start(name, key, words, log)
        if run.run_id not in known:
            self._built_on[run.run_id] = (key, self._bases())
            self.bases_at_start.append((key, self._bases()))
        return run

    def _seen(self, run_id: str) -> Run:
        run = super()._seen(run_id)
        if run.status is RunStatus.SUCCEEDED and run_id in self._built_on:
            self._report(*self._built_on.pop(run_id))
        return run

    def built_by_others(self, name: str) -> None:
        """Let somebody else's run build a task on what its bases are now."""
        task = next(one for one in self.application_tasks if one.name == name)
        self._report(task.resource_id, self._bases())

    def _bases(self) -> dict[tuple[str, str], str]:
        return {**{(path, tag): digest for (path, tag), digest in self._base.tags.items()}, **self.images}

    def _push(self, task: ApplicationTask, bases: dict[tuple[str, str], str]) -> None:
        """What is pushed differs with the task and with all that it was built on."""
        on = sorted(f"{one.repository}:{one.tag}@{bases.get(_place(one))}" for one in task.dependencies)
        for image in task.pushes:
            digest = digest_of(f"{task.name} on {on}")
            if image.registry == BASE_SERVER:
                self._base.push(image.repository, Tag(image.tag), digest)
            else:
                self.images[f"{image.registry}/{image.repository}", image.tag] = digest

    def _report(self, key: str, bases: dict[tuple[str, str], str]) -> None:
        for task in self.application_tasks:
            if task.resource_id == key:
                self._before[task.name.lower()] = task
                self._push(task, bases)
        self.application_tasks = tuple(
            _built(task, bases) if task.resource_id == key else task for task in self.application_tasks
        )


def _built(task: ApplicationTask, bases: dict[tuple[str, str], str]) -> ApplicationTask:
    dependencies = tuple(
        msgspec.structs.replace(one, digest=bases.get(_place(one), one.digest)) for one in task.dependencies
    )
    return msgspec.structs.replace(task, dependencies=dependencies)


def _place(one: Dependency) -> tuple[str, str]:
    return (one.repository if one.registry == BASE_SERVER else f"{one.registry}/{one.repository}", one.tag)


class SaidRuns:
    """``LastRuns`` that says what a test says of tasks; of others nothing is known."""

    def __init__(self) -> None:
        self.of: dict[str, LastRun] = {}

    def last(self, registry: str, task: str) -> LastRun | None:
        """See ``LastRuns.last``."""
        return self.of.get(f"{registry}/{task}")


class SaidGrounds:
    """``GroundsOf`` that says what a test says."""

    def __init__(self) -> None:
        self.grounds = Grounds(Scanned.CLEAN, there=True)

    def __call__(self, wave: Wave) -> Grounds:  # noqa: ARG002 - the port's
        """See ``GroundsOf``."""
        return self.grounds


_ALL = frozenset(WaveState)


def _order(wave_id: str) -> tuple[str, str]:
    """Rows are in the order of their keys."""
    target, number = parts_of_wave(wave_id)
    registry, repository, tag = parts_of_target(target)
    return f"{registry}/{repository}".replace("/", "~"), f"{tag}~{number:010}"


def _stored(row: tuple[bytes, str]) -> StoredWave:
    return StoredWave(msgspec.json.decode(row[0], type=Wave), row[1])

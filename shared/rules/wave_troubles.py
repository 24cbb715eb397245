"""Finds what is wrong about waves: every one on hold is read, and one for each target that tasks are behind."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from shared.domain.promotion.missing import Behind
from shared.domain.promotion.rebuilds import Rebuild
from shared.domain.promotion.target import Target
from shared.domain.watching.troubles import Trouble
from shared.domain.waves.builders import task_id
from shared.domain.waves.states import WaveState
from shared.domain.waves.troubles import held_trouble, member_troubles
from shared.domain.waves.wave import Wave, wave_id
from shared.rules.targets import TargetBook
from shared.rules.trouble_finding import InWaves
from shared.wave_ports import Waves


class WaveTroubles:
    """Finds it.

    Args:
        waves: where they are.
        targets: tells which decision of a tag is in force; asked for each wave on hold.
    """

    def __init__(self, waves: Waves, targets: TargetBook) -> None:
        self._waves = waves
        self._targets = targets

    def held(self) -> Iterator[Trouble]:
        """See ``WavesWrong.held``."""
        for stored in self._waves.every(self._targets.registry, states=(WaveState.HELD,)):
            wave = stored.record
            trouble = held_trouble(wave, self._targets.of(wave.repository, wave.tag))
            if trouble is not None:
                yield trouble

    def of_tasks(self, found: Sequence[tuple[Behind, Rebuild | None]]) -> InWaves:
        """See ``WavesWrong.of_tasks``."""
        known: dict[str, Wave | None] = {}
        mine, others = [], []
        for behind, rebuild in found:
            wave = self._wave(behind.target, known)
            member = wave.member(task_id(behind.task.registry, behind.task.name)) if wave is not None else None
            if wave is not None and member is not None:
                mine.append((wave, member))
            else:
                others.append((behind, rebuild))
        return InWaves(member_troubles(mine), tuple(others))

    def _wave(self, target: Target, known: dict[str, Wave | None]) -> Wave | None:
        name = wave_id(target.id, target.number)
        if name not in known:
            stored = self._waves.get(name)
            known[name] = stored.record if stored is not None else None
        return known[name]

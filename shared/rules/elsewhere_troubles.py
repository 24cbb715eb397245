"""Finds which builds elsewhere are not built on what their base was decided to be, as their last attempt failed."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from datetime import timedelta

from shared.domain.dispatch.builds import new_dispatch
from shared.domain.promotion.missing import is_settled
from shared.domain.promotion.rebuilds import BuilderKind, Rebuild
from shared.domain.promotion.target import Target
from shared.domain.watching.troubles import Trouble
from shared.domain.waves.troubles import NotBuilt, dispatch_troubles, member_troubles
from shared.domain.waves.wave import Member, Wave, wave_id
from shared.ports import Clock, Records
from shared.rules.elsewhere import Elsewhere
from shared.wave_ports import BuiltElsewhere

# Nobody tells what is built there by others: so long after its base was decided a failure is a trouble.
TOLD_FOR = timedelta(days=14)


class ElsewhereTroubles:
    """Finds it.

    Args:
        elsewhere: knows what the watch list says is built elsewhere.
        wave: gives a wave by its id; ``None`` if there is none.
        rebuilds: where rebuilds are; one is read for each build that no wave sees to.
        clock: tells the time.
    """

    def __init__(
        self,
        elsewhere: Elsewhere,
        wave: Callable[[str], Wave | None],
        rebuilds: Records[Rebuild],
        clock: Clock,
    ) -> None:
        self._elsewhere = elsewhere
        self._wave = wave
        self._rebuilds = rebuilds
        self._clock = clock

    def concerns(self, target: Target) -> bool:
        """See ``ElsewhereWrong.concerns``."""
        now, decided_at = self._clock(), target.decided_at
        lately = decided_at is not None and now - decided_at < TOLD_FOR
        return lately and is_settled(target, now) and any(self._on(target))

    def of(self, targets: Iterable[Target]) -> tuple[Trouble, ...]:
        """See ``ElsewhereWrong.of``."""
        members: list[tuple[Wave, Member]] = []
        alone: list[NotBuilt] = []
        for target in targets:
            wave = self._wave(wave_id(target.id, target.number))
            mine = [one for one in wave.members if one.kind is not BuilderKind.ACR_TASK] if wave is not None else []
            members += [(wave, one) for one in mine if wave is not None]
            alone += self._alone(target, {one.target for one in mine})
        return (*member_troubles(members), *dispatch_troubles(alone))

    def _alone(self, target: Target, known: set[str]) -> Iterator[NotBuilt]:
        """What no wave sees to has one rebuild for the decision."""
        base = (target.repository, target.tag, target.wanted)
        for one in self._on(target):
            if one.id in known or one.kind is None:
                continue
            name = new_dispatch(one.kind, one.dispatcher, one.place, base, target, self._clock()).id
            stored = self._rebuilds.get(name)
            if stored is not None:
                yield NotBuilt(target, stored.record)

    def _on(self, target: Target) -> Iterator[BuiltElsewhere]:
        found = self._elsewhere.on(target.repository, target.tag, target)
        return (one for one in found if one.kind not in {None, BuilderKind.ACR_TASK})

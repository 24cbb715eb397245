"""What the product's records say of waves, and of the tags that they follow."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import msgspec

from infra.local.topology import BASE
from shared.adapters.storage.account import StorageAccount
from shared.adapters.storage.waves_table import WavesTable
from shared.domain.policy.rebuilding import OnFailure
from shared.domain.promotion.decision import failed_here
from shared.domain.promotion.target import Target
from shared.domain.waves import wave as waves
from shared.domain.waves.reasons import HOLDS
from shared.domain.waves.states import WaveState
from tests.chaos.judge_waves import Decided, Member, Wave


class FoundWaves:
    """Reads the table of waves.

    Args:
        account: where it is.
    """

    def __init__(self, account: StorageAccount) -> None:
        self._table = WavesTable(account)

    def all(self) -> tuple[waves.Wave, ...]:
        """Return every wave."""
        return tuple(stored.record for stored in self._table.every(BASE))


def is_settled(one: waves.Wave) -> bool:
    """Whether nothing is to be done about a wave: it is over, or waits for people, and no run is under way."""
    return (one.is_over or one.state is WaveState.HELD) and not one.in_flight


def judged(one: waves.Wave) -> Wave:
    """Return a wave as it is judged."""
    return Wave(
        id=one.id,
        tag=one.place,
        number=one.number,
        digest=str(one.digest),
        former=str(one.former),
        state=one.state.value,
        reason=one.reason.value,
        holds=one.reason in HOLDS,
        held_until=one.held_until,
        planned=one.planned_at.timestamp(),
        members=tuple(Member(each.task, each.state.value, each.canary, bool(each.after)) for each in one.members),
        passes_over=one.asked.on_canary_failure is OnFailure.CONTINUE,
        restored_by=one.restored_by,
        spoken=one.spoken is not None,
        story=tuple(story_of(one)),
    )


def decided(targets: Iterable[Target]) -> dict[str, Decided]:
    """Return what is decided of each tag, by its name."""
    return {
        f"{one.repository}:{one.tag}": Decided(one.number, str(one.wanted), frozenset(map(str, failed_here(one))))
        for one in targets
    }


def story_of(one: waves.Wave) -> Iterator[str]:
    """Yield what a wave's record tells, for people."""
    yield f"decision {one.number} for {one.digest}, before that {one.former or 'nothing'}, {one.why.value}"
    yield f"planned at {one.planned_at:%H:%M:%S.%f}, which is {one.planned_at.timestamp():.1f}"
    yield f"{one.state.value} {one.reason.value}, due {one.look_at}, held until {one.held_until} {one.detail}".rstrip()
    if one.spoken is not None:
        yield f"{one.spoken.said.by} said {one.spoken.word.value} at {one.spoken.said.at:%H:%M:%S}"
    for each in one.members:
        goes = "canary " if each.canary else ""
        yield f"  {goes}{each.task} {each.state.value}, {each.attempts} attempts {each.detail}".rstrip()
        yield from (f"    {msgspec.json.encode(result).decode()}" for result in each.results)

"""Conduct waves: hear what became of those that were asked for, judge, write, and do what was written.

Each look compares the wave's record with the rebuilds of its members and with its tag's record. What is to be done is
written before it is done, and done from what is written: whoever dies anywhere leaves what the next look goes on with.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from datetime import datetime, timedelta

import msgspec

from shared.domain.policy.rebuilding import Rebuilding
from shared.domain.promotion.canaried import gone_back
from shared.domain.promotion.canaried import judged as judged_by_control
from shared.domain.promotion.said import Canaried, Guilt, Said
from shared.domain.promotion.target import Target
from shared.domain.waves import way_back
from shared.domain.waves.judge import Judged, Move, applied, judge, needs_grounds
from shared.domain.waves.results import TagSeen
from shared.domain.waves.states import WaveState
from shared.domain.waves.wave import Wave
from shared.errors import Paced, ServiceError
from shared.ports import Activity, Event
from shared.rules.targets import TargetBook
from shared.rules.wave_book import WaveBook
from shared.rules.wave_rebuilds import WaveRebuilds
from shared.target_ports import StoredTarget
from shared.wave_ports import GroundsOf, StoredWave

log = logging.getLogger("tidegate.waves")

# One look takes a wave so many steps on at most; what is left is looked at again at once.
_MOST_STEPS = 8
# How soon it is looked at again where something did not answer.
_AGAIN = timedelta(minutes=1)
# What a person has to hear of.
_TOLD = frozenset({WaveState.HELD, WaveState.RESTORING, WaveState.DONE_WITH_FAILURES})
_BY = "the canaries of its wave"


class Conductor:
    """Does what is to be done next about a wave.

    Args:
        book: where waves are.
        targets: tells what tags are decided to be, and takes proposals to go back.
        rebuilds: asks for rebuilds of members, and hears what became of them.
        asked: gives what a target's entry asks of rebuilds now.
        grounds: tells what speaks against going back.
        activity: is told of other tags that carry what failed.
    """

    def __init__(
        self,
        book: WaveBook,
        targets: TargetBook,
        rebuilds: WaveRebuilds,
        asked: Callable[[Target], Rebuilding | None],
        grounds: GroundsOf,
        activity: Activity,
    ) -> None:
        self._activity = activity
        self._book = book
        self._targets = targets
        self._rebuilds = rebuilds
        self._asked = asked
        self._grounds = grounds

    def look(self, stored: StoredWave) -> None:
        """Look at a wave, and say when it is to be looked at again.

        Raises:
            Paced: our turn at a registry has not come; nothing was begun.
        """
        if stored.record.registry != self._book.registry:
            self._book.rest(stored)
            return
        try:
            self._go_on(stored)
        except Paced:
            raise
        except ServiceError as error:
            log.warning("%s is looked at again: %s", stored.record.id, error)
            self._put_off(stored.record)

    def _go_on(self, stored: StoredWave) -> None:
        current: StoredWave | None = stored
        new: tuple[str, ...] = ()
        for _ in range(_MOST_STEPS):
            before = current
            current, new = self._step(current, new) if current is not None else (None, ())
            if current is None or current == before or _rests(current.record, self._book.clock()):
                break
        if current is not None:
            self._book.wake(current.record)

    def _put_off(self, before: Wave) -> None:
        later = self._book.clock() + _AGAIN
        put_off = self._book.change(
            before.id, lambda known: msgspec.structs.replace(known, look_at=later) if known is not None else None
        )
        if put_off is not None:
            self._book.wake(put_off.record)

    def _step(self, stored: StoredWave, new: tuple[str, ...]) -> tuple[StoredWave | None, tuple[str, ...]]:
        """Return the wave one step further, and whom it has just claimed; what has been written already is done first.

        What was heard and what follows from it are one write, but where a tag's record is changed by it first.
        """
        seen = self._targets.read(stored.record.repository, stored.record.tag)
        heard = self._rebuilds.heard(stored.record, seen.record if seen else None, new)
        if heard.control_of or heard.state is WaveState.RESTORING:
            written = self._book.step(stored, heard)
            if written is None:
                return None, ()
            stored = written
            self._tell_guilt(heard, seen)
        verdict = self._judged(heard, seen.record if seen else None)
        return self._done(stored, heard, verdict, seen), verdict.what if verdict.move is Move.ASK else ()

    def _judged(self, wave: Wave, target: Target | None) -> Judged:
        asked = (self._asked(target) if target is not None else None) or wave.asked
        grounds = self._grounds(wave) if needs_grounds(wave, asked) else way_back.UNKNOWN
        return judge(wave, target, asked, grounds, self._book.clock())

    def _done(self, stored: StoredWave, wave: Wave, verdict: Judged, seen: StoredTarget | None) -> StoredWave | None:
        now = self._book.clock()
        if verdict.move is Move.RESTORE and wave.state is WaveState.RESTORING and seen is not None:
            self._go_back(wave, verdict, seen)
            return stored
        before = self._tag_seen(wave, seen) if verdict.move is Move.ASK else TagSeen()
        after = applied(wave, verdict, now, before)
        if verdict.move is Move.WENT_BACK and seen is not None:
            self._tell_others(wave, seen.record)
            after = msgspec.structs.replace(after, restored_by=way_back.restored_by(wave, seen.record))
        written = self._book.step(stored, after)
        if written is not None and after.state is not wave.state:
            level = logging.WARNING if after.state in _TOLD else logging.INFO
            log.log(level, "%s is %s: %s", wave.id, after.state.value, after.reason.value)
        return written

    def _tag_seen(self, wave: Wave, seen: StoredTarget | None) -> TagSeen:
        return self._rebuilds.tag_seen(wave, seen.record if seen is not None else None)

    def _go_back(self, wave: Wave, verdict: Judged, seen: StoredTarget) -> None:
        """The record takes the proposal only while the decision that it was judged on is in force."""
        proposed, now = verdict.restore, self._book.clock()
        if proposed is None:
            return
        failed = Canaried(proposed.digest, proposed.number, proposed.former, now, proposed.canaries)
        said = _said(wave, failed)
        done = self._targets.change(
            seen.record.id, lambda known: gone_back(known, failed, said, now) if known is not None else None, seen
        )
        if done is not None:
            log.warning("%s goes back to %s: %s", done.record.id, proposed.former, said.why)
            self._targets.set_going(done)

    def _tell_others(self, wave: Wave, target: Target) -> None:
        """What failed is refused for its own tag alone: where else it stands is told, before the wave ends."""
        failed = next((one for one in target.canaried if one.number == wave.number), None)
        others = (one.record for one in self._targets.of_repository(wave.repository))
        for other in others if failed is not None else ():
            if failed is not None and other.id != target.id and wave.digest in {other.seen, other.wanted}:
                told = (
                    f"{wave.digest}, which it bears, failed its canaries for {wave.tag}, and is refused for that alone"
                )
                self._activity.append(Event(f"target:{other.id}", "digest-failed-elsewhere", failed.at, told))

    def _tell_guilt(self, wave: Wave, seen: StoredTarget | None) -> None:
        """What the control says stands in the tag's record; whoever died before that says it with the next look."""
        guilt = way_back.control_says(wave)
        if guilt is None or seen is None or not _is_open(seen.record, wave.control_of):
            return
        number = wave.control_of
        self._targets.change(
            seen.record.id, lambda known: judged_by_control(known, number, guilt) if known is not None else None
        )


def _is_open(target: Target, number: int) -> bool:
    return any(one.number == number and one.guilt is Guilt.REFUSED for one in target.canaried)


def _said(wave: Wave, failed: Canaried) -> Said:
    """Who says so is a person, or the canaries that failed; the time is the wave's, so that twice is once."""
    if wave.spoken is not None:
        return wave.spoken.said
    told = ", ".join(failed.canaries)
    return Said(_BY, f"{told} failed on {failed.digest}", failed.at)


def _rests(wave: Wave, now: datetime) -> bool:
    return wave.look_at is None or wave.look_at > now

"""What people are told of waves: in words, and as notices that are written with what they tell. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from datetime import datetime

import msgspec

from shared.domain.notices.kinds import Told
from shared.domain.notices.notice import Notice
from shared.domain.policy.rebuilding import ACR
from shared.domain.promotion.rebuilds import Rebuild
from shared.domain.waves.reasons import Reason
from shared.domain.waves.results import Result
from shared.domain.waves.states import MemberState, WaveState
from shared.domain.waves.wave import Member, Wave

_MOST_NAMED = 3
# Of what ACR Tasks runs the log is kept with the rebuild.
_OF_ACR = f"{ACR}:"
_LONGEST = 600

# Why the digest before is not wanted again, whoever asks for it.
GOES_BACK_NOT: Mapping[Reason, str] = {
    Reason.FIXES_EXPLOITED: "what is known to be exploited is mended in the new digest",
    Reason.FORMER_HAS_FINDINGS: "the digest before has findings that block",
    Reason.NOT_SCANNED: "it is not known what the digest before has",
    Reason.SAID_BY_PERSON: "a person chose the digest, or holds the entry",
    Reason.NO_FORMER: "nobody knows a digest before",
    Reason.FORMER_REFUSED: "the digest before is blocked, or canaries failed on it",
    Reason.FORMER_GONE: "no registry has the digest before any more",
    Reason.FORMER_UNVERIFIED: "the digest before was put there by others, and nothing tested it",
    Reason.RESTORED_BEFORE: "the tag went back from this digest once",
    Reason.RESTORED_TODAY: "the tag went back from another digest within a day",
}
_HELD: Mapping[Reason, str] = {
    Reason.NO_CANARY: "nobody that its entry names as a canary is built on it",
    Reason.ALL_EXCLUDED: "no canary can speak: all were failing before, or may not be run",
    Reason.INCONCLUSIVE: "no run of a canary said anything about the base",
    Reason.CANARY_FAILED: "a canary failed on it",
    Reason.TOLD_FROM_OUTSIDE: "a canary failed by the word of its builder alone, for which no tag goes back",
    Reason.CONTROL_FAILED: "what failed before failed again on the digest before: the base may be innocent",
    **{reason: f"a canary failed, and the tag does not go back: {why}" for reason, why in GOES_BACK_NOT.items()},
}


def about(wave: Wave) -> str:
    """Return how people call a wave."""
    return f"the wave of {wave.place}, decision {wave.number}"


def held_because(wave: Wave) -> str:
    """Return why a wave is on hold, in a sentence; empty where it is not."""
    return _HELD.get(wave.reason, "") if wave.state is WaveState.HELD else ""


def counted(wave: Wave) -> str:
    """Return how many members are in which state, in a line."""
    states = Counter(one.state for one in wave.members)
    return ", ".join(f"{states[state]} {state.value}" for state in MemberState if states[state]) or "nobody"


def run_of(result: Result) -> str:
    """Return how people find the run of an attempt: its page where there is one, else its id; empty if it had none."""
    return result.ended.link or result.ended.run


class KeptLog(msgspec.Struct, frozen=True):
    """A log that is kept, by the id of its rebuild and its name below that."""

    rebuild: str
    name: str


def log_of(wave: Wave, member: Member, result: Result) -> KeptLog | None:
    """Return which log is kept of an attempt; ``None`` if none is."""
    if not result.ended.log or not member.target.startswith(_OF_ACR):
        return None
    rebuild = Rebuild(
        registry=member.registry,
        task=member.task,
        base_repository=wave.repository,
        base_tag=wave.tag,
        base_digest=wave.digest,
        base_registry=wave.registry,
        decision=wave.number,
        look_at=wave.planned_at,
        since=wave.planned_at,
        attempt=result.ended.attempt,
    )
    return KeptLog(rebuild.id, result.ended.log)


def told_of_wave(before: Wave | None, after: Wave, now: datetime) -> tuple[Notice, ...]:
    """Return what is to be told of a change of a wave.

    That the tag went back stands in the tag's own record, which is what decides it.

    Args:
        before: the record before; ``None`` for a new one.
        after: the record as it is to be written.
        now: UTC.
    """
    return (*_of_canaries(before, after, now), *_of_hold(before, after, now), *_of_its_end(before, after, now))


def _of_canaries(before: Wave | None, after: Wave, now: datetime) -> Iterator[Notice]:
    for one in after.canaries:
        known = before.member(one.target) if before is not None else None
        if one.state is MemberState.FAILED and (known is None or known.state is not MemberState.FAILED):
            detail = f"{_called(one)} failed on {after.digest}, which {after.place} is now{_by(one)}"
            yield _notice(after, Told.CANARY_FAILED, f"{after.number} {one.target}", now, detail)


def _of_hold(before: Wave | None, after: Wave, now: datetime) -> Iterator[Notice]:
    if _is_new_hold(before, after):
        until = f" until {after.held_until:%Y-%m-%d %H:%M} UTC" if after.held_until is not None else ""
        what = f"{about(after)} waits for a person{until}: {held_because(after)}"
        detail = f"{what}; continue, restore or cancel it. Its members: {counted(after)}"
        yield _notice(after, Told.WAVE_HELD, _mark(after), now, detail)


def _of_its_end(before: Wave | None, after: Wave, now: datetime) -> Iterator[Notice]:
    """Whoever was told that it waits is told that it does not any more."""
    if before is not None and before.state is WaveState.HELD and _is_other(before, after):
        by = f" by {after.spoken.said.by}: {after.spoken.said.why}" if after.spoken is not None else ""
        detail = f"{about(after)} is {after.state.value}, {after.reason.value}{by}"
        yield _notice(after, Told.SOLVED, _mark(before), now, detail, closes=Told.WAVE_HELD.value)


def _is_new_hold(before: Wave | None, after: Wave) -> bool:
    was = before is not None and before.state is WaveState.HELD
    return after.state is WaveState.HELD and (not was or (before is not None and _is_other(before, after)))


def _is_other(before: Wave, after: Wave) -> bool:
    """A word that cannot be brought about holds it anew, for another reason."""
    return after.state is not WaveState.HELD or after.held_until != before.held_until


def _mark(wave: Wave) -> str:
    since = wave.held_until.isoformat() if wave.held_until is not None else ""
    return f"{wave.number} {since}"


def _called(member: Member) -> str:
    return f"{member.target}, whose owner is {member.owner}," if member.owner else member.target


def _by(member: Member) -> str:
    runs = [run_of(one) for one in member.results if not one.ended.passed and run_of(one)]
    return f" (runs {', '.join(runs[-_MOST_NAMED:])})" if runs else ""


def _notice(wave: Wave, told: Told, mark: str, at: datetime, detail: str, closes: str = "") -> Notice:
    return Notice(
        kind=told.value,
        about=f"wave:{wave.id}",
        mark=mark,
        at=at,
        detail=detail[:_LONGEST],
        place=wave.place,
        images=(wave.image,) if wave.image else (),
        digest=wave.digest,
        cause=wave.id,
        closes=closes,
    )

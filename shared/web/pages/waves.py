"""The pages of waves: all that are not over with those of late, and one with its members. Records in, a view out."""

from __future__ import annotations

import azure.functions as func
import msgspec

from shared.domain.links import Links
from shared.domain.waves.results import Result, Says
from shared.domain.waves.states import WaveState
from shared.domain.waves.telling import counted, held_because, log_of
from shared.domain.waves.wave import Member, Wave
from shared.flows.list_waves import WavesFound
from shared.ports import Event
from shared.web.pages.deeds import Deed
from shared.web.pages.listing import Part, filter_of, part_of, start_of
from shared.web.pages.wave_forms import WordView
from shared.web.queries import one_of

_WAITS_FIRST = {WaveState.HELD: 0, WaveState.RESTORING: 1}


class Row(msgspec.Struct, frozen=True):
    """One wave: how many of its members are where, and why it waits; empty if it does not."""

    wave: Wave
    members: str
    because: str


class WavesView(msgspec.Struct, frozen=True):
    """What the page of all shows."""

    part: Part[Row]
    text: str
    state: WaveState | None
    states: tuple[WaveState, ...]
    unreadable: str


class Attempt(msgspec.Struct, frozen=True):
    """One attempt of a member: what it says about the wave's digest, and where its log is; empty if none is kept."""

    result: Result
    says: Says
    log: str


class Line(msgspec.Struct, frozen=True):
    """One member with its attempts."""

    member: Member
    attempts: tuple[Attempt, ...]


class WaveView(msgspec.Struct, frozen=True):
    """What the page of one shows."""

    wave: Wave
    place: str
    because: str
    members: str
    lines: tuple[Line, ...]
    words: tuple[WordView, ...]
    events: tuple[Event, ...]
    under_way: bool
    done: Deed | None = None


def waves_view(found: WavesFound, request: func.HttpRequest) -> WavesView:
    """Return what the page shows of waves: those that wait for people first, then the latest.

    Raises:
        MalformedRequest: a parameter is not what it should be.
    """
    text, state = filter_of(request, "text"), one_of(request, "state", WaveState)
    meant = [one for one in found.waves if _is_meant(one, text, state)]
    rows = [Row(one, counted(one), held_because(one)) for one in sorted(meant, key=_by_need)]
    filters = {"text": text, "state": state.value if state is not None else ""}
    part = part_of(rows, start_of(request), filters)
    return WavesView(part, text, state, tuple(WaveState), found.unreadable)


def _is_meant(wave: Wave, text: str, state: WaveState | None) -> bool:
    named = (wave.place, wave.image, *(one.target for one in wave.members), *(one.owner for one in wave.members))
    return state in {None, wave.state} and (not text or any(text.casefold() in one.casefold() for one in named))


def _by_need(wave: Wave) -> int:
    return _WAITS_FIRST.get(wave.state, 9 if wave.is_over else 2)


def wave_view(wave: Wave, words: tuple[WordView, ...], events: tuple[Event, ...], done: Deed | None) -> WaveView:
    """Return what the page shows of one wave: its canaries first.

    Args:
        wave: its record.
        words: what can be said of it.
        events: what was said and done.
        done: what its reader has just done.
    """
    members = sorted(wave.members, key=lambda one: not one.canary)
    return WaveView(
        wave=wave,
        place=wave.place,
        because=held_because(wave),
        members=counted(wave),
        lines=tuple(_line(wave, one) for one in members),
        words=words,
        events=events,
        under_way=not wave.is_over and wave.state is not WaveState.HELD,
        done=done if done is not None and done.about == wave.id else None,
    )


def _line(wave: Wave, member: Member) -> Line:
    return Line(member, tuple(_attempt(wave, member, one) for one in member.results))


def _attempt(wave: Wave, member: Member, result: Result) -> Attempt:
    kept = log_of(wave, member, result)
    return Attempt(result, result.says(wave.digest), Links().rebuild_log(kept.rebuild, kept.name) if kept else "")

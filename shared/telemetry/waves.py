"""What the change of a wave means for people: events, in the trace of the sighting that was decided for."""

from __future__ import annotations

from collections.abc import Iterator

from shared.domain.waves.states import MEMBER_ENDS, MemberState
from shared.domain.waves.telling import counted, held_because
from shared.domain.waves.wave import Member, Wave
from shared.telemetry.events import tell
from shared.telemetry.spans import within


def wave_changed(before: Wave | None, wave: Wave) -> None:
    """Tell of a wave's move, and of what came of its members; what people say of it is a line of the activity log.

    The events are ``wave-<state>``, such as ``wave-held``, and ``wave-member-<state>``.

    Args:
        before: the record that was replaced; ``None`` for a new one.
        wave: the record as it was written.
    """
    about: dict[str, str | float] = {
        "tidegate.wave": wave.id,
        "tidegate.target": wave.target,
        "tidegate.tag": wave.tag,
        "tidegate.decision": wave.number,
        "tidegate.image": wave.image,
        "container.image.name": wave.repository,
        "oci.manifest.digest": wave.digest,
    }
    with within(wave.traceparent):
        for member in _ended(before, wave):
            tell(f"wave-member-{member.state.value}", {**about, **_about(member)}, member.detail)
        if before is None or (before.state, before.held_until) != (wave.state, wave.held_until):
            told = {**about, "tidegate.status": wave.state.value, "tidegate.reason": wave.reason.value}
            tell(f"wave-{wave.state.value}", told, held_because(wave) or counted(wave))


def _ended(before: Wave | None, wave: Wave) -> Iterator[Member]:
    known: dict[str, MemberState] = {one.target: one.state for one in before.members} if before is not None else {}
    for one in wave.members:
        if one.state in MEMBER_ENDS and known.get(one.target) is not one.state:
            yield one


def _about(member: Member) -> dict[str, str | float]:
    last = member.results[-1] if member.results else None
    said: dict[str, str | float] = {
        "tidegate.member": member.target,
        "tidegate.canary": "yes" if member.canary else "no",
        "tidegate.attempts": member.attempts,
    }
    if last is None:
        return said
    kind, how = last.ended.kind.value, last.how.value
    return {**said, "tidegate.ended_by": kind, "tidegate.built_on": last.built_on, "tidegate.how": how}

"""How a watched tag stands: what its upstream has, what the base registry has, and what is between the two. Pure."""

from __future__ import annotations

from datetime import datetime
from enum import Enum

import msgspec

from shared.domain.promotion.admission import Admission, Waiting, admission_of
from shared.domain.promotion.barring import bar_of
from shared.domain.promotion.candidate import Candidate
from shared.domain.promotion.said import Why
from shared.domain.promotion.statuses import Status
from shared.domain.promotion.target import Target
from shared.domain.promotion.tool import Tool
from shared.domain.promotion.transitions import ENDS
from shared.domain.references import Digest, Tag
from shared.domain.scan.decision import Outcome
from shared.domain.watching.observation import Observation, Presence


class Standing(Enum):
    """How one watched tag stands."""

    UNSEEN = "unseen"  # the upstream has not been asked about it yet, or gave no answer
    NEVER_THERE = "never-there"  # the upstream says it has no such tag, and never was seen to have it
    GONE = "gone"  # the upstream has it no more; what was promoted is kept
    DOUBTED = "doubted"  # it bears again what it bore before; a later look decides whether that is believed
    WAITING = "waiting"  # its turn to be begun has not come: new tags are begun some at a time
    UNDER_WAY = "under-way"  # its candidate is imported, tested or promoted
    REJECTED = "rejected"  # its candidate's gate said no, or the tag's policy; the base registry keeps what it has
    SOAKING = "soaking"  # it passed, and has not been seen for as long as its policy asks
    FROZEN = "frozen"  # it passed, and nothing is promoted at this time
    AWAITING = "awaiting-approval"  # it passed, and people have to agree
    COMPANIONS = "awaiting-companions"  # it passed, and what must be beside it in the base registry is not there yet
    LOCKED = "locked-by-others"  # it passed, and somebody locked its tag, or the repository, in the base registry
    OBSERVED = "observed"  # it would be promoted, and its entry is only observed
    FAILED = "failed"  # its candidate could not be decided; tried again daily while the tag wants it
    HELD = "held"  # somebody said that nothing is to be decided
    OTHERWISE = "decided-otherwise"  # people, a block or an adoption keep another digest in force
    DRIFTED = "drifted"  # the base registry's tag is missing, or somebody else moved it
    CURRENT = "current"  # the base registry's tag bears what the upstream's does


class TagStanding(msgspec.Struct, frozen=True):
    """One watched tag, as it stands.

    Attributes:
        tag: upstream.
        target: its place in the base registry, such as ``base/node:22``.
        upstream: the digest that the upstream was last seen to have; ``None`` if none.
        base: the digest that the base registry's tag was last seen to have, or that runs are given of a tool; ``None``
            if none.
        wanted: what the base registry's tag, or the tool, is to be; ``None`` if nothing was decided.
        status: how it stands.
        reason: the named reason of what last happened to it: its candidate's, or why the target is what it is.
        detail: the same for people.
        checked_at: when the upstream last gave an answer, UTC; ``None`` if it never did.
        changed_at: when its candidate last changed, or its target was decided, UTC.
        candidate: the id of the candidate that this is about; ``None`` if there is none.
        until: when what it waits for ends by itself, UTC; ``None`` if it waits for nothing, or for more than time.
        trouble: why the latest look, or the latest import, did not succeed; ``None`` if it did.
    """

    tag: Tag
    target: str
    upstream: Digest | None
    base: Digest | None
    wanted: Digest | None
    status: Standing
    reason: str
    detail: str
    checked_at: datetime | None
    changed_at: datetime | None
    candidate: str | None
    trouble: str | None
    until: datetime | None = None


def stands(
    tag: Tag, place: str, seen: Observation | None, target: Target | None, candidate: Candidate | None
) -> TagStanding:
    """Tell how a watched tag stands.

    Args:
        tag: upstream.
        place: in the base registry, such as ``base/node:22``.
        seen: what is known of it upstream; ``None`` if it was never looked at.
        target: what is known of the place; ``None`` if nothing is.
        candidate: of the digest that the place last saw its source have; ``None`` if there is none.
    """
    status = standing(seen, target, candidate)
    told = candidate.last if candidate is not None else None
    why = target.why.value if target is not None else status.value
    ended = status in {Standing.REJECTED, Standing.FAILED}
    refused = _refused_alone(target, candidate) if ended and target and candidate else None
    troubles = (seen.trouble if seen else "", target.trouble if target else "")
    return TagStanding(
        tag=tag,
        target=place,
        upstream=_upstream(seen),
        base=(target.seen or None) if target else None,
        wanted=(target.wanted or None) if target else None,
        status=status,
        reason=refused.reasons[0] if refused and refused.reasons else told.reason.value if told else why,
        detail=refused.detail if refused else told.detail if told else "",
        checked_at=seen.last_checked if seen else None,
        changed_at=told.at if told else (target.decided_at if target else None),
        candidate=candidate.id if candidate else None,
        trouble="; ".join(one for one in troubles if one) or None,
        until=_until(target) if target is not None and status in _WAITS.values() else None,
    )


def _until(target: Target) -> datetime | None:
    bar = bar_of(target)
    admission = admission_of(target, target.newest.digest) if target.newest is not None else None
    return bar.until if bar is not None else admission.until if admission is not None else None


def _refused_alone(target: Target, candidate: Candidate) -> Admission | None:
    """Return why a tag does not take what others took; ``None`` where the candidate's own word says it."""
    admission = admission_of(target, candidate.digest)
    if admission is None or candidate.status is not Status.PROMOTED or candidate.digest in target.passed:
        return None
    return admission if admission.outcome is Outcome.REJECT or admission.by_test else None


def tool_stands(tag: Tag, seen: Observation | None, tool: Tool | None, candidate: Candidate | None) -> TagStanding:
    """Tell how a tool stands: what its upstream has, and what runs are given from the staging registry.

    Args:
        tag: upstream.
        seen: what is known of it upstream; ``None`` if it was never looked at.
        tool: what is known of it; ``None`` if nothing was sighted yet.
        candidate: of the digest that was sighted last; ``None`` if there is none.
    """
    status = _unseen(seen) or _of_tool(tool, candidate)
    told = candidate.last if candidate is not None else None
    return TagStanding(
        tag=tag,
        target=f"{tool.repository}:{tag} in staging" if tool else "",
        upstream=_upstream(seen),
        base=(tool.digest or None) if tool else None,
        wanted=tool.newest.digest if tool and tool.newest else None,
        status=status,
        reason=told.reason.value if told else status.value,
        detail=told.detail if told else "",
        checked_at=seen.last_checked if seen else None,
        changed_at=told.at if told else (tool.at if tool else None),
        candidate=candidate.id if candidate else None,
        trouble=(seen.trouble or None) if seen else None,
    )


def _of_tool(tool: Tool | None, candidate: Candidate | None) -> Standing:
    if tool is None:
        return Standing.WAITING
    if tool.is_current:
        return Standing.CURRENT
    return Standing.FAILED if candidate is not None and candidate.status is Status.FAILED else Standing.UNDER_WAY


def standing(seen: Observation | None, target: Target | None, candidate: Candidate | None) -> Standing:
    """Decide how a watched tag stands: the upstream's word first, then people's, then the candidate's."""
    upstream = _unseen(seen)
    if upstream is not None:
        return upstream
    if target is None or target.newest is None or target.let_go is not None:
        return Standing.WAITING
    if target.hold is not None:
        return Standing.HELD
    return _on_its_way(candidate, target) or _in_base(target)


def _upstream(seen: Observation | None) -> Digest | None:
    if seen is None or seen.presence is Presence.GONE:
        return None
    return (seen.doubted.digest if seen.doubted else seen.digest) or None


def _unseen(seen: Observation | None) -> Standing | None:
    if seen is None or (not seen.digest and seen.trouble):
        return Standing.UNSEEN
    if seen.presence is Presence.GONE:
        return Standing.GONE if seen.digest else Standing.NEVER_THERE
    return Standing.DOUBTED if seen.doubted is not None else None


def _on_its_way(candidate: Candidate | None, target: Target) -> Standing | None:
    """What people decided otherwise may be what was rejected, so the target's word counts where it has the digest."""
    if candidate is None or target.newest is None or target.wanted == target.newest.digest:
        return None
    alone = _refused_alone(target, candidate)
    if alone is not None:
        return Standing.REJECTED if alone.outcome is Outcome.REJECT else Standing.FAILED
    waiting = _waiting(target, candidate.digest)
    if waiting in _WAITS:
        return _WAITS[waiting]
    ends = {Status.REJECTED: Standing.REJECTED, Status.FAILED: Standing.FAILED}
    return ends.get(candidate.status) if candidate.status in ENDS else Standing.UNDER_WAY


_WAITS = {
    Waiting.SOAKING: Standing.SOAKING,
    Waiting.FROZEN: Standing.FROZEN,
    Waiting.DECISIONS: Standing.FROZEN,
    Waiting.APPROVAL: Standing.AWAITING,
    Waiting.COMPANIONS: Standing.COMPANIONS,
    Waiting.LOCKED: Standing.LOCKED,
    Waiting.NOTHING: Standing.OBSERVED,
}


def _waiting(target: Target, digest: Digest) -> Waiting | None:
    admission = admission_of(target, digest)
    return admission.waits_for if admission is not None else None


def _in_base(target: Target) -> Standing:
    if target.why is Why.WITHDRAWN:
        return Standing.OTHERWISE
    if target.newest is None or not target.wanted:
        return Standing.UNDER_WAY
    if target.reached != target.number:
        bar = bar_of(target)
        return _WAITS[bar.waiting] if bar is not None else Standing.UNDER_WAY
    if target.astray is not None or target.seen != target.wanted:
        return Standing.DRIFTED
    return Standing.CURRENT if target.wanted == target.newest.digest else Standing.OTHERWISE

"""What keeps a tag of the base registry from being what its upstream bears, by its target's record: pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from enum import Enum

from shared.domain.promotion.admission import Admission, Waiting, admission_of, is_refused, is_unanswered
from shared.domain.promotion.adopting import is_passed_over
from shared.domain.promotion.barring import bar_of, told_of_bar
from shared.domain.promotion.candidate import Candidate
from shared.domain.promotion.decision import is_pinned
from shared.domain.promotion.drift import ended
from shared.domain.promotion.identity import candidate_id
from shared.domain.promotion.said import Why
from shared.domain.promotion.statuses import Reason, Status
from shared.domain.promotion.target import Sighting, Target
from shared.domain.promotion.transitions import ENDS
from shared.domain.references import Digest
from shared.domain.scan.decision import Outcome
from shared.domain.scan.waivers import end_of
from shared.domain.watching.troubles import Kind, Trouble, about_candidate, about_target

# Who asks and who grants anew need some days.
TOLD_BEFORE = timedelta(days=7)


class Hindrance(Enum):
    """Why the base registry does not have what upstream bears."""

    HELD = "held"  # somebody said that nothing is to be decided
    BLOCKED = "blocked"  # somebody refused the digest
    PINNED = "pinned"  # somebody said that another one is wanted, whatever comes
    REJECTED = "rejected"  # it did not pass its gate
    FAILED = "failed"  # its candidate could not be decided, and is tried daily
    AWAITS_SCAN = "awaits-scan"  # it passed its test, and its scan has given no answer that can be used
    WAITS = "waits"  # it passed, and is promoted later: its policy wants it to be older, or nothing is promoted now
    AWAITS_APPROVAL = "awaits-approval"  # it passed, and people have to agree
    OBSERVED = "observed"  # its entry is only observed, and nothing is promoted
    UNDER_WAY = "under-way"  # its candidate has no verdict yet
    NOT_MADE = "not-made"  # it has no candidate, or one whose record cannot be read
    OVERRULED = "overruled"  # it passed, and somebody went back from it, or took another one against its gate
    AWAITS_COMPANIONS = "awaits-companions"  # it is wanted, and what must be beside it in the base registry is missing
    LOCKED = "locked-by-others"  # it is wanted, and somebody locked the tag, or the repository, in the base registry
    NOT_PROMOTED = "not-promoted"  # it is wanted, and did not get into the base registry
    UNDECIDED = "undecided"  # it passed, and its target has not decided yet


_STOPPED = {
    Hindrance.REJECTED: (Kind.CANDIDATE_REJECTED, "did not pass its gate"),
    Hindrance.AWAITS_SCAN: (Kind.CANDIDATE_HELD, "passed its test and is not promoted yet"),
    Hindrance.FAILED: (Kind.CANDIDATE_FAILED, "could not be decided, and is tried again daily"),
}

# These are as the list says, and no trouble however long they last.
_MEANT = frozenset({Hindrance.WAITS, Hindrance.OBSERVED})
_WAITS_FOR = {
    Waiting.SOAKING: Hindrance.WAITS,
    Waiting.FROZEN: Hindrance.WAITS,
    Waiting.DECISIONS: Hindrance.WAITS,
    Waiting.APPROVAL: Hindrance.AWAITS_APPROVAL,
    Waiting.COMPANIONS: Hindrance.AWAITS_COMPANIONS,
    Waiting.LOCKED: Hindrance.LOCKED,
    Waiting.NOTHING: Hindrance.OBSERVED,
}


def awaited_candidate(target: Target) -> str:
    """Return the id of the candidate that a target needs to follow its upstream, or nothing if it needs none."""
    newest = target.newest
    known = {*target.passed, *(one.digest for one in target.blocked)}
    if newest is None or not is_behind(target) or newest.digest in known:
        return ""
    return candidate_id(target.origin.source, newest.digest, target.origin.gate)


def is_behind(target: Target) -> bool:
    """Whether a tag of the base registry does not bear what its source was last seen to bear.

    What stood there when its entry appeared counts as what its source bore then. What others did to the tag is another
    trouble: of them its source's move is no reason.
    """
    newest = target.newest
    if target.let_go is not None or newest is None or is_passed_over(target, newest):
        return False
    return newest.digest != (target.wanted if _is_reached(target) else target.seen)


def behind_since(target: Target) -> datetime | None:
    """Return since when a tag is behind its source, UTC: since the first move after what it bears; ``None`` if not."""
    if not is_behind(target):
        return None
    bears = target.wanted if _is_reached(target) else target.seen
    order = next((one.order for one in target.sightings if one.digest == bears), 0)
    order = max(order, target.adopted.above if target.adopted and target.adopted.digest == bears else 0)
    later = (one for one in target.sightings if one.order > order)
    return _moment(min(later, key=lambda one: one.order, default=target.sightings[-1]))


def hindrance(target: Target, candidate: Candidate | None, now: datetime) -> Hindrance:
    """Return why a target that is behind does not follow its source.

    Args:
        target: the record.
        candidate: that of ``awaited_candidate``; ``None`` if it needs none, there is none or it cannot be read.
        now: UTC.
    """
    newest = target.sightings[-1].digest
    if target.hold is not None:
        return Hindrance.HELD
    if newest in {one.digest for one in target.blocked}:
        return Hindrance.BLOCKED
    if is_pinned(target, now):
        return Hindrance.PINNED
    if newest == target.wanted:
        bar = bar_of(target)
        return Hindrance.NOT_PROMOTED if bar is None else _WAITS_FOR[bar.waiting]
    if newest in target.passed:
        return Hindrance.OVERRULED if target.chosen is not None else Hindrance.UNDECIDED
    return Hindrance.NOT_MADE if candidate is None else _of_verdict(candidate, target)


def target_troubles(target: Target, candidate: Candidate | None, now: datetime) -> tuple[Trouble, ...]:
    """Return what is wrong with a tag of the base registry.

    Args:
        target: the record.
        candidate: that of ``awaited_candidate``; ``None`` if it needs none, there is none or it cannot be read.
        now: UTC.

    Returns:
        Every trouble; that it does not follow its source has to last before it counts, see ``PATIENCE``.
    """
    return () if target.let_go is not None else tuple(_troubles(target, candidate, now))


def candidate_troubles(candidate: Candidate, targets: Iterable[Target]) -> tuple[Trouble, ...]:
    """Return what is wrong with a candidate, once for all tags that wait for it.

    Args:
        candidate: the record.
        targets: those whose ``awaited_candidate`` it is.
    """
    state, why, since, waiting = _of_candidate(candidate), _why(candidate), candidate.since, tuple(targets)
    refused_for = _REFUSED_FOR.get(candidate.last.reason, "")
    if candidate.status in ENDS and not refused_for and (kept := _kept_out(candidate.digest, waiting)) is not None:
        state, waiting, admission = kept
        why, since = admission.detail, admission.at
        refused_for = _refused_for(admission) if state is Hindrance.REJECTED else ""
    if state not in _STOPPED or candidate.last.reason is Reason.REJECTED_BY_PEOPLE:
        return ()
    kind, said = _STOPPED[state]
    said = "passed its checks and waits for people" if candidate.last.reason is Reason.AWAITING_APPROVAL else said
    said = refused_for or said
    places = ", ".join(sorted(str(target.place) for target in waiting))
    return (
        Trouble(
            kind=kind,
            about=about_candidate(candidate.id),
            detail=f"{candidate.digest} of {candidate.source} {said}: {why} (wanted by {places})",
            images=tuple(sorted({target.origin.image for target in waiting})),
            since=since,
        ),
    )


_REFUSED_FOR = {
    Reason.SCAN_REJECTED: "was rejected by its scan",
    Reason.SIGNATURE_REJECTED: "was rejected for its signatures",
}


def _refused_for(admission: Admission) -> str:
    if admission.by_test:
        return ""
    return _REFUSED_FOR[Reason.SIGNATURE_REJECTED if admission.by_signature else Reason.SCAN_REJECTED]


def _kept_out(digest: Digest, targets: Sequence[Target]) -> tuple[Hindrance, tuple[Target, ...], Admission] | None:
    """What one tag came to, now or earlier, may be kept from another one by its own policy."""
    for state, says in ((Hindrance.REJECTED, is_refused), (Hindrance.AWAITS_SCAN, is_unanswered)):
        kept = tuple(target for target in targets if says(target, digest))
        admission = admission_of(kept[0], digest) if kept else None
        if admission is not None:
            undecided = admission.by_test and state is Hindrance.AWAITS_SCAN
            return Hindrance.FAILED if undecided else state, kept, admission
    return None


def _troubles(target: Target, candidate: Candidate | None, now: datetime) -> Iterator[Trouble]:
    about, images, place = about_target(target.id), (target.origin.image,), str(target.place)
    astray = target.astray
    if astray is not None and astray.told and not ended(target):
        kind = Kind.BASE_TAG_OVERWRITTEN if astray.digest else Kind.BASE_TAG_MISSING
        was = f"was overwritten and points at {astray.digest}" if astray.digest else "is not there any more"
        detail = f"{place} {was}; {target.wanted} is wanted there"
        yield Trouble(kind=kind, about=about, detail=detail, images=images, since=astray.since)
    if target.gave_up and target.trouble:
        detail = f"{place} does not become {target.wanted}; it is tried again daily: {target.trouble}"
        yield Trouble(kind=Kind.NOT_PROMOTED, about=about, detail=detail, images=images)
    if target.why is Why.WITHDRAWN and not target.wanted:
        detail = (
            f"{place} is {target.seen or 'not there'}, which is blocked, and nothing else can be had; it is left so"
        )
        yield Trouble(kind=Kind.BASE_TAG_WITHDRAWN, about=about, detail=detail, images=images, since=target.decided_at)
    admission = admission_of(target, target.wanted)
    if admission is not None and admission.outcome is Outcome.REJECT and target.wanted == target.seen:
        detail = f"{place} bears {target.wanted}, which would not be let through now, and stays: {admission.detail}"
        yield Trouble(kind=Kind.IN_FORCE_REJECTED, about=about, detail=detail, images=images, since=admission.at)
    yield from _of_waivers(target, now)
    yield from _of_companions(target)
    since = behind_since(target)
    why = hindrance(target, candidate, now) if since is not None else Hindrance.WAITS
    if since is not None and why not in _MEANT:
        detail = _not_updated(target, since, why, candidate)
        yield Trouble(kind=Kind.NOT_UPDATED, about=about, detail=detail, images=images, since=since)


def _of_waivers(target: Target, now: datetime) -> Iterator[Trouble]:
    ending = [one for one in target.waived if one.granted is not None and now < end_of(one.until) <= now + TOLD_BEFORE]
    if ending:
        told = "; ".join(f"{one.id} in {one.package} of {one.digest} until {one.until}" for one in ending)
        detail = f"waivers of {target.place} end within a week, and what they waive counts again then: {told}"
        about, images = about_target(target.id), (target.origin.image,)
        yield Trouble(kind=Kind.WAIVER_ENDING, about=about, detail=detail, images=images)


_OF_BARS = {Waiting.COMPANIONS: Kind.COMPANIONS_MISSING, Waiting.LOCKED: Kind.LOCKED_BY_OTHERS}


def _of_companions(target: Target) -> Iterator[Trouble]:
    """Nothing is wrong with an image whose signatures are on their way."""
    bar = bar_of(target)
    kind = _OF_BARS.get(bar.waiting) if bar is not None and bar.detail else None
    if bar is not None and kind is not None:
        detail = f"{target.place} does not become {target.wanted}: {told_of_bar(bar)}"
        about, images = about_target(target.id), (target.origin.image,)
        yield Trouble(kind=kind, about=about, detail=detail, images=images, since=bar.since)


def _not_updated(target: Target, since: datetime, why: Hindrance, candidate: Candidate | None) -> str:
    origin, newest = target.origin, target.sightings[-1].digest
    kept = _kept_out(newest, [target]) if candidate is not None and candidate.status in ENDS else None
    told = kept[2].detail if kept is not None and kept[0] is why else _why(candidate) if candidate is not None else ""
    bar = bar_of(target)
    barred = bar.detail if bar else ""
    by_target = {
        Hindrance.NOT_PROMOTED: target.trouble,
        Hindrance.AWAITS_COMPANIONS: barred,
        Hindrance.LOCKED: barred,
    }
    said = by_target.get(why, told)
    return (
        f"{target.place} has not followed {origin.source}:{origin.source_tag} since {since:%Y-%m-%d}: it is "
        f"{target.seen or 'not there'}, upstream bears {newest}, which is {why.value}{f': {said}' if said else ''}"
    )


_BY_STATUS = {Status.REJECTED: Hindrance.REJECTED, Status.HELD: Hindrance.AWAITS_SCAN}


def _of_candidate(candidate: Candidate | None) -> Hindrance:
    """What is tried again daily stays failed in between, or its trouble would end and begin every day."""
    if candidate is None:
        return Hindrance.NOT_MADE
    if candidate.status is Status.HELD and candidate.last.reason in _TOLD_TO_WAIT:
        return _TOLD_TO_WAIT[candidate.last.reason]
    if candidate.status in _BY_STATUS:
        return _BY_STATUS[candidate.status]
    again = candidate.retried and candidate.status not in ENDS and not candidate.has_passed
    return Hindrance.FAILED if candidate.status is Status.FAILED or again else Hindrance.UNDER_WAY


_TOLD_TO_WAIT = {
    Reason.SOAKING: Hindrance.WAITS,
    Reason.FROZEN: Hindrance.WAITS,
    Reason.AWAITING_APPROVAL: Hindrance.AWAITS_APPROVAL,
    Reason.COMPANIONS_AWAITED: Hindrance.AWAITS_COMPANIONS,
    Reason.LOCKED_BY_OTHERS: Hindrance.LOCKED,
}


def _of_verdict(candidate: Candidate, target: Target) -> Hindrance:
    admission = admission_of(target, candidate.digest)
    waits = _WAITS_FOR.get(admission.waits_for) if admission is not None and admission.waits_for else None
    kept = _kept_out(candidate.digest, [target]) if candidate.status in ENDS else None
    return waits or (kept[0] if kept is not None else _of_candidate(candidate))


def _why(candidate: Candidate) -> str:
    last = candidate.last
    return f"{last.reason.value}, {last.detail}" if last.detail else last.reason.value


def _is_reached(target: Target) -> bool:
    return bool(target.wanted) and target.reached == target.number


def _moment(sighting: Sighting) -> datetime:
    """Orders are the time in milliseconds, or a little more."""
    return datetime.fromtimestamp(sighting.order / 1000, UTC)

"""What is to be told of a target's change: a pure function of its record before and after, written in the same write.

What people said of a digest or an entry is told to many targets; it is one notice, as its subject and time are one.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta

from shared.domain.notices.kinds import Told
from shared.domain.notices.notice import Notice
from shared.domain.promotion.admission import Admission, AdmissionReason, Waiting, admission_of
from shared.domain.promotion.consents import Waived
from shared.domain.promotion.decision import is_pinned
from shared.domain.promotion.said import Chosen, Held, Said, Why
from shared.domain.promotion.target import Target
from shared.domain.references import Digest
from shared.domain.scan.decision import Outcome

# What was said longer ago is no news to whoever learns of it only now, such as a target that is new.
_NEWS = timedelta(days=7)
_LONGEST = 600


def told_of(before: Target | None, after: Target, now: datetime) -> tuple[Notice, ...]:
    """Return what is to be told of a change.

    Args:
        before: the record before; ``None`` for a new one.
        after: the record as it is to be written.
        now: UTC.
    """
    first = before or Target(registry=after.registry, repository=after.repository, tag=after.tag, origin=after.origin)
    if after.moved_from != first.moved_from:  # what was said in another registry was told there
        return ()
    found = (
        *_of_arrival(first, after, now),
        *_of_approvals(first, after, now),
        *_of_pins(first, after, now),
        *_of_choices(first, after, now),
        *_of_waivers(first, after),
        *_of_blocks(first, after, now),
        *_of_holds(first, after, now),
    )
    return tuple(one for one in found if now - one.at < _NEWS)


def _of_arrival(before: Target, after: Target, now: datetime) -> Iterator[Notice]:
    """What stood there before is no promotion, nor is what is put back."""
    came = after.reached == after.number != before.reached and after.arrived != before.arrived
    if came and after.why is not Why.ADOPTED and after.arrived == after.wanted:
        seen = next((one.first_seen for one in after.sightings if one.digest == after.wanted), None)
        took = f", {_span(now - seen)} after it was first seen upstream" if seen is not None else ""
        was = before.seen or "not there"
        detail = f"{after.place} was {was}, and is {after.wanted} now: {after.why.value}{took}"
        yield _notice(after, Told.PROMOTED, str(after.number), now, detail, after.wanted)


def _of_approvals(before: Target, after: Target, now: datetime) -> Iterator[Notice]:
    for consent in after.consents:
        if consent not in before.consents:
            detail = f"{consent.digest} for {after.place}: {consent.answer.value} by {consent.told}"
            mark = f"{consent.digest} {consent.at.isoformat()}"
            yield _notice(after, Told.APPROVAL_DECIDED, mark, consent.at, detail, consent.digest)
    for admission in after.admissions:
        if _asks(after, admission) and not _asks(before, admission_of(before, admission.digest)):
            detail = f"{admission.digest} waits for people who agree that it becomes {after.place}: {admission.detail}"
            yield _notice(after, Told.APPROVAL_NEEDED, admission.digest, now, detail, admission.digest)
    for admission in before.admissions:
        if _asks(before, admission) and (why := _answered(after, admission.digest)):
            yield _closed(after, admission.digest, why, now)


def _asks(target: Target, admission: Admission | None) -> bool:
    """Whether a digest waits for people, and is still what the tag would come to."""
    newest = target.newest.digest if target.newest is not None else ""
    return admission is not None and admission.waits_for is Waiting.APPROVAL and admission.digest == newest


def _answered(after: Target, digest: Digest) -> str:
    """Why a digest waits for people no more; empty if it does, or waits for something else that comes before."""
    if after.newest is not None and after.newest.digest != digest:
        return f"a newer digest was seen, {after.newest.digest}, which closed the request"
    admission = admission_of(after, digest)
    if after.blocks(digest):
        return "it was blocked"
    if admission is None or AdmissionReason.AWAITING_APPROVAL.value in admission.reasons:
        return ""
    if admission.outcome is not Outcome.HOLD or admission.waits_for in {Waiting.SOAKING, Waiting.FROZEN}:
        return f"{admission.outcome.value}: {admission.detail}"
    return ""


def _closed(target: Target, digest: Digest, why: str, now: datetime) -> Notice:
    return Notice(
        kind=Told.SOLVED.value,
        closes=Told.APPROVAL_NEEDED.value,
        about=f"target:{target.id}",
        mark=digest,
        at=now,
        detail=f"{digest} for {target.place}: {why}"[:_LONGEST],
        place=str(target.place),
        images=(target.origin.image,),
        digest=digest,
    )


def _of_pins(before: Target, after: Target, now: datetime) -> Iterator[Notice]:
    pinned, was = after.pinned, before.pinned
    if pinned is not None and pinned != was:
        until = f" until {pinned.until:%Y-%m-%d %H:%M} UTC" if pinned.until is not None else ""
        detail = f"{after.place} is pinned to {pinned.digest}{until}, says {_told(pinned.said)}"
        yield _notice(after, Told.PINNED, pinned.said.at.isoformat(), pinned.said.at, detail, pinned.digest)
    elif was is not None and pinned is None:
        detail = f"{after.place} is pinned to {was.digest} no more, and is to be {after.wanted or 'left as it is'}"
        yield _notice(after, Told.UNPINNED, was.said.at.isoformat(), now, detail, was.digest)
    elif was is not None and before.why is Why.PINNED and after.why is not Why.PINNED and not is_pinned(after, now):
        detail = f"the date has passed until when {after.place} was pinned to {was.digest}"
        yield _notice(after, Told.UNPINNED, was.said.at.isoformat(), now, detail, was.digest)


def _of_choices(before: Target, after: Target, now: datetime) -> Iterator[Notice]:
    asked, chosen = after.override, after.chosen
    if asked is not None and asked != before.override:
        detail = f"{asked.by.told} asks that {after.place} takes {asked.digest} against its gate: {asked.why}"
        yield _notice(after, Told.OVERRIDE_ASKED, asked.at.isoformat(), asked.at, detail, asked.digest)
    if chosen is not None and _said(chosen) != _said(before.chosen):
        told, does = _CHOSEN[chosen.why]
        detail = f"{after.place} {does} {chosen.digest}, says {_told(chosen.said)}"
        yield _notice(after, told, chosen.said.at.isoformat(), chosen.said.at, detail, chosen.digest)
    elif after.number != before.number and after.why is Why.ROLLED_BACK and before.wanted != after.wanted:
        detail = f"{after.place} goes back to {after.wanted}, as what it was is refused"
        yield _notice(after, Told.ROLLED_BACK, str(after.number), now, detail, after.wanted)


_CHOSEN = {
    Why.ROLLED_BACK: (Told.ROLLED_BACK, "goes back to"),
    Why.RESTORED: (Told.RESTORED, "goes back by its canaries to"),
    Why.AGAINST_GATE: (Told.OVERRIDE, "takes against its gate"),
}


def _said(chosen: Chosen | None) -> tuple[Digest, Said] | None:
    return (chosen.digest, chosen.said) if chosen is not None else None


def _of_waivers(before: Target, after: Target) -> Iterator[Notice]:
    for one in after.waived:
        if one in before.waived:
            continue
        what = f"{one.id} in {one.package} of {one.digest} at {after.place} until {one.until}"
        if one.granted is not None and one.granted_at is not None:
            detail = f"{one.granted.told} grants that {what} does not count: {one.why}"
            yield _notice(after, Told.WAIVER_GRANTED, _mark(one, one.granted_at), one.granted_at, detail, one.digest)
        else:
            detail = f"{one.asked.told} asks that {what} does not count: {one.why}"
            yield _notice(after, Told.WAIVER_ASKED, _mark(one, one.asked_at), one.asked_at, detail, one.digest)


def _mark(one: Waived, at: datetime) -> str:
    return f"{one.digest} {one.id} {one.package} {at.isoformat()}"


def _of_blocks(before: Target, after: Target, now: datetime) -> Iterator[Notice]:
    known = {one.digest for one in before.blocked}
    for one in after.blocked:
        if one.digest not in known:
            yield _ruled(after, Told.BLOCKED, f"digest:{one.digest}", one.said, f"{one.digest} is refused", one.said.at)
    left = {one.digest for one in after.blocked}
    for one in before.blocked:
        if one.digest not in left:
            told = f"{one.digest} is refused no more; it was refused"
            yield _ruled(after, Told.RELEASED, f"digest:{one.digest}", one.said, told, now)


def _of_holds(before: Target, after: Target, now: datetime) -> Iterator[Notice]:
    hold, was = after.hold, before.hold
    if hold is not None and was is None:
        image = _entry(after, hold)
        yield _ruled(after, Told.HELD, f"image:{image}", hold, f"nothing is decided for {image}", hold.at)
    if was is not None and hold is None:
        image = _entry(before, was)
        yield _ruled(after, Told.RESUMED, f"image:{image}", was, f"{image} is decided for again; it was held", now)


def _entry(target: Target, hold: Held) -> str:
    return hold.image or target.origin.image


def _ruled(target: Target, told: Told, about: str, said: Said, what: str, at: datetime) -> Notice:
    """It is about a digest or an entry, and whichever target is told of it first tells it."""
    return Notice(
        kind=told.value,
        about=about,
        mark=said.at.isoformat(),
        at=at,
        detail=f"{what}, says {_told(said)}"[:_LONGEST],
        images=(target.origin.image,),
        digest=Digest(about.removeprefix("digest:")) if about.startswith("digest:") else Digest(""),
        cause=about,
    )


def _notice(target: Target, told: Told, mark: str, at: datetime, detail: str, digest: Digest) -> Notice:
    return Notice(
        kind=told.value,
        about=f"target:{target.id}",
        mark=mark,
        at=at,
        detail=detail[:_LONGEST],
        place=str(target.place),
        images=(target.origin.image,),
        digest=digest,
        cause=target.id if told in _APART else "",
    )


# Each of these is a message of its own.
_APART = frozenset({Told.OVERRIDE, Told.OVERRIDE_ASKED, Told.ROLLED_BACK, Told.RESTORED, Told.PINNED})


def _told(said: Said) -> str:
    return f"{said.by}: {said.why}"


def _span(span: timedelta) -> str:
    minutes = max(int(span.total_seconds()) // 60, 0)
    days, hours = minutes // 1440, minutes % 1440 // 60
    return f"{days} d {hours} h" if days else f"{hours} h {minutes % 60} min" if hours else f"{minutes} min"

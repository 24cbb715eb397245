"""How every watched tag stands, in one record a tag, as pages list and count them. Pure.

Of what was decided, the record of the tag says all. What became of a candidate that ended long ago stands in the
archive, of which nothing is read here: that it was rejected, or could not be decided, is a trouble for as long as it
keeps its tag from following its source.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime
from enum import Enum

import msgspec

from shared.domain.promotion.admission import Admission, Waiting, admission_of, in_use
from shared.domain.promotion.barring import bar_of
from shared.domain.promotion.built import NOTHING_BUILT, Built
from shared.domain.promotion.candidate import Candidate, Place
from shared.domain.promotion.identity import candidate_id
from shared.domain.promotion.said import Why
from shared.domain.promotion.standing import Standing, TagStanding, stands
from shared.domain.promotion.statuses import Status
from shared.domain.promotion.target import Target
from shared.domain.promotion.target_troubles import awaited_candidate, behind_since, is_behind
from shared.domain.references import Digest, Tag
from shared.domain.watching.observation import Observation
from shared.domain.watching.troubles import Kind, Noted, about_candidate
from shared.domain.watching.watch_list import Image


class Need(Enum):
    """What a tag asks of people."""

    APPROVAL = "approval"  # to agree to a digest that passed, or to refuse it
    OVERRIDE = "override"  # to grant, as another one, that a digest is taken against its gate
    WAIVER = "waiver"  # to grant, as another one, that a finding is waived


class Wish(msgspec.Struct, frozen=True):
    """Something that one tag asks of people.

    Attributes:
        need: what.
        target: the tag's id.
        place: the tag, such as ``base/node:22``.
        image: the name of its entry.
        owner: whose that is; empty if it says nobody.
        digest: what it is asked for.
        base: what is in use; empty for nothing.
        since: since when it is asked, UTC.
        detail: for people.
        by: who asked, as records name callers; empty if nobody did.
        candidate: the id of the digest's candidate.
        until: until when a waiver is asked for; empty for anything else.
    """

    need: Need
    target: str
    place: str
    image: str
    owner: str
    digest: Digest
    base: Digest
    since: datetime
    detail: str
    by: str = ""
    candidate: str = ""
    until: str = ""


class Line(msgspec.Struct, frozen=True):
    """One watched tag.

    Attributes:
        image: the name of its entry.
        owner: whose that is; empty if it says nobody.
        source: the upstream repository.
        tag: upstream.
        place: in the base registry, such as ``base/node:22``; a tool's is in the staging registry.
        target: the id of its target; empty if there is none.
        upstream: what its source was last seen to bear; empty for nothing.
        base: what the tag was last seen to bear; empty for nothing.
        status: how it stands.
        reason: why, by name.
        detail: for people.
        since: since when, UTC; ``None`` if nothing says so.
        waits_for: what it waits for before it follows its source; ``None`` if for nothing.
        until: when that ends by itself, UTC; ``None`` if it does not.
        candidate: the id of the candidate that this is about; empty for none.
        candidate_status: where that is; ``None`` if it ended long ago.
        wishes: how many things it asks of people.
        built: what is built on it.
        trouble: why the latest look, or the latest import, did not succeed; empty if it did.
        checked_at: when its source last gave an answer, UTC; ``None`` if it never did.
        tool: whether it is mirrored for runs, and promoted nowhere.
    """

    image: str
    owner: str
    source: str
    tag: Tag
    place: str
    target: str
    upstream: str
    base: str
    status: Standing
    reason: str
    detail: str
    since: datetime | None
    waits_for: Waiting | None = None
    until: datetime | None = None
    candidate: str = ""
    candidate_status: Status | None = None
    wishes: int = 0
    built: Built = NOTHING_BUILT
    trouble: str = ""
    checked_at: datetime | None = None
    tool: bool = False


class Group(Enum):
    """Where pages count a tag: the first of these that it is."""

    NEEDS_PEOPLE = "needs-people"  # it asks something of people
    STOPPED = "stopped"  # what its source bears does not come to it: rejected, failed, gone or moved by others
    WAITING = "waiting"  # it waits for time, an answer or a turn, and goes on by itself
    UNDER_WAY = "under-way"  # what its source bears is copied, tested or promoted
    OTHERWISE = "otherwise"  # people decided otherwise, or its upstream has it no more and what was promoted is kept
    CURRENT = "current"  # it bears what its source does


_GROUPS = {
    Standing.UNSEEN: Group.WAITING,
    Standing.NEVER_THERE: Group.STOPPED,
    Standing.GONE: Group.OTHERWISE,
    Standing.DOUBTED: Group.WAITING,
    Standing.WAITING: Group.WAITING,
    Standing.UNDER_WAY: Group.UNDER_WAY,
    Standing.REJECTED: Group.STOPPED,
    Standing.SOAKING: Group.WAITING,
    Standing.COMPANIONS: Group.WAITING,
    Standing.LOCKED: Group.NEEDS_PEOPLE,
    Standing.FROZEN: Group.WAITING,
    Standing.AWAITING: Group.NEEDS_PEOPLE,
    Standing.OBSERVED: Group.OTHERWISE,
    Standing.FAILED: Group.STOPPED,
    Standing.HELD: Group.OTHERWISE,
    Standing.OTHERWISE: Group.OTHERWISE,
    Standing.DRIFTED: Group.STOPPED,
    Standing.CURRENT: Group.CURRENT,
}


def group_of(one: Line) -> Group:
    """Return where pages count a tag."""
    if one.wishes:
        return Group.NEEDS_PEOPLE
    if one.waits_for is not None and one.status is Standing.UNDER_WAY:
        return Group.WAITING
    return _GROUPS[one.status]


class Watched(msgspec.Struct, frozen=True):
    """A tag that the watch list in force wants, with what is known of it upstream; ``None`` if it was not looked at.

    Tags of one entry share the name of their source: thousands of lines are kept.
    """

    image: Image
    source: str
    tag: Tag
    place: Place
    seen: Observation | None


def line(
    watched: Watched,
    target: Target | None,
    current: Mapping[str, Candidate],
    troubles: Mapping[str, Noted],
    built: Built = NOTHING_BUILT,
) -> Line:
    """Tell how a watched tag stands.

    Args:
        watched: the tag.
        target: what is known of its place; ``None`` if nothing is.
        current: the candidates that did not end long ago, by their ids.
        troubles: what is wrong now, by what it is about.
        built: what is built on it.
    """
    wanted = awaited_candidate(target) if target is not None else ""
    candidate = current.get(wanted)
    standing = stands(watched.tag, str(watched.place), watched.seen, target, candidate)
    noted = troubles.get(about_candidate(wanted)) if wanted and candidate is None else None
    waits_for, until = waits_of(target) if target is not None else (None, None)
    status, detail = _status(standing, noted)
    upstream, base = standing.upstream or "", standing.base or ""
    return Line(
        image=watched.image.name,
        owner=watched.image.owner or "",
        source=watched.source,
        tag=watched.tag,
        place=standing.target,
        target=target.id if target is not None else "",
        upstream=upstream,
        # Most bear what their source does: of two equal texts one is kept.
        base=upstream if base == upstream else base,
        status=status,
        reason=noted.trouble.kind.value if noted is not None else standing.reason,
        detail=detail,
        since=_since(standing, target, noted),
        waits_for=waits_for,
        until=until,
        candidate=wanted or standing.candidate or "",
        candidate_status=candidate.status if candidate is not None else None,
        wishes=sum(1 for _ in wishes(target)) if target is not None else 0,
        built=built,
        trouble=standing.trouble or "",
        checked_at=standing.checked_at,
    )


def tool_line(image: Image, standing: TagStanding) -> Line:
    """Tell how a tool stands, which nobody promotes and nothing is asked for."""
    return Line(
        image=image.name,
        owner=image.owner or "",
        source=str(image.repository),
        tag=standing.tag,
        place=standing.target,
        target="",
        upstream=standing.upstream or "",
        base=standing.base or "",
        status=standing.status,
        reason=standing.reason,
        detail=standing.detail,
        since=standing.changed_at,
        candidate=standing.candidate or "",
        trouble=standing.trouble or "",
        checked_at=standing.checked_at,
        tool=True,
    )


def waits_of(target: Target) -> tuple[Waiting | None, datetime | None]:
    """Return what a tag waits for before it comes to what its source was last seen to bear, and until when."""
    bar = bar_of(target)
    if bar is not None:
        return bar.waiting, bar.until
    newest = _newest_admission(target)
    waits = newest.waits_for if newest is not None and is_behind(target) else None
    return waits, newest.until if newest is not None and waits is not None else None


def wishes(target: Target, owner: str = "") -> Iterator[Wish]:
    """Iterate over what a tag asks of people.

    Args:
        target: its record.
        owner: whose its entry is.
    """
    if target.let_go is not None:
        return
    newest = _newest_admission(target)
    if newest is not None and newest.waits_for is Waiting.APPROVAL and is_behind(target):
        yield _wish(target, owner, Need.APPROVAL, newest.digest, newest.at, newest.detail)
    if target.override is not None:
        asked = target.override
        yield _wish(target, owner, Need.OVERRIDE, asked.digest, asked.at, asked.why, asked.by.told)
    for one in target.waived:
        if one.granted is None:
            told = f"{one.id} in {one.package}: {one.why}"
            yield _wish(target, owner, Need.WAIVER, one.digest, one.asked_at, told, one.asked.told, one.until)


def _wish(
    target: Target, owner: str, need: Need, digest: Digest, at: datetime, detail: str, by: str = "", until: str = ""
) -> Wish:
    return Wish(
        need=need,
        target=target.id,
        place=str(target.place),
        image=target.origin.image,
        owner=owner,
        digest=digest,
        base=in_use(target),
        since=at,
        detail=detail,
        by=by,
        candidate=candidate_id(target.origin.source, digest, target.origin.gate),
        until=until,
    )


class Promoted(msgspec.Struct, frozen=True):
    """When a tag came to a digest that had passed, UTC, and how long after that was first seen; in hours."""

    at: datetime
    hours: float | None


def promotions(target: Target) -> Iterator[Promoted]:
    """Iterate over when a tag came to what passed, as far back as its record says; how fast, it says of the last."""
    latest = _latest_promotion(target)
    if latest is not None:
        yield latest
    for one in target.former:
        if not one.foreign and (latest is None or one.until < latest.at):
            yield Promoted(one.until, None)


def _latest_promotion(target: Target) -> Promoted | None:
    if target.why is not Why.NEWEST or target.reached != target.number or target.decided_at is None:
        return None
    seen = next((one.first_seen for one in target.sightings if one.digest == target.wanted), None)
    return Promoted(target.decided_at, (target.decided_at - seen).total_seconds() / 3600 if seen is not None else None)


def _newest_admission(target: Target) -> Admission | None:
    return admission_of(target, target.newest.digest) if target.newest is not None else None


_TROUBLED = {Kind.CANDIDATE_REJECTED: Standing.REJECTED, Kind.CANDIDATE_FAILED: Standing.FAILED}


def _status(standing: TagStanding, noted: Noted | None) -> tuple[Standing, str]:
    """What ended long ago is told by its trouble, where nothing else tells."""
    if noted is None or standing.status not in {Standing.OTHERWISE, Standing.UNDER_WAY}:
        return standing.status, standing.detail
    return _TROUBLED.get(noted.trouble.kind, standing.status), noted.trouble.detail


def _since(standing: TagStanding, target: Target | None, noted: Noted | None) -> datetime | None:
    if noted is not None:
        return noted.since
    behind = behind_since(target) if target is not None else None
    return behind or standing.changed_at

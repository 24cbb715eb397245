"""A target as it is shown: what a record keeps for itself alone is left out."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from types import MappingProxyType

import msgspec
from msgspec import UNSET, UnsetType

from shared.domain.promotion.admission import Admission, Waiting, admission_of
from shared.domain.promotion.barring import bar_of
from shared.domain.promotion.consents import Consent, OverrideAsked, Waived
from shared.domain.promotion.importing import Unsettled
from shared.domain.promotion.overriding import Override
from shared.domain.promotion.said import Blocked, Chosen, Forced, Held, Pinned, Said, Why
from shared.domain.promotion.target import Awaited, Former, Origin, Sighting, Target
from shared.domain.references import Digest, Tag
from shared.domain.scan.decision import Outcome
from shared.web.parts import Part, shown_as
from shared.web.shown_companions import ShownCompanions


class ShownImport(msgspec.Struct, frozen=True, omit_defaults=True):
    """The import that is under way.

    Attributes:
        digest: what it will leave.
        since: when it was begun, UTC.
        differs_since: since when it is known that it ended and another digest is read back, UTC.
    """

    digest: Digest
    since: datetime
    differs_since: datetime | None = None


class ShownFormer(msgspec.Struct, frozen=True, kw_only=True):
    """A digest that the tag bore before.

    Attributes:
        digest: which.
        until: until when, UTC.
        foreign: whether nobody of us put it there.
        against_gate: who took it against its gate; ``null`` if nobody did.
        blocked: whether it is blocked.
        can_be_had_from: ``base``, ``staging``, ``upstream``, ``nowhere``, or ``unknown`` if not all could be asked;
            said of a single target alone.
    """

    digest: Digest
    until: datetime
    foreign: bool
    against_gate: Said | None
    blocked: bool
    can_be_had_from: str | UnsetType = UNSET


class ShownAdmission(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True):
    """What was decided of a digest for the tag, and by what.

    Attributes:
        digest: of what.
        outcome: only ``pass`` lets the tag come to it by itself.
        reasons: their names.
        detail: for people, with the first findings by name, and what to do.
        policy: the name of the policy in force.
        policy_sha256: hash of its content.
        platforms: those that its entry had.
        exceptions: hash of the waivers, VEX and known-exploited files in force; absent if there are none.
        base: the digest in use that it was compared with; absent for none.
        database_at: of when the scanner's database was, UTC.
        findings: how many there are in all.
        blocking: how many of them speak against it.
        at: when it was decided, UTC.
        evidence: the name under which the whole decision is kept with the candidate; absent if there was no scan.
        holds: the names of those reasons that hold.
        until: when what holds ends by itself, UTC.
        facts: what the record of the tag says that this was decided by, each check's as one text.
        again: when it is worth deciding anew whatever was decided, UTC.
        waits_for: what it waits for before everything else; absent if it is not held back.
        would_be: what it would have come to, where its entry is only observed.
    """

    digest: Digest
    outcome: Outcome
    reasons: tuple[str, ...] = ()
    detail: str = ""
    policy: str = ""
    policy_sha256: str = ""
    platforms: tuple[str, ...] = ("linux/amd64",)
    exceptions: str = ""
    base: Digest = Digest("")
    database_at: datetime | None = None
    findings: int = 0
    blocking: int = 0
    at: datetime
    evidence: str = ""
    holds: tuple[str, ...] = ()
    until: datetime | None = None
    facts: tuple[str, ...] = ()
    again: datetime | None = None
    waits_for: Waiting | None = None
    would_be: Outcome | None = None


class TargetLine(msgspec.Struct, frozen=True):
    """A line of the activity log about the target."""

    name: str
    at: datetime
    detail: str


class ShownTarget(msgspec.Struct, frozen=True, kw_only=True):
    """One tag of the base registry: what it is to bear, and why.

    Attributes:
        id: the target's id.
        registry: the base registry's name.
        repository: in it.
        tag: the tag.
        origin: where its digests come from.
        step: counts the changes of its record.
        look_at: when it is to be looked at again, UTC.
        decided_at: when was decided last, UTC.
        seen_at: when the tag was last read, UTC.
        wanted: the digest that the tag is to bear; ``null`` for none.
        why: why that one.
        number: of the decision; whoever acts may say which one was seen.
        against_gate: who took what is wanted against its gate.
        reached: whether the tag has come to what is wanted.
        seen: the digest that the tag was last seen to bear.
        foreign: whether nobody of us put that there.
        newest: what its source was last seen to bear.
        previous: what the tag bore before, the latest first.
        pinned: the digest that is wanted whatever comes.
        chosen: the digest that people went back to.
        hold: who said that nothing is to be decided.
        importing: the import under way.
        awaited: the digest whose verdict is waited for.
        trouble: why the last import did not succeed.
        retry_at: when it is tried again, UTC.
        blocked: digests that people refuse.
        forced: digests that people took against their gate.
        override: what somebody asked to be taken against its gate.
        waived: findings that people waive here, or ask to.
        consents: what people said of digests that wait for them.
        admissions: what was decided of digests, by whom is asked.
        waits_for: what the tag waits for before it comes to what its source bears.
        waits_because: what is in the way of that, where there is more to say; else ``null``.
        until: until when, UTC, where time alone ends it.
        companions: what lies beside what is wanted, said of a single target alone, where its entry asks for any.
        unsettled: imports that nobody knows the end of.
        failures: how often in a row an import failed.
        became: what became of the wish, in the answer to an override.
        activity: its latest lines, said of a single target alone.
    """

    id: str
    registry: str
    repository: str
    tag: Tag
    origin: Origin
    step: int
    look_at: datetime | None
    decided_at: datetime | None
    seen_at: datetime | None
    wanted: Digest | None
    why: Why
    number: int
    against_gate: Said | None
    reached: bool
    seen: Digest | None
    foreign: bool
    newest: Sighting | None
    previous: tuple[ShownFormer, ...]
    pinned: Pinned | None
    chosen: Chosen | None
    hold: Held | None
    importing: ShownImport | None
    awaited: Awaited | None
    trouble: str | None
    retry_at: datetime | None
    blocked: tuple[Blocked, ...]
    forced: tuple[Forced, ...]
    override: OverrideAsked | None
    waived: tuple[Waived, ...]
    consents: tuple[Consent, ...]
    admissions: tuple[ShownAdmission, ...]
    waits_for: Waiting | None
    waits_because: str | None
    until: datetime | None
    unsettled: tuple[Unsettled, ...]
    failures: int
    became: Override | UnsetType = UNSET
    activity: tuple[TargetLine, ...] | UnsetType = UNSET
    companions: ShownCompanions | UnsetType = UNSET


class TargetsPart(Part, frozen=True, omit_defaults=True, kw_only=True):
    """Some of the targets."""

    targets: tuple[ShownTarget, ...]


def shown_target(target: Target, had_from: Mapping[Digest, str] = MappingProxyType({})) -> ShownTarget:
    """Return a target as it is shown.

    Args:
        target: the record.
        had_from: who still has what it bore before, where that was asked.
    """
    forced = {one.digest: one.said for one in target.forced}
    refused = {one.digest for one in target.blocked}
    waits, until = _waiting(target)
    return shown_as(
        ShownTarget,
        target,
        id=target.id,
        wanted=target.wanted or None,
        against_gate=forced.get(target.wanted),
        reached=bool(target.wanted) and target.reached == target.number,
        seen=target.seen or None,
        newest=target.newest,
        previous=tuple(_former(one, forced, refused, had_from) for one in target.former),
        importing=shown_as(ShownImport, target.importing) if target.importing else None,
        trouble=target.trouble or None,
        admissions=tuple(map(shown_admission, target.admissions)),
        waits_for=waits,
        waits_because=_in_the_way(target),
        until=until,
    )


def _in_the_way(target: Target) -> str | None:
    bar = bar_of(target)
    return (bar.detail or None) if bar is not None else None


def shown_admission(admission: Admission) -> ShownAdmission:
    """Return what was decided of a digest as it is shown, with what it waits for and what it would have come to."""
    return shown_as(ShownAdmission, admission, waits_for=admission.waits_for, would_be=admission.would_be)


def _former(
    one: Former, forced: Mapping[Digest, Said], refused: set[Digest], had_from: Mapping[Digest, str]
) -> ShownFormer:
    had = had_from.get(one.digest, UNSET)
    return ShownFormer(
        digest=one.digest,
        until=one.until,
        foreign=one.foreign,
        against_gate=forced.get(one.digest),
        blocked=one.digest in refused,
        can_be_had_from=had,
    )


def _waiting(target: Target) -> tuple[Waiting | None, datetime | None]:
    """What the tag waits for before it comes to what its source was last seen to bear, and until when."""
    bar = bar_of(target)
    if bar is not None:
        return bar.waiting, bar.until
    newest = admission_of(target, target.newest.digest) if target.newest is not None else None
    return (newest.waits_for, newest.until) if newest is not None else (None, None)

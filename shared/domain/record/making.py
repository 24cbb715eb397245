"""Makes the statement: the same for the same truth, whenever it is made. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta

import msgspec

from shared.domain.promotion.consents import Answer, Kind
from shared.domain.promotion.said import Said
from shared.domain.promotion.target import Target
from shared.domain.record.statement import (
    FAILED_LEVEL,
    Decision,
    Findings,
    Material,
    Result,
    Statement,
    Subject,
    Summary,
    Verifier,
    WaivedFinding,
    digest_set,
    resource_uri,
)
from shared.domain.record.truth import Claim, Ground, Truth
from shared.domain.references import Digest
from shared.errors import Refused

_MOST_WAIVERS = 100
_WAIVED = "waived"
# As callers are named: what else stands in brackets may be a name, which a signed record could not forget.
_BY = re.compile(rf"\((?:{'|'.join(kind.value for kind in Kind)}) (?P<id>[^\s()]+)\)\Z")


class Place(msgspec.Struct, frozen=True):
    """Where an image is.

    Attributes:
        server: login server of the base registry.
        repository: in it.
        digest: of the image, or of its index.
        platforms: the digests of the images of its platforms, if it is an index.
    """

    server: str
    repository: str
    digest: Digest
    platforms: tuple[Digest, ...] = ()

    @property
    def uri(self) -> str:
        """What a record of it is about."""
        return resource_uri(self.server, self.repository)


class Grounds(msgspec.Struct, frozen=True):
    """What the truth was found in.

    Attributes:
        claims: one for each tag.
        inputs: what was read, all of it or none.
        source: the upstream repository.
        run: the registry's id of the run of its test.
        findings: of its scan.
        waivers: what is waived.
        people: who agreed, or took it against its gate, as object ids.
    """

    claims: tuple[Claim, ...]
    inputs: tuple[Material, ...] = ()
    source: str = ""
    run: str = ""
    findings: Findings | None = None
    waivers: tuple[WaivedFinding, ...] = ()
    people: tuple[str, ...] = ()


class _Finding(msgspec.Struct, frozen=True):
    id: str = ""
    package: str = ""
    blocks: bool = False
    decided: str = ""


class _Platform(msgspec.Struct, frozen=True):
    findings: tuple[_Finding, ...] = ()


class _Decided(msgspec.Struct, frozen=True):
    platforms: dict[str, _Platform] = {}


_DECIDED = msgspec.json.Decoder(_Decided)


def statement_of(
    place: Place, truth: Truth, grounds: Grounds, verifier: Verifier, at: datetime | None = None
) -> Statement:
    """Return the statement about an image.

    Args:
        place: where the image is.
        truth: what may be said of it; with a result.
        grounds: what that was found in.
        verifier: who says so.
        at: when it was decided, UTC; ``None`` for when its decisions were made.
    """
    passed = truth.result is Result.PASSED
    return Statement(
        subject=tuple(_subject(place, digest) for digest in (place.digest, *sorted(set(place.platforms)))),
        predicate=Summary(
            verifier=verifier,
            time_verified=at or decided_at(grounds.claims),
            resource_uri=place.uri,
            policy=Material(policy_uri(verifier.id, truth.policy), _hash(truth.policy_sha256)),
            input_attestations=grounds.inputs,
            verification_result=Result.PASSED if passed else Result.FAILED,
            verified_levels=tuple(level.value for level in truth.levels) if passed else (FAILED_LEVEL,),
            decision=_decision(truth, grounds),
        ),
    )


def decided_at(claims: Sequence[Claim]) -> datetime:
    """Return when the latest of some decisions was made, to the second, UTC.

    Raises:
        Refused: none of them says when it was made.
    """
    times = [claim.at for claim in claims if claim.at is not None]
    if not times:
        raise Refused("when it was decided is not known, so that no record of it can be made")
    return max(times).replace(microsecond=0)


def judged_at(claims: Sequence[Claim], after: datetime | None, now: datetime) -> datetime:
    """Return when it was decided, later than what is said instead of: whoever finds both believes the later one.

    What people refuse no more is in force by a decision that was made before they refused it, and judged anew now.

    Args:
        claims: see ``decided_at``.
        after: when what was said before was decided, UTC; ``None`` if nothing was.
        now: UTC.

    Raises:
        Refused: see ``decided_at``.
    """
    at = decided_at(claims)
    if after is None or at > after:
        return at
    return max(now.replace(microsecond=0), after + timedelta(seconds=1))


def policy_uri(verifier: str, name: str) -> str:
    """Return what a policy is called in a record."""
    return f"{verifier.rstrip('/')}/policies/{name or 'none'}"


def evidence_uri(verifier: str, record: str, name: str) -> str:
    """Return what a piece of evidence is called in a record."""
    return f"{verifier.rstrip('/')}/evidence/{record}/{name}"


def counted(decided: bytes) -> tuple[Findings | None, tuple[WaivedFinding, ...]]:
    """Count the findings of a decision over a scan, as it is kept as evidence.

    Args:
        decided: the document.

    Returns:
        How many there are, and those that are waived, each once; ``None`` if it cannot be read, for nobody can say then
        that there are none.
    """
    try:
        platforms = _DECIDED.decode(decided).platforms
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None, ()
    found = [one for platform in platforms.values() for one in platform.findings]
    waived = {(one.id, one.package) for one in found if one.decided == _WAIVED}
    told = tuple(WaivedFinding(*one) for one in sorted(waived)[:_MOST_WAIVERS])
    return Findings(len(found), sum(one.blocks for one in found), len(waived)), told


def people_of(targets: Iterable[Target], digest: Digest) -> tuple[str, ...]:
    """Return who agreed to a digest, or took it against its gate, as ids that name nobody."""
    ids: set[str] = set()
    for target in targets:
        ids |= {one.by.id for one in target.consents if one.digest == digest and one.answer is Answer.AGREED}
        for forced in (one for one in target.forced if one.digest == digest):
            ids |= {_id_of(said) for said in (forced.said, forced.asked) if said is not None}
    return tuple(sorted(ids - {""}))


def _id_of(said: Said) -> str:
    """Records name people as ``Name (person 00000000-…)``; whoever is named otherwise is left out."""
    found = _BY.search(said.by)
    return found["id"] if found else ""


def _subject(place: Place, digest: Digest) -> Subject:
    return Subject(f"{place.server}/{place.repository}@{digest}", digest_set(digest))


def _hash(sha256: str) -> dict[str, str]:
    return {"sha256": sha256} if sha256 else {}


def _decision(truth: Truth, grounds: Grounds) -> Decision:
    return Decision(
        ground=truth.ground.value,
        source=grounds.source,
        tags=tuple(sorted((claim.of for claim in grounds.claims), key=lambda of: of.tag)),
        run=grounds.run if truth.ground is Ground.PASSED else "",
        findings=grounds.findings,
        waivers=grounds.waivers,
        people=grounds.people,
    )

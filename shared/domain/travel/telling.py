"""What lies beside a digest, and what a tag waits for, in words and numbers for people. Pure."""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

from shared.domain.travel.companions import Companions, Want
from shared.domain.travel.locked import Lock, LockState, Right, is_digest
from shared.domain.travel.locks import asks_locks
from shared.domain.travel.recorded import RecordState
from shared.domain.travel.referrers import Referrer, ReferrerState
from shared.domain.watching.travelling import ReferrerMode

# So much is said of what does not come; more is counted.
_MOST_NAMED = 3
_SHORT = 19  # sha256: and twelve digits
_KINDS = (
    ("application/vnd.dev.sigstore.bundle", "sigstore bundle"),
    ("application/vnd.dev.cosign", "cosign signature"),
    ("application/vnd.cncf.notary.signature", "Notation signature"),
    ("application/spdx", "SBOM (SPDX)"),
    ("text/spdx", "SBOM (SPDX)"),
    ("application/vnd.cyclonedx", "SBOM (CycloneDX)"),
    ("application/vnd.in-toto", "attestation"),
    ("application/vnd.docker.attestation.manifest", "attestation"),
)


_LOCKS = {
    LockState.SETTING: "is being locked",
    LockState.SET: "is locked",
    LockState.THEIRS: "is locked by others",
    LockState.LIFTING: "is being unlocked",
    LockState.UNDONE: "was unlocked by others again and again, and is left so for a day",
    LockState.MISSING: "is to be locked and is not there",
}


class Count(msgspec.Struct, frozen=True):
    """Referrers of one type.

    Attributes:
        kind: the type, as people call it; the artifact type where they have no word for it.
        there: how many there are, as far as is known.
        arrived: how many of these the base registry has.
        missing: how many ought to be there and are not.
    """

    kind: str
    there: int
    arrived: int
    missing: int


def counts(companions: Companions) -> tuple[Count, ...]:
    """Return how many referrers of each type there are, have arrived, and are missing."""
    of_kind: dict[str, list[Referrer]] = {}
    for one in companions.referrers:
        of_kind.setdefault(kind_of(one), []).append(one)
    return tuple(
        Count(
            kind=kind,
            there=len(some),
            arrived=sum(one.state in {ReferrerState.ARRIVED, ReferrerState.INCLUDED} for one in some),
            missing=sum(one.is_missing for one in some),
        )
        for kind, some in sorted(of_kind.items())
    )


def kind_of(one: Referrer) -> str:
    """Return what a referrer is, as people call it."""
    if one.tag:
        return "cosign attestation (by tag)" if one.tag.endswith(".att") else "cosign signature (by tag)"
    named = (word for start, word in _KINDS if one.artifact_type.startswith(start))
    return next(named, one.artifact_type or "of no told type")


def told_counts(companions: Companions) -> str:
    """Say what lies beside a digest, in one line."""
    return "; ".join(filter(None, (_told_referrers(companions), _told_parts(companions))))


def _told_parts(companions: Companions) -> str:
    """A part that is gone and does not come again keeps its platform from pulling the image."""
    gone = [one[:_SHORT] for one in companions.parts_gone]
    if not gone:
        return ""
    named = ", ".join(gone[:_MOST_NAMED]) + (f" and {len(gone) - _MOST_NAMED} more" if len(gone) > _MOST_NAMED else "")
    why = f": {companions.image_tries.trouble}" if companions.image_tries.trouble else ""
    return f"of its platforms {named} cannot be pulled, and come again{why}"


def _told_referrers(companions: Companions) -> str:
    if companions.mode is ReferrerMode.OFF:
        return ""
    if companions.listed_at is None:
        why = f": {companions.listing_tries.trouble}" if companions.listing_tries.trouble else ""
        return f"referrers unknown{why}"
    every = counts(companions)
    missing = sum(one.missing for one in every)
    told = ", ".join(f"{one.arrived} of {one.there} {one.kind}" for one in every) or "no referrers"
    return f"{told}; {missing} missing" if missing else told


def waits_because(companions: Companions, want: Want) -> str:
    """Say what is in the way of what a tag waits for; empty where nothing is, or where it does not wait for that."""
    if want.ready_at is not None:
        return ""
    return "; ".join(_reasons(companions, want))


def _reasons(companions: Companions, want: Want) -> Iterator[str]:
    unique = companions.unique_of(want.tag)
    if want.is_named and (unique is None or unique.landed_at is None) and companions.image_tries.trouble:
        name = unique.name if unique is not None else "its unique tag"
        yield f"{name} does not come: {companions.image_tries.trouble}"
    if want.asked.referrers is ReferrerMode.REQUIRED:
        yield from _of_referrers(companions)
    record = companions.record
    if want.asked.record and record is not None and record.state is RecordState.OPEN and record.tries.trouble:
        yield f"the record of the decision does not come: {record.tries.trouble}"
    if asks_locks(want):
        yield from (f"{one.of} cannot be locked: {one.tries.trouble}" for one in _unlocked(companions)[:_MOST_NAMED])


def _unlocked(companions: Companions) -> list[Lock]:
    return [one for one in companions.locks if one.tries.trouble and not one.holds]


def told_locks(companions: Companions) -> str:
    """Say what is locked of an image, and by whom, in one line; empty where nothing is."""
    return "; ".join(f"{_named_lock(one)} {_told_lock(one)}" for one in companions.locks)


def _named_lock(one: Lock) -> str:
    return one.of[:_SHORT] if is_digest(one.of) else one.of


def _told_lock(one: Lock) -> str:
    pulls = ", and not to be pulled" if Right.READ in one.closed else ""
    trouble = f": {one.tries.trouble}" if one.tries.trouble else ""
    return f"{_LOCKS[one.state]}{pulls}{trouble}"


def _of_referrers(companions: Companions) -> Iterator[str]:
    """What upstream has beside the image is required."""
    if companions.listing_tries.trouble:
        yield f"what refers to it is not known: {companions.listing_tries.trouble}"
    if companions.unread:
        yield f"what refers to it cannot be read whole: {companions.unread[0]}"
    if companions.image_tries.trouble and companions.image_at is None:
        yield f"the image does not come: {companions.image_tries.trouble}"
    missing = [one for one in companions.referrers if one.is_missing and not one.ours]
    stuck = [one for one in missing if one.refusal is not None or one.tries.trouble]
    yield from (f"{_short(one)} ({kind_of(one)}) {_why(one)}" for one in stuck[:_MOST_NAMED])
    if len(stuck) > _MOST_NAMED:
        yield f"{len(stuck) - _MOST_NAMED} more"


def _short(one: Referrer) -> str:
    return one.tag or one.digest[:_SHORT]


def _why(one: Referrer) -> str:
    return f"is refused: {one.refusal.value}" if one.refusal is not None else f"does not come: {one.tries.trouble}"

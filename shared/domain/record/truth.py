"""What may be said of a digest in a repository: that it passed, that it failed, or nothing. Pure, each with a name.

A record is of a digest in one repository, and so about all of its tags there: what does not hold for one of them is not
said. What cannot be shown is no pass.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from datetime import datetime
from enum import Enum

import msgspec

from shared.domain.policy.mode import Mode
from shared.domain.policy.policy import Policy
from shared.domain.promotion.admission import Admission, AdmissionReason, admission_of
from shared.domain.promotion.candidate import Candidate
from shared.domain.promotion.consents import agreed, consents_to, refusal_of
from shared.domain.promotion.soaking import first_seen
from shared.domain.promotion.target import Target
from shared.domain.record.statement import Level, OfTag, Result
from shared.domain.references import Digest
from shared.domain.scan.decision import Outcome


class Ground(Enum):
    """Why a record says what it says, or why there is none."""

    PASSED = "passed"  # every check that the policy enforces passed on this digest
    OVERRIDDEN = "overridden"  # people took it against its gate; said of it for ever
    BLOCKED = "blocked"  # people refuse it
    ADOPTED = "adopted"  # it stood there when its entry appeared, and nothing was checked
    OBSERVED = "observed"  # its entry, or its policy, is only observed
    UNGATED = "ungated"  # no policy, or none that asks for anything
    NO_ENTRY = "no-entry"  # no entry of the watch list writes the tag any more
    NOT_PASSED = "not-passed"  # not every enforced check is known to have passed on it
    OTHER_POLICY = "other-policy"  # it was let in by another policy than the one in force, and not judged by this one
    NO_TAG = "no-tag"  # no tag of the repository is decided to point at it


# Where gates' tests run.
TESTED_ON = ("linux/amd64",)
# These make a record untrue that said otherwise.
AGAINST = frozenset({Ground.BLOCKED, Ground.OVERRIDDEN})
_MOST_NAMED = 20


class Standing(msgspec.Struct, frozen=True):
    """One tag that is to point at the digest, with all that speaks for that.

    Attributes:
        target: the tag's record.
        entry: the name of the entry that writes it; empty if none does.
        policy: its policy in force; ``None`` where nothing is asked.
        observed: whether its entry is only observed.
        candidate: the digest under the policy's test; ``None`` if there is no record of it.
        platforms: each of which is scanned.
    """

    target: Target
    entry: str = ""
    policy: Policy | None = None
    observed: bool = False
    candidate: Candidate | None = None
    platforms: tuple[str, ...] = TESTED_ON


class Claim(msgspec.Struct, frozen=True):
    """What may be said of a digest at one tag.

    Attributes:
        of: the tag, its decision and its policy.
        ground: why.
        levels: what was verified.
        at: when it was decided, UTC.
        platforms: of an index, those on which every enforced check passed; ``None`` where that holds for all.
    """

    of: OfTag
    ground: Ground
    levels: tuple[Level, ...] = ()
    at: datetime | None = None
    platforms: tuple[str, ...] | None = None


class Truth(msgspec.Struct, frozen=True, omit_defaults=True):
    """What may be said of a digest in a repository; two that are equal say the same, whenever and for which tags.

    Attributes:
        result: what the record says; ``None`` for no record.
        ground: why.
        policy: names of the policies, sorted.
        policy_sha256: hash of the policy's content; of several, of their hashes.
        levels: what was verified at every tag.
        platforms: of an index, those that it speaks of, at every tag; ``None`` for all of them.
    """

    result: Result | None
    ground: Ground
    policy: str = ""
    policy_sha256: str = ""
    levels: tuple[Level, ...] = ()
    platforms: tuple[str, ...] | None = None


# Records of companions hold it: docs/decisions/0016.
_TRUTHS = msgspec.json.Decoder(Truth)


def claim_of(standing: Standing, digest: Digest) -> Claim:
    """Return what may be said of a digest at one tag.

    Args:
        standing: the tag.
        digest: the digest.
    """
    target, policy = standing.target, standing.policy
    ground = _ground(standing, digest)
    named, content = (policy.name, policy.sha256) if policy is not None else ("", "")
    at = _at(standing, digest, ground)
    number = target.number if digest == target.wanted else 0
    passed = ground is Ground.PASSED
    levels = tuple(_levels(standing, digest)) if passed else ()
    platforms = _checked_on(standing) if passed else None
    return Claim(OfTag(target.tag, number, _to_the_second(at), named, content), ground, levels, at, platforms)


def truth_of(claims: Sequence[Claim], *, failures: bool) -> Truth:
    """Return what may be said of a digest in a repository.

    Args:
        claims: one for each tag that is to point at it.
        failures: whether it is said that something failed; else nothing is.
    """
    grounds = {claim.ground for claim in claims}
    against = next((ground for ground in Ground if ground in AGAINST & grounds), None)
    if against is not None:
        return Truth(Result.FAILED if failures else None, against, *_policies(claims))
    other = next((ground for ground in Ground if ground in grounds and ground is not Ground.PASSED), None)
    if other is not None or not claims:
        return Truth(None, other or Ground.NO_TAG)
    shared = (level for level in Level if all(level in claim.levels for claim in claims))
    return Truth(Result.PASSED, Ground.PASSED, *_policies(claims), tuple(shared), _on_all(claims))


def is_outdated(kept: Result | None, truth: Truth) -> bool:
    """Whether a record says what is not so any more.

    That an image passed stays so whatever its policy asks later, and whatever is found in it later: a record says of
    when it is. It does not stay so once people refuse the image, or take it against its gate.

    Args:
        kept: what the record says; ``None`` if there is none, or one that was withdrawn.
        truth: what may be said now.
    """
    if kept is None:
        return truth.result is not None
    return kept is not truth.result and (truth.result is not None or truth.ground in AGAINST)


def concerns(target: Target, digest: Digest) -> bool:
    """Whether a tag's record says something of a digest: it is to point at it, or people spoke of it for the tag."""
    spoken_of = target.blocks(digest) or any(one.digest == digest for one in target.forced)
    return spoken_of or digest == (target.wanted or target.seen)


def _at(standing: Standing, digest: Digest, ground: Ground) -> datetime | None:
    """When it was decided: by people, when they spoke. Records of earlier versions may only know when it passed."""
    target, admission = standing.target, admission_of(standing.target, digest)
    if ground is Ground.BLOCKED:
        return next(one.said.at for one in target.blocked if one.digest == digest)
    if ground is Ground.OVERRIDDEN:
        return next(one.said.at for one in target.forced if one.digest == digest)
    passed_at = standing.candidate.passed_at if standing.candidate is not None else None
    return target.decided_at or (admission.at if admission is not None else passed_at)


def _ground(standing: Standing, digest: Digest) -> Ground:
    target, policy = standing.target, standing.policy
    if target.blocks(digest):
        return Ground.BLOCKED
    if any(one.digest == digest for one in target.forced):
        return Ground.OVERRIDDEN
    if target.let_go is not None or not standing.entry:
        return Ground.NO_ENTRY
    if standing.observed:
        return Ground.OBSERVED
    if policy is None or not _enforces(policy):
        looks = policy is not None and Mode.OBSERVE in policy.modes.values()
        return Ground.OBSERVED if looks else Ground.UNGATED
    return _passed(standing, policy, digest)


def _passed(standing: Standing, policy: Policy, digest: Digest) -> Ground:
    target = standing.target
    if digest not in target.passed:
        adopted = target.adopted is not None and target.adopted.digest == digest
        return Ground.ADOPTED if adopted else Ground.NOT_PASSED
    if policy.modes["test"] is Mode.ENFORCE and not _test_passed(standing.candidate, policy):
        return Ground.NOT_PASSED
    return _admitted(standing, policy, digest) if _asks_beside_test(policy) else Ground.PASSED


def _admitted(standing: Standing, policy: Policy, digest: Digest) -> Ground:
    """What a policy says is known of it as long as it was judged by that one.

    What is in use when a policy comes to ask for time or for people is let be by it, and did not pass that.
    """
    admission = admission_of(standing.target, digest)
    if admission is not None and admission.policy_sha256 != policy.sha256:
        return Ground.OTHER_POLICY
    if admission is None or admission.outcome is not Outcome.PASS:
        return Ground.NOT_PASSED
    signed = policy.modes.get("signatures") is not Mode.ENFORCE or _says(admission, AdmissionReason.SIGNATURE_VERIFIED)
    soaked = not policy.age or _has_soaked(standing, policy, admission) or _says(admission, AdmissionReason.FAST_LANE)
    agreed_to = policy.approval is None or _is_agreed_to(standing, policy, admission)
    return Ground.PASSED if signed and soaked and agreed_to else Ground.NOT_PASSED


def _has_soaked(standing: Standing, policy: Policy, admission: Admission) -> bool:
    candidate = standing.candidate
    return candidate is not None and admission.at - first_seen(standing.target, candidate) >= policy.age


def _is_agreed_to(standing: Standing, policy: Policy, admission: Admission) -> bool:
    """What was agreed to before it came into use is judged without anybody's consent afterwards."""
    check, said = policy.approval, consents_to(standing.target, admission.digest)
    if check is None or refusal_of(said) is not None:
        return False
    return _says(admission, AdmissionReason.APPROVED) or len(agreed(said, check.machines)) >= check.required


def _test_passed(candidate: Candidate | None, policy: Policy) -> bool:
    """Whether a record shows it: what versions before kept of tests does not say which files they were made with."""
    if candidate is None or candidate.gate != policy.gate or candidate.objection is not None:
        return False
    return candidate.has_passed and candidate.verdict is not None and candidate.verdict.passed


def _enforces(policy: Policy) -> bool:
    return Mode.ENFORCE in policy.modes.values() or bool(policy.age) or policy.approval is not None


def _asks_beside_test(policy: Policy) -> bool:
    return policy.is_more or (policy.scan is not None and policy.scan.mode is not Mode.OFF)


def _levels(standing: Standing, digest: Digest) -> Iterable[Level]:
    policy, admission = standing.policy, admission_of(standing.target, digest)
    modes = policy.modes if policy is not None else {}
    if modes.get("test") is Mode.ENFORCE:
        yield Level.TESTED
    if modes.get("scan") is Mode.ENFORCE:
        yield Level.SCANNED
    if modes.get("signatures") is Mode.ENFORCE and _says(admission, AdmissionReason.SIGNATURE_VERIFIED):
        yield Level.SIGNED
    if policy is not None and policy.age and not _says(admission, AdmissionReason.FAST_LANE):
        yield Level.SOAKED
    if policy is not None and policy.approval is not None:
        yield Level.APPROVED


def _checked_on(standing: Standing) -> tuple[str, ...] | None:
    """A platform on which an enforced check was not made did not pass it, though the index as a whole was let in."""
    modes = standing.policy.modes if standing.policy is not None else {}
    tested = TESTED_ON if modes.get("test") is Mode.ENFORCE else None
    scanned = standing.platforms if modes.get("scan") is Mode.ENFORCE else None
    return _both(tested, scanned)


def _on_all(claims: Sequence[Claim]) -> tuple[str, ...] | None:
    found: tuple[str, ...] | None = None
    for claim in claims:
        found = _both(found, claim.platforms)
    return found


def _both(one: tuple[str, ...] | None, other: tuple[str, ...] | None) -> tuple[str, ...] | None:
    if one is None or other is None:
        return other if one is None else one
    return tuple(name for name in one if name in other)


def _says(admission: Admission | None, reason: AdmissionReason) -> bool:
    return admission is not None and reason.value in admission.reasons


def _policies(claims: Sequence[Claim]) -> tuple[str, str]:
    """One policy is known by its own hash; several by that of their sorted hashes, each of which its tag names."""
    names = sorted({claim.of.policy for claim in claims if claim.of.policy})
    hashes = sorted({claim.of.policy_sha256 for claim in claims if claim.of.policy_sha256})
    return "+".join(names[:_MOST_NAMED]), hashes[0] if len(hashes) == 1 else _hash_of(hashes)


def _hash_of(hashes: Sequence[str]) -> str:
    return hashlib.sha256("\n".join(hashes).encode()).hexdigest() if hashes else ""


def _to_the_second(at: datetime | None) -> datetime | None:
    return at.replace(microsecond=0) if at is not None else None

"""The statement that is signed: one of in-toto, whose predicate is a verification summary of SLSA.

https://github.com/in-toto/attestation/blob/main/spec/v1/statement.md
https://slsa.dev/spec/v1.1/verification_summary

No level of SLSA is claimed, nor said to be unevaluated: slsa-verifier 2.7 takes what follows ``LEVEL_`` for a number,
and refuses all of a summary that has a word there.
"""

from __future__ import annotations

from datetime import datetime
from enum import Enum

import msgspec

from shared.domain.references import Digest
from shared.domain.signatures.findings import Refused
from shared.domain.signatures.statements import STATEMENT_TYPE as STATEMENT_TYPE  # noqa: PLC0414  it is told from here

IN_TOTO = "https://in-toto.io/Statement/v1"
PREDICATE_TYPE = "https://slsa.dev/verification_summary/v1"
# What no standard has a place for stands under a name that is nobody else's.
DECISION = "urn:tidegate:decision:v1"
FAILED_LEVEL = "FAILED"


class Result(Enum):
    """What a record says of an image."""

    PASSED = "PASSED"  # every check that its policy enforces passed on this digest
    FAILED = "FAILED"  # people took it against its gate, or refuse it


class Level(Enum):
    """What was verified: only checks that decide, and ran."""

    TESTED = "TIDEGATE_TESTED"  # its functional test passed
    SCANNED = "TIDEGATE_SCANNED"  # nothing that the policy blocks was found in it
    SIGNED = "TIDEGATE_SIGNED"  # it is signed by whom the policy wants
    SOAKED = "TIDEGATE_SOAKED"  # it had been seen for as long as the policy asks
    APPROVED = "TIDEGATE_APPROVED"  # as many people agreed as have to


class Subject(msgspec.Struct, frozen=True):
    """An image, or the image of one platform; its name tells it from the others, its digest is what counts."""

    name: str
    digest: dict[str, str]


class Material(msgspec.Struct, frozen=True):
    """Something that is named, and known by its digest."""

    uri: str
    digest: dict[str, str]


class Verifier(msgspec.Struct, frozen=True):
    """Who verified, as which version."""

    id: str
    version: dict[str, str] = {}


class OfTag(msgspec.Struct, frozen=True, rename="camel", omit_defaults=True):
    """For which tag it was decided, when the record was made.

    Attributes:
        tag: in the repository.
        number: the decision's, which grows with each.
        decided_at: when, UTC.
        policy: the name of its policy.
        policy_sha256: hash of that one's content.
    """

    tag: str
    number: int
    decided_at: datetime | None = None
    policy: str = ""
    policy_sha256: str = ""


class Findings(msgspec.Struct, frozen=True):
    """How many findings the scan had, how many of them speak against the image, and how many are waived."""

    found: int
    blocking: int = 0
    waived: int = 0


class WaivedFinding(msgspec.Struct, frozen=True):
    """A finding that people waived: of which vulnerability, in which package."""

    id: str
    package: str


class Decision(msgspec.Struct, frozen=True, rename="camel", omit_defaults=True):
    """What no standard has a place for.

    Attributes:
        ground: why the result is what it is, by name.
        source: the upstream repository.
        tags: for which it was decided.
        run: the registry's id of the run of its test.
        findings: of its scan.
        waivers: what is waived, at most a hundred.
        people: who agreed, or took it against its gate, as object ids: a signed record cannot forget a name.
    """

    ground: str
    source: str = ""
    tags: tuple[OfTag, ...] = ()
    run: str = ""
    findings: Findings | None = None
    waivers: tuple[WaivedFinding, ...] = ()
    people: tuple[str, ...] = ()


class Summary(msgspec.Struct, frozen=True, rename="camel", omit_defaults=True, kw_only=True):
    """The verification summary.

    Attributes:
        verifier: who verified.
        time_verified: when it was decided, UTC.
        resource_uri: the repository, without tag: a digest under two tags must not contradict itself.
        policy: by which policy.
        input_attestations: what was read for it, all of it or none.
        verification_result: whether it passed.
        verified_levels: what was verified.
        decision: what no standard has a place for.
    """

    verifier: Verifier
    time_verified: datetime
    resource_uri: str
    policy: Material
    input_attestations: tuple[Material, ...] = ()
    verification_result: Result
    verified_levels: tuple[str, ...]
    decision: Decision | None = msgspec.field(default=None, name=DECISION)


class Statement(msgspec.Struct, frozen=True, rename="camel", kw_only=True):
    """The statement."""

    kind: str = msgspec.field(default=IN_TOTO, name="_type")
    subject: tuple[Subject, ...]
    predicate_type: str = PREDICATE_TYPE
    predicate: Summary


_STATEMENTS = msgspec.json.Decoder(Statement)


def encoded(statement: Statement) -> bytes:
    """Return a statement's bytes, the same for the same statement."""
    return msgspec.json.encode(statement)


def read_statement(payload: bytes) -> Statement:
    """Read a verification summary, ours or another's.

    Raises:
        Refused: it is none.
    """
    try:
        return _STATEMENTS.decode(payload)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise Refused(f"its verification summary cannot be read: {error}") from None


def resource_uri(server: str, repository: str) -> str:
    """Return what a record of a repository's images is about: whoever pulls can guess it.

    Args:
        server: the base registry's login server.
        repository: in it.
    """
    return f"https://{server}/{repository}"


def digest_set(digest: Digest) -> dict[str, str]:
    """Return a digest as statements write it."""
    algorithm, _, value = digest.partition(":")
    return {algorithm: value}

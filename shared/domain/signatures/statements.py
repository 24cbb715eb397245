"""What was signed: a statement of in-toto about an image, or cosign's older payload. Its subject is compared here."""

from __future__ import annotations

import msgspec

from shared.domain.policy.signing import SIGNATURE_TYPE, SignatureCheck
from shared.domain.references import Digest, parse_repository
from shared.domain.signatures.findings import NotASignature, Refused
from shared.errors import InvalidReference

STATEMENT_TYPE = "application/vnd.in-toto+json"
_IN_TOTO = ("https://in-toto.io/Statement/v1", "https://in-toto.io/Statement/v0.1")
_SIMPLE = "cosign container image signature"
_MOST_SUBJECTS = 100


class _Subject(msgspec.Struct, frozen=True):
    digest: dict[str, str] = {}


class _Statement(msgspec.Struct, frozen=True):
    kind: str = msgspec.field(name="_type")
    predicate_type: str = msgspec.field(name="predicateType")
    subject: list[_Subject] = []


class _Identity(msgspec.Struct, frozen=True):
    reference: str = msgspec.field(name="docker-reference")


class _Image(msgspec.Struct, frozen=True):
    digest: str = msgspec.field(name="docker-manifest-digest")


class _Critical(msgspec.Struct, frozen=True):
    identity: _Identity
    image: _Image
    type: str


class _Payload(msgspec.Struct, frozen=True):
    critical: _Critical


_STATEMENTS = msgspec.json.Decoder(_Statement)
_PAYLOADS = msgspec.json.Decoder(_Payload)


def check_is_signature(kind: str, payload: bytes, check: SignatureCheck) -> None:
    """Check that a statement is a signature: a key that attests to anything else says nothing for an image.

    Args:
        kind: the payload's media type.
        payload: the statement.
        check: says which types count.

    Raises:
        NotASignature: it is of another type.
        Refused: it is no statement.
    """
    if kind != STATEMENT_TYPE:
        raise NotASignature(f"it signs {kind[:100]!r}, and no statement about an image")
    predicate = predicate_type_of(payload)
    if predicate not in check.types:
        raise NotASignature(f"it is an attestation of the type {predicate[:200]!r}, and no signature")


def predicate_type_of(payload: bytes) -> str:
    """Return the type of what a statement says.

    Raises:
        Refused: it is no statement.
    """
    return _statement(payload).predicate_type


def check_subject(payload: bytes, digest: Digest) -> None:
    """Check that a statement is about an image.

    Raises:
        Refused: it is about others.
    """
    algorithm, _, value = digest.partition(":")
    subjects = _statement(payload).subject
    if len(subjects) > _MOST_SUBJECTS:
        raise Refused(f"it is about more than {_MOST_SUBJECTS} things")
    if not any(each.digest.get(algorithm) == value for each in subjects):
        others = ", ".join(f"{name}:{told}" for each in subjects[:3] for name, told in each.digest.items())
        raise Refused(f"it is about another image: {others[:200] or 'none'}")


def check_payload(payload: bytes, digest: Digest, source: str, check: SignatureCheck) -> None:
    """Check that cosign's older payload is a signature of an image, under a name of it.

    Raises:
        NotASignature: the policy does not count such signatures.
        Refused: it is of another image, or of another repository.
    """
    try:
        critical = _PAYLOADS.decode(payload).critical
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise Refused(f"its payload cannot be read: {error}") from None
    if SIGNATURE_TYPE not in check.types:
        raise NotASignature("it is a signature of the older form, which the policy's types leave out")
    if critical.type not in (_SIMPLE, SIGNATURE_TYPE):
        raise NotASignature(f"it says to be {critical.type[:100]!r}, and no signature of an image")
    if critical.image.digest != digest:
        raise Refused(f"it is about another image: {critical.image.digest[:100]}")
    named = critical.identity.reference
    if _repository(named) not in {_repository(each) for each in (source, *check.references)}:
        raise Refused(
            f"it is for the repository {named[:200]!r}, and the image comes from {source}: if both are right, name the "
            "former in the policy's references"
        )


def _statement(payload: bytes) -> _Statement:
    try:
        statement = _STATEMENTS.decode(payload)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise Refused(f"its statement cannot be read: {error}") from None
    if statement.kind not in _IN_TOTO:
        raise Refused(f"its statement is of the unknown type {statement.kind[:100]!r}")
    return statement


def _repository(reference: str) -> str:
    """Return a reference without tag and digest, and with Docker Hub's many names made one."""
    name = reference.partition("@")[0]
    head, slash, last = name.rpartition("/")
    try:
        return str(parse_repository(f"{head}{slash}{last.partition(':')[0]}"))
    except InvalidReference:
        return reference

"""Whether a record that lies beside an image may be believed: bytes in, an answer out. Nobody is asked anything.

What a verifier has to check: https://slsa.dev/spec/v1.1/verification_summary#how-to-verify
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta
from enum import Enum

import msgspec

from shared.domain.record.signing_keys import hint_of
from shared.domain.record.statement import PREDICATE_TYPE, STATEMENT_TYPE, Result, Statement, read_statement
from shared.domain.references import Digest
from shared.domain.signatures.bundles import envelope_of
from shared.domain.signatures.dsse import Envelope, check_envelope, read_envelope
from shared.domain.signatures.findings import NotASignature, Refused
from shared.domain.signatures.keys import PublicKey, fingerprint
from shared.domain.signatures.statements import check_subject, predicate_type_of
from shared.errors import Unavailable

# Clocks differ; a record of tomorrow is none of today.
_AHEAD = timedelta(minutes=5)
_NEVER = datetime.min.replace(tzinfo=UTC)


class Refusal(Enum):
    """Why a record is not believed."""

    UNREADABLE = "unreadable"  # it is no bundle, no envelope, or no verification summary
    OTHER_KEY = "other-key"  # it says to be by a key that is none of those given
    ALTERED = "altered"  # it says to be by a key that was given, and is not as that key signed it
    NOT_BY_KEY = "not-by-key"  # by another key or altered: nothing in it says which
    OTHER_PREDICATE = "other-predicate"  # it is signed, and something else than a verification summary
    OTHER_IMAGE = "other-image"  # it is about other digests
    OTHER_VERIFIER = "other-verifier"  # somebody else verified
    OTHER_REPOSITORY = "other-repository"  # it is about another repository: it was copied here
    FAILED = "failed"  # it says that the image did not pass
    LEVEL_MISSING = "level-missing"  # it does not say that a check was made which is asked for
    TOO_OLD = "too-old"  # it was decided longer ago than is allowed
    NOT_YET = "not-yet"  # it was decided in the future


# What nobody signed, or what is about something else, says nothing of an image, whoever put it there.
SAYS_NOTHING = frozenset(
    {
        Refusal.UNREADABLE,
        Refusal.OTHER_KEY,
        Refusal.ALTERED,
        Refusal.NOT_BY_KEY,
        Refusal.OTHER_PREDICATE,
        Refusal.OTHER_IMAGE,
        Refusal.OTHER_VERIFIER,
        Refusal.OTHER_REPOSITORY,
    }
)


class Wanted(msgspec.Struct, frozen=True):
    """What a record must say.

    Attributes:
        digest: of the image.
        uri: of its repository, as ``resource_uri`` makes it.
        verifier: who must have verified.
        keys: whose signature counts, by names for people.
        levels: what must have been verified.
        longest: how long ago it may have been decided; ``None`` for however long.
    """

    digest: Digest
    uri: str
    verifier: str
    keys: Mapping[str, PublicKey]
    levels: tuple[str, ...] = ()
    longest: timedelta | None = None


class Verified(msgspec.Struct, frozen=True):
    """A record that is believed.

    Attributes:
        statement: what it says.
        key: the name of the key that it is by.
        age: how long ago it was decided.
    """

    statement: Statement
    key: str
    age: timedelta


class NotVerified(msgspec.Struct, frozen=True):
    """A record that is not believed.

    Attributes:
        refusal: why, by name.
        detail: for people.
        statement: what it says, if that is signed by a key that was given.
    """

    refusal: Refusal
    detail: str
    statement: Statement | None = None


class _No(Exception):
    def __init__(self, refusal: Refusal, detail: str, statement: Statement | None = None) -> None:
        self.answer = NotVerified(refusal, detail, statement)
        super().__init__(detail)


class _Material(msgspec.Struct, frozen=True, rename="camel"):
    class Key(msgspec.Struct, frozen=True):
        hint: str = ""

    public_key: Key | None = None


class _Hinted(msgspec.Struct, frozen=True, rename="camel"):
    media_type: str = ""
    verification_material: _Material | None = None


_HINTED = msgspec.json.Decoder(_Hinted)


def verify(content: bytes, wanted: Wanted, now: datetime) -> Verified | NotVerified:
    """Judge a record.

    Args:
        content: a sigstore bundle, or the envelope alone.
        wanted: what it must say.
        now: UTC.

    Returns:
        What it says, or why it is not believed; whatever the bytes are, it is one of both.
    """
    try:
        envelope, hint = _read(content)
        key = _signer(envelope, hint, wanted.keys)
        statement = _statement(envelope, wanted)
        age = _checked(statement, wanted, now)
    except _No as no:
        return no.answer
    except (Refused, NotASignature) as reason:
        return NotVerified(Refusal.UNREADABLE, str(reason))
    return Verified(statement, key, age)


def newest(answers: Iterable[Verified | NotVerified]) -> Verified | NotVerified | None:
    """Return the answer that counts, of all records beside an image; ``None`` if there is none at all.

    Of those that are rightly signed and about this image the latest says what is so, and of two of one time the one
    that refuses. Only where there is none of those it is told why the others say nothing.
    """
    found = tuple(answers)
    told = [one for one in found if isinstance(one, Verified) or one.refusal not in SAYS_NOTHING]
    return max(told, key=_weight) if told else next(iter(found), None)


def check_read_back(bundle: bytes, wanted: Wanted, result: Result, now: datetime) -> None:
    """Check a record of ours as whoever finds it beside the image does.

    Args:
        bundle: as it was read.
        wanted: what it is to say.
        result: what it is to come to.
        now: UTC.

    Raises:
        Unavailable: it is something else.
    """
    answer = verify(bundle, wanted, now)
    failed = isinstance(answer, NotVerified) and answer.refusal is Refusal.FAILED
    if failed if result is Result.FAILED else isinstance(answer, Verified):
        return
    told = answer.detail if isinstance(answer, NotVerified) else "it says that the image passed"
    raise Unavailable(f"the record beside {wanted.uri}@{wanted.digest} is not what was attached: {told}")


def _weight(answer: Verified | NotVerified) -> tuple[datetime, bool]:
    at = answer.statement.predicate.time_verified if answer.statement else _NEVER
    return at, isinstance(answer, NotVerified)


def _read(content: bytes) -> tuple[Envelope, str]:
    try:
        hinted = _HINTED.decode(content)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise Refused(f"it is neither a bundle nor an envelope: {error}") from None
    if not hinted.media_type:
        return read_envelope(content), ""
    material = hinted.verification_material
    return envelope_of(content), material.public_key.hint if material and material.public_key else ""


def _signer(envelope: Envelope, hint: str, keys: Mapping[str, PublicKey]) -> str:
    """Each key is tried, whatever the hint says: it is signed by nobody, and only names what is wrong."""
    told = "it is signed by none of the keys that were given"
    for name, key in keys.items():
        try:
            check_envelope(envelope, key)
        except Refused as reason:
            told = str(reason)
        else:
            return name
    known = {hint_of(fingerprint(key)) for key in keys.values()}
    if not hint:
        raise _No(Refusal.NOT_BY_KEY, told)
    if hint in known:
        raise _No(Refusal.ALTERED, "it was altered since it was signed: it says to be by a key that was given")
    raise _No(Refusal.OTHER_KEY, f"it says to be by the key {hint[:60]}, and none that was given is that one")


def _statement(envelope: Envelope, wanted: Wanted) -> Statement:
    if envelope.payload_type != STATEMENT_TYPE:
        raise _No(Refusal.OTHER_PREDICATE, f"it signs {envelope.payload_type[:100]!r}, and no statement")
    payload = envelope.content
    told = predicate_type_of(payload)
    if told != PREDICATE_TYPE:
        raise _No(Refusal.OTHER_PREDICATE, f"it is of the type {told[:200]!r}, and no verification summary")
    statement = _in_utc(read_statement(payload))
    try:
        check_subject(payload, wanted.digest)
    except Refused as reason:
        raise _No(Refusal.OTHER_IMAGE, str(reason)) from None
    return statement


def _in_utc(statement: Statement) -> Statement:
    at = statement.predicate.time_verified
    if at.tzinfo is None:
        raise Refused("its verification summary does not say in which zone its time is")
    try:
        predicate = msgspec.structs.replace(statement.predicate, time_verified=at.astimezone(UTC))
    except OverflowError:
        raise Refused("the time of its verification summary is none") from None
    return msgspec.structs.replace(statement, predicate=predicate)


def _checked(statement: Statement, wanted: Wanted, now: datetime) -> timedelta:
    said = statement.predicate
    if said.verifier.id != wanted.verifier:
        told = f"{said.verifier.id[:200]!r} verified it, and wanted is {wanted.verifier!r}"
        raise _No(Refusal.OTHER_VERIFIER, told)
    if said.resource_uri != wanted.uri:
        told = f"it is about images of {said.resource_uri[:200]}, and was found beside one of {wanted.uri}"
        raise _No(Refusal.OTHER_REPOSITORY, told)
    if said.verification_result is not Result.PASSED:
        why = f" ({said.decision.ground})" if said.decision else ""
        raise _No(Refusal.FAILED, f"it says that the image did not pass{why}", statement)
    if missing := [level for level in wanted.levels if level not in said.verified_levels]:
        told = f"it does not say {', '.join(missing)}, but {', '.join(said.verified_levels) or 'nothing'}"
        raise _No(Refusal.LEVEL_MISSING, told, statement)
    return _age(statement, wanted, now)


def _age(statement: Statement, wanted: Wanted, now: datetime) -> timedelta:
    at = statement.predicate.time_verified
    age = now - at
    if age < -_AHEAD:
        raise _No(Refusal.NOT_YET, f"it was decided at {at:%Y-%m-%d %H:%M} UTC, which has not come", statement)
    if wanted.longest is not None and age > wanted.longest:
        raise _No(Refusal.TOO_OLD, f"it was decided at {at:%Y-%m-%d %H:%M} UTC, longer ago than allowed", statement)
    return age

"""Whether an image has a record of the decision that let it in, judged by keys that are at hand; no app is asked."""

from __future__ import annotations

import argparse
import re
from collections.abc import Mapping
from datetime import datetime, timedelta
from pathlib import Path

import msgspec

from shared.cli.asked import check_given, document
from shared.cli.exits import ABSENT, DENIED, FINE, NO, UNREACHABLE, UNREADABLE, USAGE, Ends, Exit
from shared.cli.text import fitting, printable
from shared.cli_settings import registry_credentials
from shared.domain.record.statement import resource_uri
from shared.domain.record.verifying import NotVerified, Refusal, Verified, Wanted, newest, verify
from shared.domain.references import Digest, Repository, Tag, parse_digest, parse_repository, parse_tag
from shared.domain.signatures.findings import Unverifiable
from shared.domain.signatures.keys import PublicKey, read_public_key
from shared.errors import ConfigurationError, InvalidReference, NotFound, NotPermitted, ServiceError

_LARGEST_RECORD = 10 * 1024 * 1024
_LARGEST_KEYS = 1024 * 1024
_PEM = re.compile(rb"-----BEGIN PUBLIC KEY-----.*?-----END PUBLIC KEY-----", re.DOTALL)
_AGE = re.compile(r"(?P<number>[1-9][0-9]{0,4})(?P<unit>[mhdw])")
_UNITS = {"m": timedelta(minutes=1), "h": timedelta(hours=1), "d": timedelta(days=1), "w": timedelta(weeks=1)}
# A registry that does not know us says so by either.
_DENIED = frozenset({"401", "403"})


class Reference(msgspec.Struct, frozen=True):
    """An image as people name it.

    Attributes:
        repository: with its registry.
        tag: empty if it is named by its digest.
        digest: empty if only its tag is known.
    """

    repository: Repository
    tag: Tag = Tag("")
    digest: Digest = Digest("")


class Answer(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True):
    """What came of it, for programs.

    Attributes:
        tidegate: version of this document.
        verified: whether a record is believed.
        reference: the image as it was named.
        digest: the image.
        refusal: why not, by name; empty if it is verified, or if there is no record.
        detail: for people.
        result: what the record says.
        levels: what was verified.
        policy: by which policy.
        verifier: who verified.
        resource_uri: what the record is about.
        decided_at: when it was decided, UTC.
        age_seconds: how long ago.
        key: which key it is by.
    """

    tidegate: int
    verified: bool
    reference: str
    digest: str
    refusal: str = ""
    detail: str = ""
    result: str = ""
    levels: tuple[str, ...] = ()
    policy: str = ""
    verifier: str = ""
    resource_uri: str = ""
    decided_at: datetime | None = None
    age_seconds: int | None = None
    key: str = ""


def run(asked: argparse.Namespace, now: datetime) -> int:
    """Look for a record, judge it, and print what comes of it.

    Args:
        asked: the command's arguments.
        now: UTC.

    Returns:
        0 if one is verified, 1 if none that is there is believed, 3 if there is none.

    Raises:
        Ends: an argument is wrong, a file cannot be read, or the registry did not let it be read.
    """
    check_given(asked)
    named = reference_of(asked.reference)
    keys, longest = _keys(asked.key), _longest(asked.max_age)
    if asked.offline:
        found, digest = [_content(asked.offline, _LARGEST_RECORD)], _known(named)
    else:
        digest, found = _beside(named)
    # Who names the port that is meant anyway names the same registry.
    registry = named.repository.registry.removesuffix(":443")
    uri = resource_uri(registry, named.repository.path)
    wanted = Wanted(digest, uri, asked.verifier or f"https://{registry}", keys, tuple(asked.level or ()), longest)
    answer = newest(verify(content, wanted, now) for content in found)
    print(_told(asked, digest, answer))
    if isinstance(answer, NotVerified) and answer.refusal is Refusal.UNREADABLE and asked.offline:
        return UNREADABLE
    return FINE if isinstance(answer, Verified) else NO if answer is not None else ABSENT


def reference_of(text: str) -> Reference:
    """Read an image as people name it, with its registry.

    Raises:
        Ends: it is none.
    """
    rest, at, digest = text.partition("@")
    head, slash, last = rest.rpartition("/")
    name, colon, tag = last.partition(":")
    try:
        repository = parse_repository(f"{head}{slash}{name}")
        read = Reference(repository, parse_tag(tag) if colon else Tag(""), parse_digest(digest) if at else Digest(""))
    except InvalidReference as error:
        raise Ends(USAGE, f"REFERENCE: {error}") from error
    if not (read.tag or read.digest):
        raise Ends(USAGE, f"REFERENCE: {text!r} has neither a tag nor a digest")
    return read


def _known(named: Reference) -> Digest:
    if not named.digest:
        raise Ends(
            USAGE, "REFERENCE: with --offline nobody is asked what a tag points at; name the image by its digest"
        )
    return named.digest


def _keys(files: list[str]) -> Mapping[str, PublicKey]:
    keys: dict[str, PublicKey] = {}
    for file in files:
        blocks = _PEM.findall(_content(file, _LARGEST_KEYS))
        if not blocks:
            raise Ends(UNREADABLE, f"{file} holds no public key in PEM (BEGIN PUBLIC KEY)")
        for number, block in enumerate(blocks, start=1):
            try:
                keys[f"{file} #{number}" if len(blocks) > 1 else file] = read_public_key(block)
            except Unverifiable as error:
                raise Ends(UNREADABLE, f"{file}: {error}") from error
    return keys


def _longest(text: str | None) -> timedelta | None:
    if text is None:
        return None
    found = _AGE.fullmatch(text)
    if found is None:
        raise Ends(USAGE, f"--max-age: {text!r} is no span such as 90m, 12h, 30d or 4w")
    return int(found["number"]) * _UNITS[found["unit"]]


def _content(file: str, most: int) -> bytes:
    try:
        with Path(file).open("rb") as opened:
            content = opened.read(most + 1)
    except OSError as error:
        raise Ends(UNREADABLE, f"{file} cannot be read: {error.strerror}") from error
    if len(content) > most:
        raise Ends(UNREADABLE, f"{file} has more than {most} bytes")
    return content


def _beside(named: Reference) -> tuple[Digest, list[bytes]]:
    """Return the image's digest, and all bundles that lie beside it. No answer is not *no*.

    The latest record counts, so that what was read says nothing while another one may be hidden.
    """
    from shared.cli.online import registry_of  # noqa: PLC0415
    from shared.domain.signatures.material import ArtefactKind  # noqa: PLC0415

    try:
        registry = registry_of(named.repository.registry, registry_credentials())
        digest = named.digest or registry.digest(named.repository, named.tag)
        if digest is None:
            raise Ends(ABSENT, f"{named.repository}:{named.tag} is not there")
        beside = registry.beside(named.repository, digest, lambda _: None, whole=True)
    except ConfigurationError as error:
        raise Ends(USAGE, f"TIDEGATE_REGISTRY_CREDENTIALS: {error}") from error
    except ServiceError as error:
        raise Ends(_status_of(error), str(error)) from error
    bundles = (one for one in beside.artefacts if one.kind is ArtefactKind.SIGSTORE_BUNDLE)
    found = [layer.content for one in bundles for layer in one.layers if layer.content]
    if beside.hidden or (not found and beside.unread):
        raise Ends(UNREACHABLE, f"not all that lies beside {digest} could be read: {'; '.join(beside.unread)}")
    return digest, found


def _status_of(error: ServiceError) -> Exit:
    """Registries deny having what they do not show to everybody; and what else is refused is no answer."""
    if isinstance(error, NotPermitted) or error.code in _DENIED:
        return DENIED
    return ABSENT if isinstance(error, NotFound) else UNREACHABLE


def _told(asked: argparse.Namespace, digest: Digest, answer: Verified | NotVerified | None) -> str:
    told = _answer(asked, digest, answer)
    return document(told) if asked.json else fitting(_lines(told))


def _answer(asked: argparse.Namespace, digest: Digest, answer: Verified | NotVerified | None) -> Answer:
    base = Answer(tidegate=1, verified=isinstance(answer, Verified), reference=asked.reference, digest=digest)
    if answer is None:
        return msgspec.structs.replace(base, detail="there is no record of a decision beside it")
    if isinstance(answer, NotVerified):
        base = msgspec.structs.replace(base, refusal=answer.refusal.value, detail=answer.detail)
    if answer.statement is None:
        return base
    said = answer.statement.predicate
    return msgspec.structs.replace(
        base,
        result=said.verification_result.value,
        levels=said.verified_levels,
        policy=said.policy.uri,
        verifier=said.verifier.id,
        resource_uri=said.resource_uri,
        decided_at=said.time_verified,
        age_seconds=int(answer.age.total_seconds()) if isinstance(answer, Verified) else None,
        key=answer.key if isinstance(answer, Verified) else "",
    )


def _lines(told: Answer) -> str:
    head = "verified" if told.verified else f"refused ({told.refusal})" if told.refusal else "no record"
    lines = [f"{head}: {printable(told.reference)} {told.digest if told.digest not in told.reference else ''}".rstrip()]
    lines += [f"  {printable(told.detail)}"] if told.detail else []
    if told.result:
        lines.append(f"  {told.result} by {printable(told.policy)}: {printable(', '.join(told.levels))}")
        lines.append(f"  verified by {printable(told.verifier)} at {told.decided_at:%Y-%m-%d %H:%M} UTC")
    if told.key:
        lines.append(f"  signed by the key {printable(told.key)}")
    return "\n".join(lines)

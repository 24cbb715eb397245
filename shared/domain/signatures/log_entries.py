"""The log's promise that a signature of cosign's older form was there at a time (its signed entry timestamp)."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from datetime import datetime

import msgspec

from shared.domain.signatures.encoded import at_second, from_base64
from shared.domain.signatures.findings import Refused, Unverifiable
from shared.domain.signatures.keys import check_signature
from shared.domain.signatures.roots import LogKey

_LARGEST_NUMBER = 2**53


class _Promised(msgspec.Struct, frozen=True):
    body: str
    integrated_time: int = msgspec.field(name="integratedTime")
    log_index: int = msgspec.field(name="logIndex")
    log_id: str = msgspec.field(name="logID")


class _Promise(msgspec.Struct, frozen=True):
    signed: str = msgspec.field(name="SignedEntryTimestamp")
    payload: _Promised = msgspec.field(name="Payload")


class _Hash(msgspec.Struct, frozen=True):
    algorithm: str
    value: str


class _Data(msgspec.Struct, frozen=True):
    hash: _Hash


class _Content(msgspec.Struct, frozen=True):
    content: str


class _Signature(msgspec.Struct, frozen=True):
    content: str
    public_key: _Content = msgspec.field(name="publicKey")


class _Spec(msgspec.Struct, frozen=True):
    data: _Data
    signature: _Signature


class _Kind(msgspec.Struct, frozen=True):
    kind: str
    version: str = msgspec.field(name="apiVersion")


class _Entry(msgspec.Struct, frozen=True):
    spec: _Spec


class Logged(msgspec.Struct, frozen=True):
    """What must stand in the log.

    Attributes:
        payload: what was signed.
        signature: the signature.
        certificate: whose key made it, in PEM.
    """

    payload: bytes
    signature: bytes
    certificate: bytes


_PROMISES = msgspec.json.Decoder(_Promise)
_KINDS = msgspec.json.Decoder(_Kind)
_ENTRIES = msgspec.json.Decoder(_Entry)


def logged_at(annotation: str, logged: Logged, logs: Sequence[LogKey]) -> datetime:
    """Return when a log took a signature in.

    Args:
        annotation: the log's promise.
        logged: what it must be about.
        logs: keys of the logs that are trusted.

    Raises:
        Refused: it is no promise of a trusted log, or about something else.
        Unverifiable: the entry is of a kind that is not known here.
    """
    try:
        promise = _PROMISES.decode(annotation)
    except (msgspec.DecodeError, RecursionError, UnicodeError) as error:
        raise Refused(f"what it says of the log cannot be read: {error}") from None
    at = _promised_at(promise, logs)
    _check_entry(from_base64(promise.payload.body, "the log's entry"), logged)
    return at


def _promised_at(promise: _Promise, logs: Sequence[LogKey]) -> datetime:
    told = promise.payload
    if not (0 <= told.log_index < _LARGEST_NUMBER and 0 < told.integrated_time < _LARGEST_NUMBER):
        raise Refused("the log's numbers are out of range")
    at = at_second(told.integrated_time, "when the log took it in")
    keys = [each.key for each in logs if each.log_id == told.log_id and each.was_used(at)]
    if not keys:
        raise Refused(f"it is in the log {told.log_id[:64]!r}, which is not trusted, or was not at that time")
    fields = {
        "body": told.body,
        "integratedTime": told.integrated_time,
        "logID": told.log_id,
        "logIndex": told.log_index,
    }
    canonical = json.dumps(fields, separators=(",", ":"), sort_keys=True, ensure_ascii=False).encode()
    check_signature(keys[0], from_base64(promise.signed, "the log's promise"), canonical)
    return at


def _check_entry(body: bytes, logged: Logged) -> None:
    try:
        kind = _KINDS.decode(body)
        if (kind.kind, kind.version) != ("hashedrekord", "0.0.1"):
            raise Unverifiable(
                f"its entry in the log is of a kind not known here: {kind.kind[:50]} {kind.version[:20]}"
            )
        spec = _ENTRIES.decode(body).spec
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError) as error:
        raise Refused(f"its entry in the log cannot be read: {error}") from None
    hashed = _Hash("sha256", hashlib.sha256(logged.payload).hexdigest())
    if spec.data.hash != hashed:
        raise Refused("its entry in the log is about something else")
    if from_base64(spec.signature.content, "the logged signature") != logged.signature:
        raise Refused("its entry in the log is another signature")
    if from_base64(spec.signature.public_key.content, "the logged key").strip() != logged.certificate.strip():
        raise Refused("its entry in the log is by another key")

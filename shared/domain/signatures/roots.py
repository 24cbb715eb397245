"""What a policy trusts to vouch for identities: the authority's certificates, the log's key, and the keys of those who
watch over the authority. From the trusted root of a sigstore instance, or from files of their own."""

from __future__ import annotations

from datetime import datetime

import msgspec
from cryptography import x509
from cryptography.hazmat.primitives import serialization

from shared.domain.policy.signing import CosignCheck
from shared.domain.signatures import trust as trusting
from shared.domain.signatures.encoded import from_base64
from shared.domain.signatures.findings import Refused, Unverifiable
from shared.domain.signatures.keys import PublicKey, fingerprint, usable
from shared.domain.signatures.material import TrustFiles


class _Raw(msgspec.Struct, frozen=True, rename="camel"):
    raw_bytes: str = ""


class _Span(msgspec.Struct, frozen=True):
    start: datetime | None = None
    end: datetime | None = None


class _Key(_Raw, frozen=True, rename="camel"):
    valid_for: _Span = _Span()


class _Log(msgspec.Struct, frozen=True, rename="camel"):
    public_key: _Key = _Key()


class _Chain(msgspec.Struct, frozen=True):
    certificates: tuple[_Raw, ...] = ()


class _Authority(msgspec.Struct, frozen=True, rename="camel"):
    cert_chain: _Chain = _Chain()


class _Root(msgspec.Struct, frozen=True, rename="camel"):
    media_type: str
    tlogs: tuple[_Log, ...] = ()
    ctlogs: tuple[_Log, ...] = ()
    certificate_authorities: tuple[_Authority, ...] = ()


_ROOTS = msgspec.json.Decoder(_Root)
_ROOT_TYPE = "application/vnd.dev.sigstore.trustedroot+json"


class LogKey(msgspec.Struct, frozen=True):
    """The key of a log.

    Attributes:
        key: the key itself.
        start: since when it is used; ``None`` for always.
        end: until when it was used; ``None`` for ever.
    """

    key: PublicKey
    start: datetime | None = None
    end: datetime | None = None

    @property
    def log_id(self) -> str:
        """What entries call the log: the hash of its key, in hexadecimal."""
        return fingerprint(self.key)

    def was_used(self, at: datetime) -> bool:
        """Whether the log signed with it at that time."""
        return (self.start is None or self.start <= at) and (self.end is None or at <= self.end)


class Vouching(msgspec.Struct, frozen=True):
    """Who vouches for identities.

    Attributes:
        authorities: certificates of those who certify them.
        logs: keys of the logs that entries are in.
        witnesses: keys of the logs of certificates; empty where nobody said, and certificates are then not looked for.
    """

    authorities: list[x509.Certificate]
    logs: list[LogKey]
    witnesses: list[LogKey] = []


def read_vouching(check: CosignCheck, trust: TrustFiles) -> Vouching:
    """Read who vouches for identities in signatures of the older form.

    Raises:
        Unverifiable: a file is missing or cannot be read.
    """
    if check.fulcio is not None and check.rekor is not None:
        return Vouching(trusting.certificates(trust, check.fulcio), [LogKey(trusting.public_key(trust, check.rekor))])
    raw = trusting.content(trust, check.root)
    try:
        from_root = _from_root(_ROOTS.decode(raw))
    # Whatever is wrong with it, nothing can be judged by it, and its people are told.
    except Exception as error:  # noqa: BLE001
        raise Unverifiable(f"config/trust/{check.root} is no trusted root of sigstore: {error}"[:500]) from None
    return Vouching(
        from_root.authorities if check.fulcio is None else trusting.certificates(trust, check.fulcio),
        from_root.logs if check.rekor is None else [LogKey(trusting.public_key(trust, check.rekor))],
        from_root.witnesses if check.fulcio is None else [],
    )


def _from_root(root: _Root) -> Vouching:
    if not root.media_type.startswith(_ROOT_TYPE):
        raise Unverifiable(f"its media type is {root.media_type[:100]!r}")
    ders = [each.raw_bytes for authority in root.certificate_authorities for each in authority.cert_chain.certificates]
    found = Vouching(
        [x509.load_der_x509_certificate(from_base64(each, "a certificate")) for each in ders],
        [key for each in root.tlogs if (key := _log_key(each.public_key)) is not None],
        [key for each in root.ctlogs if (key := _log_key(each.public_key)) is not None],
    )
    if not (found.authorities and found.logs):
        raise Unverifiable("it names no authority, or no log")
    return found


def _log_key(key: _Key) -> LogKey | None:
    """Return a log's key; ``None`` for one of a kind that is not known here: its entries are then nobody's."""
    try:
        loaded = serialization.load_der_public_key(from_base64(key.raw_bytes, "a key"))
        return LogKey(usable(loaded), key.valid_for.start, key.valid_for.end)
    except (Refused, Unverifiable, ValueError):
        return None

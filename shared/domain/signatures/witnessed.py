"""Whether a log of certificates promised to publish a certificate of Fulcio's (its signed certificate timestamp)."""

from __future__ import annotations

import hashlib
import struct
from collections.abc import Sequence
from datetime import UTC

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from cryptography.x509.certificate_transparency import LogEntryType, SignedCertificateTimestamp

from shared.domain.signatures.certificates import extension
from shared.domain.signatures.findings import Refused
from shared.domain.signatures.keys import check_signature
from shared.domain.signatures.roots import LogKey

_MOST = 10


def check_witnessed(leaf: x509.Certificate, issuer: x509.Certificate, witnesses: Sequence[LogKey]) -> None:
    """Check that one of the logs promised to publish a certificate.

    Args:
        leaf: the certificate.
        issuer: who issued it.
        witnesses: the logs' keys.

    Raises:
        Refused: none did.
    """
    stamps = extension(leaf, x509.PrecertificateSignedCertificateTimestamps)
    for stamp in list(stamps or ())[:_MOST]:
        for witness in witnesses:
            if _is_promise(stamp, witness, leaf, issuer):
                return
    raise Refused("no log of certificates that is trusted has promised to publish its certificate")


def _is_promise(
    stamp: SignedCertificateTimestamp, witness: LogKey, leaf: x509.Certificate, issuer: x509.Certificate
) -> bool:
    at = stamp.timestamp.replace(tzinfo=UTC)
    if stamp.entry_type is not LogEntryType.PRE_CERTIFICATE or stamp.log_id.hex() != witness.log_id:
        return False
    try:
        check_signature(witness.key, stamp.signature, _promised(stamp, leaf, issuer))
    except Refused:
        return False
    return witness.was_used(at)


def _promised(stamp: SignedCertificateTimestamp, leaf: x509.Certificate, issuer: x509.Certificate) -> bytes:
    """What the log signed: RFC 6962, section 3.2."""
    spki = issuer.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    tbs = leaf.tbs_precertificate_bytes
    milliseconds = round(stamp.timestamp.replace(tzinfo=UTC).timestamp() * 1000)
    extensions = stamp.extension_bytes
    return b"".join(
        (
            struct.pack(">BBQH", 0, 0, milliseconds, 1),
            hashlib.sha256(spki).digest(),
            len(tbs).to_bytes(3, "big"),
            tbs,
            struct.pack(">H", len(extensions)),
            extensions,
        )
    )

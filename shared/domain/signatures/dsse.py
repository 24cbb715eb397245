"""Envelopes of signed statements (DSSE): what is signed of one, and whether one is by a key.

https://github.com/secure-systems-lab/dsse/blob/master/protocol.md
"""

from __future__ import annotations

import msgspec

from shared.domain.signatures.encoded import from_either_base64
from shared.domain.signatures.findings import Refused
from shared.domain.signatures.keys import PublicKey, check_signature


class EnvelopeSignature(msgspec.Struct, frozen=True):
    """One signature of an envelope. Its key id is left unread: nobody signed it."""

    sig: str


class Envelope(msgspec.Struct, frozen=True, rename="camel"):
    """An envelope as it is written.

    Attributes:
        payload: what is signed, in base64.
        payload_type: its media type.
        signatures: each over both.
    """

    payload: str
    payload_type: str
    signatures: list[EnvelopeSignature]

    @property
    def content(self) -> bytes:
        """The payload.

        Raises:
            Refused: it is not base64.
        """
        return from_either_base64(self.payload, "its statement")


# Bundles hold them, too: docs/decisions/0016.
_ENVELOPES = msgspec.json.Decoder(Envelope)


def read_envelope(content: bytes) -> Envelope:
    """Read an envelope that stands alone.

    Raises:
        Refused: it is none.
    """
    try:
        return _ENVELOPES.decode(content)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise Refused(f"it is no envelope that can be read: {error}") from None


def check_envelope(envelope: Envelope, key: PublicKey) -> None:
    """Check that an envelope is signed once, and by a key.

    Raises:
        Refused: it is not.
    """
    if len(envelope.signatures) != 1:
        raise Refused(f"it has {len(envelope.signatures)} signatures, and a bundle has one")
    signature = from_either_base64(envelope.signatures[0].sig, "its signature")
    check_signature(key, signature, signed_bytes(envelope.payload_type, envelope.content))


def signed_bytes(kind: str, payload: bytes) -> bytes:
    """Return what is signed of an envelope.

    Args:
        kind: the payload's media type.
        payload: what is signed.
    """
    name = kind.encode()
    return b"DSSEv1 %d %b %d %b" % (len(name), name, len(payload), payload)

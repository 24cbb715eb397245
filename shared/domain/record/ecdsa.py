"""ECDSA signatures: from two numbers side by side, as Key Vault gives them, to the DER that verifiers read."""

from __future__ import annotations

from shared.errors import Refused

_HALF = 32
_INTEGER, _SEQUENCE = 0x02, 0x30


def as_der(signature: bytes) -> bytes:
    """Return a P-256 signature as DER.

    Args:
        signature: r and s, 32 bytes each: where a number is short, zeros stand before it.

    Raises:
        Refused: it is none.
    """
    if len(signature) != 2 * _HALF or not (any(signature[:_HALF]) and any(signature[_HALF:])):
        raise Refused(f"a signature of P-256 is two numbers of {_HALF} bytes, and this has {len(signature)} bytes")
    numbers = _integer(signature[:_HALF]) + _integer(signature[_HALF:])
    return bytes((_SEQUENCE, len(numbers))) + numbers


def _integer(half: bytes) -> bytes:
    """As few bytes as hold it; one more where the first bit would make it negative."""
    short = half.lstrip(b"\0")
    padded = b"\0" + short if short[0] & 0x80 else short
    return bytes((_INTEGER, len(padded))) + padded

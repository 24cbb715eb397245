"""What came of each thing that may be a signature, and what all of it comes to for one kind of signatures."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import datetime

import msgspec

from shared.domain.signatures.verdict import SignatureOutcome, SignatureVerdict

_MOST_TOLD = 5
_MOST_IGNORED = 20
_LONGEST = 500


class NotASignature(Exception):
    """It is something else, such as an attestation: it neither helps nor harms."""


class Refused(Exception):
    """It is a signature, and not one that counts: of another image, by another signer, or altered."""


class Unverifiable(Exception):
    """Nobody can say: what is needed to judge it is missing, or not known here."""


class Found(msgspec.Struct, frozen=True):
    """A signature that counts.

    Attributes:
        signer: who made it, for people.
        signed_at: when, as somebody else than the signer vouches for; ``None`` if nobody does.
    """

    signer: str
    signed_at: datetime | None = None


# Where something was found, and what judges it: it returns what counts, and raises one of the above for what does not.
Attempt = tuple[str, Callable[[], Found]]


def weighed(attempts: Iterable[Attempt], kind: str, wanted: str) -> SignatureVerdict:
    """Judge all that may be a signature of one kind, until one counts.

    Args:
        attempts: what was found.
        kind: what such signatures are called, such as "cosign".
        wanted: whose is wanted.

    Returns:
        The verdict; whatever the bytes are, it is one.
    """
    ignored: list[str] = []
    wrong: list[str] = []
    unsaid: list[str] = []
    for place, attempt in attempts:
        try:
            found = attempt()
        except NotASignature as reason:
            ignored.append(_told(place, reason))
        except Unverifiable as reason:
            unsaid.append(_told(place, reason))
        except Refused as reason:
            wrong.append(_told(place, reason))
        # Strangers' bytes go through parsers of others: what these stumble over is no signature that counts.
        except Exception as error:  # noqa: BLE001
            wrong.append(f"{place}: its bytes are broken ({type(error).__name__})")
        else:
            return SignatureVerdict(
                SignatureOutcome.VERIFIED,
                f"signed by {found.signer}" + (f" at {found.signed_at:%Y-%m-%d %H:%M} UTC" if found.signed_at else ""),
                found.signer,
                found.signed_at,
                _bounded(ignored + wrong + unsaid),
            )
    return _without(kind, wanted, ignored, wrong, unsaid)


def cannot_be_judged(kind: str, wanted: str, reason: Exception) -> SignatureVerdict:
    """Return the verdict where what is needed to judge any signature is not there."""
    detail = f"whether a {kind} signature by {wanted} is there cannot be said: {reason}"
    return SignatureVerdict(SignatureOutcome.UNVERIFIABLE, detail[:_LONGEST])


def _without(kind: str, wanted: str, ignored: list[str], wrong: list[str], unsaid: list[str]) -> SignatureVerdict:
    rest = _bounded(ignored)
    if unsaid:
        detail = f"a {kind} signature is there and cannot be judged, wanted is one by {wanted}: {_few(unsaid)}"
        return SignatureVerdict(SignatureOutcome.UNVERIFIABLE, detail, ignored=_bounded(ignored + wrong))
    if wrong:
        detail = (
            f"the image has {kind} signatures ({len(wrong)}), and none that counts by {wanted}: {_few(wrong)}. Have "
            "the image signed by whom the policy wants, or change the policy if that is somebody else now"
        )
        return SignatureVerdict(SignatureOutcome.WRONG, detail, ignored=rest)
    also = f"; found, and no signatures: {_few(ignored)}" if ignored else ""
    detail = (
        f"the image has no {kind} signature, and one by {wanted} is wanted: have it signed, or change the policy{also}"
    )
    return SignatureVerdict(SignatureOutcome.MISSING, detail, ignored=rest)


def _told(place: str, reason: Exception) -> str:
    return f"{place}: {reason}"[:_LONGEST]


def _few(reasons: list[str]) -> str:
    more = f"; and {len(reasons) - _MOST_TOLD} more" if len(reasons) > _MOST_TOLD else ""
    return "; ".join(reasons[:_MOST_TOLD]) + more


def _bounded(reasons: list[str]) -> tuple[str, ...]:
    left = len(reasons) - _MOST_IGNORED
    return (*reasons[:_MOST_IGNORED], *([f"and {left} more"] if left > 0 else []))

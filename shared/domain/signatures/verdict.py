"""What the signatures of an image come to."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from enum import Enum

import msgspec


class SignatureOutcome(Enum):
    """Whether an image is signed by whom its policy wants."""

    VERIFIED = "verified"  # it is
    MISSING = "missing"  # there is no signature of the kind that is asked for
    WRONG = "wrong"  # there are some, and none is by whom the policy wants, or of this image
    UNVERIFIABLE = "unverifiable"  # nobody can say: what is needed to judge them is missing, or not known here


# The worst of several kinds that are all asked for decides; what is wrong stays so when the rest can be judged.
_WORST_FIRST = (
    SignatureOutcome.WRONG,
    SignatureOutcome.UNVERIFIABLE,
    SignatureOutcome.MISSING,
    SignatureOutcome.VERIFIED,
)


class SignatureVerdict(msgspec.Struct, frozen=True):
    """What the signatures of an image come to.

    Attributes:
        outcome: whether it is signed as it should be.
        detail: for people: who signed or why nobody did, what is wanted, and what to do.
        signer: who signed; empty unless it is verified.
        signed_at: when, as far as somebody else than the signer vouches for it.
        ignored: what was found and is no signature, each with the reason.
    """

    outcome: SignatureOutcome
    detail: str = ""
    signer: str = ""
    signed_at: datetime | None = None
    ignored: tuple[str, ...] = ()


def all_of(verdicts: Sequence[SignatureVerdict]) -> SignatureVerdict:
    """Return what several kinds of signatures come to that are all asked for.

    Args:
        verdicts: one for each kind, at least one.
    """
    if len(verdicts) == 1:
        return verdicts[0]
    worst = min((each.outcome for each in verdicts), key=_WORST_FIRST.index)
    verified = worst is SignatureOutcome.VERIFIED
    times = [each.signed_at for each in verdicts if each.signed_at is not None]
    return SignatureVerdict(
        worst,
        "; ".join(each.detail for each in verdicts if verified or each.outcome is not SignatureOutcome.VERIFIED),
        " and ".join(each.signer for each in verdicts) if verified else "",
        max(times, default=None) if verified else None,
        tuple(dict.fromkeys(told for each in verdicts for told in each.ignored)),
    )

"""An override: a digest is taken against its gate when one asks for it and another grants it. Pure."""

from __future__ import annotations

from datetime import datetime, timedelta
from enum import Enum

import msgspec

from shared.domain.promotion.actions import Declined, Refusal, place, promote
from shared.domain.promotion.consents import OverrideAsked
from shared.domain.promotion.said import Said, Why
from shared.domain.promotion.target import Target
from shared.domain.references import Digest

# Whoever grants decides on what is so now; what was asked for longer ago is asked for anew.
LIFE = timedelta(days=7)


class Override(Enum):
    """What became of a wish that a digest is taken against its gate."""

    ASKED = "asked"  # it is noted; somebody else has to grant it
    GRANTED = "granted"  # another one had asked for it, so it is wanted now


def override(target: Target, wish: OverrideAsked, may_not_grant: str) -> Target | Declined:
    """Ask that a digest is taken against its gate, or grant what another one asked.

    Args:
        target: the record.
        wish: who wants which digest, why and when.
        may_not_grant: why that caller may grant nothing now; empty if it may.

    Returns:
        The record: the same where it is in force already.
    """
    if target.why is Why.AGAINST_GATE and target.wanted == wish.digest:
        return target
    done = granted(target, wish)
    asked = asked_for(target, wish.digest, wish.at)
    if isinstance(done, Declined) or asked is None:
        return done if isinstance(done, Declined) else msgspec.structs.replace(target, override=wish)
    if asked.by.same(wish.by):
        told = f"you asked for {wish.digest} at {place(target)} yourself; another approver has to grant it"
        return Declined(Refusal.OWN_REQUEST, told)
    return Declined(Refusal.MAY_NOT_GRANT, may_not_grant) if may_not_grant else done


def granted(target: Target, wish: OverrideAsked) -> Target | Declined:
    """Return the record once a wish is granted by whoever has it now; it says for ever who asked and who granted."""
    said, asked = Said(wish.by.told, wish.why, wish.at), asked_for(target, wish.digest, wish.at)
    done = promote(target, wish.digest, said)
    if isinstance(done, Declined):
        return done
    by = Said(asked.by.told, asked.why, asked.at) if asked is not None else None
    forced = tuple(
        msgspec.structs.replace(one, asked=by) if one.digest == wish.digest and one.said == said else one
        for one in done.forced
    )
    return msgspec.structs.replace(done, forced=forced, override=None)


def asked_for(target: Target, digest: Digest, now: datetime) -> OverrideAsked | None:
    """Return who asked that a digest is taken against its gate, a short time ago; ``None`` if nobody did."""
    asked = target.override
    return asked if asked is not None and asked.digest == digest and now - asked.at < LIFE else None


def what_became(target: Target, digest: Digest) -> Override:
    """Return whether what somebody wanted is asked for, or granted."""
    return Override.GRANTED if target.why is Why.AGAINST_GATE and target.wanted == digest else Override.ASKED

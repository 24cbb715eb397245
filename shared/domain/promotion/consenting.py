"""Who may agree to something: people who signed in a short time ago, and machines that a policy names. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta

from shared.domain.access.callers import Caller, Kind
from shared.domain.promotion.consents import by

# A session may last for days, and roles are those of sign-in.
FRESH = timedelta(hours=1)
# Clocks of two services differ.
_AHEAD = timedelta(minutes=5)


def may_consent(caller: Caller, machines: Iterable[str], now: datetime) -> str:
    """Return why a caller may not agree now, and what to do, for people; empty if the caller may.

    Args:
        caller: who, with the role that is needed.
        machines: that the policy of the tag names.
        now: UTC.
    """
    if caller.kind is not Kind.PERSON:
        named = by(caller).is_one_of(machines)
        return "" if named else f"{caller.said} is no person, and the policy of this tag names it not among `machines`"
    at = caller.signed_in_at
    if at is not None and -_AHEAD <= now - at <= FRESH:
        return ""
    when = f"signed in at {at:%Y-%m-%dT%H:%M:%SZ}" if at is not None else "signed in at a time that nobody tells"
    return f"{caller.name} {when}; this wants a sign-in of the last hour. Sign out, sign in again, and ask once more"

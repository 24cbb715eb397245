"""When what people decided is kept in another account, under which name, and what is known of that: pure."""

from __future__ import annotations

from datetime import datetime, timedelta

import msgspec

KEPT_EVERY = timedelta(days=1)
# Whoever claimed it and died, or failed, is followed by the next sweep after that.
TRIED_AGAIN = timedelta(hours=1)
# An account that does not answer is asked again after this, and keeps nobody else waiting in between.
ASKED_AGAIN = timedelta(minutes=5)
# A day's failure mends itself; after two nobody has what people decided the day before yesterday.
FAILS_FOR = timedelta(days=2)
_DETAIL_KEPT = 400


class Keeping(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True):
    """What a storage account knows of the decisions that are kept elsewhere.

    Attributes:
        remembers: whether this account has what people decided: it always had, or it was brought back.
        since: since when it has, UTC.
        asked_at: when it was first found that another account kept decisions which this one does not know, UTC.
        waits_for: the name of the newest document that is to be brought back.
        unanswered_since: since when that account does not say whether it kept any, UTC; ``None`` if it does.
        tried_at: when a document was last begun to be kept, UTC.
        kept_at: when one was last kept, UTC.
        kept_as: its name.
        fails_since: since when none could be kept, UTC; ``None`` if the last one was.
        trouble: why not, or why there is no answer.
    """

    remembers: bool = False
    since: datetime | None = None
    asked_at: datetime | None = None
    waits_for: str = ""
    unanswered_since: datetime | None = None
    tried_at: datetime | None = None
    kept_at: datetime | None = None
    kept_as: str = ""
    fails_since: datetime | None = None
    trouble: str = ""


def prefix_of(registry: str) -> str:
    """Return below what the documents of a base registry are kept; several installations may share an account."""
    return f"{registry.lower()}/"


def name_of(registry: str, now: datetime) -> str:
    """Return the name of a document; those of a base registry are sorted by their time, and none replaces another."""
    return f"{prefix_of(registry)}{now:%Y-%m-%dT%H%M%SZ}.json"


def is_due(known: Keeping, now: datetime) -> bool:
    """Whether a document is to be kept now."""
    if not known.remembers:
        return False
    if known.tried_at is not None and now - known.tried_at < TRIED_AGAIN:
        return False
    return known.kept_at is None or now - known.kept_at >= KEPT_EVERY


def claimed(known: Keeping, now: datetime) -> Keeping:
    """Take note that a document is begun to be kept; it fails since then, until it is kept."""
    since = known.fails_since or now
    return msgspec.structs.replace(known, tried_at=now, fails_since=since)


def kept(known: Keeping, name: str, now: datetime) -> Keeping:
    """Take note that a document was kept."""
    return msgspec.structs.replace(known, kept_at=now, kept_as=name, fails_since=None, trouble="")


def failed(known: Keeping, why: str) -> Keeping:
    """Take note why none could be kept."""
    return msgspec.structs.replace(known, trouble=why[:_DETAIL_KEPT])


def remembering(known: Keeping, now: datetime) -> Keeping:
    """Take note that what people decided is known here from now on."""
    if known.remembers:
        return known
    answered = _answered(known)
    return msgspec.structs.replace(answered, remembers=True, since=now, waits_for="")


def waiting(known: Keeping, newest: str, now: datetime) -> Keeping:
    """Take note that another account kept decisions, of which this one knows nothing."""
    return msgspec.structs.replace(_answered(known), asked_at=known.asked_at or now, waits_for=newest)


def unanswered(known: Keeping, why: str, now: datetime) -> Keeping:
    """Take note that the other account does not say whether it kept decisions: then this one knows of none."""
    if known.remembers:
        return known
    since = known.unanswered_since or now
    return msgspec.structs.replace(known, unanswered_since=since, trouble=why[:_DETAIL_KEPT])


def _answered(known: Keeping) -> Keeping:
    if known.unanswered_since is None:
        return known
    return msgspec.structs.replace(known, unanswered_since=None, trouble="")


def has_failed_long(known: Keeping, now: datetime) -> bool:
    """Whether nothing could be kept for so long that people have to know."""
    return known.fails_since is not None and now - known.fails_since >= FAILS_FOR

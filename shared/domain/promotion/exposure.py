"""What is known of what is in use today: whether it would still be let in, as the standing watch last found it."""

from __future__ import annotations

from datetime import datetime
from enum import Enum

import msgspec

from shared.domain.references import Digest

NAMED = 20


class Standing(Enum):
    """How what is in use stands."""

    CLEAN = "clean"  # nothing that was found since speaks against it
    EXPOSED = "exposed"  # something speaks against it that did not when it was let in
    UNKNOWN = "unknown"  # there is no answer as of now


class Found(msgspec.Struct, frozen=True, omit_defaults=True):
    """A finding by name; ``fixed`` is the version without it, empty if none is known."""

    id: str
    package: str
    installed: str = ""
    fixed: str = ""
    severity: str = ""


class Exposure(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True):
    """What was found of the digest in use by one tag.

    Attributes:
        target: the tag's id.
        image: the name of its entry.
        digest: what is in use.
        standing: how it stands.
        since: since when it stands so, UTC.
        detail: why nothing is known, for people.
        admitted: whether it was let in by its scan; ``False`` for what was adopted, or taken against its gate.
        findings: those that speak against it now, at most ``NAMED`` of them.
        count: how many those are in all.
        exploited: those that are known to be exploited, whatever the policy says of them, at most ``NAMED``.
        database_at: of when the database was by which it was looked at, UTC.
        by: a hash of all that this was decided by.
    """

    target: str
    image: str
    digest: Digest
    standing: Standing
    since: datetime
    detail: str = ""
    admitted: bool = True
    findings: tuple[Found, ...] = ()
    count: int = 0
    exploited: tuple[Found, ...] = ()
    database_at: datetime | None = None
    by: str = ""


class Watch(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True):
    """The standing watch; every change replaces it as a whole, guarded by its ETag.

    Attributes:
        began_at: when what is in use was last put together to be looked at, UTC.
        database: by which it is looked at, ``repository@digest``.
        bundles: what is looked at: each has a scan of its own.
        most: how many packages one run looks at.
        exposures: how what is in use stands, by target.
    """

    began_at: datetime | None = None
    database: str = ""
    bundles: tuple[Digest, ...] = ()
    most: int = 4000
    exposures: tuple[Exposure, ...] = ()


def lasting(known: Exposure | None, found: Exposure) -> Exposure:
    """Return what was found, since when it is so: a finding more does not begin it anew."""
    same = known is not None and (known.digest, known.standing) == (found.digest, found.standing)
    return msgspec.structs.replace(found, since=known.since) if known is not None and same else found

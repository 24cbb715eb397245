"""Imports into a tag: the one under way, and those that nobody knows the end of."""

from __future__ import annotations

from datetime import datetime

import msgspec

from shared.domain.references import Digest


class Importing(msgspec.Struct, frozen=True, omit_defaults=True):
    """The one import into the tag that is under way.

    Attributes:
        digest: what it will leave.
        since: when it was begun, UTC.
        differs_since: since when it is known that it ended and another digest is read back, UTC; ``None`` if it is not.
        operation: its continuation token; empty if nobody learnt it, or it is of no use any more.
    """

    digest: Digest
    since: datetime
    differs_since: datetime | None = None
    operation: str = ""


class Unsettled(msgspec.Struct, frozen=True):
    """An import that nobody knows the end of: it may still put its digest back.

    Attributes:
        digest: what it would leave.
        since: when it was begun, UTC.
        at: when the tag is to be read again because of it, UTC.
    """

    digest: Digest
    since: datetime
    at: datetime

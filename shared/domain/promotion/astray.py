"""What a target's record keeps of a tag that is not what it should be, or that nobody looks after any more."""

from __future__ import annotations

from datetime import datetime

import msgspec

from shared.domain.references import Digest


class Astray(msgspec.Struct, frozen=True, omit_defaults=True):
    """What a listing of the base registry showed of a tag, other than what is wanted.

    Attributes:
        digest: what it points at; empty if it is missing.
        since: when the first listing that showed it was begun, UTC.
        last: when the last one that counted was begun, UTC.
        looks: how many counted: those that began some minutes apart, until it was believed.
        told: whether it is believed, and told.
        by: who deleted it, where the registry said.
        overwrote: the number of the last decision in whose place others' digest was told to stand, whatever was listed
            since; 0 if none was.
    """

    digest: Digest
    since: datetime
    last: datetime
    looks: int = 1
    told: bool = False
    by: str = ""
    overwrote: int = 0


class LetGo(msgspec.Struct, frozen=True, omit_defaults=True):
    """That no entry of the watch list writes the tag any more, since when, UTC, and whether that was told."""

    since: datetime
    why: str
    told: bool = False


# Documents of decisions hold it, too: docs/decisions/0016.
_LET_GO = msgspec.json.Decoder(LetGo)

"""The record of a decision, as it is shown."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

import msgspec

from shared.domain.references import Digest

# What records decisions is loaded where something does.
if TYPE_CHECKING:
    from shared.domain.record.record import Record
    from shared.domain.travel.recorded import Recorded


class ShownRecord(msgspec.Struct, frozen=True, kw_only=True):
    """The signed record of a decision.

    Attributes:
        told: how it stands, in one line, for people.
        state: ``open`` while something is to be done, ``done`` once it is there, ``none`` if nothing is said.
        says: ``PASSED`` or ``FAILED``; ``null`` if nothing is said.
        ground: why, by name.
        trouble: why it is not there yet; ``null`` if nothing is in the way.
        key: fingerprint of the key that it is signed by, SHA-256; ``null`` while it is not.
        version: that key's version.
        decided_at: when it was decided, UTC.
        evidence: the name under which the signed envelope is kept with the digest.
        manifests: digests of its forms.
        former: manifests of ours that say what is not so any more, and that nobody has deleted here.
    """

    told: str
    state: str
    says: str | None
    ground: str | None
    trouble: str | None
    key: str | None
    version: str | None
    decided_at: datetime | None
    evidence: str | None
    manifests: tuple[Digest, ...]
    former: tuple[Digest, ...]


def shown_record(recorded: Recorded) -> ShownRecord:
    """Return the record of a decision as it is shown."""
    from shared.domain.record.record import Record  # noqa: PLC0415

    record, begun = recorded.record or Record(), recorded.record is not None
    return ShownRecord(
        told=record_told(recorded),
        state=recorded.state.value,
        says=record.said.value if record.said is not None else None,
        ground=record.truth.ground.value if begun else None,
        trouble=recorded.tries.trouble or None,
        key=record.key or None,
        version=record.version or None,
        decided_at=record.decided_at,
        evidence=record.envelope or None,
        manifests=tuple(piece.digest for piece in record.pieces),
        former=record.former,
    )


def record_told(recorded: Recorded) -> str:
    """Return how the record of a decision stands, in one line; the API, the page and the command all say this."""
    from shared.domain.record.record import Record  # noqa: PLC0415

    record = recorded.record or Record()
    left = f"; {len(record.former)} replaced before, there still" if record.former else ""
    return _how_far(recorded, record) + left


def _how_far(recorded: Recorded, record: Record) -> str:
    if recorded.tries.trouble:
        return f"does not come: {recorded.tries.trouble}"
    if recorded.state.value == "open":
        return "is being made"
    if record.said is None:
        return f"nothing is said: {record.truth.ground.value}"
    at = f", decided {record.decided_at:%Y-%m-%d %H:%M} UTC" if record.decided_at is not None else ""
    return f"says {record.said.value}{at}"

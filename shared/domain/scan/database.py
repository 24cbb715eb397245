"""How old the scanner's database is, as ``trivy version --format json`` tells it, or the metadata beside the database.

No report names its database: both have to come from the same run.
"""

from __future__ import annotations

from datetime import UTC, datetime

import msgspec
from msgspec import field

from shared.errors import MalformedInput


class _Times(msgspec.Struct, frozen=True):
    updated_at: str | None = field(name="UpdatedAt", default=None)


class _Written(msgspec.Struct, frozen=True):
    database: _Times | None = field(name="VulnerabilityDB", default=None)
    updated_at: str | None = field(name="UpdatedAt", default=None)
    version: str | int | None = field(name="Version", default=None)


_WRITTEN = msgspec.json.Decoder(_Written)


class Database(msgspec.Struct, frozen=True):
    """A scanner's database.

    Attributes:
        updated_at: when it was made; ``None`` if nobody says, as where there was none.
    """

    updated_at: datetime | None


def read_database(text: bytes) -> Database:
    """Read what a scanner says of its database.

    Raises:
        MalformedInput: it is nothing of that kind.
    """
    try:
        written = _WRITTEN.decode(text)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise MalformedInput(f"it is not what `trivy version --format json` prints: {error}") from error
    said = written.database.updated_at if written.database else written.updated_at
    if said is None and written.version is None:
        raise MalformedInput("it is not what `trivy version --format json` prints: it says no Version")
    return Database(_time(said) if said else None)


def _time(said: str) -> datetime | None:
    try:
        at = datetime.fromisoformat(said)
    except ValueError as error:
        raise MalformedInput(f"UpdatedAt is no time in RFC 3339: {said!r}") from error
    return at if at.tzinfo else at.replace(tzinfo=UTC)

"""What judging asks of scans, one of which there is for each digest, whoever wants it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Protocol

from shared.domain.references import Digest
from shared.domain.scan.database import Database
from shared.domain.scan.report import NoAnswer, Report


class Answer(Protocol):
    """What a scan left: a report for each platform, or why there is none, and its database."""

    @property
    def reports(self) -> Mapping[str, Report | NoAnswer]:
        """By platform."""
        ...

    @property
    def database(self) -> Database | None:
        """The scanner's database; ``None`` if nobody said."""
        ...


class KeptScan(Protocol):
    """The scan of one digest."""

    @property
    def has_answer(self) -> bool:
        """Whether there is a usable answer for every platform."""
        ...

    @property
    def database_at(self) -> datetime | None:
        """Of when the database of its last answer was, UTC."""
        ...

    @property
    def missed(self) -> object | None:
        """Its last run, if that gave no usable answer."""
        ...

    @property
    def waits_for(self) -> str:
        """What cannot be had to scan with, for people; empty if that is not what it waits for."""
        ...

    @property
    def taken_at(self) -> datetime | None:
        """When its last answer was taken, UTC."""
        ...


class Scans(Protocol):
    """The scans of digests, one for each."""

    def want(
        self,
        asker: str,
        image: str,
        digest: Digest,
        repository: str,
        platforms: tuple[str, ...],
        *,
        newer_than: datetime | None = None,
    ) -> KeptScan:
        """Ask for a scan; asking twice is asking once."""
        ...

    def of(self, digest: Digest) -> KeptScan | None:
        """Return the scan of a digest, if one was ever asked for."""
        ...

    def answer(self, scan: Any) -> Answer:
        """Read what a scan left."""
        ...

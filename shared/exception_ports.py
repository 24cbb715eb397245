"""What flows ask of the files with exceptions from policies; see ``shared.ports`` for what holds for every port."""

from __future__ import annotations

from typing import Protocol

import msgspec


class ExceptionFile(msgspec.Struct, frozen=True):
    """One file of the configuration in which people say what a scanner does not know.

    Attributes:
        name: ``waivers.yaml``, ``known-exploited.json``, or one under ``vex/``; of what signatures are judged by, one
            under ``trust/``.
        content: as it was stored.
        trouble: why it could not be read whole; empty if it could.
    """

    name: str
    content: bytes
    trouble: str = ""


class ExceptionFiles(Protocol):
    """The files as people last stored them, and as they were last found valid."""

    def stored(self) -> tuple[ExceptionFile, ...]:
        """Return the stored files, by name; the same objects for those that have not changed."""
        ...

    def last_good(self) -> tuple[ExceptionFile, ...]:
        """Return the files that were last found valid; none if there never were any."""
        ...

    def keep_last_good(self, files: tuple[ExceptionFile, ...]) -> None:
        """Remember files that were found valid, instead of all that was remembered."""
        ...

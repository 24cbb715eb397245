"""What flows ask of the stored watch list and its gates; see ``shared.ports`` for what holds for every port."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Protocol

import msgspec

from shared.domain.watching.watch_list import ListFile


class ListSource(msgspec.Struct, frozen=True):
    """The text of a watch list.

    Attributes:
        text: YAML, as stored; that of an empty list where only the other files are there.
        version: changes whenever a text does.
        origin: where it came from, for people.
        modified: when it was stored, UTC; of several files the latest time.
        more: its other files.
        lacks_main: whether the file ``images.yaml`` itself is not there.
    """

    text: bytes
    version: str
    origin: str
    modified: datetime
    more: tuple[ListFile, ...] = ()
    lacks_main: bool = False


class Configuration(Protocol):
    """The watch list as the operators last stored it, and its gates, which may also be as they were deployed."""

    def watch_list(self) -> ListSource | None:
        """Return the stored watch list, or ``None`` if none is stored."""
        ...

    def last_good(self) -> ListSource | None:
        """Return the last watch list that was found valid, if one ever was."""
        ...

    def keep_last_good(self, source: ListSource) -> None:
        """Remember a watch list that was found valid."""
        ...

    def gate(self, name: str) -> Mapping[str, bytes]:
        """Return the files of a gate by their relative paths; empty if there is no such gate."""
        ...


class StoredFile(msgspec.Struct, frozen=True):
    """One file of the configuration, with what tells whether it has changed since."""

    content: bytes
    etag: str


class ConfigurationFiles(Protocol):
    """Single files of the configuration, as people write them."""

    def read(self, name: str) -> StoredFile | None:
        """Return a file, or ``None`` if there is none of the name."""
        ...

    def write(self, name: str, content: bytes, etag: str | None) -> StoredFile:
        """Write a file.

        Args:
            name: its name.
            content: what it is to hold.
            etag: of the file that it takes the place of; ``None`` for a file that is not there yet.

        Raises:
            Conflict: it has changed since.
        """
        ...

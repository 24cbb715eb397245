"""Tell of one file of the configuration whether it is valid, and what it would change. Nothing comes of it."""

from __future__ import annotations

from collections.abc import Callable

import msgspec

from shared.configuration_ports import Configuration, ConfigurationFiles
from shared.domain.configuration_names import LIST, kind_of
from shared.domain.watching.differences import Difference, difference
from shared.domain.watching.watch_list import WatchList
from shared.errors import MalformedInput, WatchListError
from shared.rules.merged_lists import merged

_NOTHING = WatchList([])


class FileChecked(msgspec.Struct, frozen=True):
    """Whether a file is valid, by itself and, where it is one of the list's, with the others.

    Attributes:
        file: its name.
        valid: whether it could be written as it is.
        problems: everything that is wrong with it, each with its line.
    """

    file: str
    valid: bool
    problems: tuple[str, ...] = ()


class FileCompared(msgspec.Struct, frozen=True):
    """What a file would change.

    Attributes:
        file: its name.
        valid: whether it could be written as it is.
        problems: everything that is wrong with it, each with its line.
        etag: of the file that it would take the place of, for ``If-Match``; ``null`` where there is none.
        same: whether that one holds the same already.
        list: what it would change of the list in force; ``null`` where it is not valid, or none of the list's.
    """

    file: str
    valid: bool
    problems: tuple[str, ...]
    etag: str | None
    same: bool
    list: Difference | None


class FileComparer:
    """Checks and compares files.

    Args:
        files: where they are.
        configuration: the stored list, whose other files a file of it is read with.
        parse: reads a list's text, and its other files after it; raises ``WatchListError``.
        check: reads a file that is none of the list's; raises ``MalformedInput``.
        in_force: says which list is in force.
        removal_percent: the share of entries that a list may leave out without a word.
    """

    def __init__(
        self,
        files: ConfigurationFiles,
        configuration: Configuration,
        parse: Callable[..., WatchList],
        check: Callable[[str, bytes], object],
        in_force: Callable[[], WatchList],
        removal_percent: int,
    ) -> None:
        self._files = files
        self._configuration = configuration
        self._parse = parse
        self._check = check
        self._in_force = in_force
        self._percent = removal_percent

    def check(self, name: str, content: bytes) -> FileChecked:
        """Tell whether a file is valid.

        Raises:
            InvalidReference: it is no file that people write.
            ServiceError: the storage account failed.
        """
        _, problems = self._read(name, content)
        return FileChecked(name, not problems, problems)

    def compare(self, name: str, content: bytes) -> FileCompared:
        """Tell what a file would change; raises as ``check`` does."""
        after, problems = self._read(name, content)
        stored = self._files.read(name)
        etag, same = (stored.etag, stored.content == content) if stored is not None else (None, False)
        changes = difference(self._before(), after, self._percent) if after is not None else None
        return FileCompared(name, not problems, problems, etag, same, changes)

    def _read(self, name: str, content: bytes) -> tuple[WatchList | None, tuple[str, ...]]:
        try:
            if kind_of(name) is LIST:
                return merged(self._configuration, self._parse, name, content), ()
            self._check(name, content)
        except WatchListError as error:
            return None, error.problems or (str(error),)
        except MalformedInput as error:
            return None, tuple(str(error).splitlines())
        return None, ()

    def _before(self) -> WatchList:
        """Where there never was a valid list, everything is new."""
        try:
            return self._in_force()
        except WatchListError:
            return _NOTHING

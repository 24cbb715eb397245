"""Write one file of the configuration by the API: checked with the others, in place of what was read, and told."""

from __future__ import annotations

from collections.abc import Callable

from shared.configuration_ports import Configuration, ConfigurationFiles, StoredFile
from shared.domain.configuration_names import LIST, kind_of
from shared.domain.promotion.said import Said
from shared.domain.watching.watch_list import WatchList
from shared.errors import Conflict
from shared.ports import Activity, Event
from shared.rules.merged_lists import merged


class FileWriter:
    """Writes files.

    Args:
        files: where they are.
        configuration: the watch list, whose other files a file of it is read with.
        activity: is told who writes what.
        parse: reads a list's text, and its other files after it; raises ``WatchListError``.
        check: reads a file that is none of the list's; raises ``MalformedInput``.
    """

    def __init__(
        self,
        files: ConfigurationFiles,
        configuration: Configuration,
        activity: Activity,
        parse: Callable[..., WatchList],
        check: Callable[[str, bytes], object],
    ) -> None:
        self.files = files
        self._configuration = configuration
        self._activity = activity
        self._parse = parse
        self._check = check

    def write(self, name: str, content: bytes, etag: str | None, said: Said) -> StoredFile:
        """Write a file; one that holds that already is left as it is.

        Args:
            name: its name.
            content: what it is to hold.
            etag: of the file that it takes the place of; ``None`` for one that is not there yet.
            said: who writes it, why and when.

        Raises:
            MalformedInput, WatchListError: it is not valid, by itself or with the other files.
            Conflict: it has changed since.
            ServiceError: the storage account failed.
        """
        known = self.files.read(name)
        if known is not None and known.content == content:
            return known
        if (known.etag if known is not None else None) != etag:
            raise Conflict(f"config/{name} has changed since it was read; read it again")
        self._valid(name, content)
        told = f"config/{name}, {len(content)} bytes, says {said.by}: {said.why}"
        self._activity.append(Event(f"file:config/{name}", "file-written", said.at, told))
        try:
            return self.files.write(name, content, etag)
        except Conflict:
            self._activity.append(Event(f"file:config/{name}", "came-too-late", said.at, told))
            raise

    def _valid(self, name: str, content: bytes) -> None:
        if kind_of(name) is not LIST:
            self._check(name, content)
            return
        merged(self._configuration, self._parse, name, content)

"""Which watch list is in force: the stored one, or the last good one while the stored one is not valid."""

from __future__ import annotations

import logging
from collections.abc import Callable

from shared.domain.watching.watch_list import WatchList
from shared.errors import WatchListError
from shared.ports import Activity, Configuration, Event, ListSource

log = logging.getLogger("tidegate.watch_list")

SUBJECT = "watch-list"


class WatchLists:
    """Reads the watch list, and remembers what it has read: an unchanged list is neither parsed nor told again.

    Args:
        configuration: where the list is stored.
        activity: where a list that is not valid is recorded.
        parse: reads a list's text; raises ``WatchListError``.
    """

    def __init__(self, configuration: Configuration, activity: Activity, parse: Callable[[bytes], WatchList]) -> None:
        self._configuration = configuration
        self._activity = activity
        self._parse = parse
        self._known: tuple[str, WatchList] | None = None

    def in_force(self) -> WatchList:
        """Return the watch list to go by.

        Raises:
            WatchListError: the stored list is not valid and there never was a valid one.
            ServiceError: the storage account did not answer.
        """
        source = self._configuration.watch_list()
        if self._known is None or self._known[0] != source.version:
            self._known = (source.version, self._read(source))
        return self._known[1]

    def _read(self, source: ListSource) -> WatchList:
        try:
            watch_list = self._parse(source.text)
        except WatchListError as error:
            return self._fall_back(source, error)
        self._configuration.keep_last_good(source)
        log.info("%s is in force: %d entries", source.origin, len(watch_list.images))
        return watch_list

    def _fall_back(self, source: ListSource, error: WatchListError) -> WatchList:
        """The event bears the time at which the bad list was stored, so every instance that finds it adds one line."""
        self._activity.append(Event(SUBJECT, "watch-list-invalid", source.modified, f"{source.origin}: {error}"))
        last_good = self._configuration.last_good()
        if last_good is None:
            raise error
        log.error("%s is not valid; the last good watch list stays in force: %s", source.origin, error)
        return self._parse(last_good.text)

"""With which scanner and which databases a scan is made: by digest, and only by what the staging registry holds."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

from shared.digest_ports import Holder
from shared.domain.promotion.tool import Tool
from shared.domain.references import Digest
from shared.domain.watching.scanner import SCANNER, SCANNER_REPOSITORY, ScannerEntry
from shared.domain.watching.watch_list import WatchList
from shared.errors import ToolMissing
from shared.ports import Clock
from shared.rules.mirroring import Mirror
from shared.run_ports import ScannerInUse

# What the registry was just found to hold is not asked for again by each of a burst of scans.
_BELIEVED = timedelta(minutes=1)


class Scanners:
    """Knows the scanner in use.

    Args:
        watch_list: gives the list in force.
        mirror: has tools mirrored.
        staging: says what the staging registry holds.
        clock: tells the time.
    """

    def __init__(self, watch_list: Callable[[], WatchList], mirror: Mirror, staging: Holder, clock: Clock) -> None:
        self._watch_list = watch_list
        self._mirror = mirror
        self._staging = staging
        self._clock = clock
        self._held: dict[str, datetime] = {}

    def current(self) -> ScannerInUse:
        """Return the scanner in use and its databases, each as ``repository@digest`` within the staging registry.

        Raises:
            ToolMissing: the staging registry lacks one of them, which is on its way there by now; or the list names no
                scanner.
            WatchListError: there is no list.
            ServiceError: who could say so did not answer.
        """
        watch_list = self._watch_list()
        entry = watch_list.scanner
        if entry is None:
            raise ToolMissing("the watch list names no scanner: name one by scanner:, or let no policy ask for a scan")
        databases = {field: self._database(watch_list, name) for field, name in entry.databases.items()}
        return ScannerInUse(
            self._scanner(entry),
            databases.get("database", ""),
            databases.get("java_database", ""),
            entry.format,
            entry.command,
        )

    def newest_database(self) -> str:
        """Return the database that was mirrored last, as ``repository@digest``; empty if none was. One transaction.

        A scanner that reads no documents has none: what is in use is not looked at again by it.

        Raises:
            WatchListError: there is no list.
            ServiceError: the tool's record could not be read.
        """
        entry = self._watch_list().scanner
        if entry is None or entry.format is not None:
            return ""
        tool = self._mirror.get(entry.databases["database"])
        return f"{tool.repository}@{tool.digest}" if tool is not None and tool.digest else ""

    def _scanner(self, entry: ScannerEntry) -> str:
        """The digest is the list's own word: another one is not used, not even while this one is missing."""
        _, digest, _ = entry.source
        if not self._holds(SCANNER_REPOSITORY, digest):
            tool = self._mirror.see_to_scanner(entry, lost=True)
            raise self._missing(SCANNER, tool, digest)
        return f"{SCANNER_REPOSITORY}@{digest}"

    def _database(self, watch_list: WatchList, name: str) -> str:
        """What was mirrored for an entry that has been written anew since is not given any more."""
        image, tool = watch_list.named(name), self._mirror.get(name)
        is_of_list = tool is not None and image is not None and tool.source == image.repository
        if tool is None or not is_of_list or not tool.digest:
            raise self._missing(name, tool if is_of_list else None, Digest(""))
        if not self._holds(tool.repository, tool.digest):
            self._mirror.see_to(tool, lost=True)
            raise self._missing(name, tool, tool.digest)
        return f"{tool.repository}@{tool.digest}"

    def _holds(self, repository: str, digest: Digest) -> bool:
        now, place = self._clock(), f"{repository}@{digest}"
        if now - self._held.get(place, now - _BELIEVED) < _BELIEVED:
            return True
        if not self._staging.holds(repository, digest):
            self._held.pop(place, None)
            return False
        self._held = {**{one: at for one, at in self._held.items() if now - at < _BELIEVED}, place: now}
        return True

    def _missing(self, name: str, tool: Tool | None, digest: Digest) -> ToolMissing:
        what = f"{tool.repository}@{digest}" if tool is not None and digest else f"what the tool {name} is"
        way = self._mirror.way_of(tool) if tool is not None else "its source was not looked at yet"
        return ToolMissing(f"the staging registry does not hold {what}, which scans need: {way}")

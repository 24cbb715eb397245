"""What people know and scanners do not, as their files say it: waivers, VEX documents, what is known to be exploited.

A file that cannot be read does not undo what it said before: the last good one of its name stays in force, and the
problem is a trouble for as long as it lasts. A file that was deleted says nothing any more.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterable
from datetime import datetime
from typing import TYPE_CHECKING

import msgspec

from shared.domain.watching.troubles import Kind, Trouble
from shared.errors import MalformedInput
from shared.exception_ports import ExceptionFile, ExceptionFiles
from shared.ports import Clock
from shared.rules.good_files import GoodFiles, InForce

# What reads reports and documents is loaded when the first one is there.
if TYPE_CHECKING:
    from shared.domain.scan.exploited import Exploited
    from shared.domain.scan.vex import Statement
    from shared.domain.scan.waivers import Waiver
    from shared.domain.scan.weighing import Exceptions

log = logging.getLogger("tidegate.exceptions")

WAIVERS = "waivers.yaml"
EXPLOITED = "known-exploited.json"


class Known(msgspec.Struct, frozen=True):
    """What the files in force say.

    Attributes:
        exceptions: what they say.
        sha256: of their names and contents; empty if there are none.
        ends: when waivers end, UTC.
        troubles: which stored files are not in force, and why.
    """

    exceptions: Exceptions
    sha256: str = ""
    ends: tuple[datetime, ...] = ()
    troubles: tuple[Trouble, ...] = ()

    def ended_between(self, earlier: datetime, later: datetime) -> bool:
        """Whether a waiver ended after one moment, and by another one."""
        return any(earlier < end <= later for end in self.ends)


class _Said(msgspec.Struct, frozen=True):
    """What one file says."""

    waivers: tuple[Waiver, ...] = ()
    vex: tuple[Statement, ...] = ()
    exploited: Exploited | None = None


class KnownExceptions:
    """Reads the files, each once for as long as it does not change.

    Args:
        files: where they are.
        clock: tells the time.
        read_waivers: reads a file of waivers; raises ``MalformedInput``.
    """

    def __init__(
        self, files: ExceptionFiles, clock: Clock, read_waivers: Callable[[bytes], tuple[Waiver, ...]]
    ) -> None:
        self._files = files
        self._read_waivers = read_waivers
        self._good = GoodFiles(files, Kind.EXCEPTIONS_INVALID, self._problem, clock, log)
        self._lock = threading.Lock()
        self._read: dict[ExceptionFile, _Said | str] = {}
        self._known: tuple[InForce, Known] | None = None

    def now(self) -> Known:
        """Return what is in force: one listing a minute at most, and a read of each file that changed.

        Raises:
            ServiceError: the storage account did not answer.
        """
        with self._lock:
            found = self._good.now()
            if self._known is None or self._known[0] is not found:
                self._known = (found, self._taken(found))
            return self._known[1]

    def dry(self, clock: Clock) -> KnownExceptions:
        """Return what reads the same files, and does not remember which of them were found valid.

        Args:
            clock: tells the time.
        """
        return KnownExceptions(_OnlyRead(self._files), clock, self._read_waivers)

    def _taken(self, found: InForce) -> Known:
        said = [one for file in found.files if isinstance(one := self._said(file), _Said)]
        self._read = {file: self._said(file) for file in found.files}
        return _known(found, said)

    def _problem(self, file: ExceptionFile) -> str:
        said = self._said(file)
        return said if isinstance(said, str) else ""

    def _said(self, file: ExceptionFile) -> _Said | str:
        if file not in self._read:
            try:
                self._read[file] = self._parsed(file)
            except MalformedInput as error:
                self._read[file] = str(error)
        return self._read[file]

    def _parsed(self, file: ExceptionFile) -> _Said:
        from shared.domain.scan.exploited import read_exploited  # noqa: PLC0415
        from shared.domain.scan.vex import read_vex  # noqa: PLC0415

        if file.name == WAIVERS:
            return _Said(waivers=self._read_waivers(file.content))
        if file.name == EXPLOITED:
            return _Said(exploited=read_exploited(file.content))
        return _Said(vex=read_vex(file.content))


class _OnlyRead:
    """Files of exceptions of which nothing is remembered."""

    def __init__(self, files: ExceptionFiles) -> None:
        self.stored = files.stored
        self.last_good = files.last_good

    def keep_last_good(self, files: tuple[ExceptionFile, ...]) -> None:
        """Remember nothing."""


def _known(found: InForce, said: Iterable[_Said]) -> Known:
    from shared.domain.scan.weighing import Exceptions  # noqa: PLC0415

    each = tuple(said)
    waivers = tuple(waiver for one in each for waiver in one.waivers)
    exceptions = Exceptions(
        vex=tuple(statement for one in each for statement in one.vex),
        waivers=waivers,
        exploited=next((one.exploited for one in each if one.exploited is not None), None),
    )
    return Known(exceptions, found.sha256, tuple(sorted({waiver.end for waiver in waivers})), found.troubles)

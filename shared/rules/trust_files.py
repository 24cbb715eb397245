"""The keys, roots and stores by which signatures are judged, as the files under ``config/trust/`` say them."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping

import msgspec

from shared.domain.watching.troubles import Kind, Trouble
from shared.exception_ports import ExceptionFile, ExceptionFiles
from shared.ports import Clock
from shared.rules.good_files import GoodFiles, InForce

log = logging.getLogger("tidegate.trust")

FOLDER = "trust/"


class Trust(msgspec.Struct, frozen=True):
    """The files in force.

    Attributes:
        files: content by path below ``config/trust/``.
        sha256: of their names and contents; empty if there are none.
        troubles: which stored files are not in force, and why.
    """

    files: Mapping[str, bytes] = {}
    sha256: str = ""
    troubles: tuple[Trouble, ...] = ()


class KnownTrust:
    """Knows the files of trust.

    Args:
        files: where they are; their names begin with ``trust/``.
        clock: tells the time.
        problem: says what is wrong with a file of a path below ``config/trust/``; empty for nothing.
    """

    def __init__(self, files: ExceptionFiles, clock: Clock, problem: Callable[[str, bytes], str]) -> None:
        def wrong(file: ExceptionFile) -> str:
            return problem(file.name.removeprefix(FOLDER), file.content)

        self._good = GoodFiles(files, Kind.TRUST_INVALID, wrong, clock, log)
        self._known: tuple[InForce, Trust] | None = None

    def now(self) -> Trust:
        """Return what is in force: one listing a minute at most.

        Raises:
            ServiceError: the storage account did not answer.
        """
        found, known = self._good.now(), self._known
        if known is not None and known[0] is found:
            return known[1]
        files = {file.name.removeprefix(FOLDER): file.content for file in found.files}
        self._known = (found, Trust(files, found.sha256, found.troubles))
        return self._known[1]

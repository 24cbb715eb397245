"""Files of the configuration of which the last good one of each name stays in force while a new one cannot be used."""

from __future__ import annotations

import hashlib
import logging
import threading
from collections.abc import Callable
from datetime import datetime, timedelta

import msgspec

from shared.domain.watching.troubles import Kind, Trouble
from shared.exception_ports import ExceptionFile, ExceptionFiles
from shared.ports import Clock

# One listing serves everything that is decided within this time.
KEPT_FOR = timedelta(minutes=1)


class InForce(msgspec.Struct, frozen=True):
    """The files in force.

    Attributes:
        files: each.
        sha256: of their names and contents; empty if there are none.
        troubles: which stored files are not in force, and why.
    """

    files: tuple[ExceptionFile, ...] = ()
    sha256: str = ""
    troubles: tuple[Trouble, ...] = ()


class GoodFiles:
    """Reads the files, each once for as long as it does not change.

    Args:
        files: where they are.
        kind: of the trouble that a file which cannot be used is.
        problem: says what is wrong with one; empty for nothing.
        clock: tells the time.
        log: is told of each file that cannot be used.
    """

    def __init__(
        self,
        files: ExceptionFiles,
        kind: Kind,
        problem: Callable[[ExceptionFile], str],
        clock: Clock,
        log: logging.Logger,
    ) -> None:
        self._files = files
        self._kind = kind
        self._problem = problem
        self._clock = clock
        self._log = log
        self._lock = threading.Lock()
        self._taken: tuple[tuple[ExceptionFile, ...], InForce] | None = None
        self._asked_at: datetime | None = None

    def now(self) -> InForce:
        """Return what is in force: one listing a minute at most, and a read of each file that changed.

        Raises:
            ServiceError: the storage account did not answer.
        """
        with self._lock:
            now = self._clock()
            if self._taken is not None and self._asked_at is not None and now - self._asked_at < KEPT_FOR:
                return self._taken[1]
            stored = self._files.stored()
            if self._taken is None or self._taken[0] != stored:
                self._taken = (stored, self._take(stored))
            self._asked_at = now
            return self._taken[1]

    def _take(self, stored: tuple[ExceptionFile, ...]) -> InForce:
        last_good = self._files.last_good()
        before = {file.name: file for file in last_good}
        good, troubles = list[ExceptionFile](), list[Trouble]()
        for file in stored:
            problem = file.trouble or self._problem(file)
            if not problem:
                good.append(file)
                continue
            instead = before.get(file.name)
            usable = instead is not None and not self._problem(instead)
            good += [instead] if instead is not None and usable else []
            troubles.append(self._trouble(file, problem, usable=usable))
        in_force = tuple(good)
        if in_force != last_good:
            self._files.keep_last_good(in_force)
        return InForce(in_force, _hash(in_force), tuple(troubles))

    def _trouble(self, file: ExceptionFile, problem: str, *, usable: bool) -> Trouble:
        stays = "what it last said stays in force" if usable else "nothing of it is in force"
        detail = f"config/{file.name} cannot be used, and {stays}; mend it and upload it again: {problem}"
        self._log.error("%s", detail)
        return Trouble(kind=self._kind, about=f"file:config/{file.name}", detail=detail)


def _hash(files: tuple[ExceptionFile, ...]) -> str:
    if not files:
        return ""
    parts = [(file.name, hashlib.sha256(file.content).hexdigest()) for file in files]
    return hashlib.sha256(msgspec.json.encode(sorted(parts))).hexdigest()

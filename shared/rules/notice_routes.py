"""Which routes are in force: those of the last good ``config/notify.yaml``, or what usually holds where there is none.

Names of destinations are settings; where there are none, nothing is read.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Collection
from typing import Protocol

from shared.domain.notices.notice import Notice
from shared.domain.notices.routes import Route, usual_routes
from shared.domain.watching.troubles import Kind, Trouble
from shared.domain.watching.watch_list import WatchList
from shared.errors import MalformedInput, TidegateError
from shared.exception_ports import ExceptionFile, ExceptionFiles
from shared.ports import Clock
from shared.rules.good_files import GoodFiles

log = logging.getLogger("tidegate.notices")

ABOUT = "file:config/notify.yaml"


class ReadsNotify(Protocol):
    """Reads the file."""

    def read(self, text: bytes, destinations: Collection[str]) -> tuple[Route, ...]:
        """Return its routes.

        Raises:
            MalformedInput: it is not valid.
        """
        ...

    def unknown(self, text: bytes, owners: Collection[str], images: Collection[str]) -> str:
        """Return which owners and entries it names that there are not; empty for none."""
        ...


class NoticeRoutes:
    """Gives the routes in force.

    Args:
        files: where the file is.
        reads: reads it.
        names: of the destinations.
        watch_list: gives the list in force, which says whose an entry is.
        clock: tells the time.
    """

    def __init__(
        self,
        files: ExceptionFiles,
        reads: ReadsNotify,
        names: tuple[str, ...],
        watch_list: Callable[[], WatchList],
        clock: Clock,
    ) -> None:
        self._good = GoodFiles(files, Kind.NOTIFY_INVALID, self._problem, clock, log)
        self._reads = reads
        self._names = names
        self._watch_list = watch_list

    def now(self) -> tuple[Route, ...]:
        """Return the routes in force: one listing a minute at most.

        Raises:
            ServiceError: the storage account did not answer.
        """
        if not self._names:
            return ()
        files = self._good.now().files
        return self._reads.read(files[0].content, self._names) if files else usual_routes(self._names)

    def owners(self) -> Callable[[Notice], frozenset[str] | None]:
        """Return what tells whose entries a notice is about; ``None`` where nobody knows, as no list can be read."""
        try:
            owned = {image.name: image.owner for image in self._watch_list().images}
        except TidegateError as error:
            log.warning("whose images are is not known, so notices go to every owner: %s", error)
            return lambda _: None
        return lambda notice: frozenset(owner for name in notice.images if (owner := owned.get(name)))

    def troubles(self) -> tuple[Trouble, ...]:
        """Return what is wrong with the file; what nobody needs is not read."""
        if not self._names:
            return ()
        found = self._good.now()
        if found.troubles or not found.files:
            return found.troubles
        strangers = self._strangers(found.files[0].content)
        if not strangers:
            return ()
        told = f"config/notify.yaml is in force, and nobody is ever told by what names nobody: {strangers}"
        return (Trouble(kind=Kind.NOTIFY_INVALID, about=ABOUT, detail=told),)

    def check(self, text: bytes) -> None:
        """Check a file that is to be written.

        Raises:
            MalformedInput: it is not valid, or names a destination, an owner or an entry that there is not.
        """
        self._reads.read(text, self._names)
        if strangers := self._strangers(text):
            raise MalformedInput(strangers)

    def _strangers(self, text: bytes) -> str:
        try:
            images = self._watch_list().images
        except TidegateError:
            return ""
        owners = {image.owner for image in images if image.owner}
        return self._reads.unknown(text, owners, {image.name for image in images})

    def _problem(self, file: ExceptionFile) -> str:
        try:
            self._reads.read(file.content, self._names)
        except MalformedInput as error:
            return str(error)
        return ""

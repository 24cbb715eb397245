"""Puts together what mirrors tools, and what knows the scanner in use."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from shared.errors import WatchListError
from shared.rules.mirroring import Mirror
from shared.rules.scanners import Scanners

if TYPE_CHECKING:
    from shared.digest_ports import Holder
    from shared.domain.promotion.candidate import Candidate
    from shared.domain.watching.watch_list import WatchList
    from shared.ports import Clock
    from shared.rules.progress import Progress
    from shared.tool_ports import Tools


class Tooling:
    """Mirrors tools, and knows which of them runs are given.

    Args:
        progress: where candidates are kept and how they go on.
        tools: where tools are.
        staging: says what the staging registry holds.
        watch_list: gives the list in force.
        clock: tells the time.

    Attributes:
        mirror: mirrors tools.
        scanners: knows the scanner in use.
    """

    def __init__(
        self,
        progress: Progress[Candidate],
        tools: Tools,
        staging: Holder,
        watch_list: Callable[[], WatchList],
        clock: Clock,
    ) -> None:
        self._watch_list = watch_list
        self.mirror = Mirror(progress, tools, staging)
        self.scanners = Scanners(watch_list, self.mirror, staging, clock)

    def sweep(self) -> None:
        """See to every tool of the list in force; that there is none is told by those who look for troubles."""
        try:
            watch_list = self._watch_list()
        except WatchListError:
            return
        self.mirror.see_to_all(watch_list)

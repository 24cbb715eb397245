"""Puts together what deletes from registries what nobody needs any more; see ``shared.bootstrap``.

What only this needs is loaded when it is first needed; where it is switched off, nothing is.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta
from functools import cached_property
from typing import TYPE_CHECKING

from shared.domain.references import parse_digest
from shared.telemetry.counts import house_kept

if TYPE_CHECKING:
    from azure.functions import HttpResponse

    from shared.bootstrap import Parts
    from shared.domain.housekeeping.reasons import Place
    from shared.domain.watching.troubles import Trouble
    from shared.flows.keep_house import HouseKeeper
    from shared.flows.list_house import HouseLister
    from shared.rules.house_looks import HouseLooks
    from shared.web.asked import Asked
    from shared.web.housekeeping import HousekeepingPages

# A round that somebody asks for begins so late at most.
_LOOKED_AT = timedelta(minutes=15)


class Housekeeping:
    """Housekeeping.

    Args:
        parts: the other parts of the app.
    """

    def __init__(self, parts: Parts) -> None:
        self._parts = parts
        self._next_at: datetime | None = None

    def sweep(self) -> None:
        """Keep house, where it is switched on; see ``HouseKeeper.sweep``. Between rounds hardly anything is asked."""
        now = self._parts.clock()
        if not self._parts.settings.cleared or (self._next_at is not None and now < self._next_at):
            return
        self._next_at = None if self.keeper.sweep() else now + _LOOKED_AT

    def troubles(self) -> Iterable[Trouble]:
        """Return what could not be kept for long."""
        return self.keeper.troubles() if self._parts.settings.cleared else ()

    def listing(self, asked: Asked) -> HttpResponse:
        """Serve what would go and what stays; see ``HousekeepingPages.listing``."""
        return self._pages.listing(asked)

    def ask(self, asked: Asked) -> HttpResponse:
        """Have a round made soon; see ``HousekeepingPages.ask``."""
        return self._pages.ask(asked)

    @cached_property
    def keeper(self) -> HouseKeeper:
        """Deletes."""
        from shared.flows.keep_house import HouseKeeper  # noqa: PLC0415

        return HouseKeeper(self._looks, self._parts.house_books, self._parts.activity, house_kept)

    @cached_property
    def lister(self) -> HouseLister:
        """Lists what would be deleted."""
        from shared.flows.list_house import HouseLister  # noqa: PLC0415

        return HouseLister(self._looks, self._parts.house_books)

    @cached_property
    def _looks(self) -> HouseLooks:
        from shared.rules.house_looks import HouseLooks, Settled  # noqa: PLC0415
        from shared.rules.house_needs import HouseNeeds  # noqa: PLC0415
        from shared.rules.house_travelling import RecordedTravel  # noqa: PLC0415

        parts, settings = self._parts, self._parts.settings
        records = (parts.targets, parts.candidates, parts.rebuilds, parts.scans, parts.tools)
        remembers = parts.deciding.remembers
        client = settings.gate_client_image.partition("@")[2]
        named = (parse_digest(client),) if client else ()
        base = settings.base.name
        travel = RecordedTravel(parts.companions, parts.unique_names, base, parts.clock, parts.travelling.release)
        needs = HouseNeeds(*records, parts.watch_lists.in_force, base, remembers, travel, named)
        settled = Settled(
            places=self._places, stays=settings.staging_stays, uniques_kept=int(settings.unique_tags_kept)
        )
        return HouseLooks(parts.house_registries, parts.run_names, parts.house_books, needs, settled, parts.clock)

    @property
    def _places(self) -> frozenset[Place]:
        """Where something is deleted; names of runs are, wherever it is not switched off."""
        from shared.domain.housekeeping.reasons import Place  # noqa: PLC0415

        cleared = self._parts.settings.cleared
        return frozenset(map(Place, cleared)) | {Place.RUNS} if cleared else frozenset()

    @cached_property
    def _pages(self) -> HousekeepingPages:
        """Serves the addresses of the API."""
        from shared.web.housekeeping import HousekeepingPages  # noqa: PLC0415

        return HousekeepingPages(lambda: self.lister, lambda: self.keeper)

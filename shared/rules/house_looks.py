"""The one look by which housekeeping finds what goes: what is listed to people, and what is deleted, are its answer."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from functools import cached_property

import msgspec

from shared.domain.housekeeping.graph import Graph
from shared.domain.housekeeping.judging import Judged, Rules, Said, Unique
from shared.domain.housekeeping.reasons import Goes, Place
from shared.domain.housekeeping.rounds import Site
from shared.domain.housekeeping.task_runs import JudgedRuns, NamedRun, judge_runs
from shared.domain.references import Digest, Tag
from shared.housekeeping_ports import HouseBooks, HouseRegistry, RunNames
from shared.ports import Clock
from shared.rules.house_needs import HouseNeeds, Needed
from shared.rules.house_purse import HousePurse
from shared.rules.house_reading import HouseReader


class Settled(msgspec.Struct, frozen=True, kw_only=True):
    """What the settings say of housekeeping.

    Attributes:
        places: where something is deleted.
        stays: how long what is written in staging stays at least.
        uniques_kept: how many unique tags of a tag stay.
    """

    places: frozenset[Place]
    stays: timedelta
    uniques_kept: int


class Everything:
    """What records need, read once for many looks.

    Args:
        needs: reads what records need.

    Attributes:
        needed: which digests.
    """

    def __init__(self, needs: HouseNeeds) -> None:
        self.needed: Needed = needs.all()
        self._needs = needs

    @cached_property
    def run_names(self) -> frozenset[str]:
        """Which names of runs; read when the first is looked at."""
        return self._needs.run_names()


class HouseLooks:
    """Looks at one site after the other.

    Args:
        registries: staging and base.
        runs: names of runs, by registry.
        books: what is known of manifests.
        needs: reads what records need.
        settled: what the settings say.
        clock: tells the time.
    """

    def __init__(
        self,
        registries: Mapping[Place, HouseRegistry],
        runs: Mapping[str, RunNames],
        books: HouseBooks,
        needs: HouseNeeds,
        settled: Settled,
        clock: Clock,
    ) -> None:
        self.registries = registries
        self.runs = runs
        self.settled = settled
        self.needs = needs
        self.clock = clock
        self._books = books

    def everything(self) -> Everything:
        """Read all records.

        Raises:
            ServiceError: some could not be read; nobody knows what they need, and nothing may go.
        """
        return Everything(self.needs)

    def sites(self, everything: Everything) -> tuple[Site, ...]:
        """Return every site, in the order in which they are looked at.

        Repositories that no record knows are none of ours: they are neither listed nor touched.
        """
        found = [Site(place, name) for place, names in everything.needed.repositories.items() for name in names]
        return tuple(sorted((*found, *(Site(Place.RUNS, name) for name in self.runs)), key=lambda site: site.key))

    def look(
        self, site: Site, everything: Everything, begun: Mapping[Digest, Goes], purse: HousePurse
    ) -> tuple[Graph, Judged]:
        """Look at a repository, and say of all that it holds whether it goes.

        Args:
            site: of staging or of the base registry.
            everything: what records need.
            begun: manifests of which the deletion was begun.
            purse: grants requests.

        Raises:
            Spent: there was not enough left.
            ServiceError: not all could be read, and so nothing may go.
        """
        reader = HouseReader(self.registries[site.place], self._books, purse)
        rules = Rules(
            place=site.place,
            stays=self.settled.stays,
            uniques_kept=self.settled.uniques_kept,
            uniques=self._uniques(site),
            held=self._held(site, everything),
            said=self.needs.travel.said(site.name) if site.place is Place.BASE else Said(),
            begun=begun,
        )
        return reader.judged(site, everything.needed.of(site), rules, self.clock())

    def look_at_runs(self, site: Site, everything: Everything, purse: HousePurse) -> JudgedRuns:
        """Look at the names of runs in a registry, and say of each whether it goes; see ``look``."""
        listed = [one for page in purse.pages(self.runs[site.name].names()) for one in page]
        return self.judged_runs(listed, everything)

    def judged_runs(self, listed: list[NamedRun], everything: Everything) -> JudgedRuns:
        """Say of names of runs whether they go."""
        return judge_runs(listed, everything.run_names, self.clock())

    def _uniques(self, site: Site) -> tuple[Unique, ...]:
        return tuple(self.needs.travel.uniques(site.name)) if site.place is Place.BASE else ()

    def _held(self, site: Site, everything: Everything) -> frozenset[Tag]:
        return everything.needed.held.get(site.name, frozenset()) if site.place is Place.BASE else frozenset()

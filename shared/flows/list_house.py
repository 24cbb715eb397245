"""Tell what housekeeping would delete now, and why all else stays: by the look that deletes, and without deleting."""

from __future__ import annotations

from datetime import timedelta

import msgspec

from shared.domain.housekeeping import rounds
from shared.domain.housekeeping.judging import Going, Staying
from shared.domain.housekeeping.reasons import Place
from shared.domain.housekeeping.rounds import Round, Site, Tally
from shared.errors import ServiceError
from shared.housekeeping_ports import HouseBooks
from shared.rules.house_looks import Everything, HouseLooks
from shared.rules.house_purse import HousePurse, Spent
from shared.rules.house_reading import Unread

# Whoever asks waits for it.
MOST_REQUESTS, WITHIN = 400, timedelta(seconds=20)
MOST_SITES = 100
# Sorts before every site: where nothing was looked at yet, and there is something to go on with.
_BEFORE_ALL = "!"
_LEFT = "?"


class SiteListed(msgspec.Struct, frozen=True, kw_only=True):
    """What would become of all that a site holds.

    Attributes:
        site: which.
        clears: whether anything is deleted there at all.
        goes: what would go.
        stays: what would stay.
        names_go: names of runs that would go.
        tally: both as numbers, by why.
        unread: how many manifests are not read yet, so that nothing can be said; asking again reads on.
        trouble: why nothing can be said; empty if something is.
    """

    site: Site
    clears: bool
    goes: tuple[Going, ...] = ()
    stays: tuple[Staying, ...] = ()
    names_go: tuple[str, ...] = ()
    tally: Tally = Tally()
    unread: int = 0
    trouble: str = ""


class Listed(msgspec.Struct, frozen=True):
    """Some sites, in order, the round that was made last or is under way, and where to go on; empty at the end."""

    sites: tuple[SiteListed, ...]
    round: Round
    after: str


class HouseLister:
    """Lists.

    Args:
        looks: finds what goes.
        books: what is remembered.
    """

    def __init__(self, looks: HouseLooks, books: HouseBooks) -> None:
        self._looks = looks
        self._books = books

    @property
    def places(self) -> frozenset[Place]:
        """Where something is deleted."""
        return self._looks.settled.places

    def list(self, *, place: Place | None = None, name: str = "", after: str = "", limit: int = MOST_SITES) -> Listed:
        """List sites; those too where nothing is deleted: so people see what would be.

        Args:
            place: only those of one place.
            name: only the repository, or the registry, of one name.
            after: where an earlier answer said to go on; empty to begin.
            limit: how many sites at most.

        Returns:
            As many sites as could be looked at within some seconds.

        Raises:
            ServiceError: records could not be read, so that nobody knows what they need.
        """
        stored, everything = self._books.get(), self._looks.everything()
        known = stored.round if stored else Round()
        sites = [one for one in self._looks.sites(everything) if place in {None, one.place} and name in {"", one.name}]
        left = [one for one in sites if one.key > after.partition(_LEFT)[0]]
        purse = HousePurse(self._looks.clock, MOST_REQUESTS, WITHIN)
        found: list[SiteListed] = []
        for site in left[:limit]:
            try:
                found.append(self._look(site, everything, known, purse))
            except Unread as unread:
                found.append(SiteListed(site=site, clears=site.place in self.places, unread=unread.count))
                break
            except Spent:
                if not found:  # alone it is too much
                    trouble = f"it holds too much to be listed within {WITHIN.seconds} seconds"
                    found.append(SiteListed(site=site, clears=site.place in self.places, trouble=trouble))
                break
        return Listed(tuple(found), known, _next(left, found, after))

    def _look(self, site: Site, everything: Everything, known: Round, purse: HousePurse) -> SiteListed:
        clears = site.place in self.places
        try:
            if site.place is Place.RUNS:
                runs = self._looks.look_at_runs(site, everything, purse)
                tally = rounds.counts(runs.goes.values(), runs.stays.values())
                return SiteListed(site=site, clears=clears, names_go=tuple(runs.goes), tally=tally)
            _, judged = self._looks.look(site, everything, rounds.begun_at(known, site), purse)
        except ServiceError as error:
            return SiteListed(site=site, clears=clears, trouble=str(error))
        tally = rounds.counts((one.why for one in judged.goes), (one.why for one in judged.stays))
        return SiteListed(site=site, clears=clears, goes=judged.goes, stays=judged.stays, tally=tally)


def _next(left: list[Site], found: list[SiteListed], after: str) -> str:
    """A site of which not all is read yet is listed once more; how much is left tells that it goes on."""
    read = [one.site.key for one in found if not one.unread]
    if len(read) == len(left):
        return ""
    done = read[-1] if read else after.partition(_LEFT)[0] or _BEFORE_ALL
    unread = sum(one.unread for one in found)
    return f"{done}{_LEFT}{unread}" if unread else done

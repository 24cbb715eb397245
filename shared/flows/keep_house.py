"""Housekeeping: once a day look at all that our registries hold, and delete what nobody needs any more.

Nothing is followed. Whoever dies on the way leaves a round that goes on where it was noted, with each repository listed
anew. Only of what is deleted with something else it is written down before that it was begun: a child whose index is
gone is nobody's to judge.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import timedelta
from functools import partial

import msgspec

from shared.domain.housekeeping import rounds
from shared.domain.housekeeping.judging import Going
from shared.domain.housekeeping.reasons import Goes, Place
from shared.domain.housekeeping.rounds import Round, Site, Tally
from shared.domain.references import Digest
from shared.domain.watching.troubles import Kind, Trouble
from shared.errors import Conflict, RateLimited, ServiceError
from shared.housekeeping_ports import HouseBooks, StoredRound
from shared.ports import Activity, Event
from shared.rules.house_looks import HouseLooks
from shared.rules.house_purse import HousePurse, Spent
from shared.rules.house_reading import Unread
from shared.rules.house_site import HouseSites, Kept

log = logging.getLogger("tidegate.housekeeping")

# A minute of a sweep at most: a registry lets one identity read five thousand times a minute, and more.
MOST_REQUESTS, WITHIN = 1000, timedelta(seconds=60)
_DETAIL_KEPT = 600


class HouseKeeper:
    """Keeps house.

    Args:
        looks: finds what goes.
        books: what is remembered.
        activity: is told what was deleted.
        tell: is told what came of a part of a round.
    """

    def __init__(self, looks: HouseLooks, books: HouseBooks, activity: Activity, tell: Callable[[Tally], None]) -> None:
        self._looks = looks
        self._books = books
        self._activity = activity
        self._tell = tell

    def sweep(self) -> bool:
        """Go on with the round that is under way for a minute at most, or begin one if it is time to.

        Returns:
            Whether there is one under way, so that the next sweep has something to do.

        Raises:
            ServiceError: our own storage account did not answer; the next sweep goes on.
        """
        stored, now = self._books.get(), self._looks.clock()
        known = stored.round if stored else Round()
        if not self._looks.settled.places or not rounds.is_due(known, now):
            return rounds.is_under_way(known)
        try:
            claimed = self._books.put(stored, rounds.claimed(known, now))
            return _Part(self._looks, self._books, self._activity, claimed, self._tell).go_on()
        except Conflict as conflict:
            log.info("%s", conflict)  # another instance sweeps at the same time
            return True

    def ask(self) -> Round:
        """Have a round made as soon as the one under way is over.

        Raises:
            Conflict: somebody changed the round at the same moment.
            ServiceError: our own storage account did not answer.
        """
        stored = self._books.get()
        known = rounds.asked(stored.round if stored else Round(), self._looks.clock())
        return self._books.put(stored, known).round

    def troubles(self) -> Iterator[Trouble]:
        """Return what could not be kept for two days, one trouble for each place.

        Raises:
            ServiceError: our own storage account did not answer.
        """
        stored = self._books.get() if self._looks.settled.places else None
        lasting = rounds.lasting(stored.round, self._looks.clock()) if stored else ()
        for place in Place:
            of_place = [one for one in lasting if one.site.place is place]
            if of_place:
                first = min(of_place, key=lambda one: one.since)
                told = f"{len(of_place)} could not be cleared for two days, as {first.site.name}: {first.detail}"
                yield Trouble(
                    kind=Kind.HOUSE_NOT_KEPT, about=f"housekeeping:{place.value}", detail=told, since=first.since
                )


class _Part:
    """A part of a round, by one process that has just claimed it."""

    def __init__(
        self,
        looks: HouseLooks,
        books: HouseBooks,
        activity: Activity,
        claimed: StoredRound,
        tell: Callable[[Tally], None],
    ) -> None:
        self._looks = looks
        self._books = books
        self._activity = activity
        self._stored = claimed
        self._tell = tell
        self._purse = HousePurse(looks.clock, MOST_REQUESTS, WITHIN)
        self._counted = 0

    def go_on(self) -> bool:
        """Look at one site after the other until there is none left, or nothing to look with; whether some are."""
        try:
            everything = self._looks.everything()
        except ServiceError:
            self._save(rounds.paused(self._round, Tally()))
            raise
        sites = [one for one in self._looks.sites(everything) if one.place in self._looks.settled.places]
        keeper = HouseSites(self._looks, everything, self._purse, self._begun, self._begin)
        for site in sites:
            if site.key > self._round.after and not self._keep(keeper, site):
                self._save(msgspec.structs.replace(self._round, busy_until=None))
                return True
        self._save(rounds.ended(self._round, sites, self._looks.clock()))
        log.info("housekeeping: a round is over: %s", self._round.tally)
        return False

    @property
    def _round(self) -> Round:
        return self._stored.round

    def _save(self, known: Round) -> None:
        self._stored = self._books.put(self._stored, known)

    def _begun(self, site: Site) -> Mapping[Digest, Goes]:
        return rounds.begun_at(self._round, site)

    def _begin(self, site: Site, goes: Iterable[Going]) -> None:
        self._save(rounds.begun(self._round, site, ((one.digest, one.why) for one in goes if not one.tag)))

    def _keep(self, keeper: HouseSites, site: Site) -> bool:
        """Keep one site, and say whether the next one may be looked at now.

        What came of it is written with the next that is written: whoever dies before looks at it once more.
        """
        kept, goes_on = Kept(), True
        change: Callable[[Tally], Round]
        try:
            keeper.keep(site, kept)
            change = partial(self._done, site, kept)
        except (Spent, RateLimited) as pause:
            log.info("housekeeping pauses at %s: %s", site.key, pause)
            kept.spared.clear()  # they are counted when the site is looked at to its end
            change, goes_on = self._pause(site, pause, kept), False
        except ServiceError as error:
            log.warning("%s could not be cleared: %s", site.key, error)
            change, goes_on = partial(self._failed, site, str(error)), not error.temporary
        self._stored = StoredRound(change(self._told(site, kept)), self._stored.etag)
        return goes_on

    def _done(self, site: Site, kept: Kept, tally: Tally) -> Round:
        return rounds.done(self._round, site, kept.left, tally)

    def _pause(self, site: Site, pause: Exception, kept: Kept) -> Callable[[Tally], Round]:
        """A site that comes on by nothing, twice in a row, keeps the others from their turn no longer."""
        if _came_on(pause, kept):
            return partial(self._paused, None)
        if self._round.stuck_at == site.key:
            return partial(self._failed, site, _why(pause))
        return partial(self._paused, site)

    def _paused(self, stuck: Site | None, tally: Tally) -> Round:
        return rounds.paused(self._round, tally, stuck)

    def _failed(self, site: Site, why: str, tally: Tally) -> Round:
        return rounds.failed(self._round, site, why, self._looks.clock(), tally)

    def _told(self, site: Site, kept: Kept) -> Tally:
        """Every request is counted once, with whatever came of the site for which it was made."""
        spent, self._counted = self._purse.spent - self._counted, self._purse.spent
        tally = rounds.added(kept.tally, rounds.counts(requests=spent))
        self._tell(tally)
        if told := str(kept):
            log.info("housekeeping: %s: %s", site.key, told)
            subject = f"housekeeping:{site.place.value}/{site.name}"
            self._activity.append(Event(subject, "house-kept", self._looks.clock(), told[:_DETAIL_KEPT]))
        return tally


def _came_on(pause: Exception, kept: Kept) -> bool:
    """Whether the next part will find less to do at a site."""
    return bool(kept.deleted) or (isinstance(pause, Unread) and pause.read > 0)


def _why(pause: Exception) -> str:
    if isinstance(pause, ServiceError):
        return str(pause)
    return f"it holds too much to be listed by {MOST_REQUESTS} requests within {WITHIN.seconds} seconds"

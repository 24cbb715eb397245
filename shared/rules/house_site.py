"""Keep one site: delete what goes from it, each looked at again, and note what came of each."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Iterable, Mapping

import msgspec

from shared.domain.housekeeping.graph import Graph
from shared.domain.housekeeping.judging import Going, Judged
from shared.domain.housekeeping.reasons import Goes, Place, Spared
from shared.domain.housekeeping.rounds import Site, Tally
from shared.domain.references import Digest
from shared.housekeeping_ports import Locked
from shared.rules.house_deleting import Changed, HouseDeleter
from shared.rules.house_looks import Everything, HouseLooks
from shared.rules.house_purse import HousePurse, Spent

# Each is two requests to Resource Manager, which others wait for too.
MOST_NAMES = 100
# A repository that somebody writes to all the time is left for the next day.
LOOKS = 3


class Refused(msgspec.Struct, frozen=True):
    """What somebody locked while it was about to be deleted: which, and what the registry said."""

    what: str
    detail: str


class Kept:
    """What came of one site, so far.

    Attributes:
        deleted: what is gone, by why.
        spared: what stays, by why.
        refused: what was locked meanwhile.
        left: manifests of which the deletion was begun, and that are there still.
    """

    def __init__(self) -> None:
        self.deleted: Counter[Goes] = Counter()
        self.spared: Counter[Spared] = Counter()
        self.refused: list[Refused] = []
        self.left: set[Digest] = set()

    @property
    def tally(self) -> Tally:
        """The same as numbers."""
        deleted = {why.value: count for why, count in self.deleted.items()}
        return Tally(0, deleted, {why.value: count for why, count in self.spared.items()})

    def __str__(self) -> str:
        each = ", ".join(f"{count} {why.value}" for why, count in sorted(self.deleted.items(), key=str))
        locked = "; ".join(f"{one.what} was locked meanwhile ({one.detail})" for one in self.refused)
        return "; ".join(filter(None, (f"{self.deleted.total()} deleted: {each}" if each else "", locked)))


class HouseSites:
    """Keeps sites.

    Args:
        looks: finds what goes.
        everything: what records need.
        purse: grants requests.
        begun: gives the manifests of a site of which the deletion was begun.
        begin: writes down of which it is begun now.
    """

    def __init__(
        self,
        looks: HouseLooks,
        everything: Everything,
        purse: HousePurse,
        begun: Callable[[Site], Mapping[Digest, Goes]],
        begin: Callable[[Site, Iterable[Going]], None],
    ) -> None:
        self._looks = looks
        self._everything = everything
        self._purse = purse
        self._begun = begun
        self._begin = begin

    def keep(self, site: Site, kept: Kept) -> None:
        """Keep one site.

        Args:
            site: which.
            kept: takes up what came of it, however this ends.

        Raises:
            Spent: enough was asked for now; the site is to be looked at again.
            ServiceError: it could not be kept.
        """
        if site.place is Place.RUNS:
            self._keep_names(site, kept)
            return
        for _ in range(LOOKS):
            graph, judged = self._looks.look(site, self._everything, self._begun(site), self._purse)
            kept.spared = Counter(one.why for one in judged.stays)
            locked = {one.digest for one in judged.stays if one.why is Spared.LOCKED}
            kept.left = locked & self._begun(site).keys()
            self._forget_records(site, judged.gone)
            try:
                self._delete(site, graph, judged, kept)
            except Changed:
                continue
            return
        kept.spared[Spared.CHANGED] += 1
        kept.left |= self._begun(site).keys()

    def _delete(self, site: Site, graph: Graph, judged: Judged, kept: Kept) -> None:
        if not judged.goes:
            return
        if site.place is Place.BASE:
            self._begin(site, judged.goes)
        registry = self._looks.registries[site.place]
        deleter = HouseDeleter(registry, site, graph, self._purse, self._again, self._looks.needs.travel)
        for going in judged.goes:
            stays = deleter.delete(going)
            self._note(going, stays, kept)
            if going.why is Goes.REPLACED and stays is None:
                self._forget_records(site, {going.digest})

    def _forget_records(self, site: Site, gone: Collection[Digest]) -> None:
        """Whoever dies before this leaves it to who next finds that they are gone."""
        if gone:
            self._looks.needs.travel.forget(site.name, gone)

    def _again(self, site: Site, going: Going) -> Spared | None:
        return self._looks.needs.again(site, going, self._everything.needed)

    def _note(self, going: Going, stays: Spared | Locked | None, kept: Kept) -> None:
        if stays is None:
            kept.deleted[going.why] += 1
            return
        if isinstance(stays, Locked):
            kept.refused.append(Refused(going.tag or going.digest, stays.detail))
        why = Spared.LOCKED if isinstance(stays, Locked) else stays
        kept.spared[why] += 1
        if why is Spared.LOCKED and not going.tag:
            kept.left.add(going.digest)

    def _keep_names(self, site: Site, kept: Kept) -> None:
        judged = self._looks.look_at_runs(site, self._everything, self._purse)
        kept.spared = Counter(judged.stays.values())
        for number, name in enumerate(judged.goes):
            if number == MOST_NAMES:
                raise Spent
            self._forget(site, name, kept)

    def _forget(self, site: Site, name: str, kept: Kept) -> None:
        runs = self._looks.runs[site.name]
        self._purse.take()
        found = runs.name(name)
        judged = self._looks.judged_runs([found] if found else [], self._everything)
        if judged.stays:
            kept.spared.update(judged.stays.values())
            return
        if found is not None:
            self._purse.take()
            runs.forget(name)
        kept.deleted[Goes.RUN_ENDED] += 1

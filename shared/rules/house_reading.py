"""Read all that a repository holds: both listings to their end, and once for ever what each manifest says of others."""

from __future__ import annotations

import logging
from collections.abc import Collection, Iterable, Mapping
from datetime import datetime

from shared.domain.housekeeping.graph import Graph, to_read
from shared.domain.housekeeping.judging import Judged, Rules, Staying, is_worth_reading, judge
from shared.domain.housekeeping.manifests import Contents, Links, TagAt
from shared.domain.housekeeping.reasons import Spared
from shared.domain.housekeeping.rounds import Site
from shared.domain.housekeeping.uses import Uses
from shared.domain.references import Digest
from shared.errors import Conflict, Unavailable
from shared.housekeeping_ports import HouseBooks, HouseRegistry, StoredLinks
from shared.rules.house_purse import HousePurse, Spent

log = logging.getLogger("tidegate.housekeeping")


class Unread(Spent):
    """Not every manifest could be read with what there was left; what was read is kept.

    Args:
        count: how many are left.
        read: how many were read.
    """

    def __init__(self, count: int, read: int) -> None:
        self.count = count
        self.read = read
        super().__init__(f"{count} manifests are not read yet")


class HouseReader:
    """Reads repositories of one registry.

    Args:
        registry: the registry.
        books: what is known of manifests.
        purse: grants requests.
    """

    def __init__(self, registry: HouseRegistry, books: HouseBooks, purse: HousePurse) -> None:
        self._registry = registry
        self._books = books
        self._purse = purse

    def judged(self, site: Site, uses: Uses, rules: Rules, now: datetime) -> tuple[Graph, Judged]:
        """Say of all that a repository holds whether it goes.

        Where nothing may go whatever the manifests say of each other, none of them is read.

        Raises:
            Unread: more is to be read than there was left for.
            Spent: the same of the listings.
            ServiceError: not all could be read, and so nothing may go.
        """
        contents = self._listed(site)
        graph = Graph(contents, {})
        if is_worth_reading(graph, uses, rules, now):
            graph = Graph(contents, self._links(site, contents))
        judged = judge(graph, uses, rules, now)
        return graph, self._unless_locked(site, judged) if judged.goes else judged

    def _unless_locked(self, site: Site, judged: Judged) -> Judged:
        """Of a repository that is locked as a whole nothing goes."""
        self._purse.take()
        if not self._registry.is_locked(site.name):
            return judged
        manifests = (one for one in judged.goes if not one.tag)
        stays = (*judged.stays, *(Staying(one.digest, Spared.LOCKED, one.tags) for one in manifests))
        return Judged((), stays, judged.gone)

    def _listed(self, site: Site) -> Contents:
        manifests = [one for page in self._purse.pages(self._registry.manifests(site.name)) for one in page]
        tags = [one for page in self._purse.pages(self._registry.tags(site.name)) for one in page]
        self._check_whole(site, {one.digest for one in manifests}, tags)
        return Contents(tuple(manifests), tuple(tags))

    def _check_whole(self, site: Site, listed: Collection[Digest], tags: Iterable[TagAt]) -> None:
        """A tag may point at nothing. What it points at and is there without being listed was left out.

        Raises:
            Unavailable: something was: nobody knows what else.
        """
        for digest in sorted({one.digest for one in tags if one.digest not in listed}):
            self._purse.take()
            if self._registry.manifest(site.name, digest) is not None:
                told = f"{digest} is there and has a tag, and is not among the manifests that were listed"
                raise Unavailable(f"the listing of {site.name} is not whole: {told}")

    def _links(self, site: Site, contents: Contents) -> Mapping[Digest, Links]:
        stored = self._books.links(site.place, site.name)
        missing = to_read(contents, stored.links)
        there = {one.digest for one in contents.manifests}
        known = {digest: links for digest, links in stored.links.items() if digest in there}
        gone: dict[Digest, Links] = {}
        try:
            for digest in missing:
                self._purse.take()
                links = self._registry.links(site.name, digest)
                (known if links else gone)[digest] = links or Links()
        except Spent:
            read = sum(one in known or one in gone for one in missing)
            raise Unread(len(missing) - read, read) from None
        finally:
            self._keep(site, stored, known)
        return known | gone

    def _keep(self, site: Site, stored: StoredLinks, known: Mapping[Digest, Links]) -> None:
        if known == stored.links:
            return
        try:
            self._books.keep_links(site.place, site.name, stored, known)
        except Conflict as conflict:  # what the other one wrote is as true, and what is missing is read again
            log.info("%s", conflict)

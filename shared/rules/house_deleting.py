"""Delete what goes, each looked at once more right before: whoever needs it since then, keeps it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from shared.domain.housekeeping.graph import Graph
from shared.domain.housekeeping.judging import Going
from shared.domain.housekeeping.manifests import Manifest
from shared.domain.housekeeping.reasons import Goes, Spared
from shared.domain.housekeeping.rounds import Site
from shared.domain.references import Digest
from shared.housekeeping_ports import HouseRegistry, Locked
from shared.rules.house_purse import HousePurse


class Changed(Exception):
    """The repository is not what was listed any more: what was judged by that is void, and judged anew."""


class Again(Protocol):
    """Reads the records anew that may have come to need what goes."""

    def __call__(self, site: Site, going: Going) -> Spared | None:
        """Return why it is needed; ``None`` if it is not."""
        ...


class HouseDeleter:
    """Deletes from one repository.

    Args:
        registry: the registry.
        site: the repository.
        graph: all that it held when it was listed.
        purse: grants requests.
        again: reads the records anew.
        let_go: is told of what has a unique tag right before it is deleted.

    Attributes:
        gone: manifests of the listing that are not there any more.
    """

    def __init__(
        self,
        registry: HouseRegistry,
        site: Site,
        graph: Graph,
        purse: HousePurse,
        again: Again,
        let_go: Callable[[str, Going], None],
    ) -> None:
        self._registry = registry
        self._site = site
        self._graph = graph
        self._purse = purse
        self._again = again
        self._let_go = let_go
        self._last = max((one.updated for one in graph.manifests.values() if one.updated), default=None)
        self.gone: set[Digest] = set()

    def delete(self, going: Going) -> Spared | Locked | None:
        """Delete one thing.

        Returns:
            ``None`` if it is gone; else why it stays after all: what somebody locked is no error.

        Raises:
            Changed: the repository was changed since it was listed.
            Spent: enough was asked for now.
            ServiceError: it could not be looked at, or not be deleted.
        """
        if going.tag:
            return self._delete_tag(going)
        if going.why is not Goes.REPLACED and not self._graph.above(going.digest) <= self.gone:
            return Spared.CHILD
        why = self._again(self._site, going)
        if why is Spared.CHANGED:
            raise Changed
        if why is None and going.why is Goes.ORPHANED:
            self._check_orphaned(going.digest)
        return why or self._delete_manifest(going)

    def _check_orphaned(self, digest: Digest) -> None:
        """That its subject was not listed does not say that it is not there."""
        for subject in self._graph.subjects(digest):
            self._purse.take()
            if self._registry.manifest(self._site.name, subject) is not None:
                raise Changed

    def _delete_manifest(self, going: Going) -> Spared | Locked | None:
        self._compare_newest()
        self._purse.take()
        found = self._registry.manifest(self._site.name, going.digest)
        if found is not None:
            if found.locked:
                return Spared.LOCKED
            if self._differs(found):
                raise Changed
            self._purse.take()
            self._release(going)
            if locked := self._registry.delete_manifest(self._site.name, going.digest):
                return locked
        self.gone.add(going.digest)
        return None

    def _delete_tag(self, going: Going) -> Spared | Locked | None:
        if (why := self._again(self._site, going)) is not None:
            return why
        self._purse.take()
        found = self._registry.tag(self._site.name, going.tag)
        if found is None:
            return None
        if found.locked:
            return Spared.LOCKED
        if found not in self._graph.tags[going.digest]:
            return Spared.CHANGED
        self._purse.take()
        self._release(going)
        return self._registry.delete_tag(self._site.name, going.tag)

    def _release(self, going: Going) -> None:
        """Whoever dies after this leaves a tag that is known to be a unique one still, by its name's own record."""
        if going.why is Goes.OLD_UNIQUE:
            self._let_go(self._site.name, going)

    def _compare_newest(self) -> None:
        """What was written since the listing may name what goes, or refer to it.

        Where the registry does not keep the order of time, all that it lists is compared.
        """
        before: Manifest | None = None
        in_order = True
        for page in self._purse.pages(self._registry.newest(self._site.name)):
            for one in page:
                known = self._graph.manifests.get(one.digest)
                if known is None or self._differs(one):
                    raise Changed
                in_order = in_order and not _is_later(one, before)
                before = one
            if in_order and before is not None and self._is_earlier(before):
                return

    def _is_earlier(self, one: Manifest) -> bool:
        return one.updated is not None and self._last is not None and one.updated < self._last

    def _differs(self, found: Manifest) -> bool:
        known = self._graph.manifests[found.digest]
        same = (known.updated, known.locked, frozenset(known.tags))
        return (found.updated, found.locked, frozenset(found.tags)) != same


def _is_later(one: Manifest, before: Manifest | None) -> bool:
    if before is None:
        return False
    return one.updated is None or before.updated is None or one.updated > before.updated

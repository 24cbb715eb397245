"""Delete what goes, each looked at once more right before: whoever needs it since then, keeps it."""

from __future__ import annotations

from collections.abc import Callable
from enum import Enum
from typing import Protocol

from shared.domain.housekeeping.graph import Graph
from shared.domain.housekeeping.judging import Going
from shared.domain.housekeeping.manifests import Manifest
from shared.domain.housekeeping.reasons import Goes, Spared
from shared.domain.housekeeping.rounds import Site
from shared.domain.references import Digest
from shared.domain.travel.locked import Released
from shared.housekeeping_ports import HouseRegistry, Locked
from shared.rules.house_purse import HousePurse


class Changed(Exception):
    """The repository is not what was listed any more: what was judged by that is void, and judged anew."""


class Again(Protocol):
    """Reads the records anew that may have come to need what goes."""

    def __call__(self, site: Site, going: Going) -> Spared | None:
        """Return why it is needed; ``None`` if it is not."""
        ...


class Gone(Enum):
    """What a look found to be missing."""

    GONE = "gone"  # others deleted it


GONE = Gone.GONE

# Why something is not to be deleted: it stays, or is gone already; ``None`` if it is to be.
Found = Spared | Locked | Gone | None


class Look(Protocol):
    """Looks at what goes as it is now."""

    def __call__(self, going: Going, *, may_be_ours: bool) -> Found:
        """Say whether it is as it was listed, and whether a lock keeps it that may not be ours."""
        ...


class Parting(Protocol):
    """Knows what travels with images; see ``shared.rules.house_needs.Travel``."""

    def release(self, repository: str, going: Going) -> Released | None:
        """Let go of what is about to be deleted, or open what we locked of it."""
        ...

    def let_go(self, repository: str, going: Going) -> None:
        """Let go of what was opened, and is deleted."""
        ...


class HouseDeleter:
    """Deletes from one repository.

    Args:
        registry: the registry.
        site: the repository.
        graph: all that it held when it was listed.
        purse: grants requests.
        again: reads the records anew.
        parting: is told of what has a unique tag right before it is deleted, and opens what we locked of it.

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
        parting: Parting,
    ) -> None:
        self._registry = registry
        self._site = site
        self._graph = graph
        self._purse = purse
        self._again = again
        self._parting = parting
        self._last = max((one.updated for one in graph.manifests.values() if one.updated), default=None)
        self.gone: set[Digest] = set()
        self._opened: set[Digest] = set()

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
        if why := self._needed(going):
            return why
        if going.why is Goes.ORPHANED:
            self._check_orphaned(going.digest)
        self._compare_newest()
        stays = self._parted(going, self._looked_at, lambda: self._registry.delete_manifest(*self._place(going)))
        if stays is None:
            self.gone.add(going.digest)
        return stays

    def _check_orphaned(self, digest: Digest) -> None:
        """That its subject was not listed does not say that it is not there."""
        for subject in self._graph.subjects(digest):
            self._purse.take()
            if self._registry.manifest(self._site.name, subject) is not None:
                raise Changed

    def _delete_tag(self, going: Going) -> Spared | Locked | None:
        if (why := self._again(self._site, going)) is not None:
            return why
        delete = lambda: self._registry.delete_tag(self._site.name, going.tag)  # noqa: E731
        return self._parted(going, self._looked_at_tag, delete)

    def _needed(self, going: Going) -> Spared | None:
        why = self._again(self._site, going)
        if why is Spared.CHANGED:
            raise Changed
        return why

    def _parted(self, going: Going, look: Look, delete: Callable[[], Locked | None]) -> Spared | Locked | None:
        """Delete what is there, and is as it was listed; what we locked is opened, and then looked at once more.

        What nothing locks is let go of before: whoever dies after that leaves a tag that is known to be a unique one
        still, by its name's own record. What was opened is let go of after, as it is locked again if it stays.
        """
        found = look(going, may_be_ours=going.unlocks and going.why is Goes.OLD_UNIQUE)
        if found is not None:
            return None if found is GONE else found
        self._purse.take()
        released = self._parting.release(self._site.name, going) if going.why is Goes.OLD_UNIQUE else None
        found = self._opened_for(going, released, look) if released is not None else None
        if found is not None and found is not GONE:
            return found
        locked = delete() if found is None else None
        if locked is None and released is not None:
            self._parting.let_go(self._site.name, going)
        return locked

    def _opened_for(self, going: Going, released: Released, look: Look) -> Found:
        """What we opened differs from what was listed by just that; who came to need it meanwhile keeps it."""
        self._purse.count(released.requests)
        if released.in_the_way:
            return Locked(released.in_the_way)
        self._opened |= {going.digest, *self._graph.children(going.digest)}
        why = self._again(self._site, going) if going.tag else self._needed(going)
        return why or look(going, may_be_ours=False)

    def _looked_at(self, going: Going, *, may_be_ours: bool) -> Found:
        self._purse.take()
        found = self._registry.manifest(*self._place(going))
        if found is None:
            return GONE
        if found.locked and not may_be_ours:
            return Spared.LOCKED
        if self._differs(found):
            raise Changed
        return None

    def _looked_at_tag(self, going: Going, *, may_be_ours: bool) -> Found:
        self._purse.take()
        found = self._registry.tag(self._site.name, going.tag)
        if found is None:
            return GONE
        if found.locked and not may_be_ours:
            return Spared.LOCKED
        opened = going.digest in self._opened and found.digest == going.digest
        return None if opened or found in self._graph.tags[going.digest] else Spared.CHANGED

    def _place(self, going: Going) -> tuple[str, Digest]:
        return self._site.name, going.digest

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
        if found.digest in self._opened:
            return frozenset(found.tags) != frozenset(known.tags)
        same = (known.updated, known.locked, frozenset(known.tags))
        return (found.updated, found.locked, frozenset(found.tags)) != same


def _is_later(one: Manifest, before: Manifest | None) -> bool:
    if before is None:
        return False
    return one.updated is None or before.updated is None or one.updated > before.updated

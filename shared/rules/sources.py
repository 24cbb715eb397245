"""Where a digest can still be had: in the base registry itself, though no tag names it; in staging; or upstream."""

from __future__ import annotations

from collections.abc import Callable, Collection
from enum import Enum

from shared.digest_ports import Holder, UpstreamHolder
from shared.domain.promotion.reconciling import bore_before
from shared.domain.promotion.said import Why
from shared.domain.promotion.target import Target
from shared.domain.references import Digest, Repository
from shared.domain.watching.budget import Purpose
from shared.errors import NotFound, RateLimited, ServiceError
from shared.ports import ImportSource
from shared.rules.ledger import Ledger


class Place(Enum):
    """Who has a digest."""

    BASE = "base"  # the base registry, tagged or not
    STAGING = "staging"  # the staging registry, which is purged after some time
    UPSTREAM = "upstream"  # the upstream that the target's tag comes from


class Sources:
    """Finds out who has a digest of a target.

    Args:
        base: the base registry.
        staging: the staging registry.
        upstream: gives the upstream of a registry.
        ledger: the upstreams' budgets.
        ours: registries that are imported from with an account of ours, as in ``Stager``.
    """

    def __init__(
        self,
        base: Holder,
        staging: Holder,
        upstream: Callable[[str], UpstreamHolder],
        ledger: Ledger,
        ours: Collection[str],
    ) -> None:
        self._base = base
        self._staging = staging
        self._upstream = upstream
        self._ledger = ledger
        self._ours = ours

    def of(self, target: Target) -> ImportSource:
        """Return where to copy from what a target wants: staging, unasked, for what has just passed there.

        What a base registry takes over from the one before it may have passed long ago, so everybody is asked. Where a
        copy from the base registry itself came to nothing, the others are preferred at the next try.

        Raises:
            ServiceError: whoever may have it could not be asked, or grants no pulls just now.
        """
        place = Place.STAGING if _is_fresh(target) else self.where(target, target.wanted)
        if place is Place.UPSTREAM and target.origin.source.registry in self._ours:
            self._granted(target, Purpose.IMPORT)
        return _source(target, place or Place.STAGING)

    def where(self, target: Target, digest: Digest) -> Place | None:
        """Return who has a digest; ``None`` if nobody has it any more.

        Raises:
            ServiceError: nobody who could be asked has it, and one of them could not be asked.
        """
        trouble: ServiceError | None = None
        for place in sorted(Place, key=lambda one: one is Place.BASE) if target.failures else Place:
            try:
                if self._has(place, target, digest):
                    return place
            except ServiceError as error:
                trouble = trouble or error
        if trouble is not None:
            raise trouble
        return None

    def _has(self, place: Place, target: Target, digest: Digest) -> bool:
        if place is Place.UPSTREAM:
            return self._upstream_has(target, digest)
        if place is Place.STAGING:
            return self._staging.holds(target.staging_repository(digest), digest)
        return self._base.holds(target.repository, digest)

    def _upstream_has(self, target: Target, digest: Digest) -> bool:
        source = target.origin.source
        self._granted(target, Purpose.LOOK)
        try:
            return self._upstream(source.registry).holds(source, digest)
        except NotFound:
            return False
        finally:
            self._ledger.settle()

    def _granted(self, target: Target, purpose: Purpose) -> None:
        registry = target.origin.source.registry
        if not self._ledger.grant(registry, 1, purpose).requests:
            raise RateLimited(f"the budget of {registry} is short; it is not asked for {target.id} just now")


def _is_fresh(target: Target) -> bool:
    never = not bore_before(target, target.wanted) and target.seen != target.wanted
    return target.why is Why.NEWEST and never and not target.failures and not target.moved_from


def _source(target: Target, place: Place) -> ImportSource:
    if place is Place.UPSTREAM:
        return ImportSource(target.origin.source, target.wanted)
    staging = place is Place.STAGING
    repository = target.staging_repository(target.wanted) if staging else target.repository
    return ImportSource(Repository(place.value, repository), target.wanted, staging=staging, own=not staging)

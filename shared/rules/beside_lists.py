"""What lies beside an image upstream: asked of its registry within its budget, for the image and its platforms."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from shared.domain.references import Digest
from shared.domain.travel.companions import Companions
from shared.domain.travel.manifests import parts_of
from shared.domain.travel.referrers import Listing
from shared.domain.watching.budget import Purpose
from shared.errors import NotFound, NotThereYet, RateLimited
from shared.rules.ledger import Ledger
from shared.travel_ports import ReferrerSource, TravelRegistry


class BesideLists:
    """Asks upstreams what refers to images.

    Args:
        staging, base: our registries; one of them has the image, whose platforms are read there, which is no pull.
        upstream: gives the upstream of a registry.
        ledger: the upstreams' budgets.
    """

    def __init__(
        self,
        staging: TravelRegistry,
        base: TravelRegistry,
        upstream: Callable[[str], ReferrerSource],
        ledger: Ledger,
    ) -> None:
        self._staging = staging
        self._base = base
        self._upstream = upstream
        self._ledger = ledger

    def manifests(self, companions: Companions) -> tuple[Digest, ...]:
        """Return the image and its platforms.

        Raises:
            NotThereYet: neither staging nor the base registry has the image.
            TidegateError: it could not be read, or is no image.
        """
        if companions.manifests:
            return companions.manifests
        digest = companions.digest
        body = self._staging.manifest(companions.staging, digest) or self._base.manifest(companions.repository, digest)
        if body is None:
            raise NotThereYet(
                f"{companions.repository}@{digest} is neither in staging nor in the base registry, so that "
                "it is not known of which platforms it is"
            )
        return (digest, *parts_of(body))

    def of(self, companions: Companions, manifests: tuple[Digest, ...]) -> Listing:
        """Return what refers to an image. That its upstream does not show the repository any more is no list.

        Raises:
            ServiceError: the registry, or its budget, did not let it be read.
        """
        source = companions.source
        try:
            return self._upstream(source.registry).referrers(source, manifests, partial(self._spend, companions))
        except NotFound:
            return Listing(unread=(f"{source} is not there any more, or is not shown to us",), gone=True)
        finally:
            self._ledger.settle()

    def _spend(self, companions: Companions, pull: bool) -> None:
        registry = companions.source.registry
        grant = self._ledger.grant(registry, 1, Purpose.READ if pull else Purpose.LOOK)
        if not grant.requests:
            until = f" until {grant.until:%H:%M:%S} UTC" if grant.until is not None else ""
            told = f"the budget of {registry} is short{until}; what refers to {companions.digest} is listed later"
            raise RateLimited(told)

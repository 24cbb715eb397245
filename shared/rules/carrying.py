"""Imports of images and of what refers to them: begun by digest, with a tag or without one, and read back likewise."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime, timedelta

from shared.domain.promotion.schedule import IMPORT_LONGEST
from shared.domain.promotion.usual_times import BASE_IMPORT, STAGING_IMPORT
from shared.domain.references import Digest, Repository, Tag
from shared.domain.travel.companions import Companions
from shared.domain.travel.referrers import Carry
from shared.domain.watching.budget import Purpose
from shared.errors import DigestMismatch, OperationFailed, Paced, RateLimited, ServiceError, Unavailable
from shared.ports import ImportSource, Operation
from shared.rules.imports import Awaited, Differs, UnderWay, look
from shared.rules.ledger import Ledger
from shared.rules.timekeeping import Timekeeper
from shared.travel_ports import TravelRegistry

# A look that cannot be made says nothing of the import.
LOOK_AGAIN = timedelta(seconds=30)


class Carrier:
    """Has things copied: from upstreams into staging, and from there into the base registry.

    Args:
        staging: the staging registry.
        base: the base registry.
        ledger: the upstreams' budgets.
        ours: registries that are imported from with an account of ours, as in ``Stager``.
        times: knows how long imports usually take.
    """

    def __init__(
        self,
        staging: TravelRegistry,
        base: TravelRegistry,
        ledger: Ledger,
        ours: Collection[str],
        times: Timekeeper,
    ) -> None:
        self.staging = staging
        self.base = base
        self._ledger = ledger
        self._ours = ours
        self._times = times

    def source_of_image(self, companions: Companions) -> ImportSource:
        """Return where the image is copied from into the base registry: from itself, from staging, or from upstream.

        Raises:
            ServiceError: whoever may have it could not be asked, or grants no pulls just now.
        """
        digest, gone = companions.digest, companions.parts_gone
        if companions.image_at is not None and not gone and self.base.holds(companions.repository, digest):
            return ImportSource(Repository("base", companions.repository), digest, own=True)
        if all(self.staging.holds(companions.staging, one) for one in (digest, *gone)):
            return self.from_staging(companions, digest)
        return self.from_upstream(companions, digest)

    def from_staging(self, companions: Companions, digest: Digest) -> ImportSource:
        """Return a source in the staging registry."""
        return ImportSource(Repository("staging", companions.staging), digest, staging=True)

    def from_upstream(self, companions: Companions, digest: Digest) -> ImportSource:
        """Return a source in the upstream registry.

        Raises:
            RateLimited: its budget is short.
        """
        registry = companions.source.registry
        if registry in self._ours and not self._ledger.grant(registry, 1, Purpose.IMPORT).requests:
            raise RateLimited(f"the budget of {registry} is short; {digest} is not copied from there just now")
        return ImportSource(companions.source, digest)

    def into_base(self, companions: Companions, source: ImportSource, tag: Tag) -> Operation:
        """Ask for a copy into the base registry."""
        return self.base.start_import(source, companions.repository, *_tags(tag))

    def into_staging(self, companions: Companions, source: ImportSource, tag: Tag) -> Operation:
        """Ask for a copy into the staging registry."""
        return self.staging.start_import(source, companions.staging, *_tags(tag))

    def pause(self, *, staging: bool) -> timedelta:
        """Return how long an import that was just begun is left alone."""
        return self._times.pause(STAGING_IMPORT if staging else BASE_IMPORT)

    def look(
        self, companions: Companions, digest: Digest, carry: Carry, now: datetime, *, staging: bool
    ) -> UnderWay | Differs | None:
        """Look at an import once.

        Args:
            companions: whose.
            digest: of the image, or of a referrer.
            carry: the import.
            now: UTC.
            staging: whether it goes into the staging registry; else into the base registry.

        Returns:
            ``None`` once what was copied is read back; else when to look again, or that nothing is read back yet.

        Raises:
            OperationFailed: the import ended badly, or nothing is known of it for so long that it is given up.
            DigestMismatch: it ended some minutes ago, and is not read back.
            Paced: it is not our turn; nothing is known.
        """
        registry = self.staging if staging else self.base
        name, repository = ("staging", companions.staging) if staging else ("base", companions.repository)
        usual = self._times.usual(STAGING_IMPORT if staging else BASE_IMPORT)
        awaited = Awaited(name, repository, carry.tag, digest, carry.since, carry.differs_since, usual)
        try:
            seen = look(registry if carry.tag else _Untagged(registry, digest), carry.operation, awaited, now)
        except (OperationFailed, DigestMismatch, Paced):
            raise
        except ServiceError as error:
            _give_up_in_time(carry, now, error)
            return UnderWay(LOOK_AGAIN, carry.operation)
        if isinstance(seen, UnderWay):
            _give_up_in_time(carry, now, Unavailable(f"the import of {digest} has not ended in an hour"))
        if seen is None:
            self._times.took(STAGING_IMPORT if staging else BASE_IMPORT, now - carry.since)
        return seen


class _Untagged:
    """A registry that is asked whether a digest is there, where others are asked what a tag points at."""

    def __init__(self, registry: TravelRegistry, digest: Digest) -> None:
        self._registry = registry
        self._digest = digest

    def look_at_import(self, token: str) -> Operation:
        return self._registry.look_at_import(token)

    def digest(self, repository: str, tag: Tag) -> Digest | None:  # noqa: ARG002  it has none
        return self._digest if self._registry.holds(repository, self._digest) else None


def _give_up_in_time(carry: Carry, now: datetime, error: ServiceError) -> None:
    """Others wait behind it; the same import once more does no harm."""
    if now - carry.since > IMPORT_LONGEST:
        raise OperationFailed(Unavailable(f"{error}; it is begun again"))


def _tags(tag: Tag) -> tuple[Tag, ...]:
    return (tag,) if tag else ()

"""What speaks against a tag's going back: whether the digest before can still be had, and what its scan says."""

from __future__ import annotations

from shared.domain.promotion.target import Target
from shared.domain.waves.wave import Wave
from shared.domain.waves.way_back import UNKNOWN, Grounds, Scanned
from shared.rules.policies import Policies
from shared.rules.sources import Sources
from shared.rules.targets import TargetBook


class WayBackGrounds:
    """The port ``GroundsOf``.

    Args:
        targets: where the tags' records are.
        sources: tells where a digest can still be had.
        policies: tells whether a tag's digests are scanned.
    """

    def __init__(self, targets: TargetBook, sources: Sources, policies: Policies) -> None:
        self._targets = targets
        self._sources = sources
        self._policies = policies

    def __call__(self, wave: Wave) -> Grounds:
        """See ``GroundsOf``."""
        target = self._targets.of(wave.repository, wave.tag)
        if target is None or not wave.former:
            return UNKNOWN
        there = self._sources.where(target, wave.former) is not None
        return Grounds(self._scanned(target), there=there)

    def _scanned(self, target: Target) -> Scanned:
        """Where nothing is scanned nothing blocks; a scan of the digest before that is not of today says nothing."""
        asked = self._policies.now().of(target.origin.image, target.place)
        return Scanned.CLEAN if asked.scan is None else Scanned.UNKNOWN

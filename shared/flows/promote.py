"""Propose what passed to its target, which decides; and let a candidate end as its target says."""

from __future__ import annotations

from collections.abc import Callable

from shared.domain.events.messages import LookAtCandidate
from shared.domain.promotion.candidate import Candidate, Reason
from shared.domain.promotion.decision import decide, without_trouble
from shared.domain.promotion.lifecycle import Stage, advance, stage_of
from shared.domain.promotion.reconciling import has_passed, scheduled, sighted
from shared.domain.promotion.schedule import LEASE
from shared.domain.promotion.target import Origin, Sighting, Target, target_id
from shared.domain.watching.observation import order_at
from shared.ports import Stored
from shared.rules.conclusions import Conclusions
from shared.rules.progress import Progress
from shared.rules.targets import TargetBook
from shared.target_ports import StoredTarget


class Promoter:
    """Takes candidates that passed to their targets.

    Args:
        progress: where candidates are kept and how they go on.
        book: where targets are.
        conclusions: ends candidates.
        then: does what is to be done next about a target.
    """

    def __init__(
        self,
        progress: Progress[Candidate],
        book: TargetBook,
        conclusions: Conclusions,
        then: Callable[[StoredTarget], None],
    ) -> None:
        self._progress = progress
        self._book = book
        self._conclusions = conclusions
        self._then = then

    def promote(self, message: LookAtCandidate) -> None:
        """Look after a candidate that passed: whoever proposed it may have died, and its target may have decided."""
        stored = self._progress.held(message.candidate, message.step)
        if stored is None or stage_of(stored.record.status) is not Stage.PROMOTE:
            return
        self._propose(stored, anew=False)

    def begin(self, stored: Stored[Candidate], candidate: Candidate) -> None:
        """Propose a candidate that passed.

        Args:
            stored: the record as it was read.
            candidate: the same, promoting; not necessarily written yet.
        """
        started = advance(candidate, Reason.PROMOTION_STARTED, self._progress.clock(), pause=LEASE)
        claimed = self._progress.claim(stored, started)
        if claimed is not None:
            self._propose(claimed, anew=True)

    def _propose(self, stored: Stored[Candidate], *, anew: bool) -> None:
        candidate = stored.record
        key = target_id(self._book.registry, candidate.target, candidate.tag)
        target = self._book.change(key, lambda known: self._proposed(known, candidate, anew=anew))
        if target is not None:
            self._conclusions.of(stored, target.record)
            self._then(target)

    def _proposed(self, known: Target | None, candidate: Candidate, *, anew: bool) -> Target:
        """A candidate of an earlier version was sighted when it was detected, and its target knows nothing of it."""
        now, target = self._progress.clock(), known or self._fresh(candidate)
        if all(one.digest != candidate.digest for one in target.sightings):
            sighting = Sighting(order_at(candidate.detected_at), candidate.digest, candidate.traceparent)
            target = sighted(target, sighting, target.origin, now)
        if anew and target.importing is None:
            target = without_trouble(target)
        return scheduled(decide(has_passed(target, candidate.digest), now)[0], now)

    def _fresh(self, candidate: Candidate) -> Target:
        origin = Origin(candidate.image, candidate.source, candidate.source_tag, candidate.gate)
        return Target(registry=self._book.registry, repository=candidate.target, tag=candidate.tag, origin=origin)

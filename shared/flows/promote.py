"""Propose what passed to its targets, which decide; and let a candidate end as they say."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from shared.domain.promotion.candidate import Candidate
from shared.domain.promotion.lifecycle import advance
from shared.domain.promotion.schedule import LEASE
from shared.domain.promotion.statuses import Reason
from shared.errors import ServiceError
from shared.ports import Stored
from shared.rules.conclusions import Conclusions
from shared.rules.progress import Progress
from shared.rules.proposals import Proposer
from shared.target_ports import StoredTarget


class Promoter:
    """Takes candidates that passed to their targets.

    Args:
        progress: where candidates are kept and how they go on.
        proposer: tells targets what has passed.
        conclusions: ends candidates.
        then: does what is to be done next about a target.
    """

    def __init__(
        self,
        progress: Progress[Candidate],
        proposer: Proposer,
        conclusions: Conclusions,
        then: Callable[[Sequence[StoredTarget]], None],
    ) -> None:
        self._progress = progress
        self._proposer = proposer
        self._conclusions = conclusions
        self._then = then

    def promote(self, stored: Stored[Candidate]) -> None:
        """Look after a candidate that passed: whoever proposed it may have died, and its targets may have decided."""
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
        """A target that cannot be told keeps none of the others from it."""
        told, problems = list[StoredTarget](), list[ServiceError]()
        for place in stored.record.places:
            try:
                target = self._proposer.propose(stored.record, place, anew=anew)
            except ServiceError as error:
                problems.append(error)
            else:
                told += [target] if target is not None else []
        self._conclusions.of(stored, [target.record for target in told])
        self._then(told)
        if problems:
            raise problems[0]

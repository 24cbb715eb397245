"""Ask for the end of a run that no tag wants any more: an agent is for those who wait. Its outcome decides nothing."""

from __future__ import annotations

import logging

from shared.domain.promotion.candidate import Candidate, Reason, run_name, run_words
from shared.domain.promotion.lifecycle import advance, put_off
from shared.errors import Paced, ServiceError
from shared.ports import Stored
from shared.rules.progress import Progress
from shared.run_ports import Runs

log = logging.getLogger("tidegate.cancel")


class Canceller:
    """Ends candidates whose runs were under way when the last tag that wanted them moved on.

    Args:
        progress: where candidates are kept and how they go on.
        runs: ACR Tasks of the staging registry.
    """

    def __init__(self, progress: Progress[Candidate], runs: Runs) -> None:
        self._progress = progress
        self._runs = runs

    def cancel(self, stored: Stored[Candidate]) -> None:
        """Ask for the end of a candidate's run, once unless somebody dies in between; then the candidate has ended.

        Raises:
            Paced: its turn at ARM has not come; nothing was written.
        """
        candidate, now = stored.record, self._progress.clock()
        try:
            run_id = self._run_of(candidate)
            if run_id:
                self._runs.cancel(run_id)
        except Paced:
            raise
        except ServiceError as error:
            self._progress.save(stored, put_off(candidate, error, now))
            return
        told = f"run {run_id} was asked to end" if run_id else "none of its runs is known to be under way"
        log.info("%s: %s", candidate.id, told)
        reason, detail = candidate.unwanted or Reason.NEWER_DIGEST, f"{candidate.last.detail}; {told}"
        self._progress.save(stored, advance(candidate, reason, now, detail=detail.removeprefix("; "), live_run=""))

    def _run_of(self, candidate: Candidate) -> str:
        """Whoever claimed the run may have died, or have been overtaken, before its id was written down."""
        if known := candidate.live_run or candidate.unnamed_run:
            return known
        found = self._runs.find_gate(run_name(candidate), run_words(candidate)) if candidate.secret else None
        return found.run_id if found is not None else ""

"""Ask for the end of a run that no tag wants any more: an agent is for those who wait. Its outcome decides nothing."""

from __future__ import annotations

import logging

from shared.domain.promotion.candidate import Candidate, run_name, run_words
from shared.domain.promotion.lifecycle import advance, put_off
from shared.domain.promotion.statuses import Reason
from shared.errors import Paced, ServiceError
from shared.ports import Stored
from shared.rules.progress import Progress
from shared.rules.run_looks import ask_to_end
from shared.run_ports import Run, Runs

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
            known = candidate.live_run or candidate.unnamed_run
            told = ask_to_end(self._runs, known, lambda: self._find(candidate))
        except Paced:
            raise
        except ServiceError as error:
            self._progress.save(stored, put_off(candidate, error, now))
            return
        log.info("%s: %s", candidate.id, told)
        reason, detail = candidate.unwanted or Reason.NEWER_DIGEST, f"{candidate.last.detail}; {told}"
        self._progress.save(stored, advance(candidate, reason, now, detail=detail.removeprefix("; "), live_run=""))

    def _find(self, candidate: Candidate) -> Run | None:
        return self._runs.find_gate(run_name(candidate), run_words(candidate)) if candidate.secret else None

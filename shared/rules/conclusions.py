"""How a candidate that passed comes to its end: as the target it proposed its digest to says."""

from __future__ import annotations

from shared.domain.promotion.candidate import Candidate, Reason, Status, candidate_id
from shared.domain.promotion.lifecycle import ENDS, advance
from shared.domain.promotion.reconciling import conclusion
from shared.domain.promotion.schedule import LEASE
from shared.domain.promotion.target import Target
from shared.domain.references import Digest
from shared.ports import Stored
from shared.rules.progress import Progress


class Conclusions:
    """Ends candidates.

    Args:
        progress: where they are kept and how they go on.
    """

    def __init__(self, progress: Progress[Candidate]) -> None:
        self._progress = progress

    def of_digest(self, target: Target, digest: Digest) -> None:
        """Let the candidate of a digest end if its target says so, and tell one that had ended of its return."""
        stored = self._find(target, digest)
        if stored is None:
            return
        reason = conclusion(target, digest)
        if reason is Reason.PROMOTION_VERIFIED and stored.record.status in ENDS - {Status.REJECTED}:
            self._progress.save(stored, self._advanced(stored.record, Reason.IN_FORCE_AGAIN, target))
        else:
            self.of(stored, target)

    def of(self, stored: Stored[Candidate], target: Target) -> None:
        """Let a candidate that is being promoted end if its target says so."""
        reason = conclusion(target, stored.record.digest)
        if stored.record.status is Status.PROMOTING and reason is not None:
            self._progress.save(stored, self._advanced(stored.record, reason, target))

    def told(self, target: Target, digest: Digest, reason: Reason, detail: str) -> None:
        """Note with the candidate that is being promoted what is in the way; it keeps its status."""
        stored = self._find(target, digest)
        if stored is None or stored.record.status is not Status.PROMOTING or conclusion(target, digest) is not None:
            return
        noted = advance(stored.record, reason, self._progress.clock(), detail=detail, pause=LEASE)
        self._progress.claim(stored, noted)

    def has_ended(self, target: Target, digest: Digest) -> bool:
        """Whether the candidate of a digest has ended, so that its copy in the staging registry may be gone."""
        stored = self._find(target, digest)
        return stored is not None and stored.record.status in ENDS

    def _find(self, target: Target, digest: Digest) -> Stored[Candidate] | None:
        return self._progress.records.get(candidate_id(target.repository, target.tag, digest))

    def _advanced(self, candidate: Candidate, reason: Reason, target: Target) -> Candidate:
        details = {
            Reason.GAVE_UP: target.trouble,
            Reason.NEWER_DIGEST: f"{target.repository}:{target.tag} is to be {target.wanted or 'decided otherwise'}",
        }
        detail = details.get(reason, f"as {target.repository}:{target.tag}, decision {target.number}")
        return advance(candidate, reason, self._progress.clock(), detail=detail)

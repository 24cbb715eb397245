"""Tell what is known of candidates."""

from __future__ import annotations

from heapq import nlargest
from itertools import chain

from shared.domain.promotion.candidate import Candidate, Status, target_of
from shared.errors import MalformedRequest
from shared.ports import Records

MOST_LISTED = 500


def list_candidates(
    candidates: Records[Candidate], *, repository: str | None, status: Status | None
) -> tuple[Candidate, ...]:
    """List candidates, newest change first.

    Args:
        candidates: where they are kept.
        repository: of the base registry: all its candidates, the long ended ones too. Without it: everything under
            way, and what ended in the last day.
        status: only those with this status.

    Returns:
        The newest 500 at most.
    """
    current = candidates.current(f"{repository.replace('/', '~')}~" if repository else "")
    archived = candidates.archived(repository.replace("/", "~")) if repository else iter(())
    found = (stored.record for stored in chain(current, archived) if repository in {None, "", stored.record.target})
    listed = (candidate for candidate in found if status in {None, candidate.status})
    return tuple(nlargest(MOST_LISTED, listed, key=lambda candidate: candidate.last.at))


def get_candidate(candidates: Records[Candidate], candidate: str) -> Candidate:
    """Return one candidate.

    Raises:
        InvalidReference: the id is not one.
        MalformedRequest: 404, there is no such candidate.
    """
    target_of(candidate)
    stored = candidates.get(candidate)
    if stored is None:
        raise MalformedRequest(f"there is no candidate {candidate!r}", status=404)
    return stored.record

"""Tell what is known of candidates."""

from __future__ import annotations

from itertools import chain, islice

from shared.domain.candidate import Candidate, Status, target_of
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
        At most 500.
    """
    current = candidates.current(f"{repository.replace('/', '~')}~" if repository else "")
    archived = candidates.archived(repository.replace("/", "~")) if repository else iter(())
    found = (stored.record for stored in chain(current, archived) if repository in {None, "", stored.record.target})
    listed = islice((c for c in found if status in {None, c.status}), MOST_LISTED)
    return tuple(sorted(listed, key=lambda candidate: candidate.last.at, reverse=True))


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

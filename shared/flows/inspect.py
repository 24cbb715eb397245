"""Tell what is known of candidates."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator
from heapq import nlargest
from itertools import chain

from shared.domain.promotion.candidate import Candidate, Status
from shared.domain.promotion.identity import group_of, group_of_repository, group_of_source
from shared.errors import UNREADABLE, MalformedRequest, ServiceError
from shared.ports import Records, Stored
from shared.target_ports import Targets

log = logging.getLogger("tidegate.inspect")

MOST_LISTED = 500


def list_candidates(
    candidates: Records[Candidate], targets: Targets, registry: str, *, repository: str | None, status: Status | None
) -> tuple[Candidate, ...]:
    """List candidates, newest change first.

    Args:
        candidates: where they are kept.
        targets: where targets are.
        registry: the base registry's name.
        repository: of the base registry: all candidates that its tags asked for, the long ended ones too. Without it:
            everything under way, and what ended in the last day.
        status: only those with this status.

    Returns:
        The newest 500 at most.
    """
    current = [stored.record for stored in _readable(candidates.current())]
    found: Iterable[Candidate] = current
    if repository:
        known = [stored.record.origin.source for stored in targets.of_repository(registry, repository)]
        sources = {*known, *(one.source for one in current if _asked_for(one, repository))}
        groups = [group_of_repository(repository), *sorted(map(group_of_source, sources))]
        archived = chain.from_iterable(_readable(candidates.archived(group)) for group in groups)
        everything = chain(current, (stored.record for stored in archived))
        found = (candidate for candidate in everything if _asked_for(candidate, repository))
    listed = (candidate for candidate in found if status in {None, candidate.status})
    return tuple(nlargest(MOST_LISTED, listed, key=lambda candidate: candidate.last.at))


def _readable(records: Iterator[Stored[Candidate]]) -> Iterator[Stored[Candidate]]:
    """Rows that cannot be read are told after all others, and keep nobody from these."""
    try:
        yield from records
    except ServiceError as error:
        if error.code != UNREADABLE:
            raise
        log.error("%s", error)


def _asked_for(candidate: Candidate, repository: str) -> bool:
    return any(place.repository == repository for place in candidate.places)


def get_candidate(candidates: Records[Candidate], candidate: str) -> Candidate:
    """Return one candidate.

    Raises:
        InvalidReference: the id is not one.
        MalformedRequest: 404, there is no such candidate.
    """
    group_of(candidate)
    stored = candidates.get(candidate)
    if stored is None:
        raise MalformedRequest(f"there is no candidate {candidate!r}", status=404)
    return stored.record

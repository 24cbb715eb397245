"""Tell what is known of candidates and of rebuilds."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import chain
from typing import Generic, TypeVar

import msgspec

from shared.domain.pages import newest_first
from shared.domain.promotion.candidate import Candidate
from shared.domain.promotion.identity import group_of, group_of_repository, group_of_source
from shared.domain.promotion.rebuilds import Rebuild, RebuildStatus
from shared.domain.promotion.statuses import Status
from shared.errors import MalformedRequest
from shared.ports import Records, Stored
from shared.rules.reading import readable
from shared.target_ports import Targets

R = TypeVar("R", Candidate, Rebuild)


class Part(msgspec.Struct, Generic[R], frozen=True):
    """Some of the records that were asked for.

    Attributes:
        records: them, newest change first.
        after: where to go on; empty if there are no more.
        unreadable: which rows could not be read, for people; empty if all could.
    """

    records: tuple[R, ...]
    after: str
    unreadable: str = ""


def list_candidates(
    candidates: Records[Candidate],
    targets: Targets,
    registry: str,
    *,
    repository: str = "",
    status: Status | None = None,
    limit: int,
    after: str = "",
) -> Part[Candidate]:
    """List candidates, newest change first.

    Args:
        candidates: where they are kept.
        targets: where targets are.
        registry: the base registry's name.
        repository: of the base registry: all candidates that its tags asked for, the long ended ones too. Without it:
            everything under way, and what ended in the last day.
        status: only those with this status.
        limit: how many at most.
        after: where an earlier answer said to go on; empty to begin.

    Raises:
        InvalidReference: ``after`` was said by no answer.
    """
    current, problem = readable(candidates.current())
    found: Iterable[Candidate] = (stored.record for stored in current)
    problems = [problem]
    if repository:
        known, unread = readable(targets.of_repository(registry, repository))
        of_current = [stored.record for stored in current if _asked_for(stored.record, repository)]
        sources = {*(one.record.origin.source for one in known), *(one.source for one in of_current)}
        groups = [group_of_repository(repository), *sorted(map(group_of_source, sources))]
        archived, unfound = readable(chain.from_iterable(candidates.archived(group) for group in groups))
        found = (one.record for one in archived if _asked_for(one.record, repository))
        found, problems = chain(of_current, found), [problem, unread, unfound]
    listed = (candidate for candidate in found if status in {None, candidate.status})
    part, more = newest_first(listed, lambda one: one.last.at, lambda one: one.id, limit, after)
    return Part(part, more, "\n".join(one for one in problems if one))


def list_rebuilds(
    rebuilds: Records[Rebuild],
    *,
    task: tuple[str, str] | None = None,
    status: RebuildStatus | None = None,
    limit: int,
    after: str = "",
) -> Part[Rebuild]:
    """List rebuilds, those that were wanted last first.

    Args:
        rebuilds: where they are kept.
        task: a registry's name and a task's: all its rebuilds, the long ended ones too. Without it: everything under
            way, and what ended in the last day.
        status: only those with this status.
        limit: how many at most.
        after: where an earlier answer said to go on; empty to begin.

    Raises:
        InvalidReference: ``after`` was said by no answer.
    """
    found, problem = readable(_rebuilds(rebuilds, task))
    wanted = {one.record.id: one.record for one in found if status in {None, one.record.status}}
    part, more = newest_first(wanted.values(), lambda one: one.since, lambda one: one.id, limit, after)
    return Part(part, more, problem)


def _rebuilds(rebuilds: Records[Rebuild], task: tuple[str, str] | None) -> Iterator[Stored[Rebuild]]:
    """A row in both places counts as the current one, so that comes last."""
    if task is None:
        yield from rebuilds.current()
        return
    group = "~".join(task).lower()
    yield from rebuilds.archived(group)
    yield from rebuilds.current(f"{group}~")


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

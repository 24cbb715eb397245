"""Tell what is known of targets, and of what people said."""

from __future__ import annotations

from itertools import islice

import msgspec

from shared.domain.pages import MOST_LISTED
from shared.domain.promotion.target import Target, parts_of_target
from shared.domain.references import Digest
from shared.errors import MalformedRequest, ServiceError
from shared.ports import Activity, Event
from shared.rules.sources import Sources
from shared.target_ports import Targets

_LINES = 20


class Shown(msgspec.Struct, frozen=True):
    """One target, and what is known of it beside its record.

    Attributes:
        target: the record.
        had_from: by digest it bore before, who still has it; ``nowhere``, or ``unknown`` if not all could be asked.
        lines: its latest lines of the activity log, newest first.
    """

    target: Target
    had_from: dict[Digest, str]
    lines: tuple[Event, ...]


def list_targets(
    targets: Targets, registry: str, *, repository: str, after: str, limit: int
) -> tuple[tuple[Target, ...], str]:
    """List targets by repository and tag.

    Args:
        targets: where they are.
        registry: the base registry's name.
        repository: only those of one repository; empty for all.
        after: the id of the last one that was listed before; empty to begin.
        limit: how many at most, up to ``MOST_LISTED``.

    Returns:
        Them, and the id to go on after; empty if there are no more.
    """
    found = (one.record for one in targets.every(registry, after) if repository in {"", one.record.repository})
    listed = tuple(islice(found, min(limit, MOST_LISTED) + 1))
    return (listed[:limit], listed[limit - 1].id) if len(listed) > limit else (listed, "")


def show_target(targets: Targets, sources: Sources, activity: Activity, target: str) -> Shown:
    """Show one target, with who still has what it bore before.

    Raises:
        InvalidReference: the id is not one.
        MalformedRequest: 404, there is no such target.
    """
    record, lines = read_target(targets, activity, target)
    had_from = {one.digest: _had_from(sources, record, one.digest) for one in record.former}
    return Shown(record, had_from, lines)


def read_target(targets: Targets, activity: Activity, target: str) -> tuple[Target, tuple[Event, ...]]:
    """Return one target and its latest lines of the activity log, newest first; no registry is asked.

    Raises:
        InvalidReference: the id is not one.
        MalformedRequest: 404, there is no such target.
    """
    parts_of_target(target)
    stored = targets.get(target)
    if stored is None:
        raise MalformedRequest(f"there is no target {target!r}", status=404)
    return stored.record, activity.of(f"target:{stored.record.id}", _LINES)


def _had_from(sources: Sources, target: Target, digest: Digest) -> str:
    try:
        place = sources.where(target, digest)
    except ServiceError:
        return "unknown"
    return place.value if place else "nowhere"

"""How tasks were before their base moved, by the rebuilds that this app made of them."""

from __future__ import annotations

from collections.abc import Iterator

from shared.domain.promotion.rebuilds import REBUILD_ENDS, EndKind, Rebuild, RebuildStatus
from shared.domain.waves.results import LastRun
from shared.ports import Records

_NO_TIME = 0.0


class OwnRuns:
    """The port ``LastRuns``: two transactions for each task, and no request to its registry.

    Args:
        rebuilds: where rebuilds are, also those that ended long ago.
    """

    def __init__(self, rebuilds: Records[Rebuild]) -> None:
        self._rebuilds = rebuilds

    def last(self, registry: str, task: str) -> LastRun | None:
        """See ``LastRuns.last``: the last one of which a run was seen to end."""
        ended = [one for one in self._of(registry, task) if one.status in REBUILD_ENDS and one.run_id]
        latest = max(ended, key=lambda one: one.asked_at.timestamp() if one.asked_at else _NO_TIME, default=None)
        if latest is None:
            return None
        passed = latest.status is RebuildStatus.SUCCEEDED
        kind = EndKind.BUILD if passed else latest.ended_by or EndKind.PLATFORM
        return LastRun(latest.run_id, passed, kind, built_on=latest.base_digest)

    def _of(self, registry: str, task: str) -> Iterator[Rebuild]:
        prefix = f"{registry.lower()}~{task.lower()}~"
        for stored in self._rebuilds.current(prefix):
            yield stored.record
        for stored in self._rebuilds.archived(prefix.removesuffix("~")):
            yield stored.record

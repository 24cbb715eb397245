"""Which application tasks stay on an old base, as their rebuild ended and brought nothing: pure."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable

from shared.domain.promotion.missing import Behind
from shared.domain.promotion.rebuilds import Rebuild, RebuildStatus
from shared.domain.watching.troubles import Kind, Trouble, about_task

# Of a rebuild that is left to ACR nobody knows what became.
_WITHOUT_EFFECT = frozenset({RebuildStatus.FAILED, RebuildStatus.BY_NOBODY})


def task_troubles(found: Iterable[tuple[Behind, Rebuild | None]]) -> tuple[Trouble, ...]:
    """Return a trouble for each task that is not built on what was decided, and that no rebuild will build.

    Whoever builds the task otherwise, or decides anew, ends it: then it is not behind, or has another rebuild.

    Args:
        found: tasks behind a target, each with the rebuild that its decision called for, if there is one.
    """
    failing: dict[str, list[tuple[Behind, Rebuild]]] = defaultdict(list)
    for behind, rebuild in found:
        if rebuild is not None and rebuild.status in _WITHOUT_EFFECT:
            failing[about_task(rebuild.registry, rebuild.task)].append((behind, rebuild))
    return tuple(_trouble(about, each) for about, each in failing.items())


def _trouble(about: str, failing: list[tuple[Behind, Rebuild]]) -> Trouble:
    return Trouble(
        kind=Kind.NOT_REBUILT,
        about=about,
        detail="; ".join(sorted(_told(behind, rebuild) for behind, rebuild in failing)),
        images=tuple(sorted({behind.target.origin.image for behind, _ in failing})),
        since=min(rebuild.look_at for _, rebuild in failing),
    )


def _told(behind: Behind, rebuild: Rebuild) -> str:
    task, target = behind.task, behind.target
    return (
        f"{task.registry}/{task.name} is not built on {target.wanted}, which {target.place} is: its rebuild is "
        f"{rebuild.status.value}: {rebuild.detail} (rebuild {rebuild.id})"
    )

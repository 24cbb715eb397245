"""On which of a base's digests a task is built that is in a chain: by the images between. Pure."""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

from shared.domain.promotion.kept_tasks import base_name
from shared.domain.promotion.middles import Middle
from shared.domain.promotion.rebuilds import ApplicationTask, Dependency, Rebuild, depends_on
from shared.domain.references import Tag


def built_on(task: ApplicationTask | None, rebuild: Rebuild, login_server: str) -> Dependency | None:
    """Return on what a task is built of that which its rebuild is for, as if it named the base itself.

    Whoever builds an image between has done so on the base when the rebuild is asked for. So a task that is built on
    another one than from before is built on the base's digest.

    Args:
        task: as it is now; ``None`` if there is no such task.
        rebuild: of it.
        login_server: of the base registry.

    Returns:
        A dependency that bears the rebuild's digest only if all that the task is built on does; ``None`` if it is
        built on nothing of all that.
    """
    if task is None:
        return None
    direct = depends_on(task, login_server, rebuild.base_repository, rebuild.base_tag)
    on = [*([direct] if direct is not None else []), *_of_middles(task, rebuild)]
    return next((one for one in on if one.digest != rebuild.base_digest), on[0] if on else None)


def with_built(task: ApplicationTask | None, rebuild: Rebuild) -> tuple[Middle, ...]:
    """Return the images between of a rebuild, with what its task was built on: so the next decision knows what is old.

    Args:
        task: as it is once the rebuild has ended.
        rebuild: of it.
    """
    on = {(base_name(one.registry, one.repository), one.tag): one.digest for one in task.dependencies} if task else {}
    return tuple(
        msgspec.structs.replace(one, built=on.get((one.name, one.tag)) or one.built) for one in rebuild.middles
    )


def other_bases(task: ApplicationTask, rebuild: Rebuild, login_server: str) -> Iterator[tuple[str, Tag]]:
    """Iterate over the other tags of the base registry that a task is built on, by repository and tag.

    Args:
        task: as it is now.
        rebuild: of it.
        login_server: of the base registry.
    """
    host, own = base_name(login_server, "x").removesuffix("x"), (rebuild.base_repository, rebuild.base_tag)
    for one in task.dependencies:
        name = base_name(one.registry, one.repository)
        place = name.removeprefix(host), one.tag
        if one.tag and name.startswith(host) and place != own:
            yield place[0], Tag(one.tag)


def _of_middles(task: ApplicationTask, rebuild: Rebuild) -> Iterator[Dependency]:
    known = {(one.name, one.tag): one for one in rebuild.middles}
    for one in task.dependencies if known else ():
        middle = known.get((base_name(one.registry, one.repository), one.tag))
        if middle is not None:
            digest = rebuild.base_digest if _is_later(middle, one.digest) else one.digest
            yield msgspec.structs.replace(one, digest=digest)


def _is_later(middle: Middle, digest: str) -> bool:
    return bool(digest) and digest not in middle.old

"""Which rebuilds are wanted and missing: tasks compared with what the targets decided. Pure."""

from __future__ import annotations

from collections.abc import Container, Iterable
from datetime import datetime, timedelta

import msgspec

from shared.domain.promotion.rebuilds import ApplicationTask, Rebuild, depends_on
from shared.domain.promotion.target import Target
from shared.domain.references import Digest, Tag

# How often the tasks of a registry are compared with what the targets decided.
COMPARED_EVERY = timedelta(hours=1)
# How old a listing may be that is compared: it only finds what was missed since the one before.
COMPARED_FROM = timedelta(minutes=15)
# How long after a decision its rebuilds are left to its own signal.
SIGNALS_TURN = timedelta(minutes=15)


class Behind(msgspec.Struct, frozen=True):
    """A task that is not built on what a target decided."""

    task: ApplicationTask
    target: Target


def bases_of(tasks: Iterable[ApplicationTask], login_server: str) -> frozenset[tuple[str, Tag]]:
    """Return the repositories and tags of the base registry that any of the tasks is built on."""
    return frozenset(
        (one.repository, Tag(one.tag))
        for task in tasks
        for one in task.dependencies
        if one.tag and depends_on(task, login_server, one.repository, one.tag)
    )


def behind(
    tasks: Iterable[ApplicationTask], targets: Iterable[Target], login_server: str, now: datetime
) -> tuple[Behind, ...]:
    """Return the tasks that were last built on something else than what a target decided and has reached.

    Args:
        tasks: as listed.
        targets: of all tags that they are built on.
        login_server: of the base registry.
        now: UTC.
    """
    decided = [target for target in targets if is_settled(target, now)]
    return tuple(
        Behind(task, target)
        for task in tasks
        for target in decided
        if task.enabled and _differs(task, target, login_server)
    )


def missing(found: Iterable[Behind], known: Container[str], now: datetime) -> tuple[Behind, ...]:
    """Return those of which no rebuild is known, by its id; whatever became of one, it was not lost."""
    return tuple(one for one in found if rebuild_of(one, now).id not in known)


def rebuild_of(found: Behind, now: datetime) -> Rebuild:
    """Return the rebuild that a task behind its target calls for."""
    return new_rebuild(found.task, found.target.repository, found.target.tag, found.target.wanted, found.target, now)


def new_rebuild(
    task: ApplicationTask, repository: str, tag: Tag, digest: Digest, target: Target | None, now: datetime
) -> Rebuild:
    """Return a rebuild that is wanted from now on.

    Args:
        task: what is to be run.
        repository: in the base registry.
        tag: the tag that moved.
        digest: to what.
        target: whose decision it follows; ``None`` for what others pushed.
        now: UTC.
    """
    return Rebuild(
        registry=task.registry,
        task=task.name,
        task_id=task.resource_id,
        base_repository=repository,
        base_tag=tag,
        base_digest=digest,
        base_registry=target.registry if target else "",
        decision=target.number if target else 0,
        generation=0,
        look_at=now,
        since=now,
        traceparent=target.traceparent if target else "",
    )


def is_first_filling(target: Target, digest: Digest) -> bool:
    """Whether a tag bore nothing before its first decision, so that nothing can be built on what it was before.

    That it was deleted since and put back changes nothing.
    """
    others = any(one.digest != digest for one in target.former)
    return target.number == 1 and not others and target.seen in {"", digest}


def is_settled(target: Target, now: datetime) -> bool:
    """Whether a tag is what was decided, which moved it, and its own signal had its turn to have that built on."""
    settled = bool(target.wanted) and target.reached == target.number and target.seen == target.wanted
    old = target.decided_at is not None and now - target.decided_at >= SIGNALS_TURN
    return settled and old and not is_first_filling(target, target.wanted)


def _differs(task: ApplicationTask, target: Target, login_server: str) -> bool:
    found = depends_on(task, login_server, target.repository, target.tag)
    return found is not None and found.digest != target.wanted

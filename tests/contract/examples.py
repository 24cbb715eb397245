"""Records to store."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import msgspec

from shared.domain.promotion.candidate import Candidate, Place
from shared.domain.promotion.lifecycle import detected
from shared.domain.promotion.rebuilds import Rebuild
from shared.domain.promotion.statuses import Reason, Status
from shared.domain.promotion.target import Origin, Target
from shared.domain.references import Digest, Repository, Tag
from shared.domain.watching.observation import Observation

NOON = datetime(2026, 3, 4, 12, 0, 0, 123456, tzinfo=UTC)


def digest(number: int) -> Digest:
    """Return one of many digests, which differ in their beginnings."""
    return Digest(f"sha256:{number:032x}" + 32 * "0")


def candidate(number: int = 1, tag: str = "22-alpine", target: str = "base/node") -> Candidate:
    """Return a candidate that was just detected, of a source of its own for each target repository."""
    record = Candidate(
        image="node",
        source=Repository("docker.io", target.replace("base/", "library/")),
        source_tag=Tag(tag),
        targets=(Place(target, Tag(tag)),),
        digest=digest(number),
        gate="node",
        status=Status.DETECTED,
        look_at=NOON,
        since=NOON,
        detected_at=NOON,
    )
    return detected(record, Reason.FIRST_IMPORT, NOON, "seen “first”")


def earlier_candidate(number: int = 1, tag: str = "22-alpine", target: str = "base/node") -> Candidate:
    """Return a candidate of a version that had one for each tag."""
    return msgspec.structs.replace(candidate(number), targets=(), target=target, tag=Tag(tag))


def rebuild(number: int = 1, task: str = "web-app") -> Rebuild:
    """Return a rebuild that is wanted."""
    return Rebuild(
        registry="apps01",
        task=task,
        task_id=f"/subscriptions/s/resourceGroups/g/providers/Microsoft.ContainerRegistry/registries/apps01/tasks/{task}",
        base_repository="base/node",
        base_tag=Tag("22-alpine"),
        base_digest=digest(number),
        look_at=NOON,
        since=NOON,
    )


def target(tag: str = "22-alpine", repository: str = "base/node", registry: str = "tidegatebase") -> Target:
    """Return a target of which nothing was sighted yet."""
    origin = Origin("node", Repository("docker.io", "library/node"), Tag(tag), "node")
    return Target(registry=registry, repository=repository, tag=Tag(tag), origin=origin)


def observation(tag: str, number: int = 1) -> Observation:
    """Return an observation of a tag."""
    return Observation(
        tag=Tag(tag), digest=digest(number), first_seen=NOON, last_checked=NOON + timedelta(minutes=number)
    )

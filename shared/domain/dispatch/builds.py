"""A build that is asked for elsewhere: what is asked, what is found of it, and what its end means. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta
from enum import Enum

import msgspec

from shared.domain.promotion.rebuilds import BUSY, BuilderKind, Rebuild, rebuild_run_name
from shared.domain.promotion.target import Target
from shared.domain.references import Digest, Tag

# After an answer that was unclear, or that named no build, a build is looked for this long. Whoever accepts a request
# may be slow to begin; a second request before that would be a second build.
LOOKED_FOR = timedelta(minutes=30)
# How long the end of a build is waited for.
BUILD_LIFE = timedelta(hours=12)


class End(Enum):
    """What a build that has ended says of its base."""

    BUILT = "built"  # it can be built upon
    FAILED = "failed"  # the build itself failed
    UNDECIDED = "undecided"  # cancelled, timed out, no agent, an error of the platform: it says nothing


class Asked(msgspec.Struct, frozen=True, kw_only=True):
    """What is asked of whoever builds.

    Attributes:
        place: what is to be built, as the dispatcher knows it.
        correlation: names this attempt and no other, in at most 64 characters; by it alone a build is found again.
        rebuild: id of the rebuild.
        attempt: its number, from 1.
        image: the base image by tag and digest, such as ``contosobase.azurecr.io/base/node:22@sha256:…``.
        repository: of the base image.
        tag: that moved.
        digest: what it moved to.
        decision: the number of the decision that moved it; 0 for what others pushed.
        asked_at: when this attempt was claimed, UTC: no build of it is older.
        traceparent: W3C trace context.
    """

    place: str
    correlation: str
    rebuild: str
    attempt: int
    image: str
    repository: str
    tag: Tag
    digest: Digest
    decision: int
    asked_at: datetime
    traceparent: str = ""


class Sent(msgspec.Struct, frozen=True):
    """That a request was clearly accepted: with the id and the page of the build, where the answer has them."""

    run: str = ""
    link: str = ""


class Found(msgspec.Struct, frozen=True):
    """A build that bears the correlation: its id, its page, and when it was made, UTC."""

    run: str
    link: str = ""
    at: datetime | None = None


class Outcome(msgspec.Struct, frozen=True):
    """How a build stands.

    Attributes:
        end: what its end says; ``None`` while it is under way.
        words: the builder's own word for it, such as ``timed_out``.
        link: its page.
        covered_by: of one that was cancelled: a later build of the same, which was not; empty if there is none.
        built_on: the digest of the base that it says to have built on; empty if it does not say.
    """

    end: End | None
    words: str
    link: str = ""
    covered_by: str = ""
    built_on: str = ""


def asked_of(rebuild: Rebuild, server: str) -> Asked:
    """Return what is asked for by the latest attempt of a rebuild.

    Args:
        rebuild: its attempt is claimed.
        server: login server of the base registry.
    """
    repository, tag, digest = rebuild.base_repository, rebuild.base_tag, rebuild.base_digest
    return Asked(
        place=rebuild.task,
        correlation=rebuild_run_name(rebuild),
        rebuild=rebuild.id,
        attempt=rebuild.runs,
        image=f"{server}/{repository}:{tag}@{digest}",
        repository=repository,
        tag=tag,
        digest=digest,
        decision=rebuild.decision,
        asked_at=rebuild.asked_at or rebuild.since,
        traceparent=rebuild.traceparent,
    )


def new_dispatch(
    kind: BuilderKind,
    dispatcher: str,
    place: str,
    base: tuple[str, Tag, Digest],
    target: Target | None,
    now: datetime,
) -> Rebuild:
    """Return a rebuild that is wanted from now on and is asked for elsewhere.

    Args:
        kind: who builds.
        dispatcher: its name in the settings.
        place: what is to be built there.
        base: repository and tag of the base registry, and what the tag moved to.
        target: whose decision it follows; ``None`` for what others pushed.
        now: UTC.
    """
    repository, tag, digest = base
    return Rebuild(
        registry=dispatcher,
        task=place,
        kind=kind,
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


def is_busy(others: Iterable[Rebuild]) -> bool:
    """Whether a build of the same place is under way, or may be."""
    return any(one.status in BUSY for one in others)


def in_order(found: Iterable[Found]) -> tuple[Found, ...]:
    """Return builds, the one that was made first before the others: it is followed, and the others are told."""
    return tuple(sorted(found, key=lambda one: (one.at is None, one.at, len(one.run), one.run)))

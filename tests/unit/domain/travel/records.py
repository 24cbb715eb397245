"""Companions as tests need them, and steps that may come in any order."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import msgspec
from hypothesis import strategies as st

from shared.domain.references import Digest, Repository, Tag
from shared.domain.travel import changes
from shared.domain.travel.companions import Companions, Unique, Want
from shared.domain.travel.next_step import carried, nameless, needs_image, to_carry, unlanded
from shared.domain.travel.referrers import Listed, Listing, ReferrerState
from shared.domain.watching.travelling import ReferrerMode, Travelling
from shared.errors import NotFound, OperationFailed, Unavailable
from tests.doubles.registries import digest_of

NOW = datetime(2026, 11, 28, 10, tzinfo=UTC)
IMAGE, AMD64, ARM64 = digest_of("image"), digest_of("amd64"), digest_of("arm64")
PARTS = (IMAGE, AMD64, ARM64)
STABLE, LATEST = Tag("22"), Tag("latest")
TEMPLATE = "{tag}-{yyyymmdd}.{n}"
BEST_EFFORT, REQUIRED = Travelling(ReferrerMode.BEST_EFFORT), Travelling(ReferrerMode.REQUIRED)
NAMED = Travelling(ReferrerMode.REQUIRED, TEMPLATE)


def new(asked: Travelling = BEST_EFFORT) -> Companions:
    """Return the companions of an image that one tag wants."""
    fresh = Companions(
        registry="tidegatebase",
        repository="base/node",
        digest=IMAGE,
        source=Repository("docker.io", "library/node"),
        staging="base/node",
    )
    return changes.wanted(fresh, want(asked), NOW)


def want(asked: Travelling, tag: Tag = STABLE, number: int = 1, at: datetime = NOW) -> Want:
    """Return what one tag wants."""
    return Want(tag=tag, number=number, at=at, since=at, asked=asked, names=True)


def entry(name: str, subject: Digest = IMAGE, depth: int = 1, size: int = 500, tag: str = "") -> Listed:
    """Return what a list says of a referrer."""
    return Listed(digest_of(name), subject, depth, size=size, tag=Tag(tag))


# What may happen to a record, each as the flow writes it if it fits.


def list_some(companions: Companions, names: frozenset[str], now: datetime, *, whole: bool = True) -> Companions:
    """The upstream tells of some referrers."""
    entries = tuple(entry(name) for name in sorted(names))
    return changes.listed(companions, PARTS, Listing(entries, () if whole else ("a page",)), now)


def step(companions: Companions, what: str, now: datetime) -> Companions:  # noqa: PLR0911  one for each step
    """Take one step of the flow; one that does not fit leaves the record."""
    one, moving = carried(companions), to_carry(companions, now)
    if what == "begin image" and companions.carry is None and one is None:
        unique = unlanded(companions)
        return changes.image_begun(companions, unique.name if unique else Tag(""), now)
    if what == "land image" and companions.carry is not None:
        return changes.image_landed(companions, companions.carry.tag, now)
    if what == "image falls" and companions.carry is not None:
        return changes.image_fell(companions, Unavailable("503"), now)
    if what == "name" and (nameless_want := nameless(companions)) is not None:
        name = Tag(f"{nameless_want.tag}-20261128.1")
        return changes.named(companions, Unique(name, nameless_want.tag, nameless_want.number, now), now)
    if what == "begin" and moving is not None and one is None and companions.carry is None:
        return changes.begun(companions, moving, now)
    if what == "land" and one is not None:
        staging = one.state is ReferrerState.STAGING
        landed = msgspec.structs.replace(one, state=ReferrerState.STAGED)
        return changes.staged(companions, landed, now) if staging else changes.arrived(companions, one, now)
    if what == "fall" and one is not None:
        return changes.fell(companions, one, Unavailable("503"), now)
    if what == "denied" and one is not None:
        return changes.fell(companions, one, OperationFailed(NotFound("gone")), now)
    if what == "list fails":
        return changes.unlisted(companions, Unavailable("502"), now)
    return companions


WHATS = (
    "begin image",
    "land image",
    "image falls",
    "name",
    "begin",
    "land",
    "fall",
    "denied",
    "list fails",
    "list one",
    "list both",
    "list none",
    "list partly",
    "wait",
)
LISTS = {
    "list one": (frozenset({"signature"}), True),
    "list both": (frozenset({"signature", "sbom"}), True),
    "list none": (frozenset(), True),
    "list partly": (frozenset({"signature"}), False),
}
anything = st.lists(st.sampled_from(WHATS), max_size=40)


def take(companions: Companions, what: str, now: datetime) -> Companions:
    """Let one thing happen."""
    if what in LISTS:
        names, whole = LISTS[what]
        return list_some(companions, names, now, whole=whole)
    return step(companions, what, now)


def finish(companions: Companions, names: frozenset[str], now: datetime) -> tuple[Companions, datetime]:
    """Let everything that is still to be done succeed from now on."""
    for _ in range(60):
        now += timedelta(days=1, minutes=1)  # whatever is put off is due by then
        companions = list_some(companions, names, now)
        for what in ("land image", "land", "name", "begin image", "land image", "begin", "land"):
            if what == "begin image" and not needs_image(companions):
                continue
            companions = step(companions, what, now)
        follows = companions.mode is not ReferrerMode.OFF
        moving = follows and not all(one.is_settled for one in companions.referrers)
        if not moving and not needs_image(companions):
            return companions, now
    raise AssertionError(f"it does not come to an end: {companions}")

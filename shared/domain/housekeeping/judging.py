"""What may go from one repository, and why everything else stays: pure, and the only place that says so.

Nothing is judged by its tag alone. What somebody needs, or has locked, or nobody here can tell, stays; with it stays
what it names, what refers to it, and what it refers to: a registry deletes referrers with their subject.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import datetime, timedelta

import msgspec

from shared.domain.housekeeping.graph import Graph
from shared.domain.housekeeping.manifests import Shape, TagAt
from shared.domain.housekeeping.reasons import Goes, Place, Spared
from shared.domain.housekeeping.uses import Uses
from shared.domain.promotion.candidate import TOOL_TAG
from shared.domain.promotion.identity import short
from shared.domain.references import Digest, Tag

# Tools: a database is large and new every few hours. Runs are given the latest; one that was begun ends within hours.
TOOLS_STAY, TOOLS_KEPT = timedelta(days=2), 3
# For so long a late referrer is followed; whose subject has not come until then has none.
ORPHANS_STAY = timedelta(days=14)
# A unique tag that was just made is being written about. What a round opened and left was locked again after it, which
# may count as written: the next day's round is not to find it young.
UNIQUE_STAYS = timedelta(hours=12)
# What may be deleted though it stays otherwise: its tag, which is of no more use, beside another one.
_TAG_ALONE = frozenset({Spared.TAGGED, Spared.CHILD, Spared.REFERRER, Spared.REFERRED})


class Unique(msgspec.Struct, frozen=True):
    """A unique tag, as its record has it.

    Attributes:
        name: the tag.
        digest: what it was made for.
        of: the tag whose decision it bears the name of.
        made_at: when, UTC.
    """

    name: Tag
    digest: Digest
    of: Tag
    made_at: datetime


class Said(msgspec.Struct, frozen=True):
    """What records say of a repository of the base registry.

    Attributes:
        replaced: records of decisions that say what is not so any more.
        ours: tags and manifests that nobody but us has locked: they are opened right before they are deleted.
    """

    replaced: frozenset[Digest] = frozenset()
    ours: frozenset[str] = frozenset()


class Rules(msgspec.Struct, frozen=True, kw_only=True):
    """By what one repository is judged.

    Attributes:
        place: staging or base.
        stays: how long what is written in staging stays at least.
        uniques_kept: how many unique tags of a tag stay, the latest.
        uniques: those that records know of the repository.
        held: tags whose entries are on hold.
        said: what records say of it.
        begun: manifests of which the deletion was begun, with what named them, and may have broken off.
    """

    place: Place
    stays: timedelta
    uniques_kept: int = 10
    uniques: tuple[Unique, ...] = ()
    held: frozenset[Tag] = frozenset()
    said: Said = Said()
    begun: Mapping[Digest, Goes] = {}


class Going(msgspec.Struct, frozen=True, omit_defaults=True):
    """Something that goes.

    Attributes:
        digest: the manifest.
        why: why.
        tags: that point at it and go with it.
        tag: the one tag that goes, while its manifest stays; empty where the manifest goes.
        unlocks: whether we locked it, and nobody else: it is opened right before.
    """

    digest: Digest
    why: Goes
    tags: tuple[Tag, ...] = ()
    tag: Tag = Tag("")
    unlocks: bool = False


class Staying(msgspec.Struct, frozen=True, omit_defaults=True):
    """Something that stays.

    Attributes:
        digest: the manifest.
        why: why.
        tags: that point at it.
        by: the manifest for whose sake it stays, where it has no reason of its own.
    """

    digest: Digest
    why: Spared
    tags: tuple[Tag, ...] = ()
    by: Digest = Digest("")


class Judged(msgspec.Struct, frozen=True):
    """What becomes of all that a repository holds.

    Attributes:
        goes: what may go, in an order in which nothing goes before what names it, or what it refers to.
        stays: all else.
        gone: replaced records that are not there, and that nobody has to know of any more.
    """

    goes: tuple[Going, ...]
    stays: tuple[Staying, ...]
    gone: frozenset[Digest] = frozenset()


def judge(graph: Graph, uses: Uses, rules: Rules, now: datetime) -> Judged:
    """Say of every manifest of a repository whether it goes, and why.

    Args:
        graph: all that the repository holds, every manifest read that says something of others.
        uses: the digests that records need.
        rules: by what it is judged.
        now: UTC.
    """
    return _Judge(graph, uses, rules, now).judged()


def is_worth_reading(graph: Graph, uses: Uses, rules: Rules, now: datetime) -> bool:
    """Whether anything may go; if not, each manifest has a reason of its own to stay, and none has to be read.

    Args:
        graph: what the repository holds, of which no manifest was read yet.
        uses: see ``judge``.
        rules: see ``judge``.
        now: UTC.
    """
    judge_of_each = _Judge(graph, uses, rules, now)
    return any(judge_of_each.own(each) is None for each in graph.manifests)


class _Judge:
    def __init__(self, graph: Graph, uses: Uses, rules: Rules, now: datetime) -> None:
        self._graph = graph
        self._uses = uses
        self._rules = rules
        self._now = now
        self._staging = rules.place is Place.STAGING
        self._kept, self._old = _sorted_out(graph, rules)
        self._latest = _latest_tools(graph) if self._staging else frozenset()

    def judged(self) -> Judged:
        staying = self._spread({each: why for each in self._graph.manifests if (why := self.own(each))})
        going = self._going(staying)
        left = (each for each in self._graph.manifests if each not in staying and each not in going)
        staying |= {each: (Spared.UNTAGGED, Digest("")) for each in left}
        tags = (one for each, (why, _) in staying.items() if why in _TAG_ALONE for one in self._tags_alone(each))
        goes = (Going(each, why, self._tags(each), unlocks=self._unlocks(each)) for each, why in going.items())
        stays = tuple(self._staying(each, *why) for each, why in staying.items())
        return Judged((*goes, *tags), stays, self._rules.said.replaced - self._graph.manifests.keys())

    def own(self, digest: Digest) -> Spared | None:
        """Why a manifest stays for its own sake, whatever it hangs together with."""
        if self._is_locked(digest) or any(map(self._is_tag_locked, self._graph.tags[digest])):
            return Spared.LOCKED
        if why := self._uses.get(digest) or self._kept.get(digest):
            return why
        if digest in self._latest:
            return Spared.LATEST
        if digest not in self._rules.said.replaced and (why := self._by_its_age(digest)):
            return why
        return Spared.TAGGED if self._graph.image_tags(digest) - self._ours(digest) else None

    def _is_locked(self, digest: Digest) -> bool:
        """Whether somebody else locked a manifest: what we locked is not kept by that."""
        return self._graph.manifests[digest].locked and digest not in self._rules.said.ours

    def _is_tag_locked(self, tag: TagAt) -> bool:
        return tag.locked and tag.name not in self._rules.said.ours

    def _unlocks(self, digest: Digest) -> bool:
        return self._graph.manifests[digest].locked or any(tag.locked for tag in self._graph.tags[digest])

    def _by_its_age(self, digest: Digest) -> Spared | None:
        """What an index names was written with it, or with an older one."""
        updated = self._graph.updated(digest)
        if self._graph.manifests[digest].shape is Shape.UNKNOWN or updated is None:
            return Spared.UNKNOWN
        young = not self._graph.parents(digest) and self._now - updated < self._patience(digest)
        return Spared.YOUNG if young else None

    def _ours(self, digest: Digest) -> frozenset[Tag]:
        """The tags of a manifest that Tidegate made, as the digest in them shows, or the record of them."""
        if self._staging:
            ending = f"-{short(digest)}"
            return frozenset(tag for tag in self._graph.names(digest) if tag.endswith(ending))
        return frozenset(tag.name for tag in self._graph.tags[digest] if tag.name in self._old)

    def _patience(self, digest: Digest) -> timedelta:
        if not self._staging:
            return ORPHANS_STAY if self._graph.subjects(digest) else UNIQUE_STAYS
        return min(TOOLS_STAY, self._rules.stays) if self._is_tool(digest) else self._rules.stays

    def _is_tool(self, digest: Digest) -> bool:
        tags = self._graph.image_tags(digest)
        return bool(tags) and all(tag.startswith(TOOL_TAG) for tag in tags)

    def _spread(self, own: Mapping[Digest, Spared]) -> dict[Digest, tuple[Spared, Digest]]:
        """With a manifest stays what it names, what refers to it but for replaced records, and what it refers to."""
        staying = {digest: (why, Digest("")) for digest, why in own.items()}
        waiting = list(staying)
        for digest in waiting:
            near = [(one, Spared.CHILD) for one in self._graph.children(digest)]
            said = (one for one in self._graph.referrers(digest) if one not in self._rules.said.replaced)
            near += [(one, Spared.REFERRER) for one in said]
            near += [(one, Spared.REFERRED) for one in self._graph.subjects(digest) if one in self._graph.manifests]
            for one, why in near:
                if one not in staying:
                    staying[one] = (why, digest)
                    waiting.append(one)
        return staying

    def _going(self, staying: Collection[Digest]) -> dict[Digest, Goes]:
        """What goes begins with what nothing there names or is referred to by it; in base, with what is ours."""
        roots = [each for each in self._graph.manifests if each not in staying and self._begins(each)]
        going = {each: self._why(each) for each in self._graph.below(roots) if each not in staying}
        return _in_order(self._graph, going)

    def _begins(self, digest: Digest) -> bool:
        if digest in self._rules.said.replaced:
            return True
        if digest in self._rules.begun:
            return not self._graph.above(digest)
        if self._graph.above(digest):
            return bool(self._ours(digest))
        return self._staging or bool(self._ours(digest)) or bool(self._graph.subjects(digest))

    def _why(self, digest: Digest) -> Goes:
        if digest in self._rules.begun or digest in self._rules.said.replaced:
            return self._rules.begun.get(digest, Goes.REPLACED)
        if not self._staging and self._ours(digest):
            return Goes.OLD_UNIQUE
        if self._graph.parents(digest):
            return Goes.WITH_INDEX
        if subjects := self._graph.subjects(digest):
            return Goes.WITH_SUBJECT if any(one in self._graph.manifests for one in subjects) else Goes.ORPHANED
        if not self._graph.image_tags(digest):
            return Goes.LEFT
        return Goes.OLD_TOOL if self._is_tool(digest) else Goes.ENDED

    def _tags(self, digest: Digest) -> tuple[Tag, ...]:
        return tuple(sorted(self._graph.names(digest)))

    def _tags_alone(self, digest: Digest) -> tuple[Going, ...]:
        """Unique tags that are of no more use, at a manifest that stays for the sake of others."""
        if self._staging or self._is_locked(digest):
            return ()
        return tuple(
            Going(digest, Goes.OLD_UNIQUE, tag=tag.name, unlocks=tag.locked)
            for tag in self._graph.tags[digest]
            if tag.name in self._old and not self._is_tag_locked(tag)
        )

    def _staying(self, digest: Digest, why: Spared, by: Digest) -> Staying:
        return Staying(digest, why, self._tags(digest), by)


def _sorted_out(graph: Graph, rules: Rules) -> tuple[dict[Digest, Spared], frozenset[Tag]]:
    """Return which digests a unique tag keeps, and the names of those that keep nothing any more.

    One that points elsewhere than it was made for was moved by somebody, and is a tag as any other.
    """
    there = {tag.name: tag.digest for tags in graph.tags.values() for tag in tags}
    of: dict[Tag, list[Unique]] = {}
    for one in sorted(rules.uniques, key=lambda one: (one.made_at, one.name), reverse=True):
        if there.get(one.name) == one.digest:
            of.setdefault(one.of, []).append(one)
    kept: dict[Digest, Spared] = {}
    old: set[Tag] = set()
    for tag, uniques in of.items():
        if tag in rules.held:
            kept |= {one.digest: Spared.HELD for one in uniques}
            continue
        kept |= {one.digest: kept.get(one.digest, Spared.LATEST) for one in uniques[: rules.uniques_kept]}
        old |= {one.name for one in uniques[rules.uniques_kept :]}
    return kept, frozenset(old)


def _latest_tools(graph: Graph) -> frozenset[Digest]:
    """Return the digests of the latest of each tool's tags in a repository, which are told apart by their beginning."""
    of: dict[str, list[TagAt]] = {}
    for tag in (each for tags in graph.tags.values() for each in tags if each.name.startswith(TOOL_TAG)):
        of.setdefault(tag.name.removesuffix(f"-{short(tag.digest)}"), []).append(tag)
    found = (sorted(tags, key=_newest_first)[:TOOLS_KEPT] for tags in of.values())
    return frozenset(tag.digest for tags in found for tag in tags)


def _newest_first(tag: TagAt) -> float:
    """Of what the time is not known comes first: it stays in any case."""
    return -tag.updated.timestamp() if tag.updated is not None else float("-inf")


def _in_order(graph: Graph, going: Mapping[Digest, Goes]) -> dict[Digest, Goes]:
    """Sort what goes so that each comes after what names it and what it refers to."""
    ordered: dict[Digest, Goes] = {}
    left = dict(going)
    while ready := [each for each in left if not any(one in left for one in graph.above(each))]:
        ordered |= {each: left.pop(each) for each in ready}
    return ordered  # those that tags make refer to each other in a ring are left

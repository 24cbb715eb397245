"""The graph of who is built on what, and what would be rebuilt, in which order, if tags moved. Pure.

Builders build on images and push others, so that they make chains. A cycle of builders is told once and cut at the
edge that leads back: each builder is rebuilt once for a decision. Nothing here goes by recursion: a chain may be long.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from enum import Enum
from graphlib import TopologicalSorter

import msgspec

from shared.domain.waves.builders import Apart, Base, Builder, HowKnown, ends_the_chain
from shared.domain.waves.results import Baseline

# Of builders that are all built on each other there are more cycles than anybody could read. All are cut.
MOST_CYCLES = 100


class By(Enum):
    """By what a builder is known to build on an image."""

    TAG = "tag"  # it names the tag, which was another digest when it was last built, or nobody knows which
    DIGEST = "digest"  # it names the digest, and no tag: it stays on that
    TAG_AND_DIGEST = "tag-and-digest"  # it names the tag, and was last built on what the tag bears


class Root(msgspec.Struct, frozen=True):
    """A tag that moves.

    Attributes:
        name: its repository with the registry.
        tag: the tag.
        digests: what the tag bears, and what it bore before.
    """

    name: str
    tag: str
    digests: frozenset[str] = frozenset()


class Edge(msgspec.Struct, frozen=True):
    """That a builder builds on an image.

    Attributes:
        image: the image, with its registry and tag.
        by: by what that is known.
        known: how that is known.
        digest: what it was when it was last built on; empty if that is not known.
        builder: who pushes that image; empty if it is the tag that moves.
    """

    image: str
    by: By
    known: HowKnown
    digest: str = ""
    builder: str = ""


class Hit(msgspec.Struct, frozen=True):
    """A builder that what moves is of some consequence for.

    Attributes:
        builder: it.
        level: 0 if it is built on what moves, and one more than the last of those that it waits for.
        on: on what of all that it is built.
        after: the builders whose images it is built on: they come first.
        apart: why it is in no wave; ``None`` if it can be in one.
    """

    builder: Builder
    level: int
    on: tuple[Edge, ...]
    after: tuple[str, ...]
    apart: Apart | None


class Impact(msgspec.Struct, frozen=True):
    """What would be rebuilt.

    Attributes:
        hits: in the order in which they would be.
        cycles: builders that are built on what they push, by way of each other, each cycle once; the first hundred.
    """

    hits: tuple[Hit, ...]
    cycles: tuple[tuple[str, ...], ...]

    @property
    def rebuilt(self) -> tuple[Hit, ...]:
        """Those that can be in a wave."""
        return tuple(one for one in self.hits if one.apart is None)

    @property
    def failing(self) -> tuple[Hit, ...]:
        """Those that were failing before."""
        return tuple(one for one in self.hits if one.builder.before is Baseline.FAILING)


Edges = Mapping[str, tuple[Edge, ...]]


class Graph:
    """Who is built on what.

    Args:
        builders: each once; see ``together``.
    """

    def __init__(self, builders: Iterable[Builder]) -> None:
        self._builders = {one.id: one for one in builders}
        self._by_tag: defaultdict[tuple[str, str], list[tuple[str, Base]]] = defaultdict(list)
        self._by_digest: defaultdict[tuple[str, str], list[tuple[str, Base]]] = defaultdict(list)
        for one in self._builders.values():
            for base in one.bases:
                if base.tag:
                    self._by_tag[base.name, base.tag].append((one.id, base))
                else:
                    self._by_digest[base.name, base.digest].append((one.id, base))

    def impact(self, roots: Iterable[Root]) -> Impact:
        """Return what would be rebuilt if tags moved, in an order that does not depend on that of anything known."""
        edges = self._reached(tuple(roots))
        cycles, cut = _cycles(edges)
        after = {
            one: tuple(sorted({edge.builder for edge in on if edge.builder and (edge.builder, one) not in cut}))
            for one, on in edges.items()
        }
        levels = _levels(after)
        hits = [self._hit(one, levels[one], edges[one], after[one]) for one in edges]
        return Impact(tuple(sorted(hits, key=lambda one: (one.level, one.builder.id))), cycles)

    def _hit(self, name: str, level: int, on: tuple[Edge, ...], after: tuple[str, ...]) -> Hit:
        return Hit(self._builders[name], level, on, after, self._apart(name, on))

    def _apart(self, name: str, on: Iterable[Edge]) -> Apart | None:
        images = {(edge.image, edge.known) for edge in on}
        bases = [one for one in self._builders[name].bases if (_shown(one), one.known) in images]
        return self._builders[name].apart_for(bases)

    def _reached(self, roots: tuple[Root, ...]) -> dict[str, tuple[Edge, ...]]:
        """Return on what each builder is built, of all that moves: the tags, and what is pushed because of them."""
        found: defaultdict[str, set[Edge]] = defaultdict(set)
        waiting: list[str] = []
        followed: set[str] = set()
        for root in roots:
            self._note(found, waiting, self._on(root.name, root.tag, root.digests, ""))
        while waiting:
            name = waiting.pop()
            if name in followed or self._ends(name, found[name]):
                continue
            followed.add(name)
            for image in self._builders[name].pushes:
                digests = frozenset({image.digest} if image.digest else ())
                self._note(found, waiting, self._on(image.name, image.tag, digests, name))
        return {name: tuple(sorted(found[name], key=_place)) for name in sorted(found)}

    def _ends(self, name: str, on: Iterable[Edge]) -> bool:
        return ends_the_chain(self._apart(name, on))

    @staticmethod
    def _note(found: defaultdict[str, set[Edge]], waiting: list[str], reached: Iterable[tuple[str, Edge]]) -> None:
        """A builder may end a chain for what was known of it first, and go on with it for what is found later."""
        for name, edge in reached:
            if edge not in found[name]:
                found[name].add(edge)
                waiting.append(name)

    def _on(self, name: str, tag: str, digests: frozenset[str], builder: str) -> Iterator[tuple[str, Edge]]:
        for one, base in self._by_tag.get((name, tag), ()):
            by = By.TAG_AND_DIGEST if base.digest and base.digest in digests else By.TAG
            yield one, Edge(_shown(base), by, base.known, base.digest, builder)
        for digest in digests:
            for one, base in self._by_digest.get((name, digest), ()):
                yield one, Edge(_shown(base), By.DIGEST, base.known, digest, builder)


def _place(edge: Edge) -> tuple[str, ...]:
    return edge.builder, edge.image, edge.by.value, edge.known.value, edge.digest


def _shown(base: Base) -> str:
    return f"{base.name}:{base.tag}" if base.tag else f"{base.name}@{base.digest}"


def _cycles(edges: Edges) -> tuple[tuple[tuple[str, ...], ...], frozenset[tuple[str, str]]]:
    """Return the cycles, each once, and the edges back, from who pushes to who builds on that.

    Those that are built on what moves itself are begun with: an edge that leads back to them is the one that is cut.
    """
    built: defaultdict[str, set[str]] = defaultdict(set)
    for one, on in edges.items():
        for edge in on:
            if edge.builder:
                built[edge.builder].add(one)
    first = sorted(edges, key=lambda one: (all(edge.builder for edge in edges[one]), one))
    walk = _Walk({one: tuple(sorted(others)) for one, others in built.items()})
    for one in first:
        walk.begin(one)
    return tuple(sorted(walk.cycles)), frozenset(walk.back)


class _Walk:
    """A walk through a graph in depth."""

    def __init__(self, built: Mapping[str, tuple[str, ...]]) -> None:
        self._built = built
        self._ended: set[str] = set()
        self.cycles: set[tuple[str, ...]] = set()
        self.back: set[tuple[str, str]] = set()

    def begin(self, start: str) -> None:
        """Walk from a builder to all that are not walked through yet."""
        if start in self._ended:
            return
        way, left = {start: 0}, [iter(self._built.get(start, ()))]
        while left:
            here = next(reversed(way))
            following = next(left[-1], None)
            if following is None:
                self._ended.add(here)
                way.popitem()
                left.pop()
            elif following in way:
                self.back.add((here, following))
                if len(self.cycles) < MOST_CYCLES:
                    self.cycles.add(_turned(tuple(way)[way[following] :]))
            elif following not in self._ended:
                way[following] = len(way)
                left.append(iter(self._built.get(following, ())))


def _turned(cycle: tuple[str, ...]) -> tuple[str, ...]:
    """A cycle is the same wherever one begins to tell of it."""
    first = cycle.index(min(cycle))
    return cycle[first:] + cycle[:first]


def _levels(after: Mapping[str, tuple[str, ...]]) -> dict[str, int]:
    levels: dict[str, int] = {}
    for one in TopologicalSorter(after).static_order():
        levels[one] = 1 + max((levels[other] for other in after[one]), default=-1)
    return levels

"""What lies beside the images in force: names, referrers, records and locks, and what of it is not right. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from tests.chaos.cast import Asked

PASSED = "PASSED"


@dataclass(frozen=True)
class Finding:
    """One thing that is not as it should be: which, why, and its story for whoever follows it."""

    what: str
    why: str
    story: tuple[str, ...] = ()


@dataclass(frozen=True)
class Lying:
    """What lies beside what a tag of the base registry bears by a decision.

    Attributes:
        name: of the tag, as ``base/ant:1``.
        digest: that it bears, as was decided.
        asked: what its entry wants.
        platforms: of an index.
        given: the names that the product gave for this tag and saw land, with their digests.
        tags: all tags of the repository, and what they point at.
        upstream: what the upstream lists beside the digest and its platforms, and beside that.
        base: what the base registry lists so, but for what we say ourselves.
        refused: what does not come for a named reason, by digest.
        records: what each record beside it comes to: ``PASSED``, or why it is not believed.
        forms: the older forms of it that verify.
        locked: the tags and digests that are locked.
        by_people: whether people locked the tag.
        story: what the record of it says, for people.
    """

    name: str
    digest: str
    asked: Asked
    platforms: tuple[str, ...] = ()
    given: Mapping[str, str] = field(default_factory=dict)
    tags: Mapping[str, str] = field(default_factory=dict)
    upstream: frozenset[str] = frozenset()
    base: frozenset[str] = frozenset()
    refused: Mapping[str, str] = field(default_factory=dict)
    records: tuple[str, ...] = ()
    forms: frozenset[str] = frozenset()
    locked: frozenset[str] = frozenset()
    by_people: bool = False
    story: tuple[str, ...] = ()

    @property
    def tag(self) -> str:
        """The tag alone."""
        return self.name.rpartition(":")[2]

    @property
    def names(self) -> tuple[str, ...]:
        """The names that its digest keeps for the tag."""
        return tuple(name for name, digest in self.given.items() if digest == self.digest)

    @property
    def missing(self) -> frozenset[str]:
        """What its upstream lists and the base registry does not; what is refused by name is not missed."""
        return self.upstream - self.base - self.refused.keys() if self.asked.referrers != "off" else frozenset()


def lost_beside(every: Iterable[Lying]) -> Iterator[Finding]:
    """Yield what ought to lie beside an image and does not, or is not as it should be."""
    for one in every:
        reasons = (*_names(one), *_referrers(one), *_record(one), *_locks(one))
        yield from (Finding(f"{one.name} at {one.digest}", why, one.story) for why in reasons)


def doubled_beside(every: Iterable[Lying]) -> Iterator[Finding]:
    """Yield names and records of which there are more than one."""
    for one in every:
        if one.asked.unique and len(one.names) > 1:
            yield Finding(f"{one.name} at {one.digest}", f"it keeps {len(one.names)} names: {one.names}", one.story)
        if len(one.records) > 1:
            yield Finding(f"{one.name} at {one.digest}", f"{len(one.records)} records lie beside it", one.story)


def touched(names: Iterable[str]) -> Iterator[Finding]:
    """Yield what people locked, and somebody else opened."""
    yield from (Finding(name, "people locked it, and it was opened, not by them") for name in names)


def _names(one: Lying) -> Iterator[str]:
    if one.asked.unique and not one.names:
        yield "it keeps no unique tag"
    for name, digest in one.given.items():
        if one.tags.get(name) != digest:
            yield f"the name {name} was given to {digest}, and bears {one.tags.get(name, 'nothing')}"


def _referrers(one: Lying) -> Iterator[str]:
    for digest in sorted(one.missing):
        yield f"{digest} refers to it upstream, and not in the base registry"
    for digest in sorted(one.base - one.upstream):
        yield f"{digest} refers to it in the base registry, and nobody said so upstream"


def _record(one: Lying) -> Iterator[str]:
    if not one.asked.record:
        if one.records:
            yield f"nobody asked for a record of it: {one.records}"
        return
    if not one.records:
        yield "no record of its decision lies beside it"
    yield from (f"the record of its decision says {said}" for said in one.records if said != PASSED)
    yield from (
        f"its record does not lie under .{form}, or does not verify" for form in sorted({"att", "sig"} - one.forms)
    )


def _locks(one: Lying) -> Iterator[str]:
    wanted = {one.tag} if "stable" in one.asked.lock else set()
    if one.asked.lock:
        wanted |= {one.digest, *one.platforms}
    if "unique" in one.asked.lock:
        wanted |= set(one.given)
    yield from (f"{of} is not locked" for of in sorted(wanted - one.locked))
    if one.tag in one.locked and one.tag not in wanted and not one.by_people:
        yield "its tag is locked, and nobody asked for that"
    if one.by_people and one.tag not in one.locked:
        yield "people locked its tag, and it is open"

"""How the manifests of one repository hang together: indexes and their children, subjects and what refers to them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime

from shared.domain.housekeeping.manifests import Contents, Links, Manifest, Shape, TagAt, named_subject
from shared.domain.references import Digest, Tag


def to_read(contents: Contents, known: Mapping[Digest, Links]) -> tuple[Digest, ...]:
    """Return the manifests that say something of others which is not known yet: one request each, once for ever."""
    shapes = {Shape.ARTIFACT, Shape.INDEX}
    return tuple(one.digest for one in contents.manifests if one.shape in shapes and one.digest not in known)


class Graph:
    """The manifests of one repository, and what they say of each other.

    Args:
        contents: all that the repository holds.
        links: what its manifests say of others.
    """

    def __init__(self, contents: Contents, links: Mapping[Digest, Links]) -> None:
        self.manifests = {one.digest: one for one in contents.manifests}
        self.tags: defaultdict[Digest, list[TagAt]] = defaultdict(list)
        self._children: dict[Digest, tuple[Digest, ...]] = {}
        self._parents: defaultdict[Digest, list[Digest]] = defaultdict(list)
        self._subjects: dict[Digest, tuple[Digest, ...]] = {}
        self._referrers: defaultdict[Digest, list[Digest]] = defaultdict(list)
        for tag in contents.tags:
            self.tags[tag.digest].append(tag)
        for one in contents.manifests:
            self._take(one, links.get(one.digest, Links()))

    def _take(self, one: Manifest, links: Links) -> None:
        self._children[one.digest] = links.children
        for child in links.children:
            self._parents[child].append(one.digest)
        named = [named_subject(tag) for tag in self.names(one.digest)]
        found = dict.fromkeys(each for each in (links.subject, *named) if each and each != one.digest)
        self._subjects[one.digest] = tuple(found)
        for subject in found:
            self._referrers[subject].append(one.digest)

    def names(self, digest: Digest) -> frozenset[Tag]:
        """Return every tag that either listing has at a manifest."""
        listed = self.manifests[digest].tags if digest in self.manifests else ()
        return frozenset((*listed, *(tag.name for tag in self.tags[digest])))

    def image_tags(self, digest: Digest) -> frozenset[Tag]:
        """Return its tags but for those that only say what it belongs to: another digest than its own."""
        return frozenset(tag for tag in self.names(digest) if named_subject(tag) in {None, digest})

    def updated(self, digest: Digest) -> datetime | None:
        """Return when it or a tag of it was last written; ``None`` if that is not said of each."""
        times = [self.manifests[digest].updated, *(tag.updated for tag in self.tags[digest])]
        known = [one for one in times if one is not None]
        return max(known) if len(known) == len(times) else None

    def subjects(self, digest: Digest) -> tuple[Digest, ...]:
        """Return what a manifest refers to, whether that is there or not."""
        return self._subjects.get(digest, ())

    def parents(self, digest: Digest) -> tuple[Digest, ...]:
        """Return the indexes that name a manifest, and are there."""
        return tuple(self._parents[digest])

    def above(self, digest: Digest) -> frozenset[Digest]:
        """Return the indexes that name a manifest and the subjects that it refers to, as far as they are there."""
        subjects = (one for one in self.subjects(digest) if one in self.manifests)
        return frozenset((*self._parents[digest], *subjects))

    def children(self, digest: Digest) -> Iterator[Digest]:
        """Iterate over the manifests of an index that are there."""
        return (one for one in self._children.get(digest, ()) if one in self.manifests)

    def referrers(self, digest: Digest) -> tuple[Digest, ...]:
        """Return what refers to a manifest."""
        return tuple(self._referrers[digest])

    def below(self, roots: Iterable[Digest]) -> tuple[Digest, ...]:
        """Return roots, all that they name and all that refers to any of these, each once, nearest first."""
        found = dict.fromkeys(roots)
        waiting = list(found)
        for digest in waiting:
            for one in (*self.children(digest), *self.referrers(digest)):
                if one not in found:
                    found[one] = None
                    waiting.append(one)
        return tuple(found)

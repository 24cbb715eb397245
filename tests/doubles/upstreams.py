"""An upstream in memory: it keeps the port's promises, counts what was asked of it, and misbehaves when told to."""

from __future__ import annotations

import threading
from collections import Counter, defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import count

import msgspec

from shared.domain.references import Digest, Repository, Tag
from shared.domain.signatures.material import Artefact, ArtefactKind
from shared.domain.travel.referrers import DEEPEST, Listed, Listing
from shared.errors import NotFound
from shared.ports import Hint, Hints
from shared.signature_ports import Beside, Spend
from tests.doubles.referrers import Made
from tests.doubles.scripted import Scripted
from tests.doubles.storage import MIDDAY


@dataclass(frozen=True)
class _Pushed:
    digest: Digest
    at: datetime


class InMemoryUpstream(Scripted):
    """The ports ``Upstream``, ``UpstreamHolder``, ``SignatureSource`` and ``ReferrerSource``, for several threads.

    Args:
        catalogue: whether it has a catalogue of its own, so that ``hints`` answers.
        clock: when something is pushed; by default each push is a second after the one before.

    Attributes:
        deepest: how many hints the catalogue gives at most; asked for more than these it does not answer.
        asked: how often the registry was asked for each tag.
        sought: how often the registry was asked for each digest.
        listed: how often the registry was asked for all tags of a repository.
        consulted: how often the catalogue was asked about a repository.
        platforms: how many manifests there are behind a digest; what is not in it cannot be told.
        prepared: what it was told to get ready for, one line a call.
        read: the repositories whose manifests had to be read.
        besides: how often what lies beside a digest was read.
        unread: what of that cannot be read.
        referred: how often what refers to a manifest was listed.
        unlisted: what of that cannot be read.
    """

    def __init__(self, *, catalogue: bool = False, clock: Callable[[], datetime] | None = None) -> None:
        super().__init__()
        self.catalogue = catalogue
        self.deepest: int | None = None
        self.asked: Counter[tuple[Repository, Tag]] = Counter()
        self.sought: Counter[tuple[Repository, Digest]] = Counter()
        self.listed: Counter[Repository] = Counter()
        self.consulted: Counter[Repository] = Counter()
        self.platforms: dict[Digest, int] = {}
        self.prepared: list[tuple[Repository, ...]] = []
        self.read: set[Repository] = set()
        self.besides: Counter[Digest] = Counter()
        self.unread: tuple[str, ...] = ()
        self.referred: Counter[Digest] = Counter()
        self.unlisted: tuple[str, ...] = ()
        self._attached: defaultdict[tuple[Repository, Digest], list[Listed]] = defaultdict(list)
        self._signed: dict[tuple[Repository, Digest], tuple[Artefact, ...]] = {}
        self._clock = clock or _ticking()
        self._lock = threading.Lock()
        self._tags: defaultdict[Repository, dict[Tag, _Pushed]] = defaultdict(dict)
        self._manifests: set[tuple[Repository, Digest]] = set()
        self._denied: set[tuple[Repository, Tag]] = set()
        self._lies: dict[tuple[Repository, Tag], Digest] = {}
        self._troubles: dict[Repository, Exception] = {}

    def push(self, repository: Repository, tag: Tag, digest: Digest) -> None:
        """Point a tag at a digest; what it pointed at before can still be had by its digest."""
        self._tags[repository][tag] = _Pushed(digest, self._clock())
        self._manifests.add((repository, digest))

    def delete(self, repository: Repository, tag: Tag) -> None:
        """Remove a tag, if it is there."""
        self._tags[repository].pop(tag, None)

    def deny(self, repository: Repository, tag: Tag, *, denied: bool = True) -> None:
        """List a tag and, asked for it, say that it is not there."""
        (self._denied.add if denied else self._denied.discard)((repository, tag))

    def rename(self, repository: Repository) -> None:
        """Let a repository be gone with all its tags."""
        self._tags.pop(repository, None)

    def lie(self, repository: Repository, tag: Tag, digest: Digest) -> None:
        """Let the catalogue say that a tag points at something it does not; an empty digest has it say nothing."""
        self._lies[repository, tag] = digest

    def trouble(self, repository: Repository, error: Exception | None) -> None:
        """Let every question about one repository end in an error; ``None`` ends the trouble."""
        self._troubles.pop(repository, None)
        if error is not None:
            self._troubles[repository] = error

    def sign(self, repository: Repository, digest: Digest, *artefacts: Artefact) -> None:
        """Let this lie beside a digest, and nothing else."""
        self._signed[repository, digest] = artefacts

    def attach(self, repository: Repository, *made: Made) -> None:
        """Let referrers be listed, and be there to be copied."""
        for one in made:
            entry = Listed(one.digest, one.subject, artifact_type=one.kind, size=one.size)
            self._attached[repository, one.subject].append(entry)
            self._manifests.add((repository, one.digest))

    def attach_by_tag(self, repository: Repository, made: Made, tag: Tag) -> None:
        """Let a referrer be found by a tag, as older clients have it; another one of the tag is found no more."""
        entries = self._attached[repository, made.subject]
        entries[:] = [one for one in entries if one.tag != tag]
        entries.append(Listed(made.digest, made.subject, artifact_type=made.kind, size=made.size, tag=tag))
        self._manifests.add((repository, made.digest))

    def detach(self, repository: Repository, made: Made) -> None:
        """Let a referrer be gone, from the list and from the registry."""
        entries = self._attached[repository, made.subject]
        entries[:] = [one for one in entries if one.digest != made.digest]
        self._manifests.discard((repository, made.digest))

    def referrers(self, repository: Repository, manifests: Sequence[Digest], spend: Spend) -> Listing:
        """See the port."""
        found, level = list[Listed](), list(manifests)
        for depth in range(1, DEEPEST + 1):
            entries = [one for each in level for one in self._list(repository, each, spend)]
            found += [msgspec.structs.replace(one, depth=depth) for one in entries]
            level = [one.digest for one in entries if one.digest not in manifests]
        return Listing(tuple(found), self.unlisted)

    def _list(self, repository: Repository, digest: Digest, spend: Spend) -> list[Listed]:
        spend(False)
        with self._lock:
            self.referred[digest] += 1
            self._raise_trouble("referrers", repository)
            return list(self._attached.get((repository, digest), []))

    def purge(self, repository: Repository, digest: Digest) -> None:
        """Let a manifest be gone that no tag points at."""
        self._manifests.discard((repository, digest))

    def has(self, repository: Repository, digest: Digest) -> bool:
        """Whether a manifest can be had by its digest, without anybody being asked."""
        return (repository, digest) in self._manifests

    def digest(self, repository: Repository, tag: Tag) -> Digest | None:
        """See the port."""
        with self._lock:
            self.asked[repository, tag] += 1
            self._raise_trouble("digest", repository)
            pushed = self._tags.get(repository, {}).get(tag)
        return pushed.digest if pushed and (repository, tag) not in self._denied else None

    def tags(self, repository: Repository) -> tuple[Tag, ...]:
        """See the port."""
        with self._lock:
            self.listed[repository] += 1
            self._raise_trouble("tags", repository)
            if repository not in self._tags:
                raise NotFound(f"{repository} is not there", code="404")
            return tuple(sorted(self._tags[repository]))

    def hints(self, repository: Repository, since: datetime | None) -> Hints | None:
        """See the port."""
        if not self.catalogue:
            return None
        with self._lock:
            self.consulted[repository] += 1
            self._raise_trouble("hints", repository)
            everything = self._newest_first(repository)
        told = tuple(hint for hint in everything if since is None or hint.updated is None or hint.updated >= since)
        beyond = self.deepest is not None and len(told) > self.deepest
        return None if beyond or not everything else Hints(told, complete=len(told) == len(everything))

    def manifests(self, repository: Repository, tag: Tag, digest: Digest) -> int | None:  # noqa: ARG002
        """See the port."""
        with self._lock:
            self._raise_trouble("manifests", repository)
            return self.platforms.get(digest)

    def holds(self, repository: Repository, digest: Digest) -> bool:
        """See the port."""
        with self._lock:
            self.sought[repository, digest] += 1
            self._raise_trouble("holds", repository)
            return self.has(repository, digest)

    def beside(self, repository: Repository, digest: Digest, spend: Spend, *, whole: bool) -> Beside:
        """See the port. What is under the older tag is read if all is wanted, or if there is nothing else."""
        spend(False)
        with self._lock:
            self.besides[digest] += 1
            self._raise_trouble("beside", repository)
            every = self._signed.get((repository, digest), ())
            first = tuple(one for one in every if one.kind is not ArtefactKind.COSIGN_LEGACY)
            if whole or not first:
                return Beside(every, unread=self.unread)
            return Beside(first, whole=False, unread=self.unread)

    def reads(self, repository: Repository) -> bool:
        """See the port."""
        return repository in self.read

    def prepare(self, repositories: tuple[Repository, ...]) -> None:
        """See the port."""
        with self._lock:
            self.prepared.append(repositories)
            self._raise_scripted("prepare")

    def _raise_trouble(self, method: str, repository: Repository) -> None:
        self._raise_scripted(method)
        if repository in self._troubles:
            raise self._troubles[repository]

    def _newest_first(self, repository: Repository) -> tuple[Hint, ...]:
        pushed = self._tags.get(repository, {})
        hints = (Hint(tag, self._lies.get((repository, tag), at.digest), at.at) for tag, at in pushed.items())
        return tuple(sorted(hints, key=lambda hint: hint.updated or MIDDAY, reverse=True))


def _ticking() -> Callable[[], datetime]:
    seconds = count(1)
    return lambda: MIDDAY + timedelta(seconds=next(seconds))

"""What refers to an image, to its platforms, and to what refers to them: one request a manifest, or one list of tags.

Older clients find signatures and attestations by tags (cosign's SIGNATURE_SPEC.md and ATTESTATION_SPEC.md). Where the
registry has lists of its own, only the image itself is asked for those; where it has none its tags are listed once, and
nothing is asked for that is not among them.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from functools import cached_property

from shared.adapters.upstream.http import Answer
from shared.adapters.upstream.referrer_lists import Ask, ReferrerLists, tag_of
from shared.domain.references import Digest, Tag
from shared.domain.travel.referrers import DEEPEST, MOST_REFERRERS, Listed, Listing
from shared.errors import Unavailable

# What older clients write beside an image.
_ENDINGS = ("sig", "att")
LONGEST_READING = 120.0  # seconds
# What lies beside an image beyond twice what may travel is not gone through any deeper.
_MOST_ASKED = 2 * MOST_REFERRERS


class Around:
    """One reading of what refers to an image.

    Args:
        ask: asks the registry.
        digest_of: says what a tag points at, or ``None`` if it is not there.
        tags: lists the repository's tags.
        has_api: whether the registry may have lists of referrers; ``False`` where it was found to have none.
    """

    def __init__(
        self,
        ask: Ask,
        digest_of: Callable[[Tag], Digest | None],
        tags: Callable[[], tuple[Tag, ...]],
        *,
        has_api: bool,
    ) -> None:
        self._ask = ask
        self._digest_of = digest_of
        self._list_tags = tags
        self._lists = ReferrerLists(
            self._asked, self._leave, has_api=has_api, tags=lambda: self._tags, remark=self._remark
        )
        self._ends = time.monotonic() + LONGEST_READING
        self._unread: dict[str, None] = {}
        self._remarks: dict[str, None] = {}

    @property
    def has_api(self) -> bool:
        """Whether the registry has lists of referrers, as far as is known by now."""
        return self._lists.has_api

    def read(self, manifests: Sequence[Digest]) -> Listing:
        """Read it.

        Args:
            manifests: the image first, then its platforms.

        Raises:
            ServiceError: the registry did not let it be read, or took too long over it.
        """
        found, level, asked = list[Listed](), list(dict.fromkeys(manifests)), 0
        known = set(level)
        for depth in range(1, DEEPEST + 1):
            entries = [one for subject in level for one in self._of(subject, depth)]
            found += entries
            level = [one.digest for one in entries if one.digest not in known]
            known.update(level)
            asked += len(level)
            if asked > _MOST_ASKED:
                self._leave(f"there are more than {_MOST_ASKED} referrers, and what refers to them is not listed")
                break
        found += self._of_older_clients(manifests)
        return Listing(tuple(found), unread=tuple(self._unread), remarks=tuple(self._remarks))

    def _of(self, subject: Digest, depth: int) -> Iterator[Listed]:
        for one in self._lists.of(subject):
            digest = one.valid_digest
            if digest is not None:
                yield Listed(digest, subject, depth, one.media_type[:200], one.artifact_type[:200], one.size)

    def _of_older_clients(self, manifests: Sequence[Digest]) -> Iterator[Listed]:
        for subject in manifests[:1] if self.has_api else manifests:
            for ending in _ENDINGS:
                tag = Tag(f"{tag_of(subject)}.{ending}")
                digest = self._digest_of(tag) if self.has_api or tag in self._tags else None
                if digest is not None:
                    yield Listed(digest, subject, tag=tag)

    @cached_property
    def _tags(self) -> frozenset[Tag]:
        return frozenset(self._list_tags())

    def _asked(self, path: str, accept: str, most: int) -> Answer | None:
        if time.monotonic() > self._ends:
            raise Unavailable(f"{path}: what refers to the image took longer to read than {LONGEST_READING:.0f} s")
        return self._ask(path, accept, most)

    def _leave(self, told: str) -> None:
        self._unread[told] = None

    def _remark(self, told: str) -> None:
        self._remarks[told] = None

"""Lists of what refers to manifests of one repository: the registry's own, page by page, or those that clients keep."""

from __future__ import annotations

from collections.abc import Callable, Collection
from typing import Protocol

from shared.adapters.links import next_link
from shared.adapters.upstream.http import Answer
from shared.adapters.upstream.manifests import body_digest
from shared.adapters.upstream.referrers import INDEX_TYPES, Descriptor, read_index
from shared.domain.references import Digest, Tag
from shared.errors import Unavailable

_MOST_PAGES = 4
_LARGEST_LIST = 4 * 1024 * 1024


class Ask(Protocol):
    """Asks the registry about the repository."""

    def __call__(self, path: str, accept: str, most: int) -> Answer | None:
        """Return the answer to a GET below the repository's address, or of a next page; ``None`` for 404.

        Args:
            path: such as ``manifests/v1``, or a whole address.
            accept: the types that are wanted.
            most: bytes that the answer may have.

        Raises:
            ServiceError: the answer is neither that nor 404.
        """
        ...


class ReferrerLists:
    """The lists of one repository.

    Args:
        ask: asks the registry.
        leave: is told for people what could not be read.
        has_api: whether the registry may have lists of its own; ``False`` where it was found to have none.
        tags: gives the repository's tags, where clients' lists are asked for only if they are among them.
        remark: is told for people of what is no list, and none of what could not be read.

    Attributes:
        has_api: as above, as far as it is known by now.
    """

    def __init__(
        self,
        ask: Ask,
        leave: Callable[[str], None],
        *,
        has_api: bool,
        tags: Callable[[], Collection[Tag]] | None = None,
        remark: Callable[[str], None] | None = None,
    ) -> None:
        self.has_api = has_api
        self._ask = ask
        self._leave = leave
        self._tags = tags
        self._remark = remark
        self._answered = False

    def of(self, digest: Digest) -> list[Descriptor]:
        """Return what is listed beside a manifest.

        Raises:
            ServiceError: the registry did not let it be read.
        """
        entries = self._by_api(digest) if self.has_api else None
        if entries is None:
            # A registry that has told one list has them: what it denies of one manifest it denies of that one alone.
            self.has_api = self._answered
            entries = self._by_tag(digest)
        if None in entries:
            self._leave("an entry of the list of referrers cannot be read")
        return list({one.digest: one for one in entries if one is not None}.values())

    def _by_api(self, digest: Digest) -> list[Descriptor | None] | None:
        """Return all pages of the registry's own list; ``None`` if it has none."""
        path, entries = f"referrers/{digest}", list[Descriptor | None]()
        for page in range(_MOST_PAGES):
            answer = self._ask(path, INDEX_TYPES[0], _LARGEST_LIST)
            listed = read_index(answer) if answer is not None else None
            if answer is None or listed is None:
                if page or (answer is not None and self._answered):
                    raise Unavailable(f"{path}: a list of referrers was sent before, and this is none")
                return None
            self._answered = True
            entries += listed
            path = next_link(answer.headers.get("link", ""))
            if not path:
                return entries
        self._leave(f"the list of referrers has more than {_MOST_PAGES} pages")
        return entries

    def _by_tag(self, digest: Digest) -> list[Descriptor | None]:
        """Some registries answer the tag with the image itself, whose platforms are no referrers (oras-go#1396)."""
        tag = tag_of(digest)
        if self._tags is not None and tag not in self._tags():
            return []
        answer = self._ask(f"manifests/{tag}", ", ".join(INDEX_TYPES), _LARGEST_LIST)
        if answer is not None and body_digest(answer.body) == digest:
            if self._remark is not None:
                self._remark(f"the tag {tag} points at the image itself, which is no list of referrers")
            return []
        listed = read_index(answer) if answer is not None else None
        if answer is not None and listed is None:
            self._leave(f"what the tag {tag} points at is no list of referrers")
        return listed or []


def tag_of(digest: Digest) -> Tag:
    """Return the tag under which clients keep the list of what refers to a manifest."""
    return Tag(digest.replace(":", "-", 1))

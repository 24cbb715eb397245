"""The right to read: of a registry itself, and of the places it sends us to, each asked for where it is to be shown."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Protocol
from urllib.parse import urlsplit

# Places that one registry sends us to, whose tokens are kept; whoever names more is sent back to the first.
_MOST_PLACES = 16
_PATH = re.compile(r"https?://[^/?#]+/v2/([^?#]+)/(?:manifests|tags|blobs|referrers)/[^/]+$")


class Tokens(Protocol):
    """Gives the right to read repositories."""

    def authorization(self, path: str) -> str:
        """Return the ``Authorization`` header for a repository; empty if none is known to be needed."""
        ...

    def renewed(self, path: str, refused: str, challenge: str) -> str:
        """Return another header after a 401.

        Args:
            path: of the repository.
            refused: the header that was not accepted.
            challenge: the ``WWW-Authenticate`` header of the answer.

        Returns:
            The header to try instead; empty if there is none.
        """
        ...

    def withheld(self) -> bool:
        """Whether there is an account that nobody was shown yet, since nobody asked for it."""
        ...

    def prepare(self, paths: tuple[str, ...]) -> None:
        """Learn of repositories to which one right may do, where that takes fewer requests; asks nobody."""
        ...


class Rights:
    """Gives the right for an address, wherever it is.

    Args:
        url: the registry's own address.
        tokens: the right to read it; ``None`` where anybody may.
        elsewhere: the right to read another host, without any credentials; ``None`` where nobody sends us away.
    """

    def __init__(self, url: str, tokens: Tokens | None, elsewhere: Callable[[str], Tokens] | None) -> None:
        self._url = f"{url}/"
        self._tokens = tokens
        self._elsewhere = elsewhere
        self._places: dict[str, Tokens] = {}

    def is_ours(self, url: str) -> bool:
        """Whether an address is one of the registry itself."""
        return url.startswith(self._url)

    def header(self, url: str) -> str:
        """Return the ``Authorization`` header for an address; empty if none is known to be needed."""
        tokens = self._tokens if self.is_ours(url) else self._places.get(urlsplit(url).netloc)
        return tokens.authorization(_path(url)) if tokens else ""

    def renewed(self, url: str, refused: str, challenge: str) -> str:
        """Return another header after an address answered 401; empty if there is none."""
        tokens = self._tokens if self.is_ours(url) else self._of_place(url)
        return tokens.renewed(_path(url), refused, challenge) if tokens else ""

    def _of_place(self, url: str) -> Tokens | None:
        place = urlsplit(url).netloc
        if self._elsewhere is None or not _path(url):
            return None
        if place not in self._places and len(self._places) < _MOST_PLACES:
            self._places[place] = self._elsewhere(place)
        return self._places.get(place)


def _path(url: str) -> str:
    """Return the repository that an address is about; a registry may send us to another one by another name."""
    found = _PATH.match(url.partition("?")[0])
    return found[1] if found else ""

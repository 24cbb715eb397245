"""Where an image may have come from, by what it says of itself: pure.

Annotations and labels: https://github.com/opencontainers/image-spec/blob/main/annotations.md
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

_OCI = "org.opencontainers.image."
_HUB_PAGE = re.compile(
    r"https?://hub\.docker\.com/(?:_/(?P<official>[a-z0-9._-]+)|r/(?P<path>[a-z0-9._-]+/[a-z0-9._-]+))/?"
)
_GITHUB = re.compile(r"https?://github\.com/(?P<path>[A-Za-z0-9._-]+/[A-Za-z0-9._-]+?)(?:\.git)?(?:[/#?].*)?")
_HOST = re.compile(r"(?:[a-z0-9-]+\.)+[a-z]{2,}")


@dataclass(frozen=True)
class Guess:
    """An upstream repository that an image may have come from.

    Attributes:
        source: as a watch list names it.
        how: how it was guessed, for people.
        likely: whether it is good enough to be watched unless somebody objects; else it is only a hint.
    """

    source: str
    how: str
    likely: bool


def guess_source(repository: str, says: Mapping[str, str]) -> Guess | None:
    """Guess where an image came from.

    Args:
        repository: its repository in the registry that is looked at.
        says: its annotations and labels.

    Returns:
        The best guess, or ``None``. What an image was built on is no more than a hint: a copy of ``node`` says that it
        was built on ``alpine``, and watching that would replace the one with the other.
    """
    return _by_path(repository) or _by_page(says) or _by_base(says) or _by_code(says)


def _by_path(repository: str) -> Guess | None:
    host, _, path = repository.partition("/")
    if path and _HOST.fullmatch(host):
        return Guess(repository, f"the repository is named {repository}", likely=True)
    return None


def _by_page(says: Mapping[str, str]) -> Guess | None:
    page = says.get(f"{_OCI}url", "")
    found = _HUB_PAGE.fullmatch(page)
    if found is None:
        return None
    path = f"library/{found['official']}" if found["official"] else found["path"]
    return Guess(f"docker.io/{path}", f"{_OCI}url is {page}", likely=True)


def _by_base(says: Mapping[str, str]) -> Guess | None:
    base = says.get(f"{_OCI}base.name", "")
    name = base.partition("@")[0]
    path = name[: name.rfind(":")] if ":" in name.rpartition("/")[2] else name
    if not path:
        return None
    return Guess(path, f"{_OCI}base.name is {base}: that is what it was built on", likely=False)


def _by_code(says: Mapping[str, str]) -> Guess | None:
    code = says.get(f"{_OCI}source", "")
    found = _GITHUB.fullmatch(code)
    if found is None:
        return None
    return Guess(f"ghcr.io/{found['path'].lower()}", f"{_OCI}source is {code}: it may be published there", likely=False)

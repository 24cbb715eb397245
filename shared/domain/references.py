"""Repositories, tags and digests: read once at the edge, right by construction afterwards.

Grammar: the OCI distribution specification (https://github.com/opencontainers/distribution-spec/blob/main/spec.md) and
the reference grammar of the CNCF registry (https://pkg.go.dev/github.com/distribution/reference).
"""

from __future__ import annotations

import re
from typing import NewType

import msgspec

from shared.errors import InvalidReference

Tag = NewType("Tag", str)
Digest = NewType("Digest", str)

DOCKER_HUB = "docker.io"
MCR = "mcr.microsoft.com"

# Docker Hub answers to, and is written as, all of these; ACR Tasks reports it as registry.hub.docker.com.
_DOCKER_HUB_NAMES = frozenset({DOCKER_HUB, "index.docker.io", "registry-1.docker.io", "registry.hub.docker.com"})

_COMPONENT = r"[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*"
_PATH = re.compile(rf"{_COMPONENT}(?:/{_COMPONENT})*")
_HOST = re.compile(
    r"(?:\[[0-9a-f:]+\]|[a-z0-9](?:[a-z0-9-]*[a-z0-9])?(?:\.[a-z0-9](?:[a-z0-9-]*[a-z0-9])?)*)(?::[0-9]{1,5})?"
)
_TAG = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]{0,127}")
_DIGEST = re.compile(r"sha256:[0-9a-f]{64}|sha512:[0-9a-f]{128}")
_LONGEST_PATH = 255


class Repository(msgspec.Struct, frozen=True, order=True):
    """A repository in a registry, with Docker Hub's many names and its ``library/`` default made one.

    Attributes:
        registry: host and, where it is not 443, port; Docker Hub is always ``docker.io``.
        path: the repository's name inside the registry, such as ``library/node``.
    """

    registry: str
    path: str

    def __str__(self) -> str:
        return f"{self.registry}/{self.path}"


# Records of several tables hold it, and threads may read their first rows side by side: docs/decisions/0016.
_REPOSITORIES = msgspec.json.Decoder(Repository)


def parse_repository(text: str) -> Repository:
    """Read a repository as people write it, with its registry and without tag or digest.

    Args:
        text: such as ``docker.io/library/node``, ``node``, ``mcr.microsoft.com/dotnet/sdk`` or ``[::1]:5000/a/b``.

    Returns:
        The repository; ``node`` and ``registry.hub.docker.com/library/node`` are both ``docker.io/library/node``.

    Raises:
        InvalidReference: it is not a repository; the message says what was expected.
    """
    host, path = _split_host(text)
    registry = DOCKER_HUB if host in _DOCKER_HUB_NAMES else host
    if registry == DOCKER_HUB and path and "/" not in path:
        path = f"library/{path}"
    if not _HOST.fullmatch(registry):
        raise InvalidReference(f"{text!r}: {registry!r} is not a registry host")
    return Repository(registry, parse_path(path, whole=text))


def parse_path(path: str, *, whole: str | None = None) -> str:
    """Check a repository's name inside a registry, such as ``base/node``.

    Args:
        path: the name.
        whole: the text it was taken from, for the error message.

    Returns:
        The name, unchanged.

    Raises:
        InvalidReference: it holds a tag, a digest, upper case or anything else the grammar does not allow.
    """
    shown = repr(path if whole is None else whole)
    if "@" in path or ":" in path:
        raise InvalidReference(f"{shown}: expected a repository without tag or digest")
    if path != path.lower():
        raise InvalidReference(f"{shown}: repository names are lower case")
    if len(path) > _LONGEST_PATH or not _PATH.fullmatch(path):
        raise InvalidReference(f"{shown}: {path!r} is not a repository name, such as base/node")
    return path


def parse_tag(text: str) -> Tag:
    """Check a tag: up to 128 letters, digits, ``_``, ``.`` and ``-``, not beginning with ``.`` or ``-``.

    Raises:
        InvalidReference: it is not a tag.
    """
    if not _TAG.fullmatch(text):
        raise InvalidReference(f"{text[:140]!r} is not a tag: up to 128 letters, digits, '_', '.' and '-'")
    return Tag(text)


def parse_digest(text: str) -> Digest:
    """Check a digest, such as ``sha256:`` and 64 lower-case hexadecimal digits.

    Raises:
        InvalidReference: it is not a digest.
    """
    if not _DIGEST.fullmatch(text):
        raise InvalidReference(f"{text[:140]!r} is not a digest: expected sha256: and 64 hexadecimal digits")
    return Digest(text)


def _split_host(text: str) -> tuple[str, str]:
    """Docker's rule: the part before the first slash is a host if it holds a dot or a colon, or is ``localhost``."""
    first, slash, rest = text.partition("/")
    if slash and ("." in first or ":" in first or first == "localhost"):
        return first.lower(), rest
    return DOCKER_HUB, text

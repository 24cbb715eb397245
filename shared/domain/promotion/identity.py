"""What candidates are called: a name for a digest of an upstream repository under a gate, fit for URLs and keys."""

from __future__ import annotations

import hashlib
import re

from shared.domain.references import Digest, Repository, Tag, parse_path, parse_tag
from shared.errors import InvalidReference

# Enough of a digest to be unique in one repository, and short enough to be read and typed.
ID_DIGITS = 32
# What stands in an id for no functional test; the watch list lets no gate be called so.
_NO_GATE = "none"
# What stands before a tool's name there, and begins no gate's.
_TOOL = "-"
# Keys hold 500 characters at most. A source that is longer than this is cut, and its hash tells it from others.
_LONGEST_SOURCE = 350
_CUT = 300
# No component of a repository's name is empty, so that two separators side by side stand in no id of the earlier form.
_END_OF_SOURCE = "~~"
_ID = re.compile(
    rf"(?P<group>[a-z0-9-][a-z0-9._-]*(?:~[a-z0-9._-]+)+{_END_OF_SOURCE}){_TOOL}?[a-z0-9][a-z0-9._-]{{0,62}}"
    rf"~[0-9a-f]{{{ID_DIGITS}}}"
)
_DIGITS = re.compile(rf"[0-9a-f]{{{ID_DIGITS}}}")
# A host may hold what no URL's path, key or blob's name should; none of these stands in a host for itself, where it
# stands in an id.
_IN_HOSTS = str.maketrans({":": "_", "[": "-", "]": "-"})


def candidate_id(source: Repository, digest: Digest, gate: str | None, tool: str = "") -> str:
    """Derive a candidate's id, so that the same digest under the same gate is the same candidate, whoever noticed it.

    Args:
        source: the upstream repository.
        digest: the digest.
        gate: the gate's name; ``None`` for no functional test.
        tool: the name of the tool that it is mirrored as; empty for what is to be promoted.

    Returns:
        Such as ``docker.io~library~node~~node~`` and 32 hexadecimal digits, or ``…~~none~…`` without a gate, or
        ``…~~-trivy-db~…`` of a tool: at most 450 of ``A-Za-z0-9._~-``.
    """
    way = f"{_TOOL}{tool}" if tool else gate or _NO_GATE
    return f"{group_of_source(source)}{way}~{short(digest)}"


def earlier_id(repository: str, tag: Tag, digest: Digest) -> str:
    """Return what a digest on its way to one tag was called when each tag of the base registry had its own candidate.

    Args:
        repository: in the base registry.
        tag: in the base registry.
        digest: the digest.

    Returns:
        Such as ``base~node~22-alpine~`` and 32 hexadecimal digits.
    """
    return f"{repository.replace('/', '~')}~{tag}~{short(digest)}"


def short(digest: Digest) -> str:
    """Return the part of a digest that names it for people."""
    return digest.partition(":")[2][:ID_DIGITS]


def group_of_source(source: Repository) -> str:
    """Return what all ids of candidates from an upstream repository begin with; their archive is filed under it."""
    whole = f"{source.registry.translate(_IN_HOSTS)}~{source.path.replace('/', '~')}"
    if len(whole) > _LONGEST_SOURCE:
        told_apart = hashlib.sha256(str(source).encode()).hexdigest()[:ID_DIGITS]
        whole = f"{whole[:_CUT].rstrip('~')}~.{told_apart}"
    return f"{whole}{_END_OF_SOURCE}"


def group_of_repository(repository: str) -> str:
    """Return what the archive files candidates of the earlier form under: their repository in the base registry."""
    return repository.replace("/", "~")


def group_of(candidate: str) -> str:
    """Return what the archive files a candidate under, by its id of either form.

    Raises:
        InvalidReference: it is not a candidate's id.
    """
    if found := _ID.fullmatch(candidate):
        return found["group"]
    return group_of_repository(_earlier_parts(candidate)[0])


def _earlier_parts(candidate: str) -> tuple[str, Tag]:
    rest, _, digits = candidate.rpartition("~")
    path, _, tag = rest.rpartition("~")
    try:
        if not _DIGITS.fullmatch(digits):
            raise InvalidReference(digits[:80])
        return parse_path(path.replace("~", "/")), parse_tag(tag)
    except InvalidReference:
        raise InvalidReference(
            f"{candidate[:200]!r} is not a candidate's id, such as docker.io~library~node~~node~ and 32 hexadecimal "
            "digits"
        ) from None

"""Which of the twin's upstream registries an image reference names."""

from __future__ import annotations

import re
from dataclasses import dataclass

from infra.local.topology import Topology

_DOCKER_HUB, _MCR = "docker.io", "mcr.microsoft.com"
_REPOSITORY = re.compile(r"[a-z0-9]+(?:[._-]+[a-z0-9]+)*(?:/[a-z0-9]+(?:[._-]+[a-z0-9]+)*)*")
_TAG = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]{0,127}")


class NotUpstreamError(Exception):
    """A reference names no upstream of the twin; the message says what to write instead."""


@dataclass(frozen=True)
class Upstream:
    """A tag upstream.

    Attributes:
        part: the part of the twin, such as ``docker_hub``.
        host: as a watch list names it.
        repository, tag: there.
    """

    part: str
    host: str
    repository: str
    tag: str

    def __str__(self) -> str:
        return f"{self.host}/{self.repository}:{self.tag}"


def upstream(reference: str, topology: Topology) -> Upstream:
    """Read a reference as Docker does: ``node:22-alpine`` is ``docker.io/library/node:22-alpine``.

    Raises:
        NotUpstreamError: it has no tag, is not spelled as a reference, or names a registry that the twin has not.
    """
    name, _, tag = reference.rpartition(":")
    host, _, path = name.partition("/")
    if not path or not ({".", ":"} & set(host) or host == "localhost"):
        host, path = _DOCKER_HUB, name
    repository = f"library/{path}" if host == _DOCKER_HUB and "/" not in path else path
    part = {_DOCKER_HUB: "docker_hub", _MCR: "mcr", topology.address("other"): "other"}.get(host)
    if part is None or not _REPOSITORY.fullmatch(repository) or not _TAG.fullmatch(tag):
        raise NotUpstreamError(
            f"{reference!r} is no tag of an upstream of this twin; write one such as node:22-alpine (Docker Hub), "
            f"{_MCR}/dotnet/runtime:8.0 or {topology.address('other')}/team/tool:1.0"
        )
    return Upstream(part, host, repository, tag)

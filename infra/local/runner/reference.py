"""Image references, normalised as Docker does."""

from __future__ import annotations

import re
from dataclasses import dataclass

from infra.local.runner.errors import EngineError

DOCKER_HUB = "docker.io"
DOCKER_HUB_IN_ACR = "registry.hub.docker.com"  # how ACR spells Docker Hub in dependencies

_REFERENCE = re.compile(
    r"(?:(?P<host>localhost(?::\d+)?|[\w-]+(?:\.[\w-]+)+(?::\d+)?|[\w-]+:\d+)/)?"
    r"(?P<repository>[a-z0-9]+(?:(?:[._]|__|-+)[a-z0-9]+)*(?:/[a-z0-9]+(?:(?:[._]|__|-+)[a-z0-9]+)*)*)"
    r"(?::(?P<tag>\w[\w.-]{0,127}))?"
    r"(?:@(?P<digest>sha256:[0-9a-f]{64}))?"
)


@dataclass(frozen=True)
class Reference:
    """A fully qualified image reference; ``tag`` is empty if only a digest was written."""

    host: str
    repository: str
    tag: str
    digest: str

    @property
    def version(self) -> str:
        """What to ask a registry for: the digest if one is written, else the tag."""
        return self.digest or self.tag

    @property
    def tagged(self) -> str:
        """The name with its tag, as storage knows it."""
        return f"{self.host}/{self.repository}:{self.tag}"

    def at(self, digest: str) -> str:
        """Return the name pinned to ``digest``."""
        return f"{self.host}/{self.repository}@{digest}"

    @property
    def registry_in_acr(self) -> str:
        """The registry's name as ACR reports it."""
        return DOCKER_HUB_IN_ACR if self.host == DOCKER_HUB else self.host


def parse_reference(text: str) -> Reference:
    """Parse ``text`` by Docker's rules: no host means Docker Hub, no tag means ``latest``.

    Raises:
        EngineError: the text is not an image reference.
    See https://github.com/distribution/reference.
    """
    match = _REFERENCE.fullmatch(text)
    if match is None:
        raise EngineError(f'invalid argument "{text}": invalid reference format')
    host = match["host"] or DOCKER_HUB
    if host in ("index.docker.io", DOCKER_HUB_IN_ACR):
        host = DOCKER_HUB
    repository = match["repository"]
    if host == DOCKER_HUB and "/" not in repository:
        repository = f"library/{repository}"
    digest = match["digest"] or ""
    return Reference(host, repository, match["tag"] or ("" if digest else "latest"), digest)

"""Which registry stands behind a reference, and what a tag points at there."""

from __future__ import annotations

from collections.abc import Mapping

import requests

from infra.local.runner.errors import EngineError
from infra.local.runner.reference import Reference

_MANIFESTS = ", ".join(
    (
        "application/vnd.oci.image.index.v1+json",
        "application/vnd.docker.distribution.manifest.list.v2+json",
        "application/vnd.oci.image.manifest.v1+json",
        "application/vnd.docker.distribution.manifest.v2+json",
    )
)
_TIMEOUT = 10  # seconds; the registries are on this machine


def backing_address(reference: Reference, registries: Mapping[str, str]) -> str:
    """Return the ``host:port`` behind ``reference``; ``EngineError`` if no registry is known for its host."""
    try:
        return registries[reference.host]
    except KeyError:
        raise EngineError(f"no registry is known for {reference.host}, asked for {reference.repository}") from None


def resolve(reference: Reference, registries: Mapping[str, str]) -> str:
    """Return the digest ``reference`` points at now: an index's own digest, not one of its platforms'.

    Raises:
        EngineError: the registry does not answer or does not have it.
    See https://github.com/opencontainers/distribution-spec/blob/main/spec.md#pulling-manifests.
    """
    address = backing_address(reference, registries)
    url = f"http://{address}/v2/{reference.repository}/manifests/{reference.version}"
    try:
        with requests.Session() as session:
            session.trust_env = False  # a proxy has no business between two programs on this machine
            answer = session.head(url, headers={"Accept": _MANIFESTS}, timeout=_TIMEOUT)
    except requests.RequestException as error:
        raise EngineError(f"registry {reference.host} does not answer: {error}") from error
    if answer.status_code != requests.codes.ok:
        name = f"{reference.host}/{reference.repository}:{reference.version}"
        raise EngineError(f"manifest for {name} not found: the registry answered {answer.status_code}")
    return answer.headers["Docker-Content-Digest"]

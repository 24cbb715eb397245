"""Reads what is needed from a registry's data plane, and changes nothing there."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from azure.containerregistry import ArtifactTagOrder, ArtifactTagProperties, ContainerRegistryClient
from azure.core.exceptions import AzureError

from infra.adopt.guess import Guess, guess_source
from infra.adopt.listing import Found

# The newest tags of a repository say where it comes from; reading all would take a request or three for each.
_LOOKS = 3
_LARGEST_CONFIG = 4 * 1024 * 1024


def read_repositories(client: ContainerRegistryClient) -> Iterator[Found]:
    """Read every repository with its tags, and guess where it comes from by its newest ones.

    Args:
        client: of the registry's data plane; it needs the right to read the catalogue and every repository.

    Raises:
        AzureError: the catalogue or a repository's tags could not be read.
    """
    for repository in client.list_repository_names():
        order = ArtifactTagOrder.LAST_UPDATED_ON_DESCENDING
        tags = [_Tag(tag) for tag in client.list_tag_properties(repository, order_by=order)]
        digests = list(dict.fromkeys(tag.digest for tag in tags))[:_LOOKS]
        yield Found(repository, sorted(tag.name for tag in tags), [_guess(client, repository, one) for one in digests])


class _Tag:
    def __init__(self, properties: ArtifactTagProperties) -> None:
        self.name = str(properties.name)
        self.digest = str(properties.digest)


def _guess(client: ContainerRegistryClient, repository: str, digest: str) -> Guess | None:
    """An image that cannot be read says nothing; its tag is written down all the same."""
    try:
        return guess_source(repository, _says(client, repository, digest))
    except (AzureError, ValueError):
        return guess_source(repository, {})


def _says(client: ContainerRegistryClient, repository: str, digest: str) -> Mapping[str, str]:
    """The annotations of an index count more than those of its first image, and these more than its labels."""
    manifest = _manifest(client, repository, digest)
    says = _texts(manifest.get("annotations"))
    members = manifest.get("manifests")
    if isinstance(members, list) and members:
        says = {**_texts(members[0].get("annotations")), **says}
        manifest = _manifest(client, repository, str(members[0].get("digest")))
        says = {**_texts(manifest.get("annotations")), **says}
    return {**_labels(client, repository, manifest.get("config")), **says}


def _manifest(client: ContainerRegistryClient, repository: str, digest: str) -> dict[str, Any]:
    manifest = client.get_manifest(repository, digest).manifest
    return dict(manifest) if isinstance(manifest, Mapping) else {}


def _labels(client: ContainerRegistryClient, repository: str, config: object) -> Mapping[str, str]:
    if not isinstance(config, dict) or int(config.get("size", 0)) > _LARGEST_CONFIG:
        return {}
    found = json.loads(b"".join(client.download_blob(repository, str(config.get("digest")))))
    inner = found.get("config") if isinstance(found, dict) else None
    return _texts(inner.get("Labels")) if isinstance(inner, dict) else {}


def _texts(found: object) -> dict[str, str]:
    items = found.items() if isinstance(found, dict) else ()
    return {str(key): value for key, value in items if isinstance(value, str)}

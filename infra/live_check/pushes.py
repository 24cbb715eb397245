"""Tiny images, pushed by the registry's own API to be imported from there."""

from __future__ import annotations

import io
import json

from azure.containerregistry import ContainerRegistryClient

_MANIFEST = "application/vnd.oci.image.manifest.v1+json"
_INDEX = "application/vnd.oci.image.index.v1+json"
_CONFIG = "application/vnd.oci.image.config.v1+json"


def push_index(client: ContainerRegistryClient, repository: str, count: int) -> str:
    """Push an index over some images without layers.

    Returns:
        The index's digest.

    Raises:
        HttpResponseError: of ``azure.core``; the registry does not let us push.
    """
    entries = [_push_image(client, repository, number) for number in range(count)]
    index = {"schemaVersion": 2, "mediaType": _INDEX, "manifests": entries}
    return client.set_manifest(repository, _stream(index), media_type=_INDEX)


def tag_index(client: ContainerRegistryClient, repository: str, digest: str, tag: str) -> None:
    """Point a tag at an index that was pushed by ``push_index``.

    Raises:
        HttpResponseError: of ``azure.core``; the registry does not let us push.
    """
    index = _stream(dict(client.get_manifest(repository, digest).manifest))
    client.set_manifest(repository, index, tag=tag, media_type=_INDEX)


def push_referrer(client: ContainerRegistryClient, repository: str, subject: str) -> str:
    """Push a manifest without a tag that refers to an index, and return its digest.

    Raises:
        HttpResponseError: of ``azure.core``; the registry does not let us push.
    """
    digest, size = client.upload_blob(repository, _stream({}))
    # As it was pushed: byte for byte the same.
    index = _stream(dict(client.get_manifest(repository, subject).manifest))
    manifest = {
        "schemaVersion": 2,
        "mediaType": _MANIFEST,
        "artifactType": "application/vnd.tidegate.live-check",
        "config": {"mediaType": "application/vnd.oci.empty.v1+json", "digest": digest, "size": size},
        "layers": [{"mediaType": "application/vnd.oci.empty.v1+json", "digest": digest, "size": size}],
        "subject": {"mediaType": _INDEX, "digest": subject, "size": len(index.getvalue())},
    }
    return client.set_manifest(repository, _stream(manifest), media_type=_MANIFEST)


def _push_image(client: ContainerRegistryClient, repository: str, number: int) -> dict[str, object]:
    config = _stream(
        {"architecture": "amd64", "os": "linux", "rootfs": {"type": "layers", "diff_ids": []}, "n": number}
    )
    size = len(config.getvalue())
    digest, _ = client.upload_blob(repository, config)
    manifest = _stream(
        {
            "schemaVersion": 2,
            "mediaType": _MANIFEST,
            "config": {"mediaType": _CONFIG, "digest": digest, "size": size},
            "layers": [],
        }
    )
    length = len(manifest.getvalue())
    pushed = client.set_manifest(repository, manifest, media_type=_MANIFEST)
    platform = {"os": "linux", "architecture": "amd64", "os.version": str(number)}
    return {"mediaType": _MANIFEST, "digest": pushed, "size": length, "platform": platform}


def _stream(document: dict[str, object]) -> io.BytesIO:
    return io.BytesIO(json.dumps(document).encode())

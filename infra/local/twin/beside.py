"""Leaves things beside images as clients do where a registry keeps no list of referrers: listed under a tag.

https://github.com/opencontainers/distribution-spec/blob/main/spec.md#referrers-tag-schema
"""

from __future__ import annotations

import json

import requests

from infra.local.twin.images import OCI_INDEX, OCI_MANIFEST, descriptor, digest_of, push_blob, put_manifest

_EMPTY, _NOTHING = "application/vnd.oci.empty.v1+json", b"{}"
_TIMEOUT = 20


def attach(
    registry: str,
    repository: str,
    subject: str,
    artifact_type: str,
    content: bytes,
    annotations: dict[str, str] | None = None,
) -> str:
    """Leave an artefact beside an image, and return the digest of its manifest.

    Args:
        registry: address of the registry, such as ``http://127.0.0.1:10010``.
        repository: of the image.
        subject: digest of the image.
        artifact_type: what it is.
        content: its only layer.
        annotations: of its manifest.

    Raises:
        requests.HTTPError: the registry refused a push.
    """
    for blob in (_NOTHING, content):
        push_blob(registry, repository, blob)
    manifest = {
        "schemaVersion": 2,
        "mediaType": OCI_MANIFEST,
        "artifactType": artifact_type,
        "config": descriptor(_EMPTY, _NOTHING),
        "layers": [descriptor(artifact_type, content)],
        "subject": {"mediaType": OCI_MANIFEST, "digest": subject, "size": 1},
        "annotations": annotations or {},
    }
    body = json.dumps(manifest).encode()
    put_manifest(registry, repository, digest_of(body), OCI_MANIFEST, body)
    _list(registry, repository, subject, {**descriptor(OCI_MANIFEST, body), "artifactType": artifact_type})
    return digest_of(body)


def _list(registry: str, repository: str, subject: str, entry: dict[str, object]) -> None:
    """Add to the list that clients keep, as they do: what is listed already stays."""
    tag = subject.replace(":", "-")
    url = f"{registry}/v2/{repository}/manifests/{tag}"
    answer = requests.get(url, headers={"Accept": OCI_INDEX}, timeout=_TIMEOUT)
    known = answer.json()["manifests"] if answer.status_code == 200 else []
    others = [one for one in known if one["digest"] != entry["digest"]]
    listed = {"schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": [*others, entry]}
    put_manifest(registry, repository, tag, OCI_INDEX, json.dumps(listed).encode())

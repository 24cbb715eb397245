"""Small real images, pushed by plain HTTP to the registries behind the fronts."""

from __future__ import annotations

import hashlib
import io
import json
import tarfile
from itertools import cycle

import requests

from infra.local.topology import Topology
from shared.domain.signatures.material import ArtefactKind
from tests.doubles.beside import Written, index_of

MANIFEST = "application/vnd.oci.image.manifest.v1+json"
INDEX = "application/vnd.oci.image.index.v1+json"
DOCKER = "application/vnd.docker.distribution.manifest.v2+json"
ANY = f"{MANIFEST}, {INDEX}, {DOCKER}"


def digest_of(content: bytes) -> str:
    """Return the digest of a blob or manifest."""
    return "sha256:" + hashlib.sha256(content).hexdigest()


def push_image(topology: Topology, part: str, image: str, text: str) -> str:
    """Push an image with one file, ``/text``, to a part's registry; return its digest."""
    repository, _, tag = image.partition(":")
    url = topology.http(f"backing_{part}")
    layer = _layer(text)
    rootfs = {"type": "layers", "diff_ids": [digest_of(layer)]}
    config = json.dumps({"architecture": "amd64", "os": "linux", "rootfs": rootfs}).encode()
    manifest = {
        "schemaVersion": 2,
        "mediaType": MANIFEST,
        "config": _blob(url, repository, config, "application/vnd.oci.image.config.v1+json"),
        "layers": [_blob(url, repository, layer, "application/vnd.oci.image.layer.v1.tar")],
    }
    return _manifest(url, repository, tag or "latest", manifest, MANIFEST)


def push_docker_image(topology: Topology, part: str, image: str, text: str) -> str:
    """Push the same image with Docker's own media types; return its digest."""
    repository, _, tag = image.partition(":")
    url = topology.http(f"backing_{part}")
    config = json.dumps({"architecture": "amd64", "os": "linux"}).encode()
    manifest = {
        "schemaVersion": 2,
        "mediaType": DOCKER,
        "config": _blob(url, repository, config, "application/vnd.docker.container.image.v1+json"),
        "layers": [_blob(url, repository, _layer(text), "application/vnd.docker.image.rootfs.diff.tar")],
    }
    return _manifest(url, repository, tag, manifest, DOCKER)


def push_index(topology: Topology, part: str, image: str, *texts: str) -> str:
    """Push an index over one image per text; return the index's digest."""
    repository = image.partition(":")[0]
    members = [push_image(topology, part, f"{repository}:member-{number}", text) for number, text in enumerate(texts)]
    return push_list(topology, part, image, MANIFEST, *members)


def push_list(topology: Topology, part: str, image: str, media_type: str, *members: str) -> str:
    """Push an index over what is there, all of one media type; return the index's digest."""
    repository, _, tag = image.partition(":")
    url = topology.http(f"backing_{part}")
    entries = [
        {
            "mediaType": media_type,
            "digest": member,
            "size": _size(f"{url}/v2/{repository}/manifests/{member}"),
            "platform": {"os": "linux", "architecture": architecture},
        }
        for member, architecture in zip(members, cycle(("amd64", "arm64")), strict=False)
    ]
    return _manifest(url, repository, tag, {"schemaVersion": 2, "mediaType": INDEX, "manifests": entries}, INDEX)


def push_referrer(topology: Topology, part: str, repository: str, subject: str, artifact_type: str, text: str) -> str:
    """Push a manifest without a tag that refers to another one, which need not be there; return its digest."""
    manifest = referrer(topology, part, repository, subject, artifact_type, text)
    return _put(topology.http(f"backing_{part}"), repository, digest_of(manifest), manifest, MANIFEST)


def referrer(topology: Topology, part: str, repository: str, subject: str, artifact_type: str, text: str) -> bytes:
    """Push the blobs of a manifest that refers to another one, and return that manifest, which is not pushed."""
    url = topology.http(f"backing_{part}")
    config = _blob(url, repository, b"{}", "application/vnd.oci.empty.v1+json")
    layer = _blob(url, repository, text.encode(), "text/plain")
    manifest = {
        "schemaVersion": 2,
        "mediaType": MANIFEST,
        "artifactType": artifact_type,
        "config": config,
        "layers": [layer],
        "subject": {"mediaType": INDEX, "digest": subject, "size": 1},
        "annotations": {"org.opencontainers.image.created": "2026-11-28T10:00:00Z"},
    }
    return json.dumps(manifest).encode()


def push_beside(topology: Topology, part: str, repository: str, subject: str, *signed: Written) -> None:
    """Push artefacts beside an image, as clients do where a registry keeps no list of referrers: under tags.

    Args:
        topology: where the registries are.
        part: whose registry.
        repository: in it.
        subject: digest of the image.
        signed: what lies beside it; what has cosign's older form gets the tag of its own.
    """
    url = topology.http(f"backing_{part}")
    tag, listed = subject.replace(":", "-"), list[dict[str, object]]()
    for one in signed:
        for content in (b"{}", *one.blobs):
            _blob(url, repository, content, "")
        old = one.artefact.kind is ArtefactKind.COSIGN_LEGACY
        _put(url, repository, f"{tag}.sig" if old else one.digest, one.manifest, MANIFEST)
        listed += [] if old else [one.listed]
    if listed:
        _manifest(url, repository, tag, index_of(*listed), INDEX)


def digest_at(topology: Topology, part: str, image: str) -> str | None:
    """Return the digest a tag points at in the real registry, or ``None``."""
    repository, _, tag = image.partition(":")
    url = f"{topology.http(f'backing_{part}')}/v2/{repository}/manifests/{tag}"
    return requests.head(url, headers={"Accept": ANY}, timeout=9).headers.get("Docker-Content-Digest")


def _size(manifest: str) -> int:
    return int(requests.head(manifest, headers={"Accept": ANY}, timeout=9).headers["Content-Length"])


def _layer(text: str) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        member = tarfile.TarInfo("text")
        member.size = len(text.encode())
        archive.addfile(member, io.BytesIO(text.encode()))
    return buffer.getvalue()


def _blob(url: str, repository: str, content: bytes, media_type: str) -> dict[str, object]:
    start = requests.post(f"{url}/v2/{repository}/blobs/uploads/", timeout=9)
    digest = digest_of(content)
    requests.put(start.headers["Location"], params={"digest": digest}, data=content, timeout=9).raise_for_status()
    return {"mediaType": media_type, "digest": digest, "size": len(content)}


def _manifest(url: str, repository: str, tag: str, manifest: dict[str, object], media_type: str) -> str:
    return _put(url, repository, tag, json.dumps(manifest).encode(), media_type)


def _put(url: str, repository: str, tag: str, body: bytes, media_type: str) -> str:
    target = f"{url}/v2/{repository}/manifests/{tag}"
    requests.put(target, data=body, headers={"Content-Type": media_type}, timeout=9).raise_for_status()
    return digest_of(body)

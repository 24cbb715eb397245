"""Makes small real images of the machine's static busybox and pushes them to a backing registry.

An image is two layers: busybox with its applets, which all images share, and one with ``/etc/base-release`` and what
else is asked for, so that releases differ by that layer alone. Manifests and configurations follow the OCI image
specification 1.0 (https://github.com/opencontainers/image-spec), pushes the distribution specification.
"""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import shutil
import subprocess
import tarfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import requests

OCI_INDEX = "application/vnd.oci.image.index.v1+json"
OCI_MANIFEST = "application/vnd.oci.image.manifest.v1+json"
_OCI_CONFIG = "application/vnd.oci.image.config.v1+json"
_OCI_TAR = "application/vnd.oci.image.layer.v1.tar"
_OCI_LAYER = f"{_OCI_TAR}+gzip"
_ACCEPT = {"Accept": f"{OCI_INDEX}, {OCI_MANIFEST}"}
_TIMEOUT = 10.0
_BLOB_TIMEOUT = 60.0  # some are large, and the machine may be busy
_registry = requests.Session()
_registry.trust_env = False  # a proxy that the environment names is for the world outside


@dataclass(frozen=True)
class Layer:
    """One layer: its tar, mostly gzipped, its digest, and that of the tar itself (the configuration's ``diff_id``)."""

    blob: bytes
    digest: str
    diff_id: str
    media_type: str = _OCI_LAYER


@dataclass(frozen=True)
class PushedImage:
    """What was pushed.

    Attributes:
        digest: of what the tag points at: the index, or the only manifest.
        manifests: digest of each platform's manifest, by platform such as ``linux/amd64``.
        layers: digests of the layers, lowest first; all platforms share them.
    """

    digest: str
    manifests: Mapping[str, str]
    layers: Sequence[str]


def push_image(
    registry: str,
    repository: str,
    tag: str,
    release: str,
    *,
    files: Mapping[str, str | bytes] | None = None,
    platforms: Sequence[str] = ("linux/amd64",),
    config: Mapping[str, object] | None = None,
) -> PushedImage:
    """Make an image and push it.

    Arguments:
        registry: address of the registry, such as ``http://127.0.0.1:10010``.
        repository: where to push, such as ``library/node``.
        tag: the tag to set.
        release: text of ``/etc/base-release``; another release is another digest.
        files: more executable files for the upper layer, contents by absolute path.
        platforms: one gives a single manifest; more give an index. All carry the same file system: the second is only
            labelled with its platform and is not meant to run.
        config: what it says of containers besides or instead, such as ``Entrypoint``, by the names of the OCI.

    Raises:
        requests.HTTPError: the registry refused a push.
    """
    upper = {"/etc/base-release": f"{release}\n", **(files or {})}
    layers = [_busybox_layer(), _layer(_file_entries(upper))]
    return push_layers(registry, repository, tag, layers, platforms=platforms, config=config)


def push_layers(
    registry: str,
    repository: str,
    tag: str,
    layers: Sequence[Layer],
    *,
    platforms: Sequence[str] = ("linux/amd64",),
    config: Mapping[str, object] | None = None,
) -> PushedImage:
    """Push an image of layers that are made already, lowest first; the rest as for ``push_image``."""
    manifests = {
        platform: _push_manifest(registry, repository, layers, platform, config or {}) for platform in platforms
    }
    if len(manifests) == 1:
        document = next(iter(manifests.values()))
        digest = put_manifest(registry, repository, tag, OCI_MANIFEST, document)
    else:
        digest = put_manifest(registry, repository, tag, OCI_INDEX, _index(manifests))
    digests = {platform: digest_of(document) for platform, document in manifests.items()}
    return PushedImage(digest, digests, [layer.digest for layer in layers])


def tag_digest(registry: str, repository: str, tag: str) -> str | None:
    """Return the digest a tag points at in a registry, or ``None`` when there is no such tag."""
    answer = _registry.head(f"{registry}/v2/{repository}/manifests/{tag}", headers=_ACCEPT, timeout=_TIMEOUT)
    if answer.status_code == 404:
        return None
    answer.raise_for_status()
    return answer.headers["Docker-Content-Digest"]


def digest_of(content: bytes) -> str:
    """Return the digest of a blob or manifest: ``sha256:`` and 64 hexadecimal digits."""
    return f"sha256:{hashlib.sha256(content).hexdigest()}"


@cache
def _busybox_layer() -> Layer:
    program = shutil.which("busybox")
    if program is None:
        raise FileNotFoundError("busybox is not installed: run `infra/local/setup.sh twin`")
    listed = subprocess.run([program, "--list"], check=True, capture_output=True, text=True).stdout.split()
    content = Path(program).read_bytes()
    entries = [_directory("bin"), _directory("tmp", 0o1777), _file("bin/busybox", content)]
    entries += [_link(f"bin/{applet}", "busybox") for applet in listed if applet != "busybox"]
    return _layer([*entries, *_file_entries({"/etc/passwd": "root:x:0:0:root:/:/bin/sh\n"})])


_Entry = tuple[tarfile.TarInfo, bytes]


def layer_of(files: Mapping[str, str | bytes], *, empty: Sequence[str] = (), zipped: bool = True) -> Layer:
    """Return a layer of executable files, their contents by absolute path, and of folders that anybody may write to."""
    return _layer([*_file_entries(files), *(_directory(name, 0o1777) for name in empty)], zipped=zipped)


def _file_entries(files: Mapping[str, str | bytes]) -> list[_Entry]:
    folders = sorted({str(parent) for path in files for parent in Path(path.lstrip("/")).parents} - {"."})
    entries = [_directory(folder) for folder in folders]
    return entries + [_file(path.lstrip("/"), _bytes(content)) for path, content in sorted(files.items())]


def _bytes(content: str | bytes) -> bytes:
    return content.encode() if isinstance(content, str) else content


def _directory(name: str, mode: int = 0o755) -> _Entry:
    info = tarfile.TarInfo(name)
    info.type, info.mode = tarfile.DIRTYPE, mode
    return info, b""


def _file(name: str, content: bytes) -> _Entry:
    info = tarfile.TarInfo(name)
    info.size, info.mode = len(content), 0o755
    return info, content


def _link(name: str, target: str) -> _Entry:
    info = tarfile.TarInfo(name)
    info.type, info.linkname = tarfile.SYMTYPE, target
    return info, b""


def _layer(entries: Sequence[_Entry], *, zipped: bool = True) -> Layer:
    tar = io.BytesIO()
    # Times and owners stay zero, so the same content is the same digest. Names may be of any length and character.
    with tarfile.open(fileobj=tar, mode="w", format=tarfile.PAX_FORMAT) as archive:
        for info, content in entries:
            archive.addfile(info, io.BytesIO(content))
    if not zipped:
        digest = digest_of(tar.getvalue())
        return Layer(tar.getvalue(), digest, digest, _OCI_TAR)
    blob = gzip.compress(tar.getvalue(), compresslevel=1, mtime=0)
    return Layer(blob, digest_of(blob), digest_of(tar.getvalue()))


def _push_manifest(
    registry: str, repository: str, layers: Sequence[Layer], platform: str, changes: Mapping[str, object]
) -> bytes:
    """Push the blobs and the manifest of one platform and return the manifest."""
    config = _config(layers, platform, changes)
    for blob in (*(layer.blob for layer in layers), config):
        push_blob(registry, repository, blob)
    manifest = _json(
        {
            "schemaVersion": 2,
            "mediaType": OCI_MANIFEST,
            "config": descriptor(_OCI_CONFIG, config),
            "layers": [descriptor(layer.media_type, layer.blob) for layer in layers],
        }
    )
    put_manifest(registry, repository, digest_of(manifest), OCI_MANIFEST, manifest)
    return manifest


def _config(layers: Sequence[Layer], platform: str, changes: Mapping[str, object]) -> bytes:
    system, architecture = platform.split("/")
    return _json(
        {
            "os": system,
            "architecture": architecture,
            "config": {"Cmd": ["/bin/sh"], "Env": ["PATH=/bin"], **changes},
            "rootfs": {"type": "layers", "diff_ids": [layer.diff_id for layer in layers]},
            # Without it nothing can be built on what is built on this: buildah holds each layer against an entry.
            "history": [{"created_by": f"layer {number}"} for number, _ in enumerate(layers, 1)],
        }
    )


def _index(manifests: Mapping[str, bytes]) -> bytes:
    entries = []
    for platform, manifest in manifests.items():
        system, architecture = platform.split("/")
        label = {"os": system, "architecture": architecture}
        entries.append({**descriptor(OCI_MANIFEST, manifest), "platform": label})
    return _json({"schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": entries})


def descriptor(media_type: str, content: bytes) -> dict[str, object]:
    """Return how a manifest names a blob, or an index a manifest."""
    return {"mediaType": media_type, "digest": digest_of(content), "size": len(content)}


def _json(document: Mapping[str, object]) -> bytes:
    return json.dumps(document, separators=(",", ":")).encode()


def push_blob(registry: str, repository: str, blob: bytes) -> None:
    """Push a blob, unless the repository has it; raise ``HTTPError`` if the registry refuses."""
    digest = digest_of(blob)
    if _registry.head(f"{registry}/v2/{repository}/blobs/{digest}", timeout=_TIMEOUT).ok:
        return
    begun = _registry.post(f"{registry}/v2/{repository}/blobs/uploads/", timeout=_TIMEOUT)
    begun.raise_for_status()
    stream = {"Content-Type": "application/octet-stream"}
    location = begun.headers["Location"]
    put = _registry.put(location, params={"digest": digest}, data=blob, headers=stream, timeout=_BLOB_TIMEOUT)
    put.raise_for_status()


def put_manifest(registry: str, repository: str, reference: str, media_type: str, document: bytes) -> str:
    """Put a manifest under a tag or its digest, and return its digest; raise ``HTTPError`` if it is refused."""
    url = f"{registry}/v2/{repository}/manifests/{reference}"
    _registry.put(url, data=document, headers={"Content-Type": media_type}, timeout=_TIMEOUT).raise_for_status()
    return digest_of(document)

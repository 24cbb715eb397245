"""What is watched: many repositories of small tags, made in seconds because all share two tiny blobs.

The ten tags of a repository are flavours, as real ones have them. Versions would be no fair question to Renovate: it
asks for the newest of those it can compare, and leaves out the rest.
"""

from __future__ import annotations

import gzip
import json
import tarfile
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from io import BytesIO
from pathlib import Path
from threading import local

import requests

from infra.local.twin.images import OCI_MANIFEST, digest_of

# Digest by tag by repository: what a watcher knows.
Known = dict[str, dict[str, str]]
FLAVOURS = ("alpine", "slim", "bookworm", "bullseye", "noble", "jammy", "minimal", "debug", "fips", "musl")
TAGS = tuple(f"24-{flavour}" for flavour in FLAVOURS)
_THREADS = 8
_TIMEOUT = 30.0


def repositories(number: int, kind: str = "image") -> list[str]:
    """Return the names of the first so many repositories of a kind."""
    return [f"library/{kind}-{index:04}" for index in range(number)]


def builds(number: int) -> list[str]:
    """Return so many tags, as a repository has them that keeps one for every build."""
    return [f"24-build.{index:04}" for index in range(number)]


class Publisher:
    """Pushes to a registry.

    Args:
        address: ``https://host:port``.
        ca_bundle: file with the authority that the registry's certificate is of.
    """

    def __init__(self, address: str, ca_bundle: Path) -> None:
        self._address = address
        self._ca_bundle = ca_bundle
        self._local = local()

    def publish(self, names: list[str], tags: Sequence[str] = TAGS) -> Known:
        """Push tags to some repositories and return what they point at."""
        first, *others = names
        self._push_blobs(first, None)
        with ThreadPoolExecutor(_THREADS) as pool:
            list(pool.map(lambda name: self._push_blobs(name, first), others))
            pushed = pool.map(lambda name: {tag: self._push(name, tag, 1) for tag in tags}, names)
            return dict(zip(names, pushed, strict=True))

    def move(self, tags: Iterable[tuple[str, str]]) -> None:
        """Let some tags, given with their repositories, point at something new."""
        for name, tag in tags:
            self._push(name, tag, 2)

    def _push(self, name: str, tag: str, release: int) -> str:
        document = _manifest(f"{name}:{tag} {release}")
        path = f"/v2/{name}/manifests/{tag}"
        self._ask("PUT", self._address + path, data=document, headers={"Content-Type": OCI_MANIFEST})
        return digest_of(document)

    def _push_blobs(self, name: str, mounted_from: str | None) -> None:
        """Mount the two blobs from a repository that has them, or upload them.

        https://github.com/opencontainers/distribution-spec/blob/main/spec.md#mounting-a-blob-from-another-repository
        """
        uploads = f"{self._address}/v2/{name}/blobs/uploads/"
        for blob in (_LAYER, _CONFIG):
            digest = digest_of(blob)
            if mounted_from:
                self._ask("POST", uploads, params={"mount": digest, "from": mounted_from})
            else:
                place = self._ask("POST", uploads).headers["Location"]
                self._ask("PUT", place, params={"digest": digest}, data=blob)

    def _ask(self, method: str, address: str, **more: object) -> requests.Response:
        session: requests.Session | None = getattr(self._local, "session", None)
        if session is None:
            session = self._local.session = requests.Session()
            session.trust_env = False
            session.verify = str(self._ca_bundle)
        answer = session.request(method, address, timeout=_TIMEOUT, **more)  # type: ignore[arg-type]
        answer.raise_for_status()
        return answer


def _manifest(release: str) -> bytes:
    """Return a manifest of its own digest: the release is in an annotation, the blobs are everybody's."""
    return _json(
        {
            "schemaVersion": 2,
            "mediaType": OCI_MANIFEST,
            "config": _descriptor("application/vnd.oci.image.config.v1+json", _CONFIG),
            "layers": [_descriptor("application/vnd.oci.image.layer.v1.tar+gzip", _LAYER)],
            "annotations": {"org.opencontainers.image.version": release},
        }
    )


def _descriptor(media_type: str, content: bytes) -> dict[str, object]:
    return {"mediaType": media_type, "digest": digest_of(content), "size": len(content)}


def _json(document: Mapping[str, object]) -> bytes:
    return json.dumps(document, separators=(",", ":")).encode()


def _empty_tar() -> bytes:
    buffer = BytesIO()
    with tarfile.open(fileobj=buffer, mode="w"):
        pass
    return buffer.getvalue()


_TAR = _empty_tar()
_LAYER = gzip.compress(_TAR, mtime=0)
_CONFIG = _json(
    {
        "os": "linux",
        "architecture": "amd64",
        "config": {},
        "rootfs": {"type": "layers", "diff_ids": [digest_of(_TAR)]},
    }
)

"""A plain client of the registry that stands behind a front."""

from __future__ import annotations

import hashlib
import threading
from dataclasses import dataclass

import requests

MANIFEST_TYPES = ", ".join(
    (
        "application/vnd.oci.image.index.v1+json",
        "application/vnd.docker.distribution.manifest.list.v2+json",
        "application/vnd.oci.image.manifest.v1+json",
        "application/vnd.docker.distribution.manifest.v2+json",
    )
)
_SECONDS = 30


@dataclass(frozen=True)
class Descriptor:
    """What a reference points at: the manifest's digest, media type and size in bytes."""

    digest: str
    media_type: str
    size: int


class Backing:
    """One registry (CNCF Distribution 2.8) on plain HTTP, asked by the OCI distribution spec 1.1.

    Args:
        address: its ``host:port``.

    Every method raises ``requests.ConnectionError`` when the registry does not answer.
    """

    def __init__(self, address: str) -> None:
        self.address = address
        self.url = f"http://{address}"
        self._local = threading.local()
        self._lock = threading.Lock()
        self._writing: dict[str, threading.Lock] = {}

    @property
    def session(self) -> requests.Session:
        """The calling thread's session; proxies and bundles of the environment are not for the loopback."""
        if not hasattr(self._local, "session"):
            self._local.session = requests.Session()
            self._local.session.trust_env = False
        session: requests.Session = self._local.session
        return session

    def writing(self, repository: str) -> threading.Lock:
        """Return the lock to hold while an image is copied into a repository.

        The registry truncates the links of a repository to write them anew, and answers whoever reads one meanwhile
        with 500 or "blob unknown" (seen in one of twelve copies of one image into one repository at the same time).
        """
        with self._lock:
            return self._writing.setdefault(repository, threading.Lock())

    def head(self, repository: str, reference: str) -> Descriptor | None:
        """Return what a tag or digest points at, or ``None`` if there is no such manifest."""
        url = f"{self.url}/v2/{repository}/manifests/{reference}"
        response = self.session.head(url, headers={"Accept": MANIFEST_TYPES}, timeout=_SECONDS)
        if response.status_code != 200:
            return None
        found = response.headers
        return Descriptor(found["Docker-Content-Digest"], found["Content-Type"], int(found["Content-Length"]))

    def manifest(self, repository: str, reference: str) -> dict[str, object] | None:
        """Return the parsed manifest or index, or ``None`` if there is none."""
        url = f"{self.url}/v2/{repository}/manifests/{reference}"
        response = self.session.get(url, headers={"Accept": MANIFEST_TYPES}, timeout=_SECONDS)
        return response.json() if response.status_code == 200 else None

    def raw_manifest(self, repository: str, reference: str) -> tuple[bytes, str]:
        """Return a manifest or index byte for byte, and its media type; ``requests.HTTPError`` if there is none."""
        url = f"{self.url}/v2/{repository}/manifests/{reference}"
        response = self.session.get(url, headers={"Accept": MANIFEST_TYPES}, timeout=_SECONDS)
        response.raise_for_status()
        return response.content, response.headers["Content-Type"]

    def config(self, repository: str, digest: str) -> dict[str, object]:
        """Return an image's configuration blob."""
        response = self.session.get(f"{self.url}/v2/{repository}/blobs/{digest}", timeout=_SECONDS)
        return response.json() if response.status_code == 200 else {}

    def tags(self, repository: str) -> list[str]:
        """Return the repository's tags in lexical order; empty if there is no such repository."""
        response = self.session.get(f"{self.url}/v2/{repository}/tags/list", timeout=_SECONDS)
        return sorted(response.json().get("tags") or []) if response.status_code == 200 else []

    def repositories(self) -> list[str]:
        """Return the names of all repositories."""
        response = self.session.get(f"{self.url}/v2/_catalog", params={"n": "1000"}, timeout=_SECONDS)
        return list(response.json()["repositories"])

    def blob(self, repository: str, digest: str) -> bytes:
        """Return a blob; ``requests.HTTPError`` if there is none."""
        response = self.session.get(f"{self.url}/v2/{repository}/blobs/{digest}", timeout=_SECONDS)
        response.raise_for_status()
        return response.content

    def mount_blob(self, repository: str, digest: str, origin: str) -> bool:
        """Give a repository a blob of another one; tell whether that one had it."""
        query = {"mount": digest, "from": origin}
        answer = self.session.post(f"{self.url}/v2/{repository}/blobs/uploads/", params=query, timeout=_SECONDS)
        return answer.status_code == 201

    def push_blob(self, repository: str, content: bytes) -> str:
        """Push a blob in one go and return its digest."""
        start = self.session.post(f"{self.url}/v2/{repository}/blobs/uploads/", timeout=_SECONDS)
        digest = f"sha256:{hashlib.sha256(content).hexdigest()}"
        end = self.session.put(start.headers["Location"], params={"digest": digest}, data=content, timeout=_SECONDS)
        end.raise_for_status()
        return digest

    def push_manifest(self, repository: str, reference: str, body: bytes, media_type: str) -> None:
        """Push a manifest under a tag or its digest."""
        url = f"{self.url}/v2/{repository}/manifests/{reference}"
        headers = {"Content-Type": media_type}
        self.session.put(url, data=body, headers=headers, timeout=_SECONDS).raise_for_status()

    def delete(self, repository: str, digest: str) -> bool:
        """Delete a manifest and the tags on it; tell whether there was one."""
        response = self.session.delete(f"{self.url}/v2/{repository}/manifests/{digest}", timeout=_SECONDS)
        return response.status_code == 202

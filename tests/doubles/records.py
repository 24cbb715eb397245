"""What signs records, keeps their keys and holds them, in memory."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable

import msgspec
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import Prehashed, decode_dss_signature

from shared.domain.record.attaching import Attachment, digest_of
from shared.domain.record.signing_keys import SigningKey
from shared.domain.references import Digest, Tag
from shared.errors import Conflict, NotFound, Refused
from shared.record_ports import KeyVersion, StoredKey
from tests.doubles.referrers import CONTENTS
from tests.doubles.registries import InMemoryRegistry
from tests.doubles.scripted import Scripted
from tests.made_signatures.authorities import new_key, public_pem


class SoftSigner(Scripted):
    """The port ``Signer``, with keys of its own.

    Attributes:
        versions: the private keys by version, the newest last.
        disabled: versions that sign nothing.
        signed: how often each version signed.
    """

    key = "https://vault.example/keys/records"

    def __init__(self) -> None:
        super().__init__()
        self.versions: dict[str, ec.EllipticCurvePrivateKey] = {"v1": new_key()}
        self.disabled: set[str] = set()
        self.signed: Counter[str] = Counter()
        self.asked: Counter[str] = Counter()

    def rotate(self) -> str:
        """Make a new version, and return its name."""
        name = f"v{len(self.versions) + 1}"
        self.versions[name] = new_key()
        return name

    def newest(self) -> KeyVersion:
        """See the port."""
        self.asked["newest"] += 1
        self._raise_scripted("newest")
        name = list(self.versions)[-1]
        return KeyVersion(name, public_pem(self.versions[name]).decode())

    def sign(self, version: str, digest: bytes) -> bytes:
        """See the port."""
        self._raise_scripted("sign")
        if version not in self.versions:
            raise NotFound(f"no version {version}")
        if version in self.disabled:
            raise Refused(f"the version {version} is disabled", code="KeyDisabled")
        self.signed[version] += 1
        made = self.versions[version].sign(digest, ec.ECDSA(Prehashed(hashes.SHA256())))
        return b"".join(number.to_bytes(32, "big") for number in decode_dss_signature(made))


class InMemorySigningKeys(Scripted):
    """The port ``SigningKeys``."""

    def __init__(self, before_call: Callable[[str], None] | None = None) -> None:
        super().__init__(before_call)
        self._rows: dict[str, tuple[bytes, int]] = {}

    @property
    def keys(self) -> tuple[SigningKey, ...]:
        """All of them."""
        return tuple(stored.key for stored in self.every())

    def every(self) -> tuple[StoredKey, ...]:
        """See the port."""
        self._raise_scripted("every")
        return tuple(StoredKey(_KEYS.decode(row), str(etag)) for row, etag in self._rows.values())

    def put(self, stored: StoredKey | None, key: SigningKey) -> StoredKey:
        """See the port."""
        with self._changing("put"):
            known = self._rows.get(key.id)
            if (str(known[1]) if known else None) != (stored.etag if stored else None):
                raise Conflict(key.version)
            etag = known[1] + 1 if known else 1
            self._rows[key.id] = (msgspec.json.encode(key), etag)
            return StoredKey(key, str(etag))


_KEYS = msgspec.json.Decoder(SigningKey)


class InMemoryShelf(Scripted):
    """The ports ``Shelf`` and ``Base``: a registry with manifests, blobs and tags.

    Attributes:
        manifests, blobs: their bytes, by repository and digest.
        tags: what each tag points at.
        pushed: how often each manifest was pushed.
    """

    def __init__(self) -> None:
        super().__init__()
        self.manifests: dict[tuple[str, str], bytes] = {}
        self.blobs: dict[tuple[str, str], bytes] = {}
        self.tags: dict[tuple[str, Tag], Digest] = {}
        self.pushed: Counter[Digest] = Counter()

    def put(self, repository: str, content: bytes, tag: str = "") -> Digest:
        """Have a manifest there."""
        self.manifests[repository, digest_of(content)] = content
        if tag:
            self.tags[repository, Tag(tag)] = digest_of(content)
        return digest_of(content)

    def digest(self, repository: str, tag: Tag) -> Digest | None:
        """See the port."""
        self._raise_scripted("digest")
        return self.tags.get((repository, tag))

    def manifest(self, repository: str, digest: Digest) -> bytes | None:
        """See the port."""
        self._raise_scripted("manifest")
        return self.manifests.get((repository, digest))

    def blob(self, repository: str, digest: Digest, most: int) -> bytes | None:
        """See the port."""
        self._raise_scripted("blob")
        content = self.blobs.get((repository, digest))
        return content if content is not None and len(content) <= most else None

    def push(self, repository: str, attachment: Attachment) -> None:
        """See the port: what a manifest refers to must be there."""
        with self._changing("push"):
            for blob in attachment.blobs:
                self.blobs[repository, digest_of(blob)] = blob
            told = json.loads(attachment.manifest)
            for one in [told["config"], *told["layers"]]:
                assert (repository, one["digest"]) in self.blobs, "a registry refuses what refers to what it has not"
            self.put(repository, attachment.manifest, attachment.tag)
            self.pushed[attachment.digest] += 1

    def copy(self, other: InMemoryShelf, source: str, repository: str, digest: Digest, tag: Tag) -> None:
        """Let a manifest of another registry come here, with what it refers to."""
        content = other.manifests[source, digest]
        told = json.loads(content)
        for one in [told["config"], *told["layers"]]:
            self.blobs[repository, one["digest"]] = other.blobs[source, one["digest"]]
        self.put(repository, content, tag)

    def referrers(self, repository: str, subject: str) -> list[Digest]:
        """Return what refers to a manifest."""
        return [
            Digest(digest)
            for (where, digest), content in self.manifests.items()
            if where == repository and json.loads(content).get("subject", {}).get("digest") == subject
        ]


class WorldShelf(Scripted):
    """The port ``Shelf`` over a registry in memory; blobs are shared by all registries, as copies bring them along.

    Args:
        registry: whose.
        blobs: by digest.
        before_call: see ``Scripted``.
    """

    def __init__(
        self, registry: InMemoryRegistry, blobs: dict[Digest, bytes], before_call: Callable[[str], None] | None = None
    ) -> None:
        super().__init__(before_call)
        self.pushed: Counter[Digest] = Counter()
        self._registry = registry
        self._blobs = blobs

    def blob(self, repository: str, digest: Digest, most: int) -> bytes | None:  # noqa: ARG002
        """See the port."""
        self._raise_scripted("blob")
        content = self._blobs.get(digest)
        return content if content is not None and len(content) <= most else None

    def push(self, repository: str, attachment: Attachment) -> None:
        """See the port."""
        with self._changing("push"):
            self._blobs.update({digest_of(blob): blob for blob in attachment.blobs})
            CONTENTS[attachment.digest] = attachment.manifest
            self._registry._manifests.add((repository, attachment.digest))
            self.pushed[attachment.digest] += 1

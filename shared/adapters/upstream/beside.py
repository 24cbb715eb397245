"""What lies beside an image and may be its signatures, read from its registry: few requests, and few bytes.

Where cosign puts signatures: https://github.com/sigstore/cosign/blob/main/specs/SIGNATURE_SPEC.md (the tag that ends in
``.sig``) and BUNDLE_SPEC.md (referrers). Where the Notary Project does:
https://github.com/notaryproject/specifications/blob/main/specs/signature-specification.md

Nothing is left out by what a list says that it is: registries and clients write other types there than the manifests
have. Whoever may push beside an image may push much, so what is beyond the bounds is left, and said to be.
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Iterable, Iterator

from shared.adapters.upstream.http import Answer
from shared.adapters.upstream.manifests import MANIFEST_TYPES
from shared.adapters.upstream.referrer_lists import Ask, ReferrerLists, tag_of
from shared.adapters.upstream.referrers import Descriptor, Manifest, read_manifest
from shared.domain.policy.signing import SIGNATURE_TYPE
from shared.domain.references import Digest
from shared.domain.signatures.material import LARGEST_CONTENT, Artefact, ArtefactKind, Layer
from shared.errors import Unavailable
from shared.signature_ports import Beside

_SIMPLE_SIGNING = "application/vnd.dev.cosign.simplesigning.v1+json"
_BUNDLE = "application/vnd.dev.sigstore.bundle"
_ENVELOPES = ("application/jose+json", "application/cose")
_NOTATION = "application/vnd.cncf.notary.signature"
_PREDICATE = "dev.sigstore.bundle.predicateType"
_LEGACY = "application/vnd.dev.cosign.artifact.sig.v1+json"
_ACCEPT = ", ".join(MANIFEST_TYPES)

# Bounds of one reading. An image has a handful of signatures and attestations for each of its builds; in the base
# registry there may be as many as travel with it, and what we say ourselves.
MOST_MANIFESTS = 60
MOST_LAYERS = 60
MOST_BYTES = 8 * 1024 * 1024
LONGEST_READING = 60.0  # seconds
_MOST_TOLD = 10


class Reading:
    """One reading of what lies beside an image.

    Args:
        ask: asks the registry.
        digest: of the image.
        has_api: whether the registry may have a list of referrers; ``False`` where it was found to have none.
        whole: whether all is read.
    """

    def __init__(self, ask: Ask, digest: Digest, *, has_api: bool, whole: bool) -> None:
        self._ask = ask
        self._lists = ReferrerLists(self._asked, self._leave, has_api=has_api)
        self._digest = digest
        self._whole = whole
        self._ends = time.monotonic() + LONGEST_READING
        self._unread: dict[str, None] = {}
        self._hidden = False
        self._bytes = self._manifests = self._layers = 0

    @property
    def has_api(self) -> bool:
        """Whether the registry has lists of referrers, as far as is known by now."""
        return self._lists.has_api

    def read(self) -> Beside:
        """Read it: what is most likely a signature first, and alone unless all is wanted or there is none.

        Raises:
            ServiceError: the registry did not let it be read, or took too long over it.
        """
        listed = self._lists.of(self._digest)
        found = list(self._artefacts(one for one in listed if _is_likely(one)))
        if self._whole or not found:
            found += self._artefacts(one for one in listed if not _is_likely(one))
        whole, hidden = self._whole or not found, self._hidden
        found += self._tagged() if whole else ()
        return Beside(tuple(found), whole=whole, unread=tuple(self._unread)[:_MOST_TOLD], hidden=hidden)

    def _tagged(self) -> Iterator[Artefact]:
        """What older versions of cosign wrote."""
        answer = self._asked(f"manifests/{tag_of(self._digest)}.sig", _ACCEPT, LARGEST_CONTENT)
        if answer is not None:
            yield from self._artefact(answer.body)

    def _artefacts(self, listed: Iterable[Descriptor]) -> Iterator[Artefact]:
        for one in listed:
            self._manifests += 1
            if self._manifests > MOST_MANIFESTS:
                self._leave(f"there are more than {MOST_MANIFESTS} referrers")
                return
            body = self._content(f"manifests/{one.digest}", one, _ACCEPT)
            if body is not None:
                yield from self._artefact(body)

    def _artefact(self, body: bytes) -> Iterator[Artefact]:
        manifest = read_manifest(body)
        kind = _kind(manifest) if manifest is not None else None
        if manifest is not None and kind is not None:
            yield Artefact(kind, body, tuple(self._layer(one) for one in manifest.layers[:MOST_LAYERS]))

    def _layer(self, one: Descriptor) -> Layer:
        """Each keeps its place in the manifest, with or without what is in it."""
        self._layers += 1
        content = None
        if one.valid_digest is None or self._layers > MOST_LAYERS:
            self._leave(f"a layer is not read: {one.digest[:80]}")
        else:
            content = self._content(f"blobs/{one.digest}", one, "*/*")
        return Layer(one.media_type, one.annotations or {}, content or b"")

    def _content(self, path: str, one: Descriptor, accept: str) -> bytes | None:
        """Return what has a digest; ``None`` if that is not there, is too large, or is something else."""
        if not 0 <= one.size <= LARGEST_CONTENT or self._bytes + one.size > MOST_BYTES:
            told = f"{one.digest} has {one.size} bytes, which is too much for a signature"
            self._leave(told, hides=one.size <= LARGEST_CONTENT)
            return None
        answer = self._asked(path, accept, LARGEST_CONTENT)
        if answer is None:
            self._leave(f"{one.digest} is listed and not there")
            return None
        self._bytes += len(answer.body)
        if f"sha256:{hashlib.sha256(answer.body).hexdigest()}" != one.digest:
            self._leave(f"what is sent as {one.digest} has another digest")
            return None
        return answer.body

    def _asked(self, path: str, accept: str, most: int) -> Answer | None:
        if time.monotonic() > self._ends:
            raise Unavailable(f"what lies beside {self._digest} took longer to read than {LONGEST_READING:.0f} s")
        return self._ask(path, accept, most)

    def _leave(self, told: str, *, hides: bool = True) -> None:
        self._unread[told] = None
        self._hidden = self._hidden or hides


def _is_likely(one: Descriptor) -> bool:
    """Whether a list says of a referrer that it is a signature; that it does not say so means nothing."""
    return one.artifact_type in {_NOTATION, _LEGACY} or (one.annotations or {}).get(_PREDICATE) == SIGNATURE_TYPE


def _kind(manifest: Manifest) -> ArtefactKind | None:
    """What an artefact is its layers say."""
    types = [layer.media_type.partition(";")[0].strip() for layer in manifest.layers]
    if any(kind.startswith(_BUNDLE) for kind in types):
        return ArtefactKind.SIGSTORE_BUNDLE
    if _SIMPLE_SIGNING in types:
        return ArtefactKind.COSIGN_LEGACY
    return ArtefactKind.NOTATION if any(kind in _ENVELOPES for kind in types) else None

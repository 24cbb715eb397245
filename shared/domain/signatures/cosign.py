"""Judging all that may be cosign's signatures of an image."""

from __future__ import annotations

from shared.domain.policy.signing import CosignCheck
from shared.domain.signatures import bundles, legacy
from shared.domain.signatures import trust as trusting
from shared.domain.signatures.findings import Found, Unverifiable, cannot_be_judged, weighed
from shared.domain.signatures.legacy import About
from shared.domain.signatures.looked_at import attempts
from shared.domain.signatures.material import ArtefactKind, Layer, Material, TrustFiles
from shared.domain.signatures.roots import Vouching, read_vouching
from shared.domain.signatures.verdict import SignatureVerdict

_KINDS = (ArtefactKind.COSIGN_LEGACY, ArtefactKind.SIGSTORE_BUNDLE)


def judge_cosign(wanted: CosignCheck, about: About, material: Material, trust: TrustFiles) -> SignatureVerdict:
    """Judge the signatures of cosign that lie beside an image.

    Args:
        wanted: whose is wanted.
        about: what they must be about.
        material: what was found.
        trust: the files of trust.
    """
    try:
        judge = _ByKey(wanted.key, trust) if wanted.key is not None else _ByIdentity(wanted, trust)
    except Unverifiable as reason:
        return cannot_be_judged("cosign", wanted.wanted, reason)

    def judged(kind: ArtefactKind, layer: Layer) -> Found:
        return judge.legacy(layer, about) if kind is ArtefactKind.COSIGN_LEGACY else judge.bundle(layer, about)

    return weighed(attempts(material, _KINDS, judged), "cosign", wanted.wanted)


class _ByKey:
    def __init__(self, path: str, trust: TrustFiles) -> None:
        self._path = path
        self._key = trusting.public_key(trust, path)

    def legacy(self, layer: Layer, about: About) -> Found:
        return legacy.by_key(layer, about, self._key, self._path)

    def bundle(self, layer: Layer, about: About) -> Found:
        return bundles.by_key(layer.content, about, self._key, self._path)


class _ByIdentity:
    """A file of trust that only one of the two forms needs may be missing while there are none of that form."""

    def __init__(self, wanted: CosignCheck, trust: TrustFiles) -> None:
        self._wanted = wanted
        self._trust = trust
        self._vouching: Vouching | None = None
        # One of the two must be usable, or there is nothing to judge anything by.
        if wanted.root not in trust:
            self._vouching = read_vouching(wanted, trust)

    def legacy(self, layer: Layer, about: About) -> Found:
        self._vouching = self._vouching or read_vouching(self._wanted, self._trust)
        return legacy.by_identity(layer, about, self._vouching, self._wanted)

    def bundle(self, layer: Layer, about: About) -> Found:
        root = trusting.content(self._trust, self._wanted.root)
        return bundles.by_identity(layer.content, about, root, self._wanted)

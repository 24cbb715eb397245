"""What other signers made comes to what they meant it to. Their files are theirs: skipped where they are not."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any, NamedTuple

import pytest

from docs.parts import ROOT
from shared.domain.policy.signing import CosignCheck, NotationCheck, SignatureCheck
from shared.domain.references import Digest
from shared.domain.signatures.judging import judge_signatures
from shared.domain.signatures.material import Artefact, ArtefactKind, Layer, Material
from shared.domain.signatures.verdict import SignatureOutcome, SignatureVerdict

SAMPLES = ROOT.parent / "shared" / "samples" / "signatures"
pytestmark = [
    pytest.mark.unit,
    pytest.mark.skipif(not SAMPLES.is_dir(), reason="the samples of other signers are not at hand"),
]
NOW = datetime(2026, 11, 28, tzinfo=UTC)
IN_2040 = datetime(2040, 1, 1, tzinfo=UTC)
VERIFIED, MISSING, WRONG, UNVERIFIABLE = (
    SignatureOutcome.VERIFIED,
    SignatureOutcome.MISSING,
    SignatureOutcome.WRONG,
    SignatureOutcome.UNVERIFIABLE,
)

_OLD = "cosign-legacy-containers-image"
_HOST = "192.168.64.2:5000"
_IMAGE = "sha256:634a8f35b5f16dcf4aaa0822adc0b1964bb786fca12f6831de8ddc45e5986a00"
_LOGGED = "sha256:0489474da8ea22426ece86ace6c1c0026ab2fd3cdfbbd62b7e94650266c37d9a"
_MODIFIED = "sha256:" + "12" * 32
_MADE = "sha256:" + "ab" * 32
_ATTESTED = "sha256:732112270d7e59418a8c080b134b24cabd67d250d0d0147a97ed95ba5c280aa4"
_PACKAGE = (
    "sha512:76176ffa33808b54602c7c35de5c6e9a4deb96066dba6533f50ac234f4f1f4c6"
    "b3527515dc17c06fbe2860030f410eee69ea20079bd3a2c6f3dcf3b329b10751"
)
_TARGET = "sha256:60043cf45eaebc4c0867fea485a039b598f52fd09fd5b07b0b2d2f88fad9d74e"
_STAMPED = "sha256:c0669ef34cdc14332c0f1ab0c2c01acb91d96014b172f1a76f3a39e63d1f0bda"
_PLAIN = "sha256:19dbd2e48e921426ee8ace4dc892edfb2ecdc1d1a72d5416c83670c30acecef0"


def by_key(path: str) -> tuple[SignatureCheck, dict[str, str]]:
    return SignatureCheck(cosign=CosignCheck("keys/k.pub")), {"keys/k.pub": path}


def by_identity(identity: str, issuer: str, **files: str) -> tuple[SignatureCheck, dict[str, str]]:
    check = CosignCheck(identity=identity, issuer=issuer, **{name: name for name in files if name != "root"})
    return SignatureCheck(cosign=check), {check.root if name == "root" else name: path for name, path in files.items()}


def counting(kind: str, asked: tuple[SignatureCheck, dict[str, str]]) -> tuple[SignatureCheck, dict[str, str]]:
    return SignatureCheck(cosign=asked[0].cosign, types=(kind,)), asked[1]


def by_store(name: str, *files: str) -> tuple[SignatureCheck, dict[str, str]]:
    identity = f"x509.subject: C=US, ST=WA, L=Seattle, O=Notary, CN={name}"
    folder = {file: "stores/s/tsa" if file.startswith("globalsign") else "stores/s" for file in files}
    return SignatureCheck(notation=NotationCheck("s", identity)), {
        f"{folder[file]}/{file}": f"notation/{file}" for file in files
    }


MITR = ("mitr@redhat.com", "https://github.com/login/oauth")
WORKFLOW = (
    "https://github.com/acme/images/.github/workflows/release.yml@refs/heads/main",
    "https://token.actions.githubusercontent.com",
)
CODY = ("cody@soyland.com", "https://github.com/login/oauth")
NPM = ("https://github.com/sigstore/sigstore-js/.github/workflows/publish.yml@refs/tags/v1.3.0", WORKFLOW[1])
FULCIO = {"fulcio": f"{_OLD}/fulcio_v1.crt.pem", "rekor": f"{_OLD}/rekor.pub"}
PGI = {"root": "cosign/trusted_root_pgi.json"}
ATTESTATION = "https://cosign.sigstore.dev/attestation/v1"
STORE = ("NotationTestRoot.pem", "TestTimestamp.crt", "globalsignRoot.cer")
NO_CLOCK = STORE[:2]


class Case(NamedTuple):
    file: str
    digest: str
    source: str
    asked: tuple[SignatureCheck, dict[str, str]]
    expected: SignatureOutcome
    at: datetime = NOW


def old(name: str) -> str:
    return f"{_OLD}/dir-img-cosign-{name}/signature-1"


SINGLE, KEYED, KEYLESS = (
    f"{_HOST}/{name}" for name in ("cosign-signed-single-sample", "cosign-signed/key-1", "cosign-signed/fulcio-rekor-1")
)
COSIGN_PUB, COSIGN2_PUB = f"{_OLD}/cosign.pub", f"{_OLD}/cosign2.pub"
CASES = [
    Case(old("valid"), _IMAGE, SINGLE, by_key(COSIGN_PUB), VERIFIED),
    Case(old("valid"), _IMAGE, SINGLE, by_key(COSIGN2_PUB), WRONG),
    Case(old("valid"), _IMAGE, "docker.io/library/node", by_key(COSIGN_PUB), WRONG),
    Case(old("valid"), _IMAGE, SINGLE, by_identity(*MITR, **FULCIO), WRONG),
    Case(old("valid"), _IMAGE, SINGLE, by_key("no-such-file"), UNVERIFIABLE),
    Case(old("modified-manifest"), _MODIFIED, SINGLE, by_key(COSIGN_PUB), WRONG),
    Case(f"{_OLD}/unknown-cosign-key.signature", _IMAGE, SINGLE, by_key(COSIGN_PUB), WRONG),
    Case(old("key-rekor-valid"), _LOGGED, KEYED, by_key(COSIGN2_PUB), VERIFIED),
    Case(old("key-rekor-valid"), _LOGGED, KEYED, by_key(COSIGN_PUB), WRONG),
    Case(old("fulcio-rekor-valid"), _LOGGED, KEYLESS, by_identity(*MITR, **FULCIO), VERIFIED),
    Case(old("fulcio-rekor-valid"), _LOGGED, KEYLESS, by_identity("m@redhat.com", MITR[1], **FULCIO), WRONG),
    Case(old("fulcio-rekor-valid"), _LOGGED, KEYLESS, by_identity(MITR[0], WORKFLOW[1], **FULCIO), WRONG),
    # It was made at the public instance, whose trusted root says more: the log of certificates has to vouch too.
    Case(old("fulcio-rekor-valid"), _LOGGED, KEYLESS, by_identity(*MITR, **PGI), VERIFIED),
    Case(old("fulcio-rekor-valid"), _LOGGED, KEYLESS, by_identity(*MITR, root="self-made/trusted_root.json"), WRONG),
    Case(
        old("fulcio-rekor-valid"),
        _LOGGED,
        KEYLESS,
        by_identity(*MITR, **FULCIO | {"fulcio": f"{_OLD}/pki_root_crts.pem"}),
        WRONG,
    ),
    Case(
        old("fulcio-rekor-valid"),
        _LOGGED,
        KEYLESS,
        by_identity(*MITR, **FULCIO | {"fulcio": f"{_OLD}/pki_intermediate_crts.pem"}),
        WRONG,
    ),
    Case("self-made/key-bundle.sigstore.json", _MADE, "a/b", by_key("self-made/key.pub"), VERIFIED),
    Case("self-made/key-bundle.sigstore.json", _MADE, "a/b", by_key(COSIGN_PUB), WRONG),
    Case("self-made/key-bundle.sigstore.json", _IMAGE, "a/b", by_key("self-made/key.pub"), WRONG),
    Case(
        "self-made/bundle.sigstore.json",
        _MADE,
        "a/b",
        by_identity(*WORKFLOW, root="self-made/trusted_root.json"),
        VERIFIED,
    ),
    Case("self-made/bundle.sigstore.json", _MADE, "a/b", by_identity(*WORKFLOW, **PGI), WRONG),
    Case("self-made/bundle.sigstore.json", _MADE, "a/b", by_identity(*MITR, root="self-made/trusted_root.json"), WRONG),
    Case("cosign/oci-attestation.sigstore.json", _ATTESTED, "a/b", by_identity(*CODY, **PGI), MISSING),
    Case(
        "cosign/oci-attestation.sigstore.json",
        _ATTESTED,
        "a/b",
        counting(ATTESTATION, by_identity(*CODY, **PGI)),
        VERIFIED,
    ),
    Case(
        "sigstore-go/bundle-provenance.json",
        _PACKAGE,
        "a/b",
        counting(
            "https://slsa.dev/provenance/v0.2", by_identity(*NPM, root="sigstore-go/trusted-root-public-good.json")
        ),
        UNVERIFIABLE,
    ),
    Case("notation/ca_valid_sig_env.json", _TARGET, "a/b", by_store("Notation Test Root", *STORE), VERIFIED),
    Case("notation/ca_valid_sig_env.json", _TARGET, "a/b", by_store("alpine", *STORE), WRONG),
    Case("notation/ca_valid_sig_env.json", _TARGET, "a/b", by_store("Notation Test Root"), UNVERIFIABLE),
    Case("notation/ca_invalid_sig_env.json", _TARGET, "a/b", by_store("Notation Test Root", *STORE), WRONG),
    Case("notation/coseWithTimestamp.sig", _STAMPED, "a/b", by_store("alpine", *STORE), VERIFIED),
    Case("notation/jwsWithTimestamp.sig", _STAMPED, "a/b", by_store("alpine", *STORE), VERIFIED),
    Case("notation/coseWithTimestamp.sig", _STAMPED, "a/b", by_store("alpine", *STORE), VERIFIED, IN_2040),
    Case("notation/jwsWithTimestamp.sig", _STAMPED, "a/b", by_store("alpine", *STORE), VERIFIED, IN_2040),
    Case("notation/jwsWithTimestamp.sig", _STAMPED, "a/b", by_store("alpine", *NO_CLOCK), UNVERIFIABLE, IN_2040),
    Case("notation/coseWithTimestamp.sig", _PLAIN, "a/b", by_store("alpine", *STORE), WRONG),
    Case("notation/cose_signature.sig", _PLAIN, "a/b", by_store("alpine", *STORE), WRONG),
    Case("notation/jws_signature.sig", _PLAIN, "a/b", by_store("alpine", *STORE), WRONG),
]
_NO_SIGNATURES = ("NOTES.md", "LICENSE", "manifest.json", ".pem", ".pub", ".crt", ".cer")


def content(file: str) -> bytes:
    return (SAMPLES / file).read_bytes()


def artefact(file: str, altered: Callable[[bytes], bytes] = bytes) -> Artefact:
    if file.startswith(_OLD):
        told = json.loads(content(file).split(b"\n", 1)[1])
        payload = altered(base64.b64decode(told["payload"]))
        return Artefact(ArtefactKind.COSIGN_LEGACY, b"", (Layer(told["mimeType"], told["annotations"], payload),))
    if file.startswith("notation"):
        raw = content(file)
        kind = "application/jose+json" if raw.startswith(b"{") else "application/cose"
        return Artefact(ArtefactKind.NOTATION, b"", (Layer(kind, {}, altered(raw)),))
    return Artefact(ArtefactKind.SIGSTORE_BUNDLE, b"", (Layer("application/json", {}, altered(content(file))),))


def judged(case: Case, made: Artefact) -> SignatureVerdict:
    check, files = case.asked
    trust = {name: content(path) for name, path in files.items() if (SAMPLES / path).is_file()}
    return judge_signatures(check, Material(Digest(case.digest), "", (made,)), case.source, trust, case.at)


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case.file}-{case.expected.value}")
def test_a_sample_comes_to_what_it_was_made_for(case: Case) -> None:
    verdict = judged(case, artefact(case.file))
    assert verdict.outcome is case.expected, verdict.detail


def _step(raw: bytes) -> int:
    return max(1, len(raw) // 60)


@pytest.mark.parametrize(
    "case", [case for case in CASES if case.expected is VERIFIED], ids=lambda case: f"{case.file}-{case.at:%Y}"
)
def test_a_sample_whose_signed_bytes_are_altered_verifies_no_more(case: Case) -> None:
    """Of envelopes and bundles, the digest that they are about; of payloads, every byte in turn."""
    if case.file.startswith(_OLD):
        raw = base64.b64decode(json.loads(content(case.file).split(b"\n", 1)[1])["payload"])
        for place in range(0, len(raw), _step(raw)):
            assert judged(case, artefact(case.file, _flipped(place))).outcome is not VERIFIED
    else:
        for place in _signed_places(content(case.file)):
            assert judged(case, artefact(case.file, _flipped(place))).outcome is not VERIFIED


def _flipped(place: int) -> Callable[[bytes], bytes]:
    def altered(raw: bytes) -> bytes:
        return raw[:place] + bytes((raw[place] ^ 1,)) + raw[place + 1 :]

    return altered


def _signed_places(raw: bytes) -> list[int]:
    """Some places within what is signed, wherever that stands."""
    if not raw.lstrip().startswith(b"{"):
        start = raw.index(b'{"targetArtifact"')
        return list(range(start, start + 150, 7))
    told: dict[str, Any] = json.loads(raw)
    text = (told.get("dsseEnvelope") or told)["payload"].encode()
    start = raw.index(text)
    return list(range(start, start + len(text) - 2, max(1, len(text) // 20)))


def test_every_file_of_signatures_stands_in_the_table() -> None:
    files = {str(path.relative_to(SAMPLES)) for path in SAMPLES.rglob("*") if path.is_file()}
    signatures = {file for file in files if not file.endswith(_NO_SIGNATURES) and "trusted" not in file}
    assert signatures
    assert signatures == {case.file for case in CASES}

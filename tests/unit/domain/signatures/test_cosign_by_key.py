"""Only a signature of this image by the wanted key counts, in the older form and as a bundle."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import msgspec
import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa

from docs.parts import ROOT
from shared.domain.policy.signing import SIGNATURE_TYPE, CosignCheck, SignatureCheck
from shared.domain.references import Digest
from shared.domain.signatures.judging import judge_signatures
from shared.domain.signatures.material import (
    LARGEST_CONTENT,
    MOST_ARTEFACTS,
    MOST_SIGNATURES,
    Artefact,
    ArtefactKind,
    Layer,
    Material,
)
from shared.domain.signatures.verdict import SignatureOutcome, SignatureVerdict
from tests.made_signatures.authorities import b64, public_pem
from tests.made_signatures.cosign import BUNDLE, bundle, envelope, key_bundle, legacy, legacy_layer, payload, statement

pytestmark = pytest.mark.unit

KEY, OTHER_KEY = (ec.generate_private_key(ec.SECP256R1()) for _ in range(2))
DIGEST, OTHER = Digest("sha256:" + "ab" * 32), Digest("sha256:" + "cd" * 32)
SOURCE = "ghcr.io/acme/app"
CHECK = SignatureCheck(cosign=CosignCheck("keys/build.pem"))
TRUST = {"keys/build.pem": public_pem(KEY)}
NOW = datetime(2026, 11, 28, tzinfo=UTC)
FAILED = "https://acme.example/tests/v1"
Making = Callable[..., Artefact]


def old(digest: str = DIGEST, key: Any = KEY, repository: str = SOURCE, **critical: Any) -> Artefact:
    return legacy(legacy_layer(payload(digest, repository, **critical), key))


def new(digest: str = DIGEST, key: Any = KEY, predicate_type: str = SIGNATURE_TYPE, **more: Any) -> Artefact:
    return bundle(key_bundle(statement(digest, predicate_type, {"result": "FAILED"}), key, **more))


def judged(
    *artefacts: Artefact, check: SignatureCheck = CHECK, trust: dict[str, bytes] | None = None, source: str = SOURCE
) -> SignatureVerdict:
    return judge_signatures(check, Material(DIGEST, "", artefacts), source, TRUST if trust is None else trust, NOW)


def outcome(*artefacts: Artefact, **more: Any) -> SignatureOutcome:
    return judged(*artefacts, **more).outcome


@pytest.mark.parametrize("make", [old, new])
def test_a_signature_of_the_image_by_the_key_verifies_and_says_whose_key_it_is(make: Making) -> None:
    verdict = judged(make())
    assert verdict.outcome is SignatureOutcome.VERIFIED
    assert "keys/build.pem (SHA-256 " in verdict.signer
    assert verdict.signed_at is None


@pytest.mark.parametrize("make", [old, new])
def test_a_signature_by_another_key_is_wrong(make: Making) -> None:
    verdict = judged(make(key=OTHER_KEY))
    assert verdict.outcome is SignatureOutcome.WRONG
    assert "the key keys/build.pem" in verdict.detail
    assert "another key" in verdict.detail


@pytest.mark.parametrize("make", [old, new])
def test_a_signature_of_another_image_put_beside_this_one_is_wrong(make: Making) -> None:
    verdict = judged(make(digest=OTHER))
    assert verdict.outcome is SignatureOutcome.WRONG
    assert "about another image: " in verdict.detail


def test_without_anything_beside_the_image_a_signature_is_missing() -> None:
    verdict = judged()
    assert verdict.outcome is SignatureOutcome.MISSING
    assert "have it signed" in verdict.detail


def test_an_attestation_by_the_right_key_is_no_signature_whatever_it_says() -> None:
    verdict = judged(new(predicate_type=FAILED))
    assert verdict.outcome is SignatureOutcome.MISSING
    assert verdict.ignored == (f"sigstore-bundle 1: it is an attestation of the type '{FAILED}', and no signature",)


def test_an_attestation_counts_where_the_policy_names_its_type() -> None:
    check = SignatureCheck(cosign=CHECK.cosign, types=(FAILED,))
    assert outcome(new(predicate_type=FAILED), check=check) is SignatureOutcome.VERIFIED
    assert outcome(new(), check=check) is SignatureOutcome.MISSING
    assert outcome(old(), check=check) is SignatureOutcome.MISSING


def test_the_key_that_a_bundle_says_it_is_by_is_no_reason_to_trust_it() -> None:
    assert outcome(new(key=OTHER_KEY, hint=KEY)) is SignatureOutcome.WRONG
    assert outcome(new(key=KEY, hint=OTHER_KEY)) is SignatureOutcome.VERIFIED


def test_a_signature_for_another_repository_is_wrong_unless_the_policy_names_it() -> None:
    moved = old(repository="registry.acme.example/app")
    verdict = judged(moved)
    assert verdict.outcome is SignatureOutcome.WRONG
    assert "references" in verdict.detail
    check = SignatureCheck(cosign=CHECK.cosign, references=("registry.acme.example/app",))
    assert outcome(moved, check=check) is SignatureOutcome.VERIFIED


@pytest.mark.parametrize(
    "named", ["docker.io/library/node", "index.docker.io/library/node", "node", "docker.io/library/node:22"]
)
def test_a_repository_of_docker_hub_is_the_same_by_all_its_names(named: str) -> None:
    assert outcome(old(repository=named), source="docker.io/library/node") is SignatureOutcome.VERIFIED


def test_a_payload_of_another_kind_is_no_signature() -> None:
    assert outcome(old(type="atomic container signature")) is SignatureOutcome.MISSING


def test_a_good_signature_counts_whatever_lies_beside_it() -> None:
    junk = Artefact(ArtefactKind.SIGSTORE_BUNDLE, b"", (Layer(BUNDLE, {}, b"\xff{"),))
    verdict = judged(junk, new(digest=OTHER), old(key=OTHER_KEY), new(predicate_type=FAILED), new())
    assert verdict.outcome is SignatureOutcome.VERIFIED
    assert len(verdict.ignored) == 4


def test_one_of_several_signatures_of_the_older_form_is_enough() -> None:
    content = payload(DIGEST, SOURCE)
    assert outcome(legacy(legacy_layer(content, OTHER_KEY), legacy_layer(content, KEY))) is SignatureOutcome.VERIFIED


def test_a_signature_is_over_the_very_bytes_of_the_payload() -> None:
    (layer,) = old().layers
    altered = msgspec.structs.replace(layer, content=layer.content.replace(b"null", b"{}"))
    assert outcome(legacy(altered)) is SignatureOutcome.WRONG


def test_a_statement_under_another_media_type_than_it_was_signed_as_is_wrong() -> None:
    made = key_bundle(statement(DIGEST), KEY)
    made["dsseEnvelope"]["signatures"][0]["sig"] = b64(KEY.sign(statement(DIGEST), ec.ECDSA(hashes.SHA256())))
    assert outcome(bundle(made)) is SignatureOutcome.WRONG


def test_an_envelope_with_two_signatures_is_wrong() -> None:
    made = key_bundle(statement(DIGEST), KEY)
    made["dsseEnvelope"]["signatures"] *= 2
    assert outcome(bundle(made)) is SignatureOutcome.WRONG


@pytest.mark.parametrize("content", [b"", b"garbage", b"-----BEGIN PUBLIC KEY-----\nAA==\n-----END PUBLIC KEY-----\n"])
def test_a_key_that_cannot_be_read_is_no_reason_to_trust_and_its_file_is_named(content: bytes) -> None:
    verdict = judged(new(), trust={"keys/build.pem": content})
    assert verdict.outcome is SignatureOutcome.UNVERIFIABLE
    assert "config/trust/keys/build.pem" in verdict.detail


def test_a_key_that_is_missing_leaves_everything_open_with_and_without_signatures() -> None:
    assert outcome(new(), trust={}) is SignatureOutcome.UNVERIFIABLE
    assert outcome(trust={}) is SignatureOutcome.UNVERIFIABLE


def test_a_key_that_is_too_small_is_not_trusted() -> None:
    small = rsa.generate_private_key(public_exponent=65537, key_size=1024)  # noqa: S505 - the point of the test
    assert outcome(new(), trust={"keys/build.pem": public_pem(small)}) is SignatureOutcome.UNVERIFIABLE


def test_keys_of_all_kinds_that_cosign_makes_are_known() -> None:
    body = statement(DIGEST)
    made = key_bundle(body, KEY)
    signing = ed25519.Ed25519PrivateKey.generate()
    kind = f"DSSEv1 28 application/vnd.in-toto+json {len(body)} ".encode()
    made["dsseEnvelope"] = {**envelope(body, KEY), "signatures": [{"sig": b64(signing.sign(kind + body))}]}
    assert outcome(bundle(made), trust={"keys/build.pem": public_pem(signing)}) is SignatureOutcome.VERIFIED
    large = ec.generate_private_key(ec.SECP384R1())
    assert outcome(old(key=large), trust={"keys/build.pem": public_pem(large)}) is SignatureOutcome.VERIFIED


def test_what_is_beyond_all_measure_is_not_looked_at_and_said_so() -> None:
    many = [new(key=OTHER_KEY)] * MOST_ARTEFACTS
    verdict = judged(*many, new())
    assert verdict.outcome is SignatureOutcome.WRONG
    assert "not looked at" in verdict.ignored[0]
    large = Artefact(ArtefactKind.SIGSTORE_BUNDLE, b"", (Layer(BUNDLE, {}, b" " * (LARGEST_CONTENT + 1)),))
    assert outcome(large) is SignatureOutcome.MISSING
    assert len(judged(*[new(predicate_type=FAILED)] * 40).ignored) == 21
    wrong = legacy_layer(payload(DIGEST, SOURCE), OTHER_KEY)
    crowded = legacy(*[wrong] * 50)
    assert outcome(*[crowded] * (MOST_SIGNATURES // 50), old()) is SignatureOutcome.WRONG
    assert outcome(*[crowded] * (MOST_SIGNATURES // 50 - 1), old()) is SignatureOutcome.VERIFIED


def test_signatures_of_the_notary_project_do_not_count_for_cosign() -> None:
    (layer,) = new().layers
    assert outcome(Artefact(ArtefactKind.NOTATION, b"", (layer,))) is SignatureOutcome.MISSING


def test_what_was_found_is_kept_and_read_again_as_it_was() -> None:
    material = Material(DIGEST, "application/json", (old(), new()))
    assert msgspec.json.decode(msgspec.json.encode(material), type=Material) == material
    verdict = judged(old())
    assert msgspec.json.decode(msgspec.json.encode(verdict), type=SignatureVerdict) == verdict


def test_a_signature_by_a_key_is_judged_without_the_library_for_identities() -> None:
    program = (
        "import sys, json, msgspec;"
        "from datetime import datetime, UTC;"
        "from shared.domain.policy.signing import CosignCheck, SignatureCheck;"
        "from shared.domain.signatures.judging import judge_signatures;"
        "from shared.domain.signatures.material import Material;"
        "told = json.load(sys.stdin);"
        "material = msgspec.convert(told['material'], Material);"
        "check = SignatureCheck(cosign=CosignCheck('k.pem'));"
        "trust = {'k.pem': told['key'].encode()};"
        "verdict = judge_signatures(check, material, told['source'], trust, datetime.now(UTC));"
        "print(verdict.outcome.value, 'sigstore' in sys.modules)"
    )
    told = {
        "material": msgspec.to_builtins(Material(DIGEST, "", (new(),))),
        "source": SOURCE,
        "key": TRUST["keys/build.pem"].decode(),
    }
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, input=json.dumps(told), capture_output=True, text=True, check=False
    )
    assert done.stdout.strip() == "verified False", done.stderr

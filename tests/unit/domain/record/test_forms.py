"""The forms in which a record lies beside an image: the same bytes whenever they are made, read by others as well."""

from __future__ import annotations

import hashlib
import json
from datetime import timedelta
from typing import Any

import msgspec
import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from hypothesis import given
from hypothesis import strategies as st
from securesystemslib.dsse import Envelope
from securesystemslib.exceptions import VerificationError
from securesystemslib.signer import SSlibKey

from shared.domain.policy.signing import CosignCheck, SignatureCheck
from shared.domain.promotion.consents import Answer, By, Consent, Kind
from shared.domain.promotion.said import Forced, Said
from shared.domain.record.attaching import (
    as_referrer,
    attestation_layer,
    attestation_tag,
    bundled,
    digest_of,
    foreign_layers,
    is_under,
    signature_layer,
    signature_tag,
    simple_payload,
    under_tag,
)
from shared.domain.record.ecdsa import as_der
from shared.domain.record.images import Descriptor as Of
from shared.domain.record.making import Grounds, counted, people_of, statement_of
from shared.domain.record.statement import DECISION, Material, Result, encoded
from shared.domain.record.truth import Ground, Truth
from shared.domain.signatures.judging import judge_signatures
from shared.domain.signatures.material import Artefact, ArtefactKind, Layer
from shared.domain.signatures.material import Material as Beside
from shared.domain.signatures.verdict import SignatureOutcome
from shared.errors import MalformedInput, Refused
from tests.made_signatures.authorities import public_pem, signed
from tests.unit.domain.record.examples import (
    KEY,
    ME,
    OTHER_KEY,
    PLACE,
    STRICT,
    a_bundle,
    claim,
    passed,
    sealed,
    target,
)
from tests.unit.examples import NOON, ONE, TWO

pytestmark = pytest.mark.unit

SUBJECT = Of("application/vnd.oci.image.index.v1+json", ONE, 1234)
HALF = b"\x01" * 32
LATER = NOON + timedelta(days=3)
NAMED = Said("Ada Lovelace (person 1f@2e)", "the shop is down", NOON)


def read_by_others(envelope: bytes, key: ec.EllipticCurvePrivateKey = KEY) -> bytes:
    """Read and verify an envelope with securesystemslib, which wants a key's id where the standard wants none."""
    content, theirs = json.loads(envelope), SSlibKey.from_crypto(key.public_key())
    for one in content["signatures"]:
        one.setdefault("keyid", theirs.keyid)
    read = Envelope.from_dict(content)
    read.verify([theirs], threshold=1)
    return bytes(read.payload)


def test_an_implementation_that_is_not_ours_reads_and_verifies_the_envelope() -> None:
    assert read_by_others(sealed(passed())) == passed()


def test_the_envelope_inside_the_bundle_is_the_same_one() -> None:
    envelope = sealed(passed())
    inside = json.loads(bundled(envelope, "hint"))["dsseEnvelope"]
    assert read_by_others(json.dumps(inside).encode()) == passed()


def test_an_implementation_that_is_not_ours_refuses_an_altered_envelope_and_another_key() -> None:
    altered = json.loads(sealed(passed()))
    altered["payload"] = json.loads(sealed(passed(resource_uri="https://elsewhere")))["payload"]
    with pytest.raises(VerificationError):
        read_by_others(json.dumps(altered).encode())
    with pytest.raises(VerificationError):
        read_by_others(sealed(passed()), OTHER_KEY)


def test_the_statement_says_what_the_standards_ask_for() -> None:
    grounds = Grounds((claim(),), (Material("https://base.example.io/evidence/a/b", {"sha256": "ab"}),), str(ONE))
    truth = Truth(Result.PASSED, Ground.PASSED, STRICT.name, STRICT.sha256, claim().levels)
    told = json.loads(encoded(statement_of(PLACE, truth, grounds, ME)))
    assert told["_type"] == "https://in-toto.io/Statement/v1"
    assert told["predicateType"] == "https://slsa.dev/verification_summary/v1"
    assert [one["digest"]["sha256"] for one in told["subject"]] == [ONE[7:], TWO[7:]]
    assert len({one["name"] for one in told["subject"]}) == 2
    said = told["predicate"]
    assert said["verifier"] == {"id": "https://base.example.io", "version": {"tidegate": "1.2.3"}}
    assert said["resourceUri"] == "https://base.example.io/base/node"
    assert said["policy"] == {"uri": "https://base.example.io/policies/strict", "digest": {"sha256": STRICT.sha256}}
    assert said["verificationResult"] == "PASSED"
    assert said["verifiedLevels"] == ["TIDEGATE_TESTED", "TIDEGATE_SCANNED"]
    assert said["timeVerified"] == "2026-03-04T12:00:00Z"
    assert said["inputAttestations"] == [{"uri": "https://base.example.io/evidence/a/b", "digest": {"sha256": "ab"}}]
    assert said[DECISION]["tags"][0]["number"] == 4
    assert [name for name in said if ":" in name] == ["urn:tidegate:decision:v1"]


def test_no_level_begins_as_slsas_do_for_none_is_claimed() -> None:
    assert b"SLSA_" not in passed()


def test_a_record_of_failure_says_so_and_claims_nothing() -> None:
    truth = Truth(Result.FAILED, Ground.OVERRIDDEN, STRICT.name, STRICT.sha256)
    said = json.loads(encoded(statement_of(PLACE, truth, Grounds((claim(),), run="ca1"), ME)))["predicate"]
    assert (said["verificationResult"], said["verifiedLevels"]) == ("FAILED", ["FAILED"])
    assert said[DECISION]["ground"] == "overridden"
    assert "run" not in said[DECISION]


def test_the_same_truth_has_the_same_bytes() -> None:
    truth = Truth(Result.PASSED, Ground.PASSED, STRICT.name, STRICT.sha256)
    other = msgspec.structs.replace(PLACE, platforms=(TWO, TWO))
    grounds = Grounds((claim(), claim(tag="latest")))
    turned = Grounds(tuple(reversed(grounds.claims)))
    assert encoded(statement_of(PLACE, truth, grounds, ME)) == encoded(statement_of(other, truth, turned, ME))


def test_a_record_knows_people_by_ids_and_never_by_names() -> None:
    agreed = Consent(ONE, Answer.AGREED, By(Kind.PERSON, "3c@2e", "Grace Hopper"), "fine", NOON)
    refused = Consent(ONE, Answer.REFUSED, By(Kind.PERSON, "4d@2e", "Alan"), "no", NOON)
    by_key = Said("ci (API key k7)", "granted", NOON)
    record = target(consents=(agreed, refused), forced=(Forced(ONE, NAMED, by_key), Forced(TWO, NAMED)))
    assert people_of([record], ONE) == ("1f@2e", "3c@2e", "k7")
    for nobody in ("ada", "Ada (Lovelace)", "Ada (the shop's person Lovelace)", "imported (by Ada Lovelace)"):
        assert people_of([target(forced=(Forced(ONE, Said(nobody, "old", NOON)),))], ONE) == ()


def test_findings_are_counted_in_the_kept_decision() -> None:
    finding = {"id": "CVE-1", "package": "zlib", "blocks": False, "decided": "waived"}
    other = {"id": "CVE-2", "package": "zlib", "blocks": True, "decided": "severity"}
    kept = {"platforms": {"linux/amd64": {"findings": [finding, other]}, "linux/arm64": {"findings": [finding]}}}
    findings, waived = counted(json.dumps(kept).encode())
    assert findings is not None
    assert (findings.found, findings.blocking, findings.waived) == (3, 1, 1)
    assert [(one.id, one.package) for one in waived] == [("CVE-1", "zlib")]
    assert counted(b"what nobody wrote") == (None, ()), "nobody can say that there are none"


def test_the_manifest_of_a_referrer_is_as_cosign_writes_it_and_the_same_at_any_time() -> None:
    bundle = a_bundle()
    made = as_referrer(bundle, SUBJECT, NOON)
    told = json.loads(made.manifest)
    assert told["artifactType"] == told["layers"][0]["mediaType"] == "application/vnd.dev.sigstore.bundle.v0.3+json"
    assert told["config"] == {
        "mediaType": "application/vnd.oci.empty.v1+json",
        "digest": "sha256:" + hashlib.sha256(b"{}").hexdigest(),
        "size": 2,
    }
    assert told["subject"] == {"mediaType": SUBJECT.media_type, "digest": ONE, "size": 1234}
    assert told["annotations"]["dev.sigstore.bundle.content"] == "dsse-envelope"
    assert told["annotations"]["org.opencontainers.image.created"] == "2026-03-04T12:00:00Z"
    assert made.digest == as_referrer(bundle, SUBJECT, NOON).digest != as_referrer(bundle, SUBJECT, LATER).digest
    assert {digest_of(blob) for blob in made.blobs} == {told["config"]["digest"], told["layers"][0]["digest"]}


def test_under_a_tag_the_layers_of_others_stay_as_they_are() -> None:
    theirs = '{"digest":"sha256:' + "77" * 32 + '","size":3,"mediaType":"x","annotations":{"odd":"1"}}'
    there = f'{{"schemaVersion":2,"layers":[{theirs}]}}'.encode()
    layer = attestation_layer(sealed(passed()))
    made = under_tag(layer, attestation_tag(ONE), there)
    assert theirs.encode() in made.manifest
    assert is_under(made.manifest, layer)
    assert made.tag == f"sha256-{ONE[7:]}.att"
    assert foreign_layers(made.manifest, (digest_of(layer.content),)) == ("sha256:" + "77" * 32,)


def test_ours_under_a_tag_is_replaced_and_put_there_once() -> None:
    first, second = (attestation_layer(sealed(passed(resource_uri=uri))) for uri in ("https://a", "https://b"))
    made = under_tag(first, attestation_tag(ONE), None)
    assert under_tag(first, attestation_tag(ONE), made.manifest) == made
    replaced = under_tag(second, attestation_tag(ONE), made.manifest, (digest_of(first.content),))
    assert is_under(replaced.manifest, second)
    assert not is_under(replaced.manifest, first)


@pytest.mark.parametrize("there", [b"<html>", b'{"layers":[3]}', b'{"mediaType":"application/x","layers":[]}'])
def test_what_is_no_manifest_is_not_written_over(there: bytes) -> None:
    with pytest.raises(MalformedInput):
        under_tag(attestation_layer(b"{}"), attestation_tag(ONE), there)


def test_the_signature_of_the_older_form_is_one_that_the_product_itself_would_let_an_image_in_by() -> None:
    payload = simple_payload(PLACE.uri, ONE)
    layer = signature_layer(payload, signed(KEY, payload))
    made = under_tag(layer, signature_tag(ONE), None)
    beside = Artefact(
        ArtefactKind.COSIGN_LEGACY, made.manifest, (Layer(layer.media_type, layer.annotations, layer.content),)
    )
    check = SignatureCheck(cosign=CosignCheck("k.pem"))
    trust = {"k.pem": public_pem(KEY)}
    verdict = judge_signatures(check, Beside(ONE, "", (beside,)), "base.example.io/base/node", trust, NOON)
    assert verdict.outcome is SignatureOutcome.VERIFIED


@given(st.integers(1, 2**256 - 1), st.integers(1, 2**256 - 1))
def test_two_numbers_side_by_side_become_der_that_says_the_same_two(r: int, s: int) -> None:
    assert decode_dss_signature(as_der(r.to_bytes(32, "big") + s.to_bytes(32, "big"))) == (r, s)


@pytest.mark.parametrize("zeros", [1, 2, 31])
@pytest.mark.parametrize("first", [0x01, 0x7F, 0x80, 0xFF])
def test_numbers_that_begin_with_zeros_keep_their_value(zeros: int, first: int) -> None:
    short = (bytes(zeros) + bytes((first,)) + b"\x11" * 32)[:32]
    whole = b"\xee" * 32
    for r, s in ((short, whole), (whole, short), (short, short)):
        assert decode_dss_signature(as_der(r + s)) == (int.from_bytes(r, "big"), int.from_bytes(s, "big"))


def test_a_signature_whose_numbers_begin_with_zeros_verifies() -> None:
    """One in 128 has such a number, so that it is looked for."""
    for number in range(4000):
        message = b"%d" % number
        numbers = decode_dss_signature(KEY.sign(message, ec.ECDSA(hashes.SHA256())))
        if min(numbers) < 2**248:
            halves = b"".join(one.to_bytes(32, "big") for one in numbers)
            KEY.public_key().verify(as_der(halves), message, ec.ECDSA(hashes.SHA256()))
            return
    pytest.fail("no signature has a number that begins with zeros, which cannot be")


@pytest.mark.parametrize(
    "broken", [b"", b"\x01" * 63, b"\x01" * 65, bytes(32) + b"\x01" * 32, b"\x01" * 32 + bytes(32)]
)
def test_what_is_no_signature_of_the_curve_is_refused(broken: bytes) -> None:
    with pytest.raises(Refused):
        as_der(broken)


def test_unknown_fields_of_a_summary_do_no_harm() -> None:
    told: dict[str, Any] = json.loads(passed())
    told["predicate"]["dependencyLevels"] = {"SLSA_BUILD_LEVEL_3": 5}
    assert read_by_others(sealed(json.dumps(told).encode())) == json.dumps(told).encode()

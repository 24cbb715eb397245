"""A signature of the Notary Project counts by who signed below which store, valid now or when it was stamped."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import msgspec
import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.x509.oid import ExtendedKeyUsageOID, ObjectIdentifier

from shared.domain.policy.signing import NotationCheck, SignatureCheck
from shared.domain.references import Digest
from shared.domain.signatures.judging import judge_signatures
from shared.domain.signatures.material import Artefact, ArtefactKind, Layer, Material
from shared.domain.signatures.verdict import SignatureOutcome, SignatureVerdict
from tests.made_signatures.authorities import START, Authority
from tests.made_signatures.notary import (
    CODE_SIGNING,
    COSE,
    JWS,
    MANIFEST,
    SCHEME,
    STAMPED_AT,
    Signer,
    Stamping,
    attributes,
    cbor,
    cose,
    jws,
    target,
)

pytestmark = pytest.mark.unit

ROOT = Authority("C=US, ST=WA, L=Seattle, O=Acme, CN=Root")
BETWEEN = Authority("C=US, ST=WA, L=Seattle, O=Acme, CN=Between", above=ROOT)
OTHER_ROOT = Authority("C=US, ST=WA, L=Seattle, O=Acme, CN=Root")
SIGNER = Signer(BETWEEN)
RSA_KEY = rsa.generate_private_key(public_exponent=65537, key_size=2048)
RSA_SIGNER = Signer(ROOT, key=RSA_KEY)
CLOCK = Stamping()
DIGEST, OTHER = Digest("sha256:" + "ab" * 32), Digest("sha256:" + "cd" * 32)
CHECK = SignatureCheck(notation=NotationCheck("acme", "x509.subject: C=US, ST=WA, O=Acme, CN=Release"))
TRUST = {"stores/acme/root.pem": ROOT.pem, "stores/acme/tsa/clock.crt": CLOCK.authority.pem}
NOW = START + timedelta(days=40)
LATER = START + timedelta(days=400)
Making = Callable[..., Artefact]
FORMS = pytest.mark.parametrize("make", [jws, cose])


def judged(
    *artefacts: Artefact, at: datetime = NOW, trust: dict[str, bytes] | None = None, check: SignatureCheck = CHECK
) -> SignatureVerdict:
    material = Material(DIGEST, MANIFEST, artefacts)
    return judge_signatures(check, material, "ghcr.io/acme/app", TRUST if trust is None else trust, at)


def outcome(*artefacts: Artefact, **more: Any) -> SignatureOutcome:
    return judged(*artefacts, **more).outcome


def signed(
    make: Making, signer: Signer = SIGNER, digest: str = DIGEST, tsa: Stamping | None = None, **told: Any
) -> Artefact:
    return make(signer, target(digest), attributes(**told), tsa)


@FORMS
@pytest.mark.parametrize("signer", [SIGNER, RSA_SIGNER])
def test_a_signature_below_the_store_by_the_identity_verifies(make: Making, signer: Signer) -> None:
    verdict = judged(signed(make, signer))
    assert verdict.outcome is SignatureOutcome.VERIFIED, verdict.detail
    assert "CN=Release" in verdict.signer
    assert verdict.signed_at is None


@FORMS
@pytest.mark.parametrize(
    ("signer", "told"),
    [
        (Signer(OTHER_ROOT), "no chain leads"),
        (Signer(ROOT, subject="C=US, ST=WA, O=Acme, CN=Intern"), "another identity"),
        (Signer(ROOT, subject="C=US, ST=WA, O=Acme, O=Evil, CN=Release"), "another identity"),
        (Signer(ROOT, extensions=((x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), False),)), "purposes"),
        (Signer(ROOT, extensions=((x509.BasicConstraints(True, None), True),)), "an authority's"),
        (
            Signer(ROOT, extensions=((x509.UnrecognizedExtension(ObjectIdentifier("1.2.3"), b"\x05\0"), True),)),
            "not known here",
        ),
        (Signer(Authority("O=Acme, CN=No authority", above=ROOT, ca=False)), "no chain leads"),
        (Signer(Authority("O=Acme, CN=May not", above=ROOT, may_certify=False)), "no chain leads"),
        (
            Signer(Authority("O=A, CN=2", above=Authority("O=A, CN=1", above=ROOT, path_length=0))),
            "no chain leads",
        ),
    ],
)
def test_a_signature_by_anyone_else_is_wrong(make: Making, signer: Signer, told: str) -> None:
    verdict = judged(signed(make, signer))
    assert verdict.outcome is SignatureOutcome.WRONG
    assert told in verdict.detail


@FORMS
def test_a_signature_of_another_image_put_beside_this_one_is_wrong(make: Making) -> None:
    verdict = judged(signed(make, digest=OTHER))
    assert verdict.outcome is SignatureOutcome.WRONG
    assert "about another image" in verdict.detail
    as_other = make(SIGNER, target(DIGEST, "application/vnd.oci.image.index.v1+json"), attributes(), None)
    assert outcome(as_other) is SignatureOutcome.WRONG


def test_without_a_signature_of_the_notary_project_one_is_missing() -> None:
    assert outcome() is SignatureOutcome.MISSING
    (layer,) = signed(jws).layers
    assert outcome(Artefact(ArtefactKind.SIGSTORE_BUNDLE, b"", (layer,))) is SignatureOutcome.MISSING
    other = msgspec.structs.replace(layer, media_type="application/json")
    assert outcome(Artefact(ArtefactKind.NOTATION, b"", (other,))) is SignatureOutcome.MISSING


@FORMS
def test_a_signature_whose_signer_let_it_end_is_wrong_afterwards(make: Making) -> None:
    made = signed(make, expires=NOW)
    assert outcome(made, at=NOW - timedelta(seconds=1)) is SignatureOutcome.VERIFIED
    verdict = judged(made)
    assert verdict.outcome is SignatureOutcome.WRONG
    assert "let it end" in verdict.detail


@FORMS
def test_what_must_be_heeded_and_is_not_known_makes_a_signature_wrong(make: Making) -> None:
    told = attributes(**{"io.cncf.notary.verificationPlugin": "acme"})
    told["crit"].append("io.cncf.notary.verificationPlugin")
    verdict = judged(make(SIGNER, target(DIGEST), told, None))
    assert verdict.outcome is SignatureOutcome.WRONG
    assert "verificationPlugin" in verdict.detail


@FORMS
@pytest.mark.parametrize(
    "change",
    [
        {"crit": []},
        {"crit": [SCHEME, "io.cncf.notary.expiry"]},
        {SCHEME: "notary.x509.signingAuthority"},
        {"io.cncf.notary.expiry": "2030-01-01T00:00:00+00:00"},
    ],
)
def test_a_signature_that_does_not_say_what_it_must_is_wrong(make: Making, change: dict[str, Any]) -> None:
    made = make(SIGNER, target(DIGEST), attributes() | change, None)
    assert outcome(made) is SignatureOutcome.WRONG


@FORMS
def test_a_signature_of_something_else_than_an_image_is_none(make: Making) -> None:
    made = make(SIGNER, target(DIGEST), attributes(cty="application/json"), None)
    assert outcome(made) is SignatureOutcome.MISSING


@FORMS
def test_after_its_certificate_has_ended_a_signature_counts_by_its_time_stamp(make: Making) -> None:
    assert outcome(signed(make), at=LATER) is SignatureOutcome.WRONG
    verdict = judged(signed(make, tsa=CLOCK), at=LATER)
    assert verdict.outcome is SignatureOutcome.VERIFIED, verdict.detail
    assert verdict.signed_at == STAMPED_AT + timedelta(seconds=1)
    assert outcome(signed(make, tsa=Stamping(CLOCK.authority, key=RSA_KEY)), at=LATER) is SignatureOutcome.VERIFIED


@FORMS
@pytest.mark.parametrize(
    ("clock", "told"),
    [
        (Stamping(), "no chain leads"),
        (Stamping(CLOCK.authority, of=b"another signature"), "of another signature"),
        (Stamping(CLOCK.authority, at=START + timedelta(days=200)), "is valid from"),
        (Stamping(CLOCK.authority, lasts=timedelta(days=10)), "is valid from"),
        (Stamping(CLOCK.authority, critical=False), "not for time stamps alone"),
        (Stamping(CLOCK.authority, purposes=(ExtendedKeyUsageOID.CODE_SIGNING,)), "other purposes"),
        (
            Stamping(CLOCK.authority, purposes=(ExtendedKeyUsageOID.TIME_STAMPING, ExtendedKeyUsageOID.CODE_SIGNING)),
            "not for time stamps alone",
        ),
        (Stamping(CLOCK.authority, named=b"another certificate"), "does not bring the certificate along"),
        (Stamping(CLOCK.authority, forged=True), "does not verify"),
        (Stamping(CLOCK.authority, forged=True, key=RSA_KEY), "does not verify"),
    ],
)
def test_a_time_stamp_that_proves_nothing_does_not_help(make: Making, clock: Stamping, told: str) -> None:
    verdict = judged(signed(make, tsa=clock), at=LATER)
    assert verdict.outcome is SignatureOutcome.WRONG
    assert told in verdict.detail


@FORMS
def test_a_time_stamp_that_is_not_needed_neither_helps_nor_harms(make: Making) -> None:
    assert judged(signed(make, tsa=CLOCK)).signed_at == STAMPED_AT + timedelta(seconds=1)
    verdict = judged(signed(make, tsa=Stamping()))
    assert (verdict.outcome, verdict.signed_at) == (SignatureOutcome.VERIFIED, None)


def test_a_time_stamp_is_not_taken_from_the_authorities_that_may_sign_images() -> None:
    clock = Stamping(ROOT)
    assert outcome(signed(jws, tsa=clock), at=LATER) is SignatureOutcome.WRONG
    without = {"stores/acme/root.pem": ROOT.pem}
    assert outcome(signed(jws, tsa=clock), at=LATER, trust=without) is SignatureOutcome.UNVERIFIABLE


@pytest.mark.parametrize(
    "trust",
    [
        {},
        {"stores/acme/tsa/root.pem": ROOT.pem},
        {"stores/other/root.pem": ROOT.pem},
        {"stores/acme/root.pem": b"x"},
        {"stores/acme/root.pem": ROOT.pem, "stores/acme/second.crt": b""},
        {"stores/acme/readme.txt": ROOT.pem},
        {"stores/acme/root.pem": ROOT.pem * 101},
    ],
)
def test_a_store_that_is_missing_or_cannot_be_read_leaves_everything_open(trust: dict[str, bytes]) -> None:
    assert outcome(signed(jws), trust=trust) is SignatureOutcome.UNVERIFIABLE
    assert outcome(trust=trust) is SignatureOutcome.UNVERIFIABLE


def test_a_store_may_hold_an_authority_in_between_and_the_signers_own_certificate() -> None:
    assert outcome(signed(jws), trust={"stores/acme/between.pem": BETWEEN.pem}) is SignatureOutcome.VERIFIED
    assert outcome(signed(jws), trust={"stores/acme/own.crt": SIGNER.chain[0]}) is SignatureOutcome.VERIFIED


def test_a_chain_with_an_authority_that_has_ended_leads_nowhere() -> None:
    ended = Authority("O=Acme, CN=Ended", above=ROOT, lasts=timedelta(days=35))
    assert outcome(signed(jws, Signer(ended)), at=START + timedelta(days=34)) is SignatureOutcome.VERIFIED
    assert outcome(signed(jws, Signer(ended))) is SignatureOutcome.WRONG
    # Stamped on its 30th day, when all of them were valid, and on its 36th, when the one in between was not.
    assert outcome(signed(jws, Signer(ended), tsa=CLOCK)) is SignatureOutcome.VERIFIED
    late = Stamping(CLOCK.authority, at=START + timedelta(days=36))
    assert outcome(signed(jws, Signer(ended), tsa=late)) is SignatureOutcome.WRONG


def test_one_of_several_identities_is_enough() -> None:
    named = (
        "x509.subject: C=US, ST=WA, O=Acme, CN=Nightly",
        "x509.subject: C=US, ST=WA, L=Seattle, O=Acme, CN=Release",
    )
    assert outcome(signed(jws), check=_asked(identities=named)) is SignatureOutcome.VERIFIED
    assert outcome(signed(jws), check=_asked(identities=named[:1])) is SignatureOutcome.WRONG


def test_an_algorithm_that_does_not_belong_to_the_key_is_not_believed() -> None:
    for algorithm in ("PS256", "HS256", "none", "ES999"):
        made = jws(SIGNER, target(DIGEST), {**attributes(), "alg": algorithm})
        assert outcome(made) is SignatureOutcome.UNVERIFIABLE


def test_certificates_that_were_exchanged_do_not_fit_the_signature() -> None:
    (layer,) = signed(jws, Signer(OTHER_ROOT)).layers
    told = json.loads(layer.content)
    (good,) = signed(jws).layers
    told["header"] = json.loads(good.content)["header"]
    assert outcome(_envelope(JWS, json.dumps(told).encode())) is SignatureOutcome.WRONG


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"\xd2",
        b"\xd2" + cbor([b"", {}, b""]),
        b"\xd2" + cbor([b"", {}, b"", b""]),
        cbor([b"", {}, b"", b""]),
        b"\xd2\x84\x5b" + b"\xff" * 8,
        b"\xd2\x9f\xff",
        b"\xd2" + b"\x81" * 5000,
        b"\xd2\x84\x40\xa2\x01\x01\x01\x01\x40\x40",
        b"\xd2\x9b" + b"\xff" * 8,
        b"\xc4\x82\x1b" + b"\xff" * 8 + b"\x01",
    ],
)
def test_broken_envelopes_are_wrong_whatever_is_broken(raw: bytes) -> None:
    assert outcome(_envelope(COSE, raw)) is SignatureOutcome.WRONG
    assert outcome(_envelope(JWS, raw)) is SignatureOutcome.WRONG


def test_a_certificate_for_signing_code_may_say_so_or_leave_it_open() -> None:
    assert outcome(signed(jws, Signer(ROOT, extensions=()))) is SignatureOutcome.VERIFIED
    assert outcome(signed(jws, Signer(ROOT, extensions=((CODE_SIGNING, True),)))) is SignatureOutcome.VERIFIED


def _asked(**fields: Any) -> SignatureCheck:
    return SignatureCheck(notation=NotationCheck("acme", **fields))


def _envelope(media_type: str, raw: bytes) -> Artefact:
    return Artefact(ArtefactKind.NOTATION, b"", (Layer(media_type, {}, raw),))

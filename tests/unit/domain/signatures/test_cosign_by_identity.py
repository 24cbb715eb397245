"""A signature without a key counts by who signed and who vouched for them, as of when the log took it in."""

from __future__ import annotations

import base64
import copy
import json
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import msgspec
import pytest
from cryptography.x509.oid import ExtendedKeyUsageOID

from shared.domain.policy.signing import CosignCheck, SignatureCheck
from shared.domain.references import Digest
from shared.domain.signatures.judging import judge_signatures
from shared.domain.signatures.material import Artefact, Material
from shared.domain.signatures.verdict import SignatureOutcome, SignatureVerdict
from tests.made_signatures.authorities import b64, new_key, signed
from tests.made_signatures.cosign import bundle, key_bundle, legacy, legacy_layer, payload, statement
from tests.made_signatures.instance import LOGGED_AT, SIGNED_AT, Instance, canonical

pytestmark = pytest.mark.unit

INSTANCE, OTHER_INSTANCE = Instance(), Instance()
DIGEST, OTHER = Digest("sha256:" + "ab" * 32), Digest("sha256:" + "cd" * 32)
SOURCE = "ghcr.io/acme/app"
WHO = "https://github.com/acme/images/.github/workflows/release.yml@refs/heads/main"
ISSUER = "https://token.actions.githubusercontent.com"
CHECK = SignatureCheck(cosign=CosignCheck(identity=WHO, issuer=ISSUER))
TRUST = {"roots/sigstore.json": INSTANCE.root}
NOW = SIGNED_AT + timedelta(days=100)
LOGGED = "dev.sigstore.cosign/bundle"
Making = Callable[..., Artefact]


def old(digest: str = DIGEST, who: str = WHO, issuer: str = ISSUER, by: Instance = INSTANCE, **more: Any) -> Artefact:
    return legacy(by.layer(payload(digest, SOURCE), who, issuer, **more))


def new(digest: str = DIGEST, who: str = WHO, issuer: str = ISSUER, by: Instance = INSTANCE, **more: Any) -> Artefact:
    return bundle(by.bundle(digest, who, issuer, **more))


def judged(
    *artefacts: Artefact, check: SignatureCheck = CHECK, trust: dict[str, bytes] | None = None
) -> SignatureVerdict:
    return judge_signatures(check, Material(DIGEST, "", artefacts), SOURCE, TRUST if trust is None else trust, NOW)


def outcome(*artefacts: Artefact, **more: Any) -> SignatureOutcome:
    return judged(*artefacts, **more).outcome


@pytest.mark.parametrize("make", [old, new])
def test_a_signature_by_the_identity_verifies_and_says_who_and_when(make: Making) -> None:
    verdict = judged(make())
    assert verdict.outcome is SignatureOutcome.VERIFIED, verdict.detail
    assert verdict.signer == f"{WHO} (vouched for by {ISSUER})"
    assert verdict.signed_at == LOGGED_AT


@pytest.mark.parametrize("make", [old, new])
@pytest.mark.parametrize(
    ("altered", "told"),
    [
        ({"who": WHO + "x"}, "another identity"),
        ({"who": WHO.replace("acme", "evil")}, "another identity"),
        ({"issuer": "https://evil.example"}, "another issuer"),
        ({"digest": OTHER}, "about another image"),
        ({"by": OTHER_INSTANCE}, ""),
        ({"witnessed": False}, ""),
        ({"purposes": (ExtendedKeyUsageOID.SERVER_AUTH,)}, ""),
    ],
)
def test_a_signature_by_anyone_else_or_of_another_image_is_wrong(
    make: Making, altered: dict[str, Any], told: str
) -> None:
    verdict = judged(make(**altered))
    assert verdict.outcome is SignatureOutcome.WRONG
    assert told in verdict.detail


@pytest.mark.parametrize("make", [old, new])
def test_an_identity_may_be_named_by_a_pattern_that_matches_all_of_it(make: Making) -> None:
    def asked(identity: str, issuer: str) -> SignatureCheck:
        return SignatureCheck(cosign=CosignCheck(identity_pattern=identity, issuer_pattern=issuer))

    repository = "https://github.com/acme/[a-z]+/.github/workflows/release.yml@refs/heads/main"
    assert outcome(make(), check=asked(repository, "https://.*")) is SignatureOutcome.VERIFIED
    assert outcome(make(), check=asked("https://github.com/acme/", "https://.*")) is SignatureOutcome.WRONG
    assert outcome(make(), check=asked(repository, "token")) is SignatureOutcome.WRONG


def test_an_identity_may_be_a_mail() -> None:
    check = SignatureCheck(cosign=CosignCheck(identity="ann@acme.example", issuer=ISSUER))
    assert outcome(old(who="ann@acme.example"), check=check) is SignatureOutcome.VERIFIED
    assert outcome(new(who="ann@acme.example"), check=check) is SignatureOutcome.VERIFIED


def test_an_attestation_by_the_right_identity_is_no_signature() -> None:
    verdict = judged(new(predicate_type="https://slsa.dev/provenance/v1"))
    assert verdict.outcome is SignatureOutcome.MISSING
    assert "provenance" in verdict.ignored[0]


def test_a_signature_by_a_key_is_none_by_an_identity() -> None:
    key = new_key()
    assert outcome(bundle(key_bundle(statement(DIGEST), key))) is SignatureOutcome.WRONG
    assert outcome(legacy(legacy_layer(payload(DIGEST, SOURCE), key))) is SignatureOutcome.WRONG


@pytest.mark.parametrize("path", ["dsseEnvelope.payload", "dsseEnvelope.signatures.0.sig", "verificationMaterial"])
def test_an_altered_bundle_is_wrong(path: str) -> None:
    made = INSTANCE.bundle(OTHER, WHO, ISSUER)
    good = INSTANCE.bundle(DIGEST, WHO, ISSUER)
    name, _, rest = path.partition(".")
    if not rest:
        made[name] = good[name]
    elif rest == "payload":
        made[name][rest] = good[name][rest]
    else:
        good[name]["signatures"] = made[name]["signatures"]
        made = good
    assert outcome(bundle(made)) is SignatureOutcome.WRONG


def test_a_bundle_without_an_entry_of_the_log_or_with_another_time_is_wrong() -> None:
    made = INSTANCE.bundle(DIGEST, WHO, ISSUER)
    for change in ({"tlogEntries": []}, {"tlogEntries": [_later(made)]}):
        altered = copy.deepcopy(made)
        altered["verificationMaterial"] |= change
        assert outcome(bundle(altered)) is SignatureOutcome.WRONG


def test_a_signature_that_the_log_took_in_after_the_certificate_had_ended_is_wrong() -> None:
    verdict = judged(old(logged_at=SIGNED_AT + timedelta(hours=1)))
    assert verdict.outcome is SignatureOutcome.WRONG
    assert "is valid from" in verdict.detail


def test_the_logs_promise_of_another_signature_does_not_help_this_one() -> None:
    stale = INSTANCE.layer(payload(DIGEST, SOURCE), WHO, ISSUER, at=SIGNED_AT - timedelta(days=1))
    assert outcome(legacy(stale)) is SignatureOutcome.WRONG
    helped = _annotated(old(), LOGGED, old().layers[0].annotations[LOGGED])
    assert outcome(helped) is SignatureOutcome.WRONG
    assert "in the log" in judged(helped).detail


def test_an_altered_promise_of_the_log_is_wrong_and_a_missing_one_too() -> None:
    made = old()
    promise = json.loads(made.layers[0].annotations[LOGGED])
    promise["Payload"]["integratedTime"] += 60
    assert outcome(_annotated(made, LOGGED, json.dumps(promise))) is SignatureOutcome.WRONG
    without = {name: text for name, text in made.layers[0].annotations.items() if name != LOGGED}
    verdict = judged(legacy(msgspec.structs.replace(made.layers[0], annotations=without)))
    assert verdict.outcome is SignatureOutcome.WRONG
    assert "nobody vouches for when it was made" in verdict.detail


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"data": {"hash": {"algorithm": "sha256", "value": "ab" * 32}}}, "something else"),
        ({"signature": {"content": "AAAA", "publicKey": {"content": "AAAA"}}}, "another signature"),
    ],
)
def test_an_entry_of_the_log_must_be_of_this_very_signature(change: dict[str, Any], told: str) -> None:
    made = old()
    promise = json.loads(made.layers[0].annotations[LOGGED])
    entry = json.loads(base64.b64decode(promise["Payload"]["body"]))
    entry["spec"] |= change
    verdict = judged(_annotated(made, LOGGED, _promised(promise, entry)))
    assert verdict.outcome is SignatureOutcome.WRONG
    assert f"its entry in the log is {'about ' if told.startswith('some') else ''}{told}" in verdict.detail


def test_an_entry_of_the_log_must_be_by_the_same_certificate() -> None:
    made = old()
    promise = json.loads(made.layers[0].annotations[LOGGED])
    entry = json.loads(base64.b64decode(promise["Payload"]["body"]))
    entry["spec"]["signature"]["publicKey"] = {"content": b64(INSTANCE.log_pem)}
    assert "by another key" in judged(_annotated(made, LOGGED, _promised(promise, entry))).detail


def test_an_entry_of_a_kind_that_is_not_known_here_cannot_be_judged() -> None:
    made = old()
    promise = json.loads(made.layers[0].annotations[LOGGED])
    entry = json.loads(base64.b64decode(promise["Payload"]["body"]))
    again = _promised(promise, entry | {"kind": "rekord"})
    assert outcome(_annotated(made, LOGGED, again)) is SignatureOutcome.UNVERIFIABLE


def test_the_older_form_can_be_judged_by_files_of_the_authority_and_the_log() -> None:
    check = SignatureCheck(
        cosign=CosignCheck(identity=WHO, issuer=ISSUER, fulcio="roots/fulcio.pem", rekor="keys/rekor.pub")
    )
    trust = {"roots/fulcio.pem": INSTANCE.authority.pem, "keys/rekor.pub": INSTANCE.log_pem}
    assert outcome(old(), check=check, trust=trust) is SignatureOutcome.VERIFIED
    assert outcome(old(by=OTHER_INSTANCE), check=check, trust=trust) is SignatureOutcome.WRONG
    assert outcome(new(), check=check, trust=trust) is SignatureOutcome.UNVERIFIABLE
    swapped = {**trust, "keys/rekor.pub": OTHER_INSTANCE.log_pem}
    assert outcome(old(), check=check, trust=swapped) is SignatureOutcome.WRONG


@pytest.mark.parametrize("root", [None, b"", b"{}", b'{"mediaType": "x"}', b"\xff", INSTANCE.root[:-9]])
def test_a_root_that_is_missing_or_cannot_be_read_leaves_everything_open(root: bytes | None) -> None:
    trust = {} if root is None else {"roots/sigstore.json": root}
    for made in (old(), new()):
        verdict = judged(made, trust=trust)
        assert verdict.outcome is SignatureOutcome.UNVERIFIABLE, verdict.detail
    assert outcome(trust={}) is SignatureOutcome.UNVERIFIABLE


def test_where_both_kinds_are_asked_for_both_must_verify() -> None:
    both = msgspec.convert(
        {
            "cosign": {"identity": WHO, "issuer": ISSUER},
            "notation": {"store": "acme", "identity": "x509.subject: C=US, ST=WA, O=Acme"},
        },
        SignatureCheck,
    )
    trust = {**TRUST, "stores/acme/ca.pem": INSTANCE.authority.pem}
    assert outcome(new(), check=both, trust=trust) is SignatureOutcome.MISSING
    assert outcome(new(), check=both) is SignatureOutcome.UNVERIFIABLE
    assert outcome(new(who="x"), check=both) is SignatureOutcome.WRONG


def _later(made: dict[str, Any]) -> dict[str, Any]:
    (entry,) = made["verificationMaterial"]["tlogEntries"]
    return {**entry, "integratedTime": str(int(entry["integratedTime"]) + 60)}


def _promised(promise: dict[str, Any], entry: object) -> str:
    told = {**promise["Payload"], "body": b64(json.dumps(entry).encode())}
    return json.dumps({"SignedEntryTimestamp": b64(signed(INSTANCE.log, canonical(told))), "Payload": told})


def _annotated(made: Artefact, name: str, text: str) -> Artefact:
    (layer,) = made.layers
    return legacy(msgspec.structs.replace(layer, annotations={**layer.annotations, name: text}))

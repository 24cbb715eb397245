"""Whose signature a policy asks for is read as people write it, and what it leaves open is told."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from shared.domain.policy.mode import Mode
from shared.domain.policy.signing import (
    SIGNATURE_TYPE,
    CosignCheck,
    NotationCheck,
    SignatureCheck,
    compiled,
)
from shared.domain.policy.subjects import read_subject

pytestmark = pytest.mark.unit

MICROSOFT = (
    "x509.subject: C=US, ST=Washington, L=Redmond, O=Microsoft Corporation, CN=Microsoft SCD Products RSA Signing"
)
WORKFLOW = "https://github.com/acme/images/.github/workflows/release.yml@refs/heads/main"
GITHUB = "https://token.actions.githubusercontent.com"


def read(**fields: Any) -> SignatureCheck:
    return msgspec.convert(fields, SignatureCheck, strict=False)


def wrong(**fields: Any) -> str:
    with pytest.raises(msgspec.ValidationError) as raised:
        read(**fields)
    return str(raised.value)


def test_a_signature_of_the_notary_project_is_asked_for_by_store_and_identity() -> None:
    check = read(notation={"store": "microsoft", "identity": MICROSOFT})
    assert check == SignatureCheck(notation=NotationCheck("microsoft", MICROSOFT))
    assert check.notation is not None
    assert check.notation.subjects[0]["CN"] == "Microsoft SCD Products RSA Signing"


def test_a_signature_of_cosign_is_asked_for_by_key() -> None:
    check = read(cosign={"key": "keys/build.pem"})
    assert check == SignatureCheck(cosign=CosignCheck("keys/build.pem"))
    assert (check.mode, check.types, check.references) == (Mode.ENFORCE, (SIGNATURE_TYPE,), ())


def test_a_signature_of_cosign_is_asked_for_by_identity_and_issuer() -> None:
    check = read(cosign={"identity": WORKFLOW, "issuer": GITHUB})
    assert check.cosign == CosignCheck(identity=WORKFLOW, issuer=GITHUB, root="roots/sigstore.json")


def test_a_check_that_is_off_need_not_say_whose_signature() -> None:
    assert read(mode="off").mode is Mode.OFF


@pytest.mark.parametrize(
    ("fields", "told"),
    [
        ({}, "write cosign or notation"),
        ({"mode": "observe"}, "write cosign or notation"),
        ({"cosign": {}}, "write key, or identity and issuer"),
        ({"cosign": {"issuer": GITHUB}}, "write key, or identity and issuer"),
        ({"cosign": {"identity": WORKFLOW}}, "without its issuer is nobody"),
        ({"cosign": {"key": "a.pem", "identity": WORKFLOW, "issuer": GITHUB}}, "are two signers"),
        ({"cosign": {"key": "a.pem", "issuer": GITHUB}}, "are two signers"),
        ({"cosign": {"key": "a.pem", "rekor": "rekor.pub"}}, "a key needs none of them"),
        ({"cosign": {"identity": "a", "identity_pattern": "a", "issuer": "b"}}, "two answers to one question"),
        ({"cosign": {"identity_pattern": "(", "issuer": "b"}}, "not a regular expression of RE2"),
        ({"cosign": {"identity_pattern": "((a{900}){900}){9}", "issuer": "b"}}, "not a regular expression of RE2"),
        ({"cosign": {"identity_pattern": "(a)\\1", "issuer": "b"}}, "not a regular expression of RE2"),
        ({"cosign": {"identity_pattern": "a" * 501, "issuer": "b"}}, "matching regex"),
        ({"cosign": {"key": "../secrets"}}, "matching regex"),
        ({"cosign": {"key": "/etc/passwd"}}, "matching regex"),
        ({"cosign": {"key": "keys/build.pem\n"}}, "matching regex"),
        ({"cosign": {"kye": "keys/build.pem"}}, "unknown field `kye`"),
        ({"notation": {"identity": MICROSOFT}}, "missing required field `store`"),
        ({"notation": {"store": "microsoft"}}, "write identity"),
        ({"notation": {"store": "../..", "identity": MICROSOFT}}, "matching regex"),
        ({"notation": {"store": "a", "identity": "*"}}, "starts with 'x509.subject:'"),
        ({"notation": {"store": "a", "identity": "x509.subject: CN=Release"}}, "C is missing"),
        ({"notation": {"store": "a", "identity": "x509.subject: C=US, ST=WA, O=A, O=B"}}, "has each part once"),
        ({"notation": {"store": "a", "identity": "x509.subject: C=US, ST=WA, O=A+OU=B"}}, "no parts of two values"),
        ({"notation": {"store": "a", "identity": "x509.subject: C=US, ST=WA, O"}}, "made of parts"),
        ({"notation": {"store": "a", "identity": "x509.subject: C=US,, ST=WA, O=A"}}, "one comma between"),
        ({"cosign": {"key": "a.pem"}, "types": []}, "length >= 1"),
        ({"cosign": {"key": "a.pem"}, "references": ["a"] * 21}, "length <= 20"),
    ],
)
def test_what_leaves_open_whose_signature_is_wanted_is_told(fields: dict[str, Any], told: str) -> None:
    assert told in wrong(**fields)


def test_a_comma_inside_a_name_is_written_with_a_backslash() -> None:
    assert read_subject(r"x509.subject: C=US, S=WA, O=Acme\, Inc.") == {"C": "US", "ST": "WA", "O": "Acme, Inc."}


def test_a_pattern_must_match_the_whole_text() -> None:
    pattern = compiled("https://github.com/acme/[a-z]+")
    assert pattern.fullmatch("https://github.com/acme/images")
    assert not pattern.fullmatch("https://evil.example/?https://github.com/acme/images")


def test_checks_are_kept_as_they_were_read() -> None:
    check = read(cosign={"identity": WORKFLOW, "issuer_pattern": ".*", "root": "roots/own.json"}, references=["a/b"])
    assert msgspec.json.decode(msgspec.json.encode(check), type=SignatureCheck) == check

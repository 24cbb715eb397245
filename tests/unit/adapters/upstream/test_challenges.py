"""What registries ask for, however they write it, and whom their credentials may be shown to."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.adapters.upstream.challenges import Challenge, is_token_service, may_be_shown, read_challenge

pytestmark = pytest.mark.unit
REALM = "https://auth.example/token"


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        (
            f'Bearer realm="{REALM}",service="registry.example",scope="repository:a/b:pull,push"',
            Challenge("bearer", REALM, "registry.example", "repository:a/b:pull,push"),
        ),
        (f'bearer  Realm = "{REALM}" , SERVICE=registry.example', Challenge("bearer", REALM, "registry.example")),
        (f"Bearer realm={REALM}", Challenge("bearer", REALM)),
        (f'Bearer realm="{REALM}",error="insufficient_scope"', Challenge("bearer", REALM, error="insufficient_scope")),
        (f'Bearer realm="{REALM}",service="a \\"b\\""', Challenge("bearer", REALM, 'a "b"')),
        ('Basic realm="https://1.dkr.ecr.example/"', Challenge("basic", "https://1.dkr.ecr.example/")),
        (f'Basic realm="a, b", Bearer realm="{REALM}"', Challenge("bearer", REALM)),
        (f'Negotiate, Bearer realm="{REALM}", Basic realm="x"', Challenge("bearer", REALM)),
        ('Bearer, Basic realm="x"', Challenge("basic", "x")),
        ("BASIC", Challenge("basic")),
    ],
)
def test_a_challenge_is_read_as_people_write_it(header: str, expected: Challenge) -> None:
    assert read_challenge(header) == expected


@pytest.mark.parametrize("header", ["", "Negotiate", 'realm="x"', "Bearer", 'Bearer realm="unclosed', "=", '"', ",,,"])
def test_what_is_no_challenge_is_none(header: str) -> None:
    assert read_challenge(header) is None


@given(st.text())
def test_no_header_breaks_the_reading(header: str) -> None:
    challenge = read_challenge(header)
    assert challenge is None or challenge.scheme in {"bearer", "basic"}


def test_a_hostile_header_is_read_in_no_time() -> None:
    assert read_challenge("Bearer " + 'a="\\' * 100_000) is None


@pytest.mark.parametrize(
    "realm", ["http://auth.example/token", "/token", "auth.example", "https://", "https://u:p@a/", "https://[x"]
)
def test_a_token_is_asked_for_at_a_plain_https_address_alone(realm: str) -> None:
    assert not is_token_service(realm)


@pytest.mark.parametrize(
    ("registry", "realm"),
    [
        ("ghcr.io", "https://ghcr.io/token"),
        ("GHCR.io", "https://ghcr.IO/token"),
        ("registry.gitlab.com", "https://gitlab.com/jwt/auth"),
        ("registry.example", "https://auth.registry.example/token"),
        ("harbor.example:8443", "https://harbor.example/service/token"),
        ("[::1]:5000", "https://[::1]:5001/token"),
        ("127.0.0.1:5000", "https://127.0.0.1/token"),
    ],
)
def test_credentials_go_to_the_registrys_own_host_and_to_those_above_and_below(registry: str, realm: str) -> None:
    assert may_be_shown(registry, realm)


@pytest.mark.parametrize(
    ("registry", "realm"),
    [
        ("mine.azurecr.io", "https://evil.azurecr.io/token"),
        ("ghcr.io", "https://evil.example/token"),
        ("ghcr.io", "https://notghcr.io/token"),
        ("ghcr.io", "https://ghcr.io.evil.example/token"),
        ("registry.com", "https://com/token"),
        ("10.0.0.1", "https://0.0.1/token"),
        ("ghcr.io", "https://[bad"),
    ],
)
def test_credentials_go_nowhere_else(registry: str, realm: str) -> None:
    assert not may_be_shown(registry, realm)

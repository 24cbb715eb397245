"""Docker Hub and MCR as they answer, and as they should not."""

from __future__ import annotations

import base64

import pytest
from requests import exceptions
from urllib3.exceptions import HTTPError, LocationValueError

from shared.adapters.upstream.docker_hub import HubAddresses, HubTokens, docker_hub
from shared.adapters.upstream.http import UpstreamHttp
from shared.adapters.upstream.manifests import MANIFEST_TYPES
from shared.adapters.upstream.mcr import mcr
from shared.adapters.upstream.oci_registry import OciRegistry
from shared.domain.references import DOCKER_HUB, MCR, Repository, Tag
from shared.errors import NotFound, RateLimited, Refused, Unavailable
from shared.registry_accounts import Account
from tests.doubles.registries import digest_of
from tests.doubles.scripted_http import ScriptedHttp, wire

__all__ = ["wire"]
pytestmark = pytest.mark.unit

NODE, SDK, TAG = Repository(DOCKER_HUB, "library/node"), Repository(MCR, "dotnet/sdk"), Tag("22-alpine")
DIGEST = digest_of("node")
HELD = {"Docker-Content-Digest": DIGEST, "Content-Type": MANIFEST_TYPES[0]}
HUB = HubAddresses("https://registry-1.docker.io", "https://auth.docker.io", "https://hub.docker.com")
GRANT = {"token": "granted-token", "expires_in": 300}


def hub(username: str = "", token: str = "") -> OciRegistry:
    """Return Docker Hub as an account sees it, or anonymous callers."""
    return docker_hub(HUB, Account(username, token))


def test_a_look_is_a_head_that_names_the_index_types(wire: ScriptedHttp) -> None:
    wire.answer(200, HELD)
    assert mcr("https://mcr.microsoft.com/").digest(SDK, TAG) == DIGEST
    (request,) = wire.requests
    assert (request.method, request.url) == ("HEAD", f"https://mcr.microsoft.com/v2/dotnet/sdk/manifests/{TAG}")
    assert "application/vnd.oci.image.index.v1+json" in request.headers["Accept"]
    assert "Authorization" not in request.headers


def test_docker_hub_gets_a_token_of_its_own_service_for_one_repository(wire: ScriptedHttp) -> None:
    wire.answer(200, body=GRANT)
    wire.answer(200, HELD)
    assert hub("someone", "pat").digest(NODE, TAG) == DIGEST
    token, head = wire.requests
    assert token.path_url == "/token?service=registry.docker.io&scope=repository%3Alibrary%2Fnode%3Apull"
    assert token.headers["Authorization"] == "Basic " + base64.b64encode(b"someone:pat").decode()
    assert head.headers["Authorization"] == "Bearer granted-token"


def test_an_anonymous_caller_sends_no_account_even_if_a_netrc_file_has_one(
    wire: ScriptedHttp, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("requests.sessions.get_netrc_auth", lambda _: ("netrc", "password"))
    wire.answer(200, body=GRANT)
    wire.answer(200, HELD)
    hub().digest(NODE, TAG)
    assert "Authorization" not in wire.requests[0].headers
    assert wire.requests[1].headers["Authorization"] == "Bearer granted-token"


def test_each_repository_has_its_own_token(wire: ScriptedHttp) -> None:
    upstream = hub()
    for repository in (NODE, Repository(DOCKER_HUB, "library/python"), NODE):
        if len(wire.requests) < 4:
            wire.answer(200, body=GRANT)
        wire.answer(200, HELD)
        upstream.digest(repository, TAG)
    assert [request.method for request in wire.requests] == ["GET", "HEAD", "GET", "HEAD", "HEAD"]


def test_a_token_is_not_used_in_its_last_half_minute(wire: ScriptedHttp) -> None:
    now = 0.0
    tokens = HubTokens(UpstreamHttp(DOCKER_HUB), HUB.auth, Account(), lambda: now)
    wire.answer(200, body=GRANT)
    wire.answer(200, body={"access_token": "second", "expires_in": 300})
    first = tokens.authorization("library/node")
    now = 269.0
    assert tokens.authorization("library/node") == first == "Bearer granted-token"
    now = 271.0
    assert tokens.authorization("library/node") == "Bearer second"


def test_a_token_of_a_minute_is_used_for_half_of_it(wire: ScriptedHttp) -> None:
    now = 0.0
    tokens = HubTokens(UpstreamHttp(DOCKER_HUB), HUB.auth, Account(), lambda: now)
    wire.answer(200, body={"token": "short"})
    tokens.authorization("library/node")
    now = 29.0
    assert tokens.authorization("library/node") == "Bearer short"


# One token for many repositories.


def test_one_token_is_asked_for_many_repositories_and_each_uses_it(wire: ScriptedHttp) -> None:
    upstream = hub()
    python = Repository(DOCKER_HUB, "library/python")
    upstream.prepare((NODE, python))
    wire.answer(200, body=GRANT)
    for repository in (NODE, python):
        wire.answer(200, HELD)
        upstream.digest(repository, TAG)
    token, *heads = wire.requests
    scopes = "scope=repository%3Alibrary%2Fnode%3Apull&scope=repository%3Alibrary%2Fpython%3Apull"
    assert token.path_url == f"/token?service=registry.docker.io&{scopes}"
    assert [head.headers["Authorization"] for head in heads] == ["Bearer granted-token"] * 2


def test_no_token_is_asked_for_while_none_is_needed(wire: ScriptedHttp) -> None:
    hub().prepare((NODE, Repository(DOCKER_HUB, "library/python")))
    assert wire.requests == []


def test_repositories_that_have_a_token_are_not_asked_for_again(wire: ScriptedHttp) -> None:
    tokens = HubTokens(UpstreamHttp(DOCKER_HUB), HUB.auth, Account())
    wire.answer(200, body=GRANT)
    for path in ("library/node", "library/python", "library/node"):
        tokens.prepare(("library/node", "library/python"))
        assert tokens.authorization(path) == "Bearer granted-token"
    assert len(wire.requests) == 1


def test_no_token_is_for_more_repositories_than_a_header_can_name(wire: ScriptedHttp) -> None:
    paths = tuple(f"{'team' * 12}/{'image' * 20}-{number}" for number in range(60))
    for _ in range(60):
        wire.answer(200, body=GRANT)
    tokens = HubTokens(UpstreamHttp(DOCKER_HUB), HUB.auth, Account())
    tokens.prepare(paths)
    assert {tokens.authorization(path) for path in paths} == {"Bearer granted-token"}
    assert all(len(request.path_url) < 2_500 for request in wire.requests)
    asked = [request.path_url.count("scope=") for request in wire.requests]
    assert sum(asked) == 60
    assert len(asked) <= 8


def test_where_many_at_once_are_refused_each_repository_gets_its_own_token(wire: ScriptedHttp) -> None:
    upstream = hub()
    upstream.prepare((NODE, Repository(DOCKER_HUB, "library/python")))
    wire.answer(400)
    wire.answer(200, body=GRANT)
    wire.answer(200, HELD)
    assert upstream.digest(NODE, TAG) == DIGEST


def test_a_repository_that_the_common_token_does_not_cover_asks_for_its_own(wire: ScriptedHttp) -> None:
    upstream = hub()
    upstream.prepare((NODE, Repository(DOCKER_HUB, "library/python")))
    wire.answer(200, body={**GRANT, "token": "common"})
    wire.answer(401)
    wire.answer(200, body={**GRANT, "token": "own"})
    wire.answer(200, HELD)
    assert upstream.digest(NODE, TAG) == DIGEST
    assert [request.headers.get("Authorization") for request in wire.requests[1:]] == [
        "Bearer common",
        None,
        "Bearer own",
    ]


def test_a_token_service_that_is_down_is_told_by_whoever_needs_it(wire: ScriptedHttp) -> None:
    upstream = hub()
    upstream.prepare((NODE, Repository(DOCKER_HUB, "library/python")))
    wire.answer(503)
    with pytest.raises(Unavailable):
        upstream.digest(NODE, TAG)


def test_a_token_that_is_not_accepted_is_replaced_once_and_not_again(wire: ScriptedHttp) -> None:
    for answer in range(2):
        wire.answer(200, body={**GRANT, "token": f"token-{answer}"})
        wire.answer(401)
    with pytest.raises(Refused):
        hub().digest(NODE, TAG)
    assert [request.headers.get("Authorization") for request in wire.requests] == [
        None,
        "Bearer token-0",
        None,
        "Bearer token-1",
    ]


def test_a_repository_that_docker_hub_hides_is_not_found(wire: ScriptedHttp) -> None:
    challenge = {"WWW-Authenticate": 'Bearer realm="https://auth.docker.io/token",error="insufficient_scope"'}
    for _ in range(2):
        wire.answer(200, body=GRANT)
        wire.answer(401, challenge)
    with pytest.raises(NotFound, match="private"):
        hub().digest(NODE, TAG)


@pytest.mark.parametrize("status", [401, 403])
def test_an_account_that_is_not_accepted_is_named_and_its_token_is_not(wire: ScriptedHttp, status: int) -> None:
    wire.answer(status, body={"details": "incorrect username or password"})
    with pytest.raises(Refused, match="someone") as refused:
        hub("someone", "the-pat").digest(NODE, TAG)
    assert "the-pat" not in str(refused.value)


def test_a_tag_that_is_not_there_is_none(wire: ScriptedHttp) -> None:
    wire.answer(404)
    assert mcr("https://mcr.microsoft.com").digest(SDK, TAG) is None


@pytest.mark.parametrize(
    ("status", "kind"),
    [(301, Refused), (307, Refused), (400, Refused), (403, Refused), (429, RateLimited), (408, Unavailable),
     (500, Unavailable), (503, Unavailable)],
)  # fmt: skip
def test_every_other_status_has_a_meaning(wire: ScriptedHttp, status: int, kind: type[Exception]) -> None:
    wire.answer(status, {"Location": "https://elsewhere.example/", "Retry-After": "9"})
    with pytest.raises(kind):
        mcr("https://mcr.microsoft.com").digest(SDK, TAG)
    assert len(wire.requests) == 1, "a redirect is not followed"


@pytest.mark.parametrize("digest", ["", "sha256:abc", "sha256:" + "G" * 64, "latest", "sha256:" + "a" * 64 + "\x20x"])
def test_an_answer_without_a_digest_is_no_answer(wire: ScriptedHttp, digest: str) -> None:
    wire.answer(200, {"Docker-Content-Digest": digest} if digest else {})
    with pytest.raises(Unavailable, match="docker-content-digest"):
        mcr("https://mcr.microsoft.com").digest(SDK, TAG)


@pytest.mark.parametrize(
    ("headers", "body"),
    [
        ({}, b"<html>not found</html>"),
        ({}, b""),
        ({}, b"\xff\xfe"),
        ({}, b'{"token": 7}'),
        ({}, b'{"token": ""}'),
        ({}, b"[]"),
        ({}, b'{"token": "' + b"x" * 70_000 + b'"}'),
        ({"Content-Length": "500"}, b'{"token": "cut'),
        ({"Content-Encoding": "gzip"}, b"no gzip"),
    ],
)
def test_a_token_service_that_answers_nonsense_is_unavailable(
    wire: ScriptedHttp, headers: dict[str, str], body: bytes
) -> None:
    wire.answer(200, headers, body)
    with pytest.raises(Unavailable):
        hub().digest(NODE, TAG)


@pytest.mark.parametrize("token", ["white space", "line\nbreak", "ümlaut"])
def test_a_token_that_would_not_fit_a_header_is_not_used(wire: ScriptedHttp, token: str) -> None:
    wire.answer(200, body={"token": token})
    with pytest.raises(Unavailable, match="no token"):
        hub().digest(NODE, TAG)


@pytest.mark.parametrize("kind", ["text/html", "application/vnd.docker.distribution.manifest.v1+prettyjws"])
def test_an_answer_of_another_type_is_no_answer(wire: ScriptedHttp, kind: str) -> None:
    wire.answer(200, {**HELD, "Content-Type": kind})
    with pytest.raises(Unavailable, match=kind.partition("+")[0]):
        mcr("https://mcr.microsoft.com").digest(SDK, TAG)


def test_a_type_with_parameters_in_any_case_is_known(wire: ScriptedHttp) -> None:
    wire.answer(200, {**HELD, "Content-Type": "Application/vnd.oci.image.index.v1+JSON; charset=utf-8"})
    assert mcr("https://mcr.microsoft.com").digest(SDK, TAG) == DIGEST


def test_a_digest_that_the_same_answer_contradicts_is_not_believed(wire: ScriptedHttp) -> None:
    wire.answer(200, {**HELD, "ETag": f'"{digest_of("something else")}"'})
    with pytest.raises(Unavailable, match="ETag"):
        mcr("https://mcr.microsoft.com").digest(SDK, TAG)


@pytest.mark.parametrize("etag", [f'"{DIGEST}"', f'W/"{DIGEST}"', '"5f3-abc"', ""])
def test_other_etags_do_not_matter(wire: ScriptedHttp, etag: str) -> None:
    wire.answer(200, {**HELD, "ETag": etag})
    assert mcr("https://mcr.microsoft.com").digest(SDK, TAG) == DIGEST


@pytest.mark.parametrize("location", ["https://[bad", "http://", "\x7f", "//"])
def test_a_redirect_that_leads_nowhere_breaks_nothing(wire: ScriptedHttp, location: str) -> None:
    wire.answer(307, {"Location": location})
    with pytest.raises(Refused):
        mcr("https://mcr.microsoft.com").digest(SDK, TAG)


def _kinds_of(error: type[Exception]) -> set[type[Exception]]:
    return {error}.union(*map(_kinds_of, error.__subclasses__()))


def _all_of(error: type[Exception]) -> list[type[Exception]]:
    kinds = {kind for kind in _kinds_of(error) if kind.__module__ == error.__module__}
    return sorted(kinds, key=lambda kind: kind.__name__)


# Requests opens connections alone: what it does not accept is an address, or a proxy of the machine.
WRONG_REQUESTS = {*_all_of(exceptions.RequestException), *_all_of(LocationValueError), ValueError, OSError}


@pytest.mark.parametrize("kind", [*_all_of(HTTPError), *sorted(WRONG_REQUESTS, key=lambda kind: kind.__name__)])
def test_every_error_of_the_libraries_is_translated_and_not_shown(wire: ScriptedHttp, kind: type[Exception]) -> None:
    error = kind.__new__(kind)
    Exception.__init__(error, "https://mcr.microsoft.com/?sig=S3CRET")
    vars(error).update(length="3", partial=1, expected=2)
    wire.fail(error)
    with pytest.raises(Refused if kind in WRONG_REQUESTS else Unavailable) as translated:
        mcr("https://mcr.microsoft.com").digest(SDK, TAG)
    assert "S3CRET" not in str(translated.value)
    assert translated.value.__suppress_context__, "a traceback would show the text of the library's error"


@pytest.mark.parametrize("value", ["Bearer a\nHost: elsewhere", "Bearer \u2603"])
def test_a_header_that_cannot_be_sent_is_refused_and_not_shown(value: str) -> None:
    with pytest.raises(Refused, match="characters") as refused:
        UpstreamHttp("the registry").ask("looking", "http://127.0.0.1:9/", headers={"Authorization": value})
    assert "Bearer" not in str(refused.value)

"""Any registry by its host alone: challenges, redirects, pages, and what it should not answer."""

from __future__ import annotations

import base64
import hashlib
from datetime import timedelta
from typing import Any

import pytest

from shared.adapters.upstream.docker_hub import HubAddresses
from shared.adapters.upstream.manifests import MANIFEST_TYPES
from shared.adapters.upstream.oci_registry import OciRegistry
from shared.adapters.upstream.tag_pages import MOST_TAGS
from shared.adapters.upstream.upstreams import Upstreams, any_registry
from shared.domain.references import DOCKER_HUB, MCR, Digest, Repository, Tag, parse_repository
from shared.domain.watching.budget import Learned
from shared.errors import NotFound, RateLimited, Refused, ServiceError, Unavailable, UnusableAnswer
from shared.registry_accounts import Account
from tests.doubles.registries import digest_of
from tests.doubles.scripted_http import ScriptedHttp, wire

__all__ = ["wire"]
pytestmark = pytest.mark.unit

APP, TAG, DIGEST = Repository("ghcr.io", "org/app"), Tag("v1"), digest_of("app")
HELD = {"Docker-Content-Digest": DIGEST, "Content-Type": MANIFEST_TYPES[2]}
BEARER = {"WWW-Authenticate": 'Bearer realm="https://ghcr.io/token",service="ghcr.io",scope="repository:org/app:pull"'}
BASIC = {"WWW-Authenticate": 'Basic realm="registry"'}
GRANT = {"token": "granted", "expires_in": 300}
ROBOT = Account("robot", "the-pat")
SHOWN = "Basic " + base64.b64encode(b"robot:the-pat").decode()


def ghcr(account: Account = Account()) -> OciRegistry:  # noqa: B008  frozen
    """Return a registry that nothing is known of but its host."""
    return any_registry("ghcr.io", account)


def shown(wire: ScriptedHttp) -> list[tuple[str, str, str | None]]:
    """Return what was asked: method, address and the right that was shown."""
    return [(str(each.method), str(each.url), each.headers.get("Authorization")) for each in wire.requests]


# Who gives the right to read.


def test_a_registry_that_asks_for_nothing_is_shown_nothing(wire: ScriptedHttp) -> None:
    wire.answer(200, HELD)
    assert ghcr(ROBOT).digest(APP, TAG) == DIGEST
    assert shown(wire) == [("HEAD", "https://ghcr.io/v2/org/app/manifests/v1", None)]


def test_a_bearer_challenge_is_met_with_a_token_of_the_service_it_names(wire: ScriptedHttp) -> None:
    wire.answer(401, BEARER)
    wire.answer(200, body=GRANT)
    wire.answer(200, HELD)
    assert ghcr().digest(APP, TAG) == DIGEST
    _, token, head = shown(wire)
    assert token == ("GET", "https://ghcr.io/token?service=ghcr.io&scope=repository%3Aorg%2Fapp%3Apull", None)
    assert head[2] == "Bearer granted"


def test_what_was_asked_for_once_is_brought_along_to_the_next_repository(wire: ScriptedHttp) -> None:
    upstream = ghcr()
    wire.answer(401, BEARER)
    for _ in range(2):
        wire.answer(200, body=GRANT)
        wire.answer(200, HELD)
    upstream.digest(APP, TAG)
    upstream.digest(Repository("ghcr.io", "org/other"), TAG)
    assert [method for method, *_ in shown(wire)] == ["HEAD", "GET", "HEAD", "GET", "HEAD"]
    assert "other" in shown(wire)[3][1]


def test_the_account_is_shown_to_the_token_service_and_not_to_the_registry(wire: ScriptedHttp) -> None:
    wire.answer(401, BEARER)
    wire.answer(200, body=GRANT)
    wire.answer(200, HELD)
    ghcr(ROBOT).digest(APP, TAG)
    assert [right for *_, right in shown(wire)] == [None, SHOWN, "Bearer granted"]


def test_a_basic_challenge_is_met_with_the_account_from_then_on(wire: ScriptedHttp) -> None:
    upstream = ghcr(ROBOT)
    wire.answer(401, BASIC)
    wire.answer(200, HELD)
    wire.answer(200, HELD)
    upstream.digest(APP, TAG)
    upstream.digest(APP, TAG)
    assert [right for *_, right in shown(wire)] == [None, SHOWN, SHOWN]


@pytest.mark.parametrize(("account", "requests"), [(Account(), 1), (ROBOT, 2)])
def test_a_basic_challenge_that_cannot_be_met_is_refused_and_not_tried_again(
    wire: ScriptedHttp, account: Account, requests: int
) -> None:
    for _ in range(requests):
        wire.answer(401, BASIC)
    with pytest.raises(Refused, match="401"):
        ghcr(account).digest(APP, TAG)


def test_a_token_that_expires_in_mid_check_is_replaced_once(wire: ScriptedHttp) -> None:
    upstream = ghcr()
    wire.answer(401, BEARER)
    wire.answer(200, body=GRANT)
    wire.answer(200, HELD)
    wire.answer(401, BEARER)
    wire.answer(200, body={**GRANT, "token": "second"})
    wire.answer(200, HELD)
    upstream.digest(APP, TAG)
    assert upstream.digest(APP, TAG) == DIGEST
    assert shown(wire)[-1][2] == "Bearer second"


def test_a_service_with_one_scope_for_everything_gives_one_token_for_everything(wire: ScriptedHttp) -> None:
    upstream = any_registry("public.ecr.aws")
    challenge = {
        "WWW-Authenticate": 'Bearer realm="https://public.ecr.aws/token/",service="public.ecr.aws",scope="aws"'
    }
    wire.answer(401, challenge)
    wire.answer(200, body=GRANT)
    for name in ("a/b", "c/d"):
        wire.answer(200, HELD)
        upstream.digest(Repository("public.ecr.aws", name), TAG)
    assert [method for method, *_ in shown(wire)] == ["HEAD", "GET", "HEAD", "HEAD"]
    assert shown(wire)[1][1].endswith("scope=aws")


def test_credentials_are_not_sent_to_a_stranger_and_the_refusal_says_how_to_allow_it(wire: ScriptedHttp) -> None:
    wire.answer(401, {"WWW-Authenticate": 'Bearer realm="https://gitlab.example.com/jwt/auth"'})
    with pytest.raises(Refused, match="token_host") as refused:
        any_registry("registry.example.com", ROBOT).digest(Repository("registry.example.com", "a"), TAG)
    assert len(wire.requests) == 1
    assert "the-pat" not in str(refused.value)


def test_credentials_are_sent_to_the_token_host_of_the_settings(wire: ScriptedHttp) -> None:
    account = Account("robot", "the-pat", "gitlab.example.com")
    wire.answer(401, {"WWW-Authenticate": 'Bearer realm="https://gitlab.example.com/jwt/auth"'})
    wire.answer(200, body=GRANT)
    wire.answer(200, HELD)
    any_registry("registry.example.com", account).digest(Repository("registry.example.com", "a"), TAG)
    assert shown(wire)[1][2] == SHOWN


def test_anonymous_callers_ask_any_token_service(wire: ScriptedHttp) -> None:
    wire.answer(401, {"WWW-Authenticate": 'Bearer realm="https://auth.elsewhere.example/token"'})
    wire.answer(200, body=GRANT)
    wire.answer(200, HELD)
    assert ghcr().digest(APP, TAG) == DIGEST


@pytest.mark.parametrize("realm", ["http://ghcr.io/token", "//ghcr.io/token", "https://u:p@ghcr.io/", "https://[x"])
def test_no_token_is_asked_for_over_plain_http_or_at_nonsense(wire: ScriptedHttp, realm: str) -> None:
    wire.answer(401, {"WWW-Authenticate": f'Bearer realm="{realm}"'})
    with pytest.raises(Refused, match="https"):
        ghcr().digest(APP, TAG)


@pytest.mark.parametrize("status", [401, 403])
def test_an_account_that_is_not_accepted_is_named_with_its_setting_and_without_its_password(
    wire: ScriptedHttp, status: int
) -> None:
    wire.answer(401, BEARER)
    wire.answer(status)
    with pytest.raises(Refused, match=r"'robot'.*REGISTRY_CREDENTIALS") as refused:
        ghcr(ROBOT).digest(APP, TAG)
    assert "the-pat" not in str(refused.value)


def test_what_anonymous_callers_get_no_token_for_is_private_or_not_there(wire: ScriptedHttp) -> None:
    wire.answer(401, BEARER)
    wire.answer(403)
    with pytest.raises(Refused, match="private, or not there"):
        ghcr().digest(APP, TAG)


# A repository that is renamed, private or forbidden.


@pytest.mark.parametrize("ask", ["digest", "tags"])
def test_a_repository_that_is_hidden_or_forbidden_is_told_apart(wire: ScriptedHttp, ask: str) -> None:
    def asked() -> Any:
        return ghcr().digest(APP, TAG) if ask == "digest" else ghcr().tags(APP)

    wire.answer(403)
    with pytest.raises(Refused, match="403"):
        asked()
    wire.answer(401, {"WWW-Authenticate": 'Negotiate, error="insufficient_scope"'})
    with pytest.raises(NotFound, match="private"):
        asked()
    for _ in range(2 if ask == "digest" else 1):
        wire.answer(404)
    if ask == "digest":
        assert asked() is None, "a HEAD has no body to say whether the tag or the repository is not there"
    else:
        with pytest.raises(NotFound):
            asked()


# Hosts.


@pytest.mark.parametrize(
    ("text", "url"),
    [
        ("[::1]:5000/a/b", "https://[::1]:5000/v2/a/b/manifests/v1"),
        ("registry.test:8443/a", "https://registry.test:8443/v2/a/manifests/v1"),
        ("Registry.TEST/a", "https://registry.test/v2/a/manifests/v1"),
        ("localhost/a", "https://localhost/v2/a/manifests/v1"),
    ],
)
def test_a_host_may_have_a_port_or_be_an_address(wire: ScriptedHttp, text: str, url: str) -> None:
    repository = parse_repository(text)
    wire.answer(200, HELD)
    assert any_registry(repository.registry).digest(repository, TAG) == DIGEST
    assert shown(wire) == [("HEAD", url, None)]


def test_a_tag_in_upper_case_is_asked_for_as_it_is(wire: ScriptedHttp) -> None:
    wire.answer(200, HELD)
    ghcr().digest(APP, Tag("RC.1_Final"))
    assert shown(wire)[0][1].endswith("/manifests/RC.1_Final")


def test_each_registry_has_one_adapter_made_when_first_asked_for() -> None:
    hub = HubAddresses("https://registry-1.docker.io", "https://auth.docker.io", "https://hub.docker.com")
    upstreams = Upstreams(hub, "https://mcr.microsoft.com", {"ghcr.io": ROBOT})
    made = {registry: upstreams.upstream_for(registry) for registry in (DOCKER_HUB, MCR, "ghcr.io", "[::1]:5000")}
    assert len({id(upstream) for upstream in made.values()}) == 4
    assert upstreams.upstream_for("ghcr.io") is made["ghcr.io"]


# Redirects.


def test_a_redirect_is_followed_and_the_token_stays_behind(wire: ScriptedHttp) -> None:
    wire.answer(401, BEARER)
    wire.answer(200, body=GRANT)
    wire.answer(307, {"Location": "https://eu.pkg.example/v2/k8s/pause/manifests/v1"})
    wire.answer(200, HELD)
    assert ghcr().digest(APP, TAG) == DIGEST
    assert shown(wire)[-1] == ("HEAD", "https://eu.pkg.example/v2/k8s/pause/manifests/v1", None)
    assert "index" in wire.requests[-1].headers["Accept"]


def test_the_next_page_at_another_host_is_asked_for_without_the_token(wire: ScriptedHttp) -> None:
    wire.answer(401, BEARER)
    wire.answer(200, body=GRANT)
    wire.answer(307, {"Location": "https://eu.pkg.example/v2/k8s/app/tags/list?n=1000"})
    wire.answer(200, {"Link": '</v2/k8s/app/tags/list?last=a>; rel="next"'}, {"tags": ["a"]})
    wire.answer(200, body={"tags": ["b"]})
    assert ghcr().tags(APP) == ("a", "b")
    assert shown(wire)[-1] == ("GET", "https://eu.pkg.example/v2/k8s/app/tags/list?last=a", None)


EU = "https://eu.pkg.example"
EU_BEARER = {"WWW-Authenticate": f'Bearer realm="{EU}/token",service="eu",scope="repository:k8s/app:pull"'}


def test_the_challenge_of_the_place_one_was_sent_to_is_met_without_credentials(wire: ScriptedHttp) -> None:
    upstream = ghcr(ROBOT)
    wire.answer(307, {"Location": f"{EU}/v2/k8s/app/manifests/v1"})
    wire.answer(401, EU_BEARER)
    wire.answer(200, body=GRANT)
    wire.answer(200, HELD)
    assert upstream.digest(APP, TAG) == DIGEST
    assert shown(wire)[2:] == [
        ("GET", f"{EU}/token?service=eu&scope=repository%3Ak8s%2Fapp%3Apull", None),
        ("HEAD", f"{EU}/v2/k8s/app/manifests/v1", "Bearer granted"),
    ]
    wire.answer(307, {"Location": f"{EU}/v2/k8s/app/manifests/v1"})
    wire.answer(200, HELD)
    assert upstream.digest(APP, TAG) == DIGEST
    assert [right for *_, right in shown(wire)[4:]] == [None, "Bearer granted"], "and is brought along from then on"


@pytest.mark.parametrize(
    "challenge", [EU_BEARER, BEARER, BASIC, {"WWW-Authenticate": 'Bearer realm="https://third.example/token"'}]
)
def test_no_place_one_was_sent_to_is_shown_the_credentials_of_another(
    wire: ScriptedHttp, challenge: dict[str, str]
) -> None:
    wire.answer(307, {"Location": f"{EU}/v2/k8s/app/manifests/v1"})
    wire.answer(401, challenge)
    wire.answer(200, body=GRANT)
    wire.answer(401, challenge)
    with pytest.raises(Refused):
        ghcr(ROBOT).digest(APP, TAG)
    assert not {right for *_, right in shown(wire)} & {SHOWN, f"Bearer {ROBOT.password}"}
    assert "the-pat" not in "".join(url for _, url, _ in shown(wire))


def test_a_list_at_another_registry_is_read_by_that_ones_token(wire: ScriptedHttp) -> None:
    wire.answer(307, {"Location": f"{EU}/v2/k8s/app/tags/list?n=1000"})
    wire.answer(401, EU_BEARER)
    wire.answer(200, body=GRANT)
    wire.answer(200, {"Link": '</v2/k8s/app/tags/list?last=a>; rel="next"'}, {"tags": ["a"]})
    wire.answer(200, body={"tags": ["b"]})
    assert ghcr(ROBOT).tags(APP) == ("a", "b")
    assert [right for *_, right in shown(wire)[2:]] == [None, "Bearer granted", "Bearer granted"]


PRIVATE = [
    "127.0.0.1",
    "10.1.2.3",
    "169.254.169.254",
    "[::1]",
    "[fd00::1]",
    "[::ffff:10.0.0.1]",
    "168.63.129.16",
]


@pytest.mark.parametrize("host", PRIVATE)
def test_no_registry_sends_us_into_a_private_network(wire: ScriptedHttp, host: str) -> None:
    wire.answer(307, {"Location": f"https://{host}/v2/k8s/app/manifests/v1"})
    with pytest.raises(Refused, match="not everybody can reach"):
        ghcr(ROBOT).digest(APP, TAG)
    wire.answer(401, {"WWW-Authenticate": f'Bearer realm="https://{host}/token"'})
    with pytest.raises(Refused, match="not everybody can reach"):
        ghcr().digest(APP, TAG)
    assert len(wire.requests) == 2


def test_a_registry_of_a_private_network_is_asked_as_the_watch_list_has_it(wire: ScriptedHttp) -> None:
    wire.answer(401, {"WWW-Authenticate": 'Bearer realm="https://10.1.2.3:8443/token"'})
    wire.answer(200, body=GRANT)
    wire.answer(200, HELD)
    assert any_registry("10.1.2.3:5000").digest(Repository("10.1.2.3:5000", "a"), TAG) == DIGEST


# What HEAD does not tell.


MANIFEST = b'{"schemaVersion": 2, "mediaType": "application/vnd.oci.image.index.v1+json", "manifests": []}'
OF_MANIFEST = f"sha256:{hashlib.sha256(MANIFEST).hexdigest()}"
INDEX = {"Content-Type": MANIFEST_TYPES[0]}


@pytest.mark.parametrize(("status", "headers"), [(404, {}), (405, {}), (501, {}), (200, INDEX), (200, {})])
def test_where_head_does_not_tell_the_manifest_is_read_and_that_is_told(
    wire: ScriptedHttp, caplog: pytest.LogCaptureFixture, status: int, headers: dict[str, str]
) -> None:
    wire.answer(status, headers)
    wire.answer(200, INDEX, MANIFEST)
    upstream = ghcr()
    assert not upstream.reads(APP)
    assert upstream.digest(APP, TAG) == OF_MANIFEST
    assert upstream.reads(APP)
    assert [method for method, *_ in shown(wire)] == ["HEAD", "GET"]
    assert "some registries count as a pull" in caplog.text


def test_a_registry_that_knows_no_head_is_not_asked_by_it_again(wire: ScriptedHttp) -> None:
    upstream = ghcr()
    wire.answer(405)
    for _ in range(3):
        wire.answer(200, INDEX, MANIFEST)
    assert {upstream.digest(APP, TAG) for _ in range(3)} == {OF_MANIFEST}
    assert [method for method, *_ in shown(wire)] == ["HEAD", "GET", "GET", "GET"]
    wire.answer(404)
    assert upstream.digest(APP, TAG) is None
    assert upstream.reads(Repository("ghcr.io", "org/other")), "it is one registry that knows no HEAD"


def test_a_registry_that_denies_one_tag_by_head_is_read_in_that_repository_alone(wire: ScriptedHttp) -> None:
    upstream = ghcr()
    wire.answer(404)
    wire.answer(200, INDEX, MANIFEST)
    wire.answer(404)
    wire.answer(404)
    assert upstream.digest(APP, TAG) == OF_MANIFEST
    assert upstream.digest(Repository("ghcr.io", "org/other"), TAG) is None
    assert (upstream.reads(APP), upstream.reads(Repository("ghcr.io", "org/other"))) == (True, False)


def test_a_manifest_that_is_sought_by_its_digest_is_read_where_head_does_not_tell(wire: ScriptedHttp) -> None:
    wire.answer(404)
    wire.answer(200, INDEX, MANIFEST)
    assert ghcr().holds(APP, Digest(OF_MANIFEST))


@pytest.mark.parametrize(
    ("headers", "body"),
    [
        ({"Content-Type": "text/html"}, b"<html>please log in</html>"),
        ({"Content-Type": "text/html"}, b"{}"),
        ({}, b""),
        ({}, b"[]"),
        ({}, b'{"errors": []}'),
        ({}, b'{"schemaVersion": 1, "name": "org/app"}'),
        ({"Content-Type": "application/vnd.docker.distribution.manifest.v1+prettyjws"}, b'{"schemaVersion": 1}'),
        (INDEX, b"[" * 200_000),
        ({**INDEX, "Docker-Content-Digest": DIGEST}, MANIFEST),
    ],
)
def test_what_is_read_and_is_no_manifest_is_no_answer(wire: ScriptedHttp, headers: dict[str, str], body: bytes) -> None:
    wire.answer(405)
    wire.answer(200, headers, body)
    with pytest.raises(UnusableAnswer):
        ghcr().digest(APP, TAG)


@pytest.mark.parametrize("upstream", ["docker.io", "mcr.microsoft.com"])
@pytest.mark.parametrize("status", [404, 405, 200])
def test_where_reading_may_be_a_pull_nothing_is_read(wire: ScriptedHttp, upstream: str, status: int) -> None:
    hub = HubAddresses("https://registry-1.docker.io", "https://auth.docker.io", "https://hub.docker.com")
    registry = Upstreams(hub, "https://mcr.microsoft.com", {}).upstream_for(upstream)
    if upstream == "docker.io":
        wire.answer(200, body=GRANT)
    wire.answer(status)
    if status == 404:
        assert registry.digest(Repository(upstream, "a/b"), TAG) is None
    else:
        with pytest.raises(ServiceError):
            registry.digest(Repository(upstream, "a/b"), TAG)
    assert shown(wire)[-1][0] == "HEAD"


# What is hidden from those who show nothing.


@pytest.mark.parametrize("status", [403, 404])
@pytest.mark.parametrize("challenge", [BEARER, BASIC])
def test_what_is_denied_without_a_challenge_is_asked_for_with_the_account(
    wire: ScriptedHttp, status: int, challenge: dict[str, str]
) -> None:
    upstream = ghcr(ROBOT)
    wire.answer(status)
    wire.answer(401, challenge)
    if challenge is BEARER:
        wire.answer(200, body=GRANT)
    wire.answer(200, HELD)
    assert upstream.digest(APP, TAG) == DIGEST
    assert shown(wire)[1][1] == "https://ghcr.io/v2/"
    wire.answer(200, HELD)
    upstream.digest(APP, TAG)
    assert shown(wire)[-1][2], "and the account is shown from then on"


def test_a_list_that_is_denied_without_a_challenge_is_asked_for_with_the_account(wire: ScriptedHttp) -> None:
    wire.answer(404)
    wire.answer(401, BASIC)
    wire.answer(200, body={"tags": ["a"]})
    assert ghcr(ROBOT).tags(APP) == ("a",)


def test_a_registry_that_anybody_may_read_is_asked_once_whether_it_wants_an_account(wire: ScriptedHttp) -> None:
    upstream = ghcr(ROBOT)
    for status in (404, 200, 404, 404, 404):
        wire.answer(status)
    assert [upstream.digest(APP, TAG) for _ in range(2)] == [None, None]
    assert [url.rpartition("ghcr.io")[2] for _, url, _ in shown(wire)].count("/v2/") == 1


def test_who_has_no_account_believes_what_is_denied(wire: ScriptedHttp) -> None:
    for _ in range(2):
        wire.answer(404)
    assert ghcr().digest(APP, TAG) is None


def test_a_redirect_within_the_registry_keeps_the_token(wire: ScriptedHttp) -> None:
    wire.answer(401, BEARER)
    wire.answer(200, body=GRANT)
    wire.answer(308, {"Location": "/v2/renamed/app/manifests/v1"})
    wire.answer(200, HELD)
    ghcr().digest(APP, TAG)
    assert shown(wire)[-1] == ("HEAD", "https://ghcr.io/v2/renamed/app/manifests/v1", "Bearer granted")


def test_a_fourth_redirect_is_not_followed(wire: ScriptedHttp) -> None:
    for number in range(4):
        wire.answer(307, {"Location": f"https://host{number}.example/"})
    with pytest.raises(Refused, match="more than 3 times"):
        ghcr().digest(APP, TAG)


@pytest.mark.parametrize("location", ["http://ghcr.io/v2/", "ftp://ghcr.io/", "https://u:p@ghcr.io/", "https://[bad"])
def test_a_redirect_to_anything_but_plain_https_is_refused(wire: ScriptedHttp, location: str) -> None:
    wire.answer(302, {"Location": location})
    with pytest.raises(Refused, match="redirected"):
        ghcr().digest(APP, TAG)


# Lists of tags.


def test_tags_are_read_page_by_page_each_once_and_without_what_is_no_tag(wire: ScriptedHttp) -> None:
    wire.answer(200, {"Link": '</v2/org/app/tags/list?last=b&n=2>; rel="next"'}, {"tags": ["a", "b"]})
    wire.answer(200, {"Link": "<https://ghcr.io/v2/org/app/tags/list?last=c>;rel=next"}, {"tags": ["b", "c", "no tag"]})
    wire.answer(200, {"Link": '</v2/org/app/tags/list>; rel="first"'}, {"name": "org/app", "tags": ["d", "-x", "D"]})
    assert ghcr().tags(APP) == ("a", "b", "c", "d", "D")
    assert [url.partition("?")[2] for _, url, _ in shown(wire)] == ["n=1000", "last=b&n=2", "last=c"]


@pytest.mark.parametrize("body", [{"tags": []}, {"name": "org/app", "tags": None}])
def test_a_list_without_tags_is_empty(wire: ScriptedHttp, body: object) -> None:
    wire.answer(200, body=body)
    assert ghcr().tags(APP) == ()


def test_a_registry_that_takes_no_page_of_that_size_is_asked_without(wire: ScriptedHttp) -> None:
    wire.answer(400, body={"errors": [{"code": "PAGINATION_NUMBER_INVALID"}]})
    wire.answer(200, body={"tags": ["a"]})
    assert ghcr().tags(APP) == ("a",)
    assert shown(wire)[1][1] == "https://ghcr.io/v2/org/app/tags/list"


def test_ten_thousand_tags_take_ten_pages(wire: ScriptedHttp) -> None:
    for page in range(10):
        tags = [f"t{number}" for number in range(page * 1000, (page + 1) * 1000)]
        link = {"Link": f'</v2/org/app/tags/list?n=1000&last=t{page}>; rel="next"'} if page < 9 else {}
        wire.answer(200, link, {"tags": tags})
    assert len(ghcr().tags(APP)) == 10_000


def test_more_tags_than_can_be_listed_are_refused(wire: ScriptedHttp) -> None:
    wire.answer(200, body={"tags": [f"t{number}" for number in range(MOST_TAGS + 1)]})
    with pytest.raises(Refused, match="watch exact tags"):
        ghcr().tags(APP)


NAMES = [f"t{number:04}" for number in range(2500)]


@pytest.mark.parametrize(("size", "requests"), [(1000, 3), (500, 6), (100, 26), (50, 51)])
def test_a_list_that_is_cut_off_without_a_word_is_asked_on_for(wire: ScriptedHttp, size: int, requests: int) -> None:
    for start in range(0, len(NAMES) + size, size):
        wire.answer(200, body={"tags": NAMES[start : start + size]})
    assert ghcr().tags(APP) == tuple(NAMES)
    assert len(wire.requests) == requests
    assert shown(wire)[1][1].endswith(f"?n=1000&last=t{size - 1:04}")


@pytest.mark.parametrize("size", [50, 1000])
def test_a_registry_that_ignores_where_to_go_on_is_asked_once_more_and_believed(wire: ScriptedHttp, size: int) -> None:
    for _ in range(2):
        wire.answer(200, body={"tags": NAMES[:size]})
    assert ghcr().tags(APP) == tuple(NAMES[:size])
    assert wire.left == 0


@pytest.mark.parametrize("status", [400, 404, 405, 422])
def test_a_registry_that_does_not_know_how_to_go_on_has_told_all(wire: ScriptedHttp, status: int) -> None:
    wire.answer(200, body={"tags": NAMES[:1000]})
    wire.answer(status)
    assert ghcr().tags(APP) == tuple(NAMES[:1000])


@pytest.mark.parametrize("status", [403, 429, 500])
def test_a_rest_that_is_refused_is_not_taken_for_the_end(wire: ScriptedHttp, status: int) -> None:
    wire.answer(200, body={"tags": NAMES[:1000]})
    wire.answer(status)
    with pytest.raises(ServiceError):
        ghcr().tags(APP)


def test_a_full_last_page_of_a_registry_that_names_its_next_ones_is_the_last(wire: ScriptedHttp) -> None:
    wire.answer(200, {"Link": '</v2/org/app/tags/list?last=x&n=1000>; rel="next"'}, {"tags": NAMES[:1000]})
    wire.answer(200, body={"tags": NAMES[1000:2000]})
    assert len(ghcr().tags(APP)) == 2000


LINKS = [
    '</v2/org/app/tags/list?last=a&n=1>; rel="next"',
    "</v2/org/app/tags/list?last=a&n=1>;rel=next",
    "</v2/org/app/tags/list?last=a&n=1>; REL=Next",
    "</v2/org/app/tags/list?last=a&n=1>; rel='next'",
    '</v2/org/app/tags/list?last=a&n=1>; rel="last next"',
    '</v2/org/app/tags/list?last=a&n=1> ; title="a, b" ; rel = "next" ; type="x"',
    '</v2/org/app/tags/list>; rel="first", </v2/org/app/tags/list?last=a&n=1>; rel="next"',
    '</v2/org/app/tags/list?last=a&n=1>; rel="next", </v2/org/app/tags/list?last=z>; rel="last"',
    '<list?last=a&n=1>; rel="next"',
    '<?last=a&n=1>; rel="next"',
    '<//ghcr.io/v2/org/app/tags/list?last=a&n=1>; rel="next"',
    '<https://ghcr.io/v2/org/app/tags/list?last=a&n=1>; rel="next"',
    '<https://GHCR.io:443/v2/org/app/tags/list?last=a&n=1>; rel="next"',
    '<http://ghcr.io/v2/org/app/tags/list?last=a&n=1>; rel="next"',
    '<http://ghcr.io:8080/v2/org/app/tags/list?last=a&n=1>; rel="next"',
    '< /v2/org/app/tags/list?last=a&n=1 >; rel="next"',
]


@pytest.mark.parametrize("link", LINKS)
def test_the_next_page_is_found_however_it_is_written(wire: ScriptedHttp, link: str) -> None:
    wire.answer(200, {"Link": link}, {"tags": ["a"]})
    wire.answer(200, body={"tags": ["b"]})
    assert ghcr().tags(APP) == ("a", "b")
    assert shown(wire)[1][1] == "https://ghcr.io/v2/org/app/tags/list?last=a&n=1"


@pytest.mark.parametrize(
    "link",
    ['</v2/x>; rel="prev"', '</v2/x>; rel="nextish"', '<>; rel="next"', "</v2/x>", "/v2/x; rel=next", "<<<", "a"],
)
def test_what_names_no_next_page_is_the_end(wire: ScriptedHttp, link: str) -> None:
    wire.answer(200, {"Link": link}, {"tags": ["a"]})
    assert ghcr().tags(APP) == ("a",)


def test_what_is_no_text_among_the_tags_is_left_out(wire: ScriptedHttp) -> None:
    wire.answer(200, body={"tags": [None, "1.0.0-1", 7, {"a": 1}, "2.0"]})
    assert ghcr().tags(APP) == ("1.0.0-1", "2.0")


@pytest.mark.parametrize(
    "link",
    [
        "https://evil.example/v2/",
        "https://evil.example/v2/org/app/tags/list",
        "http://ghcr.io/v2/",
        "https://ghcr.io:444/",
        "https://u:p@ghcr.io/v2/org/app/tags/list",
        "//[bad",
    ],
)
def test_the_next_page_is_not_looked_for_at_another_host(wire: ScriptedHttp, link: str) -> None:
    wire.answer(200, {"Link": f'<{link}>; rel="next"'}, {"tags": ["a"]})
    with pytest.raises(Unavailable, match="somewhere else"):
        ghcr().tags(APP)


def test_pages_that_lead_in_a_circle_end(wire: ScriptedHttp) -> None:
    for _ in range(3):
        wire.answer(200, {"Link": '</v2/org/app/tags/list?last=a>; rel="next"'}, {"tags": ["a"]})
    with pytest.raises(Unavailable, match="circle"):
        ghcr().tags(APP)


@pytest.mark.parametrize(
    ("headers", "body"),
    [
        ({"Content-Type": "text/html"}, b"<html>please log in</html>"),
        ({}, b""),
        ({}, b"{}"),
        ({}, b'{"tags": {"a": 1}}'),
        ({}, b'{"tags": [1]}'),
        ({}, b'{"tags": [null]}'),
        ({}, b"[" * 200_000),
        ({}, b'{"tags": [' + b"[" * 200_000),
        ({}, b'{"x":' * 200_000),
        ({"Content-Length": "500"}, b'{"tags": ["a'),
        ({}, b'{"tags": ["' + b"x" * (17 * 1024 * 1024) + b'"]}'),
    ],
)
def test_what_is_no_list_of_tags_is_not_taken_for_an_empty_one(
    wire: ScriptedHttp, headers: dict[str, str], body: bytes
) -> None:
    wire.answer(200, headers, body)
    with pytest.raises(Unavailable):
        ghcr().tags(APP)


# Limits.


def test_whatever_an_answer_says_of_limits_is_told_to_the_meter_under_the_registrys_name(wire: ScriptedHttp) -> None:
    told: list[tuple[str, Learned]] = []
    upstream = any_registry("quay.io", Account(), lambda upstream, learned: told.append((upstream, learned)))
    wire.answer(200, {**HELD, "X-RateLimit-Limit": "10", "X-RateLimit-Remaining": "9"})
    wire.answer(200, HELD)
    wire.answer(429, {"Retry-After": "30"})
    repository = Repository("quay.io", "org/app")
    upstream.digest(repository, TAG)
    upstream.digest(repository, TAG)
    with pytest.raises(RateLimited):
        upstream.digest(repository, TAG)
    assert told == [("quay.io", Learned(10, 9)), ("quay.io", Learned(locked_for=timedelta(seconds=30)))]

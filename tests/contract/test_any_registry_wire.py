"""A registry that is known by its host alone, over TLS: who gives the right to read, pages, redirects and failures."""

from __future__ import annotations

import shutil
import time
from pathlib import Path

import pytest

from shared.domain.references import Digest, Repository, Tag
from shared.domain.watching.budget import Learned
from shared.errors import NotFound, OperationFailed, RateLimited, Refused, ServiceError, Unavailable
from shared.ports import ImportSource
from shared.registry_accounts import Account
from tests.contract.registry_fixtures import STAGING, Outside, emulator, outside, word
from tests.contract.registry_sites import RegistrySite, acr, other
from tests.twin.images import push_image

__all__ = ["emulator", "outside", "word"]
pytestmark = pytest.mark.contract

TAG = Tag("v1")
ROBOT = Account("robot", "the-pat")
MANY = 10_000


@pytest.fixture
def pushed(outside: Outside, word: str) -> ImportSource:
    """An image in the other registry."""
    digest = push_image(outside.topology, "other", f"org/{word}:{TAG}", "text")
    return ImportSource(Repository(outside.topology.address("other"), f"org/{word}"), Digest(digest))


def set_up(outside: Outside, **settings: object) -> None:
    """Change what the other registry asks for."""
    outside.control("POST", "/settings", {f"other_{name}": value for name, value in settings.items()})


def test_a_challenge_costs_one_request_and_a_token_another_however_many_looks_follow(
    outside: Outside, pushed: ImportSource
) -> None:
    upstream = other(outside)
    for _ in range(3):
        assert upstream.digest(pushed.repository, TAG) == pushed.digest
    assert outside.counts("other") == {"HEAD manifest": 4, "GET token": 1}


@pytest.mark.parametrize("auth", ["bearer", "basic"])
def test_a_private_registry_is_read_with_its_account_alone(outside: Outside, pushed: ImportSource, auth: str) -> None:
    set_up(outside, auth=auth, user="robot", password="the-pat")
    assert other(outside, ROBOT).digest(pushed.repository, TAG) == pushed.digest
    with pytest.raises(Refused):
        other(outside).digest(pushed.repository, TAG)
    with pytest.raises(Refused) as refused:
        other(outside, Account("robot", "another-pat")).tags(pushed.repository)
    assert "another-pat" not in str(refused.value)


def test_a_token_that_expires_in_mid_check_is_replaced(outside: Outside, pushed: ImportSource) -> None:
    upstream = other(outside)
    upstream.digest(pushed.repository, TAG)
    outside.fault("other", "status", status=401, kind="HEAD manifest", headers=challenge(outside, pushed))
    assert upstream.digest(pushed.repository, TAG) == pushed.digest
    assert outside.counts("other")["GET token"] == 2


def challenge(outside: Outside, pushed: ImportSource) -> dict[str, str]:
    """Return the other registry's challenge, for a fault to play."""
    realm = f"{outside.topology.https('other')}/service/token"
    scope = f"repository:{pushed.repository.path}:pull"
    return {"WWW-Authenticate": f'Bearer realm="{realm}",service="registry.other.example",scope="{scope}"'}


def test_tokens_that_live_for_seconds_are_renewed_before_they_expire(outside: Outside, pushed: ImportSource) -> None:
    set_up(outside, token_seconds=2)
    upstream = other(outside)
    upstream.digest(pushed.repository, TAG)
    time.sleep(1.2)
    outside.forget_counts()
    assert upstream.digest(pushed.repository, TAG) == pushed.digest
    assert outside.counts("other") == {"GET token": 1, "HEAD manifest": 1}, "and not a 401 before"


def test_a_redirect_to_another_host_is_followed_without_the_token(outside: Outside, pushed: ImportSource) -> None:
    set_up(outside, redirects=True)
    upstream = other(outside)
    assert upstream.digest(pushed.repository, TAG) == pushed.digest
    assert upstream.tags(pushed.repository) == (TAG,)
    assert outside.counts("other")["HEAD manifest elsewhere"] == 1


def test_tags_are_listed_over_pages_with_and_without_redirects(outside: Outside, pushed: ImportSource) -> None:
    for tag in ("v2", "v3", "v4", "v5"):
        push_image(outside.topology, "other", f"{pushed.repository.path}:{tag}", "text")
    set_up(outside, page=2)
    assert other(outside).tags(pushed.repository) == ("v1", "v2", "v3", "v4", "v5")
    assert outside.counts("other")["GET tags list"] == 4, "three pages and the challenge"
    set_up(outside, redirects=True)
    assert len(other(outside).tags(pushed.repository)) == 5


def test_ten_thousand_tags_are_listed_in_ten_requests(outside: Outside, pushed: ImportSource) -> None:
    store = (
        outside.topology.registry_folder("other")
        / "docker/registry/v2/repositories"
        / pushed.repository.path
        / "_manifests/tags"
    )
    for number in range(MANY - 1):
        link = store / f"t{number:05}" / "current" / "link"
        link.parent.mkdir(parents=True)
        link.write_text(pushed.digest)
    upstream = other(outside)
    upstream.digest(pushed.repository, TAG)
    outside.forget_counts()
    tags = upstream.tags(pushed.repository)
    assert len(tags) == MANY
    assert outside.counts("other") == {"GET tags list": 10}
    assert upstream.digest(pushed.repository, Tag("t09998")) == pushed.digest


def test_a_repository_that_was_renamed_cannot_be_found(outside: Outside, pushed: ImportSource) -> None:
    upstream = other(outside)
    upstream.tags(pushed.repository)
    store: Path = outside.topology.registry_folder("other") / "docker/registry/v2/repositories" / pushed.repository.path
    shutil.rmtree(store)
    assert upstream.digest(pushed.repository, TAG) is None
    with pytest.raises(NotFound):
        upstream.tags(pushed.repository)


def test_an_empty_list_is_empty_and_no_error(outside: Outside, pushed: ImportSource) -> None:
    outside.fault("other", "status", status=200, kind="GET tags list", body='{"name": "org/app", "tags": null}')
    assert other(outside).tags(pushed.repository) == ()


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({"Retry-After": "17"}, 17),
        ({"X-Retry-After": "in ten minutes"}, 600),
        ({"X-RateLimit-Limit": "60", "X-RateLimit-Remaining": "0", "X-RateLimit-Reset": "45"}, 45),
        ({}, 60),
    ],
)
@pytest.mark.parametrize("ask", ["digest", "tags", "token"])
def test_a_429_is_told_to_the_meter_wherever_it_comes_from(
    outside: Outside, pushed: ImportSource, headers: dict[str, str], seconds: int, ask: str
) -> None:
    told: dict[str, Learned] = {}
    upstream = other(outside, meter=told.__setitem__)
    kind = "GET token" if ask == "token" else ""
    if "X-Retry-After" in headers:
        headers = {"X-Retry-After": str(int(time.time()) + seconds)}
    outside.fault("other", "status", status=429, headers=headers, kind=kind)
    with pytest.raises(RateLimited):
        if ask == "tags":
            upstream.tags(pushed.repository)
        else:
            upstream.digest(pushed.repository, TAG)
    locked_for = told[outside.topology.address("other")].locked_for
    assert locked_for is not None
    assert locked_for.total_seconds() == pytest.approx(seconds, abs=5 if "X-Retry-After" in headers else 0)


@pytest.mark.parametrize("status", [500, 502, 503, 504])
@pytest.mark.parametrize("kind", ["HEAD manifest", "GET token"])
def test_a_registry_that_is_down_is_unavailable(outside: Outside, pushed: ImportSource, status: int, kind: str) -> None:
    outside.fault("other", "status", status=status, kind=kind)
    with pytest.raises(Unavailable):
        other(outside).digest(pushed.repository, TAG)


def test_a_registry_that_hangs_up_is_unavailable(outside: Outside, pushed: ImportSource) -> None:
    outside.fault("other", "drop")
    with pytest.raises(Unavailable):
        other(outside).tags(pushed.repository)


def test_a_registry_that_does_not_answer_in_time_is_unavailable(
    outside: Outside, pushed: ImportSource, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("shared.adapters.upstream.http.TIMEOUTS", (1.0, 0.2))
    outside.fault("other", "slow", seconds=1.0)
    with pytest.raises(Unavailable, match="ReadTimeout"):
        other(outside).tags(pushed.repository)


def test_a_list_that_is_cut_short_is_unavailable(outside: Outside, pushed: ImportSource) -> None:
    body = '{"tags": ["v1"]}'
    outside.fault("other", "status", status=200, body=body, headers={"Content-Length": "900"}, kind="GET tags list")
    with pytest.raises(Unavailable):
        other(outside).tags(pushed.repository)


@pytest.mark.parametrize(
    "headers",
    [
        {"Content-Type": "text/html", "Docker-Content-Digest": "sha256:" + "a" * 64},
        {"Content-Type": "application/vnd.oci.image.manifest.v1+json", "Docker-Content-Digest": "sha256:abc"},
        {
            "Content-Type": "application/vnd.oci.image.manifest.v1+json",
            "Docker-Content-Digest": "sha256:" + "a" * 64,
            "ETag": '"sha256:' + "b" * 64 + '"',
        },
    ],
)
def test_an_answer_that_is_not_that_of_a_registry_is_not_believed(
    outside: Outside, pushed: ImportSource, headers: dict[str, str]
) -> None:
    outside.fault("other", "status", status=200, headers=headers, kind="HEAD manifest")
    with pytest.raises(Unavailable):
        other(outside).digest(pushed.repository, TAG)


@pytest.mark.parametrize("status", [200, 404, 405])
def test_where_head_does_not_tell_the_manifest_is_read(outside: Outside, pushed: ImportSource, status: int) -> None:
    outside.fault("other", "status", status=status, headers={}, kind="HEAD manifest")
    assert other(outside).digest(pushed.repository, TAG) == pushed.digest
    assert outside.counts("other")["GET manifest"] == 2, "the challenge, and the manifest"


def test_an_import_takes_the_account_of_its_source_along(outside: Outside, pushed: ImportSource, word: str) -> None:
    set_up(outside, user="robot", password="the-pat")
    with_account = acr(outside, STAGING, "staging", {pushed.repository.registry: ROBOT})
    RegistrySite(None, with_account, with_account).stage(pushed, word, TAG)  # type: ignore[arg-type]
    assert with_account.digest(word, TAG) == pushed.digest
    with pytest.raises((ServiceError, OperationFailed)):
        acr(outside, STAGING, "staging", {}).start_import(pushed, word, TAG)

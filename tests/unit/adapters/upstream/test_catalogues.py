"""What Docker Hub's API and MCR's portal say of tags, and that nothing odd in it does any harm."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from urllib3.exceptions import ProtocolError

from shared.adapters.upstream.docker_hub import HubAddresses, docker_hub
from shared.adapters.upstream.docker_hub_catalogue import DockerHubCatalogue
from shared.adapters.upstream.mcr import mcr
from shared.adapters.upstream.oci_registry import OciRegistry
from shared.adapters.upstream.upstreams import any_registry
from shared.domain.references import DOCKER_HUB, MCR, Digest, Repository, Tag
from shared.domain.watching.budget import Learned
from shared.errors import RateLimited, Unavailable
from shared.ports import Hint
from shared.registry_accounts import Account
from tests.doubles.registries import digest_of
from tests.doubles.scripted_http import ScriptedHttp, wire

__all__ = ["wire"]
pytestmark = pytest.mark.unit

NODE, SDK = Repository(DOCKER_HUB, "library/node"), Repository(MCR, "dotnet/sdk")
NOON = datetime(2026, 3, 4, 12, tzinfo=UTC)
ONE, TWO = digest_of("one"), digest_of("two")
ACCOUNT = Account("someone", "the-pat")
TAGS = "https://hub.docker.com/v2/namespaces/library/repositories/node/tags"


def hub(account: Account = Account()) -> OciRegistry:  # noqa: B008  frozen
    """Return Docker Hub as an account sees it, or anonymous callers."""
    return docker_hub(HubAddresses("https://r.example", "https://a.example", "https://hub.docker.com"), account)


def portal() -> OciRegistry:
    """Return MCR."""
    return mcr("https://mcr.microsoft.com")


def at(minutes: int) -> str:
    """Return a time as Docker Hub writes it, some minutes before noon."""
    return (NOON - timedelta(minutes=minutes)).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def entry(name: str, minutes: int = 0, digest: str | None = ONE) -> dict[str, Any]:
    """Return a tag as Docker Hub tells of it."""
    return {
        "name": name,
        "digest": digest,
        "last_updated": at(minutes),
        "tag_status": "active",
        "images": [{"os": "a"}],
    }


def page(*entries: dict[str, Any], following: bool = False, count: int | None = None) -> dict[str, Any]:
    """Return a page of tags."""
    number = len(entries) if count is None else count
    return {
        "count": number,
        "next": f"{TAGS}?page=2" if following else None,
        "previous": None,
        "results": list(entries),
    }


def urls(wire: ScriptedHttp) -> list[str]:
    """Return the addresses that were asked."""
    return [str(request.url) for request in wire.requests]


# Docker Hub.


def test_one_page_answers_for_a_repository_in_which_nothing_changed(wire: ScriptedHttp) -> None:
    wire.answer(200, body=page(entry("22", 5), entry("20", 90), following=True, count=5_000))
    hints = hub().hints(NODE, NOON - timedelta(minutes=60))
    assert hints is not None
    assert hints.hints == (Hint(Tag("22"), ONE, NOON - timedelta(minutes=5)),)
    assert not hints.complete
    assert urls(wire) == [f"{TAGS}?page_size=100&page=1&ordering=last_updated"]


def test_pages_are_read_until_what_is_known_is_reached(wire: ScriptedHttp) -> None:
    wire.answer(200, body=page(entry("a", 1), entry("b", 2), following=True))
    wire.answer(200, body=page(entry("b", 2), entry("c", 3), entry("d", 90), following=True))
    hints = hub().hints(NODE, NOON - timedelta(minutes=60))
    assert hints is not None
    assert [hint.tag for hint in hints.hints] == ["a", "b", "c"], "a tag that moved to the next page counts once"
    assert "page=2" in urls(wire)[1]


def test_all_tags_are_read_where_nothing_is_known(wire: ScriptedHttp) -> None:
    wire.answer(200, body=page(entry("a", 1), following=True))
    wire.answer(200, body=page(entry("b", 99_999)))
    hints = hub().hints(NODE, None)
    assert hints is not None
    assert ([hint.tag for hint in hints.hints], hints.complete) == (["a", "b"], True)


def test_a_list_that_ends_before_what_is_known_is_complete(wire: ScriptedHttp) -> None:
    wire.answer(200, body=page(entry("a", 1)))
    hints = hub().hints(NODE, NOON - timedelta(minutes=60))
    assert hints is not None
    assert hints.complete


def test_anonymous_callers_do_not_begin_to_read_more_than_they_are_shown(wire: ScriptedHttp) -> None:
    wire.answer(200, body=page(entry("a"), following=True, count=1_001))
    assert hub().hints(NODE, None) is None
    assert len(wire.requests) == 1


def test_anonymous_callers_who_are_turned_away_in_the_depth_have_no_catalogue(wire: ScriptedHttp) -> None:
    wire.answer(200, body=page(entry("a"), following=True))
    wire.answer(403, body={"message": "pagination depth limit exceeded for unauthenticated requests"})
    assert hub().hints(NODE, NOON - timedelta(minutes=60)) is None


def test_an_account_logs_in_once_and_reads_to_the_end(wire: ScriptedHttp) -> None:
    upstream = hub(ACCOUNT)
    wire.answer(200, body={"access_token": "jwt"})
    for _ in range(2):
        wire.answer(200, body=page(entry("a"), count=5_000))
        upstream.hints(NODE, None)
    login, *pages = wire.requests
    assert (login.method, login.url) == ("POST", "https://hub.docker.com/v2/auth/token")
    assert json.loads(login.body or b"") == {"identifier": "someone", "secret": "the-pat"}
    assert [request.headers["Authorization"] for request in pages] == ["Bearer jwt", "Bearer jwt"]


def test_a_login_that_is_not_accepted_any_more_is_made_anew(wire: ScriptedHttp) -> None:
    wire.answer(200, body={"access_token": "old"})
    wire.answer(401)
    wire.answer(200, body={"access_token": "new"})
    wire.answer(200, body=page(entry("a")))
    assert hub(ACCOUNT).hints(NODE, None) is not None
    assert wire.requests[-1].headers["Authorization"] == "Bearer new"


def test_a_login_that_is_refused_leaves_the_caller_anonymous_for_a_while(
    wire: ScriptedHttp, caplog: pytest.LogCaptureFixture
) -> None:
    now = 0.0
    catalogue = DockerHubCatalogue("https://hub.docker.com", ACCOUNT, clock=lambda: now)
    wire.answer(401, body={"detail": "Incorrect authentication credentials"})
    for _ in range(2):
        wire.answer(200, body=page(entry("a")))
        catalogue.hints(NODE, None)
    assert "Authorization" not in wire.requests[-1].headers
    assert "the-pat" not in caplog.text
    now = 301.0
    wire.answer(200, body={"access_token": "jwt"})
    wire.answer(200, body=page(entry("a")))
    catalogue.hints(NODE, None)
    assert wire.requests[-1].headers["Authorization"] == "Bearer jwt"


def test_a_catalogue_out_of_order_is_not_believed_to_have_told_all_that_is_new(wire: ScriptedHttp) -> None:
    wire.answer(200, body=page(entry("a", 50), entry("b", 1), entry("c", 90)))
    assert hub().hints(NODE, NOON - timedelta(minutes=60)) is None


def test_what_is_odd_in_one_tag_says_nothing_of_that_tag_alone(wire: ScriptedHttp) -> None:
    odd = [
        {"name": "no tag"},
        {"name": "a"},
        {"name": "b", "digest": "sha256:abc", "last_updated": "yesterday"},
        {"name": "c", "digest": None, "last_updated": None},
        {"name": "d", "digest": TWO, "last_updated": "2026-03-04T12:00:00"},
        {"name": "e", "digest": TWO, "last_updated": "0001-01-01T00:00:00+14:00"},
    ]
    wire.answer(200, body=page(*odd))
    hints = hub().hints(NODE, None)
    assert hints is not None
    assert hints.hints == (
        Hint(Tag("a"), ""),
        Hint(Tag("b"), ""),
        Hint(Tag("c"), ""),
        Hint(Tag("d"), TWO, NOON),
        Hint(Tag("e"), TWO),
    )


@pytest.mark.parametrize("path", ["node", "a/b/c"])
def test_docker_hubs_api_knows_repositories_of_two_words_alone(wire: ScriptedHttp, path: str) -> None:
    assert hub().hints(Repository(DOCKER_HUB, path), None) is None
    assert wire.requests == []


def test_the_api_that_has_had_enough_is_told_to_the_meter_under_its_own_name(wire: ScriptedHttp) -> None:
    told: list[tuple[str, Learned]] = []
    catalogue = DockerHubCatalogue(
        "https://hub.docker.com", Account(), lambda name, learned: told.append((name, learned))
    )
    limits = {"X-RateLimit-Limit": "180", "X-RateLimit-Remaining": "0", "X-RateLimit-Reset": "9999999999"}
    wire.answer(200, limits, page(entry("a")))
    wire.answer(429, {**limits, "X-Retry-After": "1700000000"})
    catalogue.hints(NODE, None)
    with pytest.raises(RateLimited) as limited:
        catalogue.hints(NODE, None)
    assert limited.value.retry_after == 0
    assert [(name, learned.limit, learned.locked_for) for name, learned in told] == [
        ("hub.docker.com", 180, None),
        ("hub.docker.com", 180, timedelta(0)),
    ]


@pytest.mark.parametrize("since", [None, NOON])
def test_a_catalogue_of_more_pages_than_are_granted_at_a_time_leaves_it_to_the_registry(
    wire: ScriptedHttp, caplog: pytest.LogCaptureFixture, since: datetime | None
) -> None:
    for number in range(3):
        wire.answer(200, body=page(*(entry(f"t{number}-{one}") for one in range(100)), following=True))
    wire.answer(429, {"Retry-After": "60"})
    assert hub().hints(NODE, since) is None
    assert "3 were read" in caplog.text


def test_a_catalogue_that_comes_slowly_leaves_it_to_the_registry(wire: ScriptedHttp) -> None:
    seconds = iter(range(0, 10_000, 50))
    catalogue = DockerHubCatalogue("https://hub.docker.com", Account(), clock=lambda: float(next(seconds)))
    for number in range(3):
        wire.answer(200, body=page(entry(f"t{number}"), following=True))
    assert catalogue.hints(NODE, None) is None
    assert wire.left == 0


# MCR.


def test_one_request_tells_all_tags_of_mcr_the_latest_first(wire: ScriptedHttp) -> None:
    modified = {"createdDate": "2023-11-14T18:00:00Z", "architecture": "amd64"}
    wire.answer(
        200,
        body=[
            {"name": "7.0", "digest": ONE, "lastModifiedDate": "2026-03-04T11:00:00.1234567Z", **modified},
            {"name": "8.0", "digest": TWO, "lastModifiedDate": "2026-03-04T12:00:00Z", **modified},
        ],
    )
    hints = portal().hints(SDK, NOON)
    assert hints is not None
    assert hints.complete
    assert [(hint.tag, hint.digest) for hint in hints.hints] == [("8.0", TWO), ("7.0", ONE)]
    assert hints.hints[0].updated == NOON
    assert urls(wire) == ["https://mcr.microsoft.com/api/v1/catalog/dotnet/sdk/tags?reg=mar"]


def test_a_tag_that_mcr_lists_with_two_digests_has_none(wire: ScriptedHttp) -> None:
    wire.answer(
        200, body=[{"name": "8.0", "digest": ONE}, {"name": "8.0", "digest": TWO}, {"name": "9", "digest": ONE}]
    )
    hints = portal().hints(SDK, None)
    assert hints is not None
    assert {hint.tag: hint.digest for hint in hints.hints} == {"8.0": "", "9": ONE}


def test_mcr_that_has_had_enough_says_so(wire: ScriptedHttp) -> None:
    wire.answer(429, {"Retry-After": "11"})
    with pytest.raises(RateLimited) as limited:
        portal().hints(SDK, None)
    assert limited.value.retry_after == 11


# Surprises of either.


@pytest.mark.parametrize("repository", [NODE, SDK])
@pytest.mark.parametrize(
    ("status", "headers", "body"),
    [
        (200, {"Content-Type": "text/html"}, b"<html></html>"),
        (200, {}, b""),
        (200, {}, b"\xff"),
        (200, {}, b"[]"),
        (200, {}, b'{"results": []}'),
        (200, {}, b'{"results": [{"digest": "sha256:abc"}]}'),
        (200, {}, b'[{"digest": "sha256:abc"}]'),
        (200, {}, b'[{"name": 7}]'),
        (200, {"Content-Length": "900"}, b'[{"name": "a"'),
        (302, {"Location": "https://elsewhere.example/"}, b""),
        (401, {}, b""),
        (403, {}, b""),
        (404, {}, b""),
        (500, {}, b""),
    ],
)
def test_any_surprise_counts_as_no_catalogue_and_is_logged(
    wire: ScriptedHttp,
    caplog: pytest.LogCaptureFixture,
    repository: Repository,
    status: int,
    headers: dict[str, str],
    body: bytes,
) -> None:
    wire.answer(status, headers, body)
    upstream = hub() if repository is NODE else portal()
    assert upstream.hints(repository, None) is None
    if body not in {b"[]", b'{"results": []}'}:
        assert f"reading the catalogue of {repository}" in caplog.text


@pytest.mark.parametrize("repository", [NODE, SDK])
def test_a_catalogue_that_gives_no_answer_counts_as_none(wire: ScriptedHttp, repository: Repository) -> None:
    wire.fail(ProtocolError("it broke off"))
    assert (hub() if repository is NODE else portal()).hints(repository, None) is None


def test_a_catalogue_of_more_than_can_be_held_is_not_read(wire: ScriptedHttp) -> None:
    wire.answer(200, body=b"[" + b" " * (33 * 1024 * 1024) + b"]")
    assert portal().hints(SDK, None) is None


def test_any_other_registry_has_no_catalogue(wire: ScriptedHttp) -> None:
    assert any_registry("ghcr.io").hints(Repository("ghcr.io", "a/b"), None) is None
    assert wire.requests == []


# How many manifests there are.


@pytest.mark.parametrize(("digest", "expected"), [(ONE, 51), (TWO, None)])
def test_docker_hubs_own_list_of_a_tags_images_is_counted_unless_the_tag_has_moved_on(
    wire: ScriptedHttp, digest: Digest, expected: int | None
) -> None:
    wire.answer(200, body={**entry("22", digest=ONE), "images": [{"architecture": "unknown", "os": "unknown"}] * 51})
    assert hub().manifests(NODE, Tag("22"), digest) == expected
    assert urls(wire) == [f"{TAGS}/22"]


@pytest.mark.parametrize(
    ("body", "expected"),
    [({"schemaVersion": 2, "manifests": [{"digest": ONE}] * 3}, 3), ({"schemaVersion": 2, "config": {}}, 1)],
)
def test_an_index_of_mcr_is_read_because_reading_it_is_no_pull(
    wire: ScriptedHttp, body: dict[str, Any], expected: int
) -> None:
    wire.answer(200, body=body)
    assert portal().manifests(SDK, Tag("8"), ONE) == expected
    assert urls(wire) == [f"https://mcr.microsoft.com/v2/dotnet/sdk/manifests/{ONE}"]
    assert "application/vnd.oci.image.index.v1+json" in wire.requests[0].headers["Accept"]


@pytest.mark.parametrize("body", [b"<html>", b"[]"])
def test_an_answer_that_cannot_be_counted_is_no_answer(wire: ScriptedHttp, body: bytes) -> None:
    for upstream, repository in ((hub(), NODE), (portal(), SDK)):
        wire.answer(200, body=body)
        with pytest.raises(Unavailable):
            upstream.manifests(repository, Tag("22"), ONE)


def test_a_registry_of_which_nothing_is_known_is_not_asked_for_what_may_be_a_pull(wire: ScriptedHttp) -> None:
    assert any_registry("ghcr.io").manifests(Repository("ghcr.io", "org/app"), Tag("1"), ONE) is None
    assert wire.requests == []

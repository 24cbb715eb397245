"""What the upstreams' adapters say on the wire, and what becomes of them when the other side fails."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta

import pytest

from shared.adapters.upstream.mcr import mcr
from shared.domain.references import DOCKER_HUB, MCR, Digest, Repository, Tag
from shared.domain.watching.budget import Learned
from shared.errors import RateLimited, Refused, Unavailable
from shared.ports import ImportSource
from tests.contract.registry_fixtures import Outside, emulator, outside, word
from tests.contract.registry_sites import hub
from tests.twin.images import push_image

__all__ = ["emulator", "outside", "word"]
pytestmark = pytest.mark.contract

TAG = Tag("22")


@pytest.fixture
def pushed(outside: Outside, word: str) -> ImportSource:
    """An image on Docker Hub."""
    digest = push_image(outside.topology, "docker_hub", f"library/{word}:{TAG}", "text")
    return ImportSource(Repository(DOCKER_HUB, f"library/{word}"), Digest(digest))


def test_docker_hub_is_asked_by_head_alone_and_with_a_kept_token_once(outside: Outside, pushed: ImportSource) -> None:
    upstream = hub(outside)
    for _ in range(3):
        upstream.digest(pushed.repository, TAG)
    assert outside.counts("docker_hub_registry") == {"HEAD manifest": 3}
    assert outside.counts("docker_hub_auth") == {"GET token": 1}


def test_docker_hub_answers_anonymous_callers_too(outside: Outside, pushed: ImportSource) -> None:
    assert hub(outside, "", "").digest(pushed.repository, TAG) == pushed.digest


def test_a_token_that_is_not_accepted_any_more_is_replaced_once(outside: Outside, pushed: ImportSource) -> None:
    upstream = hub(outside)
    upstream.digest(pushed.repository, TAG)
    outside.fault("docker_hub_registry", "status", status=401)
    assert upstream.digest(pushed.repository, TAG) == pushed.digest
    assert outside.counts("docker_hub_auth") == {"GET token": 2}


def test_an_account_that_docker_hub_does_not_accept_is_refused(outside: Outside, pushed: ImportSource) -> None:
    with pytest.raises(Refused, match="DOCKER_HUB_USERNAME") as refused:
        hub(outside, token="a-wrong-token").digest(pushed.repository, TAG)
    assert "a-wrong-token" not in str(refused.value)


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({"Retry-After": "17"}, 17),
        ({"ratelimit-limit": "100;w=21600", "ratelimit-remaining": "0;w=21600"}, 216),
        ({}, None),
    ],
)
def test_docker_hub_that_has_had_enough_says_when_to_come_back(
    outside: Outside, pushed: ImportSource, headers: dict[str, str], seconds: float | None
) -> None:
    outside.fault("docker_hub_registry", "status", status=429, headers=headers)
    with pytest.raises(RateLimited) as limited:
        hub(outside).digest(pushed.repository, TAG)
    assert limited.value.retry_after == seconds


def test_a_date_to_come_back_at_is_understood(outside: Outside, pushed: ImportSource) -> None:
    at = time.strftime("%a, %d %b %Y %H:%M:%S GMT", time.gmtime(time.time() + 60))
    outside.fault("docker_hub_registry", "status", status=429, headers={"Retry-After": at})
    with pytest.raises(RateLimited) as limited:
        hub(outside).digest(pushed.repository, TAG)
    assert limited.value.retry_after == pytest.approx(60, abs=5)


@pytest.mark.parametrize("front", ["docker_hub_registry", "docker_hub_auth"])
@pytest.mark.parametrize("status", [500, 502, 503])
def test_a_docker_hub_that_is_down_is_unavailable(
    outside: Outside, pushed: ImportSource, front: str, status: int
) -> None:
    outside.fault(front, "status", status=status)
    with pytest.raises(Unavailable):
        hub(outside).digest(pushed.repository, TAG)


@pytest.mark.parametrize("front", ["docker_hub_registry", "docker_hub_auth"])
def test_a_docker_hub_that_hangs_up_is_unavailable(outside: Outside, pushed: ImportSource, front: str) -> None:
    outside.fault(front, "drop")
    with pytest.raises(Unavailable):
        hub(outside).digest(pushed.repository, TAG)


def test_an_upstream_that_does_not_answer_in_time_is_unavailable(
    outside: Outside, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("shared.adapters.upstream.http.TIMEOUTS", (1.0, 0.2))
    outside.fault("mcr", "slow", seconds=1.0)
    with pytest.raises(Unavailable, match="ReadTimeout"):
        mcr(outside.topology.https("mcr")).digest(Repository(MCR, "dotnet/sdk"), TAG)


def test_mcr_is_asked_once_and_without_any_token(outside: Outside, word: str) -> None:
    digest = push_image(outside.topology, "mcr", f"dotnet/{word}:{TAG}", "text")
    assert mcr(outside.topology.https("mcr")).digest(Repository(MCR, f"dotnet/{word}"), TAG) == digest
    assert outside.counts("mcr") == {"HEAD manifest": 1}


# Many repositories, and many tags, with few requests.


def test_one_token_serves_many_repositories(outside: Outside, word: str) -> None:
    repositories = tuple(Repository(DOCKER_HUB, f"library/{word}-{number}") for number in range(30))
    for repository in repositories:
        push_image(outside.topology, "docker_hub", f"{repository.path}:{TAG}", "text")
    upstream = hub(outside)
    upstream.prepare(repositories)
    assert all(upstream.digest(repository, TAG) for repository in repositories)
    assert outside.counts("docker_hub_auth") == {"GET token": 2}, "one for each 25"
    assert outside.counts("docker_hub_registry") == {"HEAD manifest": 30}


def test_a_repository_in_which_nothing_was_pushed_costs_one_request(outside: Outside, pushed: ImportSource) -> None:
    upstream = hub(outside, "", "")
    hints = upstream.hints(pushed.repository, datetime.now(UTC) + timedelta(hours=1))
    assert hints is not None
    assert (hints.hints, hints.complete) == ((), False)
    assert outside.counts("docker_hub_api") == {"GET tags": 1}
    assert outside.counts("docker_hub_registry") == {}


def test_an_account_logs_in_to_docker_hubs_api_once(outside: Outside, pushed: ImportSource) -> None:
    upstream = hub(outside)
    for _ in range(2):
        assert upstream.hints(pushed.repository, None) is not None
    assert outside.counts("docker_hub_api") == {"GET tags": 2, "POST login": 1}


def test_all_tags_of_a_repository_of_mcr_cost_one_request(outside: Outside, word: str) -> None:
    for tag in ("8", "9"):
        push_image(outside.topology, "mcr", f"dotnet/{word}:{tag}", tag)
    hints = mcr(outside.topology.https("mcr")).hints(Repository(MCR, f"dotnet/{word}"), None)
    assert hints is not None
    assert {hint.tag for hint in hints.hints} == {"8", "9"}
    assert outside.counts("mcr") == {"GET catalog tags": 1}


# What answers say of limits.


def test_docker_hubs_limit_of_pulls_is_told_to_the_meter(outside: Outside, pushed: ImportSource) -> None:
    told: dict[str, Learned] = {}
    hub(outside, meter=told.__setitem__).digest(pushed.repository, TAG)
    learned = told[DOCKER_HUB]
    assert (learned.limit, learned.window, learned.locked_for) == (200, timedelta(hours=6), None)


def test_docker_hubs_api_has_a_limit_of_its_own(outside: Outside, pushed: ImportSource) -> None:
    told: dict[str, Learned] = {}
    upstream = hub(outside, "", "", told.__setitem__)
    upstream.hints(pushed.repository, None)
    assert (set(told), told["hub.docker.com"].limit) == ({"hub.docker.com"}, 180)
    outside.control("POST", "/settings", {"hub_api_limit": 0})
    with pytest.raises(RateLimited):
        upstream.hints(pushed.repository, None)
    locked_for = told["hub.docker.com"].locked_for
    assert locked_for is not None
    assert timedelta(0) < locked_for <= timedelta(minutes=1)


@pytest.mark.parametrize("fault", [{"status": 403}, {"status": 500}, {"status": 200, "body": "<html>"}])
def test_a_catalogue_that_fails_leaves_the_registry_to_be_asked(
    outside: Outside, pushed: ImportSource, fault: dict[str, object]
) -> None:
    outside.fault("docker_hub_api", "status", kind="GET tags", **fault)
    upstream = hub(outside)
    assert upstream.hints(pushed.repository, None) is None
    assert upstream.tags(pushed.repository) == (TAG,)

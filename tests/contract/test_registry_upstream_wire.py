"""What the upstreams' adapters say on the wire, and what becomes of them when the other side fails."""

from __future__ import annotations

import time

import pytest

from shared.adapters import oci_registry
from shared.adapters.mcr import mcr
from shared.domain.references import DOCKER_HUB, MCR, Digest, Repository, Tag
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
    monkeypatch.setattr(oci_registry, "TIMEOUTS", (1.0, 0.2))
    outside.fault("mcr", "slow", seconds=1.0)
    with pytest.raises(Unavailable, match="ReadTimeout"):
        mcr(outside.topology.https("mcr")).digest(Repository(MCR, "dotnet/sdk"), TAG)


def test_mcr_is_asked_once_and_without_any_token(outside: Outside, word: str) -> None:
    digest = push_image(outside.topology, "mcr", f"dotnet/{word}:{TAG}", "text")
    assert mcr(outside.topology.https("mcr")).digest(Repository(MCR, f"dotnet/{word}"), TAG) == digest
    assert outside.counts("mcr") == {"HEAD manifest": 1}

"""ARM's limits: token buckets of each caller, what the provider takes on top, and how both are told and counted."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
import requests
from azure.identity import ManagedIdentityCredential
from werkzeug.test import EnvironBuilder
from werkzeug.wrappers import Request, Response

from infra.local.emulator.arm_limits import ArmLimits
from infra.local.emulator.front import Route
from infra.local.emulator.settings import Settings, Values
from infra.local.emulator.throttle import EARLY, Buckets, Waits
from infra.local.topology import BASE, STAGING
from tests.twin.conftest import Twin

pytestmark = pytest.mark.twin
REGISTRY = "/subscriptions/s/resourceGroups/g/providers/Microsoft.ContainerRegistry/registries/r"
AZURE = {"reads": [250, 25], "writes": [200, 10], "deletes": [200, 10]}


class Clock:
    """A clock that is set by hand."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


def limits_of(clock: Clock, **values: Any) -> ArmLimits:
    """Return limits by these settings."""
    return ArmLimits(Settings(Values(**values)), clock)


def asking(method: str = "GET", path: str = f"{REGISTRY}/runs/ca1") -> Request:
    """Return a request."""
    return Request(EnvironBuilder(path, method=method).get_environ())


def in_a_row(limits: ArmLimits, times: int, method: str = "GET", client: str = "app") -> list[Response | None]:
    """Ask so often, and return the refusals."""
    return [limits.by_caller(asking(method), client) for _ in range(times)]


def test_a_bucket_is_full_at_first_and_fills_again_up_to_what_it_holds(clock: Clock) -> None:
    buckets = Buckets(clock)
    assert [buckets.take("a", 3, 2).left for _ in range(3)] == [2, 1, 0]
    assert buckets.take("a", 3, 2).wait == 0.5
    assert buckets.take("b", 3, 2).given
    clock.now += 1
    assert [buckets.take("a", 3, 2).given for _ in range(3)] == [True, True, False]
    clock.now += 100
    assert [buckets.take("a", 3, 2).given for _ in range(4)] == [True, True, True, False]


def test_who_was_told_to_wait_is_early_unless_the_request_was_on_its_way(clock: Clock) -> None:
    waits = Waits(clock)
    assert waits.look("a") is None
    waits.tell("a", 2)
    clock.now += 0.1
    assert (told := waits.look("a")) is not None
    assert not told.early
    clock.now += 0.9
    assert (told := waits.look("a")) is not None
    assert told.early
    assert told.left == 1
    clock.now += 1
    assert waits.look("a") is None


@pytest.mark.parametrize(
    ("method", "kind", "tokens"), [("GET", "reads", 250), ("POST", "writes", 200), ("DELETE", "deletes", 200)]
)
def test_each_kind_of_request_has_azures_bucket(clock: Clock, method: str, kind: str, tokens: int) -> None:
    limits = limits_of(clock, arm_buckets=AZURE)
    answers = in_a_row(limits, tokens + 1, method)
    assert answers[:-1] == [None] * tokens
    assert answers[-1] is not None
    assert answers[-1].status_code == 429
    clock.now += 1
    rate = AZURE[kind][1]
    assert in_a_row(limits, rate, method) == [None] * rate


def test_callers_and_kinds_have_buckets_of_their_own(clock: Clock) -> None:
    limits = limits_of(clock, arm_buckets={"reads": [1, 1], "writes": [1, 1]})
    assert [in_a_row(limits, 1, *who) for who in (("GET", "a"), ("PUT", "a"), ("GET", "b"))] == [[None]] * 3
    assert None not in in_a_row(limits, 1, "GET", "a")
    assert in_a_row(limits, 3, "DELETE", "a") == [None] * 3


def test_a_refusal_is_worded_as_arms_and_whoever_asks_early_is_refused_again(clock: Clock) -> None:
    limits = limits_of(clock, arm_buckets={"writes": [1, 0.25]})
    refused = in_a_row(limits, 2, "POST")[1]
    assert refused is not None
    assert refused.headers["Retry-After"] == "4"
    error = (refused.json or {})["error"]
    assert error["code"] == "SubscriptionRequestsThrottled"
    assert (
        "'POST/SUBSCRIPTIONS/RESOURCEGROUPS/PROVIDERS/MICROSOFT.CONTAINERREGISTRY/REGISTRIES/RUNS'" in error["message"]
    )
    clock.now += 1
    request = asking("POST")
    again = limits.by_caller(request, "app")
    assert again is not None
    assert again.headers["Retry-After"] == "3"
    assert request.environ[EARLY] is True
    clock.now += 3
    assert in_a_row(limits, 1, "POST") == [None]


def test_answers_say_how_many_are_left(clock: Clock) -> None:
    limits = limits_of(clock, arm_buckets=AZURE)
    request, answer = asking(), Response()
    limits.by_caller(request, "app")
    limits.tell(request, answer)
    assert answer.headers["x-ms-ratelimit-remaining-subscription-reads"] == "249"
    limits.tell(asking(), plain := Response())
    assert "x-ms-ratelimit-remaining-subscription-reads" not in plain.headers


def test_the_provider_takes_so_many_of_a_kind_in_a_window_from_all_callers(clock: Clock) -> None:
    limits = limits_of(clock, provider_limits={"importImage": [2, 60]})
    wanted = Route("POST", "/", "importImage", Response, "importImage/action")
    other = Route("GET", "/", "get run", Response)
    assert [limits.by_provider(asking(), client, wanted) for client in ("a", "b")] == [None, None]
    refused = limits.by_provider(asking(), "a", wanted)
    assert refused is not None
    assert refused.headers["Retry-After"] == "60"
    assert (refused.json or {})["error"]["message"] == (
        "Number of requests for action 'Microsoft.ContainerRegistry/registries/importImage/action' exceeded the limit "
        "of '2' for time interval '00:01:00'. Please try again after '60' seconds."
    )
    assert limits.by_provider(asking(), "a", other) is None
    clock.now += 60
    assert limits.by_provider(asking(), "a", wanted) is None


@pytest.fixture
def strict(twin: Twin) -> Iterator[Twin]:
    """The twin with two reads and then hardly any."""
    twin.control("POST", "/settings", {"arm_buckets": {"reads": [2, 0.5]}})
    yield twin


def read(twin: Twin, client: str, registry: str = BASE) -> requests.Response:
    """Read a registry as a client."""
    token = ManagedIdentityCredential(client_id=client).get_token("https://management.azure.com/.default").token
    headers = {"Authorization": f"Bearer {token}"}
    return twin.get("arm", f"{twin.topology.registry_id(registry)}?api-version=2025-11-01", headers=headers)


def test_what_arm_refuses_is_counted_apart_and_apart_again_if_it_came_early(strict: Twin) -> None:
    answers = [read(strict, "operator", registry) for registry in (BASE, STAGING, BASE)]
    assert [answer.status_code for answer in answers] == [200, 200, 429]
    assert [answer.headers["x-ms-ratelimit-remaining-subscription-reads"] for answer in answers] == ["1", "0", "0"]
    assert answers[2].headers["Retry-After"] == "2"
    strict.control("POST", "/settings", {"arm_buckets": {"reads": [2, 1000]}})
    assert eventually_early(strict)
    counted = strict.control("GET", "/counts").json()["arm"]
    assert counted["get registry"] == 2
    assert counted["refused early: get registry"] == 1
    assert counted["refused: get registry"] >= 1


def eventually_early(twin: Twin) -> bool:
    """Ask on until a request has come early; what a bucket has by then changes nothing."""
    for _ in range(100):
        assert read(twin, "operator").status_code == 429
        if "refused early: get registry" in twin.control("GET", "/counts").json()["arm"]:
            return True
    return False


def test_without_limits_no_header_speaks_of_one(twin: Twin) -> None:
    assert not [name for name in read(twin, "operator").headers if "ratelimit" in name]


@pytest.mark.parametrize(
    "wrong", [{"looks": [1, 1]}, {"reads": 5}, {"reads": [1, 0]}, {"reads": ["1", 1]}, [], {"reads": [1, 2, 3]}]
)
def test_limits_that_make_no_sense_are_refused(twin: Twin, wrong: Any) -> None:
    answer = requests.post(twin.topology.http("control") + "/settings", json={"arm_buckets": wrong}, timeout=5)
    assert answer.status_code == 400
    assert "arm_buckets" in answer.json()["error"]["message"]

"""What the registries take in a minute, and MCR in a burst."""

from __future__ import annotations

from typing import Any

import pytest
import requests
from azure.core.exceptions import HttpResponseError
from werkzeug.test import EnvironBuilder
from werkzeug.wrappers import Request, Response

from infra.local.emulator.front import Route
from infra.local.emulator.registry_limits import Burst, RegistryLimits
from infra.local.emulator.settings import Settings, Values
from infra.local.emulator.tokens import Tokens
from tests.twin.conftest import Twin
from tests.twin.images import push_image

pytestmark = pytest.mark.twin
TOKENS = Tokens()


class Clock:
    """A clock that is set by hand."""

    def __init__(self, now: float = 600.0) -> None:
        self.now = now

    def __call__(self) -> float:
        return self.now


def asks(
    guard: RegistryLimits | Burst, path: str, method: str = "GET", who: str = "", kind: str = ""
) -> Response | None:
    """Ask a registry's guard as somebody, and return the refusal."""
    headers = [("Authorization", f"Bearer {TOKENS.issue('acr-access', 60, sub=who)}")] if who else []
    environ = EnvironBuilder(path, method=method, headers=headers, environ_base={"REMOTE_ADDR": "::1"}).get_environ()
    return guard(Request(environ), Route(method, path, kind, Response))


def registry(clock: Clock, **limits: int) -> RegistryLimits:
    """Return the guard of a registry with these limits."""
    return RegistryLimits(Settings(Values(registry_limits=limits)), TOKENS, clock)


def test_a_registry_takes_so_many_reads_a_minute_and_tells_when_the_minute_ends() -> None:
    clock = Clock(600.0)
    guard = registry(clock, reads=60)
    assert [asks(guard, "/v2/a/manifests/1") for _ in range(60)] == [None] * 60
    refused = asks(guard, "/v2/a/manifests/1")
    assert refused is not None
    assert (refused.status_code, refused.headers["Retry-After"]) == (429, "60")
    assert (refused.json or {})["errors"][0]["code"] == "TOOMANYREQUESTS"
    clock.now += 1.5
    assert asks(guard, "/v2/a/manifests/1", "HEAD") is None
    assert (again := asks(guard, "/v2/a/manifests/1")) is not None
    assert again.headers["Retry-After"] == "59"
    assert asks(guard, "/v2/a/blobs/uploads/", "POST") is None


def test_each_identity_has_its_own_share_of_what_the_registry_takes() -> None:
    guard = registry(Clock(), reads=5, identity_reads=2)
    asked = [asks(guard, "/acr/v1/a/_tags", who=who) is None for who in ("a", "a", "a", "b", "b", "c")]
    assert asked == [True, True, False, True, True, False]


def test_listing_referrers_counts_as_a_read_and_as_itself() -> None:
    guard = registry(Clock(), reads=3, referrers=1)
    path = "/v2/a/referrers/sha256:0"
    asked = [asks(guard, path, kind="GET referrers") is None for _ in range(2)]
    assert asked == [True, False]
    assert [asks(guard, "/v2/a/tags/list") is None for _ in range(2)] == [True, False]


def test_tokens_are_limited_for_all_together_and_apart_from_reads() -> None:
    guard = registry(Clock(), oauth=2, reads=1)
    asked = [asks(guard, "/oauth2/exchange", "POST"), asks(guard, "/oauth2/token"), asks(guard, "/v2/")]
    assert asked == [None] * 3
    assert asks(guard, "/oauth2/token", "POST") is not None


def test_writes_and_deletes_are_counted_apart() -> None:
    guard = registry(Clock(), writes=1, deletes=1)
    asked = [asks(guard, "/v2/a/manifests/1", method) is None for method in ("PUT", "DELETE", "PATCH", "DELETE")]
    assert asked == [True, True, False, False]


def test_mcr_refuses_a_burst_in_plain_text_without_a_time() -> None:
    clock = Clock()
    guard = Burst(Settings(Values(mcr_burst=[2, 10])), clock)
    assert [asks(guard, "/v2/a/manifests/1") for _ in range(2)] == [None, None]
    refused = asks(guard, "/v2/a/manifests/1")
    assert refused is not None
    assert (refused.status_code, refused.content_type) == (429, "text/plain")
    assert "Retry-After" not in refused.headers
    clock.now += 10
    assert asks(guard, "/v2/a/manifests/1") is None


def test_what_a_registry_refuses_is_counted_apart(twin: Twin) -> None:
    push_image(twin.topology, "base", "limited/app:1", "limited")
    twin.control("POST", "/settings", {"registry_limits": {"identity_reads": 1}})
    with twin.client("base") as client:
        client.get_tag_properties("limited/app", "1")
        with pytest.raises(HttpResponseError) as refusal:
            client.get_tag_properties("limited/app", "1", retry_total=0)
    assert refusal.value.status_code == 429
    counted = twin.control("GET", "/counts").json()["base"]
    assert counted == {"GET tag": 3, "POST exchange": 2, "POST token": 2, "refused: GET tag": 1}


def test_what_mcr_refuses_is_counted_apart(twin: Twin) -> None:
    twin.control("POST", "/settings", {"mcr_burst": [1, 600]})
    assert [twin.get("mcr", "/v2/").status_code for _ in range(3)] == [200, 429, 429]
    assert twin.control("GET", "/counts").json()["mcr"] == {"GET v2": 1, "refused: GET v2": 2}


@pytest.mark.parametrize(
    "wrong",
    [{"registry_limits": {"looks": 1}}, {"registry_limits": {"reads": -1}}, {"mcr_burst": [5]}, {"mcr_burst": [5, 0]}],
)
def test_limits_that_make_no_sense_are_refused(twin: Twin, wrong: dict[str, Any]) -> None:
    answer = requests.post(twin.topology.http("control") + "/settings", json=wrong, timeout=5)
    assert answer.status_code == 400
    assert next(iter(wrong)) in answer.json()["error"]["message"]

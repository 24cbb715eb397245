"""HTTP triggers: routes, keys, bodies and the status codes of the real host."""

from __future__ import annotations

from typing import Any

import pytest
import requests

from infra.local.host.http import MAX_BODY_BYTES
from tests.twin.host_fixtures import SampleTwin, sample

__all__ = ["sample"]

pytestmark = pytest.mark.twin


def _ask(sample: SampleTwin, method: str, path: str, key: str | None = None, **options: Any) -> requests.Response:
    headers = {"x-functions-key": key} if key else {}
    return requests.request(method, sample.twin.topology.http("host") + path, headers=headers, timeout=20, **options)


def test_route_parameters_query_and_headers_reach_the_function(sample: SampleTwin) -> None:
    answer = _ask(sample, "GET", "/api/things/a%20b?x=1&x=2&y=", sample.twin.topology.function_key)
    assert answer.status_code == 201
    assert answer.headers["X-Sample"] == "yes"
    document = answer.json()
    assert document["thing"] == "a b"
    assert document["query"] == {"x": "1,2", "y": ""}
    assert document["agent"].startswith("python-requests/")


def test_a_body_of_ten_megabytes_arrives_whole(sample: SampleTwin) -> None:
    key = sample.twin.topology.function_key
    answer = _ask(sample, "POST", "/api/things/big", key, data=b"x" * 10_000_000)
    assert answer.json()["bytes"] == 10_000_000


def test_a_body_past_the_hosts_limit_is_refused(sample: SampleTwin) -> None:
    key = sample.twin.topology.function_key
    answer = _ask(sample, "POST", "/api/things/big", key, data=b"x" * (MAX_BODY_BYTES + 1))
    assert answer.status_code == 413


def test_a_function_key_is_taken_from_header_or_query_and_nothing_else_will_do(sample: SampleTwin) -> None:
    key = sample.twin.topology.function_key
    assert _ask(sample, "GET", "/api/things/a", key).status_code == 201
    assert _ask(sample, "GET", f"/api/things/a?code={key}").status_code == 201
    assert _ask(sample, "GET", "/api/things/a").status_code == 401
    assert _ask(sample, "GET", "/api/things/a", "wrong").status_code == 401


def test_an_anonymous_function_answers_whoever_asks(sample: SampleTwin) -> None:
    answer = _ask(sample, "GET", "/api/things/special")
    assert (answer.status_code, answer.text) == (200, "GET")


@pytest.mark.parametrize(("method", "path"), [("GET", "/api/no/such"), ("PUT", "/api/things/a"), ("GET", "/things/a")])
def test_an_unknown_path_or_method_is_not_found(sample: SampleTwin, method: str, path: str) -> None:
    assert _ask(sample, method, path, sample.twin.topology.function_key).status_code == 404


def test_a_failing_function_answers_500_and_keeps_its_error_to_the_log(sample: SampleTwin) -> None:
    answer = _ask(sample, "GET", "/api/broken")
    assert (answer.status_code, answer.text) == (500, "")
    assert "RuntimeError: asked to fail by GET" in sample.twin.log("host").read_text()


def test_the_hosts_status_needs_the_key(sample: SampleTwin) -> None:
    assert _ask(sample, "GET", "/admin/host/status").status_code == 401
    assert _ask(sample, "GET", "/admin/host/status", sample.twin.topology.master_key).json()["state"] == "Running"

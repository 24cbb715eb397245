"""The control port: faults really happen, settings are checked; and the connection itself."""

from __future__ import annotations

import socket
import ssl
import time

import pytest
import requests

from infra.local.emulator.tls import server_context
from infra.local.receivers import slack
from tests.twin.conftest import Twin
from tests.twin.images import push_image

pytestmark = pytest.mark.twin
TAGS = "/v2/dotnet/controlled/tags/list"


def test_a_status_fault_is_answered_with_headers_and_body_as_often_as_asked(twin: Twin) -> None:
    push_image(twin.topology, "mcr", "dotnet/controlled:1", "controlled")
    fault = {"front": "mcr", "action": "status", "path": "/tags/list$", "status": 503, "times": 2}
    twin.control("POST", "/faults", {**fault, "headers": {"Retry-After": "7"}, "body": "busy"})
    first, second, third = (twin.get("mcr", TAGS) for _ in range(3))
    assert [first.status_code, second.status_code, third.status_code] == [503, 503, 200]
    assert (first.headers["Retry-After"], first.text) == ("7", "busy")


def test_a_dropped_connection_gets_no_answer(twin: Twin) -> None:
    twin.control("POST", "/faults", {"front": "mcr", "action": "drop"})
    with pytest.raises(requests.ConnectionError):
        twin.get("mcr", TAGS)
    assert twin.get("mcr", "/v2/").status_code == 200


def test_a_slow_answer_comes_late(twin: Twin) -> None:
    twin.control("POST", "/faults", {"front": "mcr", "action": "slow", "seconds": 0.5})
    began = time.monotonic()
    assert twin.get("mcr", "/v2/").status_code == 200
    assert time.monotonic() - began >= 0.5


def test_faults_are_listed_until_they_are_played_or_deleted(twin: Twin) -> None:
    twin.control("POST", "/faults", {"front": "mcr", "action": "drop", "times": None})
    assert [fault["front"] for fault in twin.control("GET", "/faults").json()] == ["mcr"]
    twin.control("DELETE", "/faults")
    assert twin.control("GET", "/faults").json() == []


def test_a_fault_that_nobody_met_is_over_after_its_time(twin: Twin) -> None:
    twin.control("POST", "/faults", {"front": "mcr", "action": "drop", "lasts": 0.05})
    time.sleep(0.1)
    assert twin.control("GET", "/faults").json() == []
    assert twin.get("mcr", "/v2/").status_code == 200


@pytest.mark.parametrize("fault", [{"front": "arm", "action": "explode"}, {"front": "arm"}, {"colour": "red"}])
def test_a_fault_that_makes_no_sense_is_refused(twin: Twin, fault: dict[str, str]) -> None:
    answer = requests.post(twin.topology.http("control") + "/faults", json=fault, timeout=5)
    assert (answer.status_code, answer.json()["error"]["code"]) == (400, "InvalidFault")


def test_a_setting_that_does_not_exist_is_refused_by_name(twin: Twin) -> None:
    answer = requests.post(twin.topology.http("control") + "/settings", json={"colour": "red"}, timeout=5)
    assert answer.status_code == 400
    assert "colour" in answer.json()["error"]["message"]


def test_counts_start_again_when_deleted(twin: Twin) -> None:
    twin.get("mcr", "/v2/")
    assert twin.control("GET", "/counts").json()["mcr"] == {"GET v2": 1}
    twin.control("DELETE", "/counts")
    assert "mcr" not in twin.control("GET", "/counts").json()


def test_what_is_not_served_is_counted_too(twin: Twin) -> None:
    assert twin.get("mcr", "/nowhere").status_code == 404
    assert twin.control("GET", "/counts").json()["mcr"] == {"GET unknown": 1}


def test_one_connection_serves_many_requests(twin: Twin) -> None:
    with requests.Session() as session:
        for _ in range(5):
            assert session.get(twin.topology.https("mcr") + "/v2/", timeout=5).ok
            assert session.post(twin.topology.https("arm") + "/refused", data=b"x" * 5000, timeout=5).status_code == 404
        pools = [session.get_adapter(twin.topology.https("mcr")).poolmanager.pools]
        assert all(pools[0][key].num_connections == 1 for key in pools[0].keys())  # noqa: SIM118 - no mapping


def test_a_silent_client_keeps_no_one_waiting(twin: Twin) -> None:
    with socket.create_connection(("127.0.0.1", twin.topology.port("mcr"))):
        assert twin.get("mcr", "/v2/").status_code == 200


def test_the_certificate_is_made_once_and_trusted_by_the_bundle(twin: Twin) -> None:
    before = twin.topology.ca_bundle.read_bytes()
    server_context(twin.topology)
    assert twin.topology.ca_bundle.read_bytes() == before
    context = ssl.create_default_context(cafile=str(twin.topology.ca_bundle))
    context.verify_flags |= ssl.VERIFY_X509_STRICT
    address = ("127.0.0.1", twin.topology.port("mcr"))
    with socket.create_connection(address) as plain, context.wrap_socket(plain, server_hostname="127.0.0.1") as secure:
        assert secure.getpeercert()


def test_what_the_receivers_of_notices_got_is_told_and_forgotten(twin: Twin) -> None:
    payload = {"text": "hello"}
    assert requests.post(twin.topology.https("slack") + slack.PATH, json=payload, timeout=20).text == "ok"
    (kept,) = twin.control("GET", "/received?front=slack").json()
    assert (kept["front"], kept["shown"]) == ("slack", True)
    assert twin.control("GET", "/received?front=teams").json() == []
    twin.control("DELETE", "/received")
    assert twin.control("GET", "/received").json() == []

"""Those who build elsewhere, in the twin: what they are like is said at the control port, and a builder tells ends."""

from __future__ import annotations

import base64
import hashlib
import json
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
import requests
from standardwebhooks import Webhook

from infra.local.builders import events, github
from tests.twin.conftest import Twin
from tests.twin.listener import Listener, listening

pytestmark = pytest.mark.twin


@pytest.fixture
def builders(twin: Twin) -> Iterator[Twin]:
    """The twin, whose builders have begun nothing."""
    twin.control("DELETE", "/builds")
    yield twin
    twin.control("DELETE", "/builds")


def ask(twin: Twin, listener: Listener, name: str = "tidegate-1") -> requests.Response:
    """Ask the builder that takes events for a build."""
    data = {"rebuild": "dispatch-events~1", "attempt": 1, "answer": listener.url}
    event = {"specversion": "1.0", "id": name, "subject": "shop", "type": "tidegate.rebuild.asked", "data": data}
    return posted(twin, json.dumps(event))


def posted(twin: Twin, body: str) -> requests.Response:
    """Post a body, signed as the builder wants it."""
    headers = signed(body, "msg_1")
    return requests.post(twin.topology.https("builders") + events.PATH, body.encode(), headers=headers, timeout=10)


def signed(body: str, name: str) -> dict[str, str]:
    """Return headers that the builder believes."""
    now = datetime.now(UTC)
    return {
        "webhook-id": name,
        "webhook-timestamp": str(int(now.timestamp())),
        "webhook-signature": Webhook(events.SEND).sign(name, now, body),
    }


def begun(twin: Twin) -> dict[str, list[dict[str, Any]]]:
    """Return what the builders began, and what one of them told."""
    found: dict[str, list[dict[str, Any]]] = twin.control("GET", "/builds").json()
    return found


def test_an_end_is_told_twice_by_two_ids_and_both_times_by_the_key_for_answers(builders: Twin) -> None:
    builders.control("PUT", "/builds/events", {"tells": 2, "ends": ["failed"]})
    with listening() as listener:
        assert ask(builders, listener).status_code == 202
        told = listener.wait(2)
    bodies = [body for body, _ in told]
    assert bodies == [{"rebuild": "dispatch-events~1", "attempt": 1, "end": "failed"}] * 2
    headers = [{name.lower(): value for name, value in had.items()} for _, had in told]
    assert len({had["webhook-id"] for had in headers}) == 2
    for had in headers:
        assert Webhook(events.ANSWER).verify(json.dumps(bodies[0]), had) == bodies[0]


def test_an_end_can_come_before_the_answer_to_the_request(builders: Twin) -> None:
    builders.control("PUT", "/builds/events", {"tells": 1, "first": True})
    with listening() as listener:
        ask(builders, listener)
        assert len(listener.received) == 1
    assert begun(builders)["told"] == [{"event": "tidegate-1", "end": "built", "status": 202}]


def test_the_same_event_again_begins_and_tells_nothing_more(builders: Twin) -> None:
    builders.control("PUT", "/builds/events", {"tells": 1, "first": True, "lost": 1})
    with listening() as listener:
        assert [ask(builders, listener).status_code for _ in range(2)] == [502, 202]
    assert [len(begun(builders)[name]) for name in ("events", "told")] == [1, 1]


def test_what_a_builder_cannot_be_is_refused(builders: Twin) -> None:
    with pytest.raises(requests.HTTPError, match="400"):
        builders.control("PUT", "/builds/github", {"nonsense": 1})
    with pytest.raises(requests.HTTPError, match="400"):
        builders.control("PUT", "/builds/nobody", {})


def test_only_what_the_apps_key_in_the_vault_signed_is_let_in(builders: Twin) -> None:
    vault(builders, f"{github.KEY}/create", {"kty": "RSA"})
    unsigned = f"{part({'alg': 'RS256'})}.{part({'iss': github.APP, 'iat': int(time.time()) - 60, 'exp': exp()})}"
    digest = text(hashlib.sha256(unsigned.encode()).digest())
    signature = vault(builders, f"{github.KEY}/sign", {"alg": "RS256", "value": digest})["value"]
    assert [token(builders, f"{unsigned}.{one}") for one in (signature, text(b"x" * 256), "")] == [201, 401, 401]


def vault(twin: Twin, path: str, body: object) -> dict[str, Any]:
    """Ask the vault about a key."""
    held = twin.credential.get_token("https://vault.azure.net/.default").token
    url = f"{twin.topology.https('vault')}/keys/{path}?api-version=7.4"
    answer = requests.post(url, json=body, headers={"Authorization": f"Bearer {held}"}, timeout=10)
    found: dict[str, Any] = answer.json()
    return found


def token(twin: Twin, jwt: str) -> int:
    """Ask GitHub for a token by a JWT, and return the status of its answer."""
    url = f"{twin.topology.https('builders')}{github.PREFIX}/app/installations/{github.INSTALLATION}/access_tokens"
    return requests.post(url, headers={"Authorization": f"Bearer {jwt}"}, timeout=10).status_code


def exp() -> int:
    """Return when a JWT of now ends."""
    return int(time.time()) + 400


def part(content: object) -> str:
    """Return a part of a JWT."""
    return text(json.dumps(content).encode())


def text(data: bytes) -> str:
    """Return bytes in base64url without padding."""
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()

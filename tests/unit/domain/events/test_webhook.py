"""The registry's webhook is believed only with its secret, and read only if it is an event of the registry."""

from __future__ import annotations

import hmac
import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.domain.events.registry_event import Deletion, Ignored, Push, Told, is_from
from shared.domain.events.webhook import SECRET_HEADER, receive
from shared.errors import MalformedRequest
from tests.unit.examples import ONE
from tests.unit.strategies import digests, paths, tags

pytestmark = pytest.mark.unit

DATA = Path(__file__).parent / "data"
SECRET = "a secret of the tests alone"
HEADERS = {SECRET_HEADER: SECRET, "Content-Type": "application/json"}
PUSH = {
    "action": "push",
    "target": {"repository": "base/node", "tag": "22-alpine", "digest": ONE},
    "request": {"host": "tidegatebase.azurecr.io"},
}


def sample(name: str) -> bytes:
    """Return a published event of a registry."""
    return (DATA / f"webhook_{name}.json").read_bytes()


def read(event: object) -> Told:
    """Receive an event with the right secret."""
    return receive(HEADERS, event if isinstance(event, bytes) else json.dumps(event).encode(), SECRET)


def refusal(event: object, headers: dict[str, str] = HEADERS) -> MalformedRequest:
    """Return what an event is refused with."""
    with pytest.raises(MalformedRequest) as refused:
        receive(headers, event if isinstance(event, bytes) else json.dumps(event).encode(), SECRET)
    return refused.value


# Events.


def test_a_push_tells_where_which_tag_and_which_digest() -> None:
    digest = "sha256:80f0d5c8786bb9e621a45ece0db56d11cdc624ad20da9fe62e9d25490f331d7d"
    assert read(sample("push")) == Push("myregistry.azurecr.io", "hello-world", "v1", digest)


def test_a_push_is_read_as_the_registry_lists_it_too() -> None:
    pushed = read(sample("listed_push"))
    assert isinstance(pushed, Push)
    assert (pushed.host, pushed.repository, pushed.tag) == ("192.168.100.227:5000", "hello-world", "latest")


def test_a_deletion_tells_where_and_which_digest_and_a_webhook_does_not_say_by_whom() -> None:
    told = read(sample("delete").replace(b"sha256:xxxx", ONE.encode()))
    assert told == Deletion("myregistry.azurecr.io", "hello-world", ONE, "")


def test_who_deleted_is_read_where_the_registry_says() -> None:
    deleted = {**PUSH, "action": "delete", "actor": {"name": " ada@example.com "}}
    assert read(deleted) == Deletion("tidegatebase.azurecr.io", "base/node", ONE, "ada@example.com")


def test_the_deletion_of_a_repository_names_no_digest() -> None:
    assert read({"action": "delete", "target": {"repository": "base/node"}}) == Deletion("", "base/node", "", "")


@pytest.mark.parametrize("target", [{}, None, {"repository": "base/node", "digest": "sha256:xxxx"}])
def test_a_deletion_of_what_is_no_reference_is_refused(target: object) -> None:
    assert "$.target" in str(refusal({"action": "delete", "target": target}))


@pytest.mark.parametrize("name", ["quarantine", "chart_push"])
def test_other_events_ask_for_nothing_and_say_so(name: str) -> None:
    assert read(sample(name)) == Ignored(f"{name} asks for no rebuild")


@pytest.mark.parametrize("action", ["ping", "chart_delete"])
def test_an_event_without_a_target_asks_for_nothing(action: str) -> None:
    event = {"id": "3d78b540", "timestamp": "2023-11-17T16:54:53Z", "action": action}
    assert read(event) == Ignored(f"{action} asks for no rebuild")


@pytest.mark.parametrize("target", [{"repository": "base/node", "digest": ONE}, {}, None])
def test_a_push_without_a_tag_asks_for_nothing(target: object) -> None:
    assert read({**PUSH, "target": target}) == Ignored("a manifest was pushed without a tag")


def test_a_push_without_a_host_is_read() -> None:
    pushed = read({name: value for name, value in PUSH.items() if name != "request"})
    assert isinstance(pushed, Push)
    assert pushed.host == ""


@given(paths, tags, digests)
def test_every_valid_reference_is_read(path: str, tag: str, digest: str) -> None:
    event = {"action": "push", "target": {"repository": path, "tag": tag, "digest": digest, "size": 1}}
    assert read(event) == Push("", path, tag, digest)


# The secret.


@pytest.mark.parametrize("name", ["x-tidegate-secret", "X-Tidegate-Secret", "X-TIDEGATE-SECRET"])
def test_the_secret_is_found_in_its_header_in_any_case(name: str) -> None:
    assert isinstance(receive({name: SECRET}, json.dumps(PUSH).encode(), SECRET), Push)


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {SECRET_HEADER: ""},
        {SECRET_HEADER: SECRET.upper()},
        {SECRET_HEADER: SECRET + " "},
        {"authorization": SECRET},
        {SECRET_HEADER: "größer"},
    ],
)
def test_without_the_right_secret_nothing_is_read(headers: dict[str, str]) -> None:
    refused = refusal(PUSH, headers)
    assert refused.status == 401
    assert SECRET not in str(refused)


def test_the_secret_is_asked_for_before_anything_is_read() -> None:
    assert refusal(b"x" * 10_000_000, {}).status == 401


def test_the_secret_is_compared_in_constant_time(monkeypatch: pytest.MonkeyPatch) -> None:
    compared: list[tuple[bytes, bytes]] = []

    def compare(one: bytes, other: bytes) -> bool:
        compared.append((one, other))
        return False

    monkeypatch.setattr(hmac, "compare_digest", compare)
    assert refusal(PUSH).status == 401
    assert compared == [(SECRET.encode(), SECRET.encode())]


# What is no event.


def test_a_body_of_ten_megabytes_is_too_large() -> None:
    assert refusal(b"x" * 10_000_000).status == 413


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"action=push",
        b"null",
        b"[]",
        b"{",
        b'{"action": "push"} {}',
        b"\xff\xfe",
        b'{"action": "\xff"}',
        b"\x00",
        b'{"action": "ping", "more": ' + b"[" * 100000,
    ],
    ids=lambda body: repr(body[:12]),
)
def test_a_body_that_is_no_json_object_is_refused(body: bytes) -> None:
    refused = refusal(body)
    assert refused.status == 400
    assert "not an ACR webhook event" in str(refused)


@pytest.mark.parametrize(
    ("change", "place"),
    [
        ({"action": 1}, "$.action"),
        ({"action": None}, "$.action"),
        ({"target": []}, "$.target"),
        ({"target": {"repository": 1}}, "$.target.repository"),
        ({"target": {"tag": None}}, "$.target.tag"),
        ({"request": "host"}, "$.request"),
        ({"request": {"host": 7}}, "$.request.host"),
    ],
)
def test_a_field_of_the_wrong_type_is_named(change: dict[str, Any], place: str) -> None:
    refused = refusal({**PUSH, **change})
    assert refused.status == 400
    assert place in str(refused)


@pytest.mark.parametrize(
    "change",
    [{"repository": "Base/Node"}, {"repository": ""}, {"tag": "22 alpine"}, {"digest": ""}, {"digest": "sha256:xxxx"}],
)
def test_a_push_of_what_is_no_reference_is_refused(change: dict[str, str]) -> None:
    refused = refusal({**PUSH, "target": {**PUSH["target"], **change}})
    assert refused.status == 400
    assert str(refused).startswith("$.target: ")


@pytest.mark.parametrize("action", ["", "PUSH", "exec", "x" * 1000])
def test_an_unknown_action_is_refused_with_those_that_are_known(action: str) -> None:
    refused = refusal({**PUSH, "action": action})
    assert refused.status == 400
    assert "expected chart_delete, chart_push, delete, ping, push, quarantine" in str(refused)
    assert len(str(refused)) < 300


@given(st.binary())
def test_arbitrary_bytes_are_refused_as_malformed(body: bytes) -> None:
    assert refusal(body).status == 400


@given(
    st.recursive(
        st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=5), st.just("push")),
        lambda inner: st.dictionaries(st.sampled_from(["action", "target", "tag", "digest", "request"]), inner),
        max_leaves=8,
    )
)
def test_arbitrary_json_is_read_or_refused_as_malformed(event: object) -> None:
    try:
        assert isinstance(read(event), Push | Ignored)
    except MalformedRequest as refused:
        assert refused.status == 400


# Which registry it was.


@pytest.mark.parametrize(
    "host",
    [
        "tidegatebase.azurecr.io",
        "TideGateBase.azurecr.io",
        "tidegatebase.westeurope.geo.azurecr.io",
        "tidegatebase.eastus.data.azurecr.io",
        "",
    ],
)
def test_a_push_is_from_the_base_registry_in_whichever_replica(host: str) -> None:
    assert is_from(Push(host, "base/node", "22", ONE), "tidegatebase.azurecr.io")


@pytest.mark.parametrize("host", ["other.azurecr.io", "tidegatebase2.azurecr.io", "192.168.100.227:5000"])
def test_a_push_into_another_registry_is_not_from_the_base_registry(host: str) -> None:
    assert not is_from(Push(host, "base/node", "22", ONE), "tidegatebase.azurecr.io")

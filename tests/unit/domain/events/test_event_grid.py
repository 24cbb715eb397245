"""Event Grid's events are read in either schema, and what is none dies in the queue instead of being guessed at."""

from __future__ import annotations

import base64
import json
import logging
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.domain.events.event_grid import DELETED, LARGEST_BODY, PUSHED, is_event, read_event
from shared.domain.events.messages import BaseMoved, LookAtCandidate, encode
from shared.domain.events.registry_event import Deletion, Ignored, Push
from shared.domain.events.webhook import SECRET_HEADER, receive
from shared.errors import MalformedMessage
from tests.doubles.world import BASE_SERVER, TAG, TARGET, TWO, World
from tests.unit.examples import ONE
from tests.unit.strategies import digests, paths, tags

pytestmark = pytest.mark.unit

DATA = Path(__file__).parent / "data"
SECRET = "a secret of the tests alone"
TARGET_NODE = {"repository": "base/node", "tag": "22-alpine", "digest": ONE}


def sample(name: str) -> bytes:
    """Return a published event."""
    return (DATA / f"event_grid_{name}.json").read_bytes()


def event(kind: str = PUSHED, *, schema: str = "type", **data: Any) -> bytes:
    """Return an event of the base registry."""
    content = {"action": "push", "target": TARGET_NODE, "request": {"host": BASE_SERVER}, **data}
    return json.dumps({"id": "1", "subject": "base/node:22-alpine", schema: kind, "data": content}).encode()


def refusal(body: bytes) -> str:
    """Return what a message is refused with."""
    with pytest.raises(MalformedMessage) as refused:
        read_event(body)
    return str(refused.value)


# Events.


@pytest.mark.parametrize("name", ["cloud_event", "own_schema"])
@pytest.mark.parametrize("encode", [bytes, base64.b64encode], ids=["plain", "base64"])
def test_a_push_is_read_in_both_schemas_plain_and_in_base64(name: str, encode: Any) -> None:
    digest = "sha256:213bbc182920ab41e18edc2001e06abcca6735d87782d9cef68abd83941cf0e5"
    assert read_event(encode(sample(name))) == Push("demo.azurecr.io", "aci-helloworld", "v1", digest)


@given(paths, tags, digests, st.sampled_from(["type", "eventType"]))
def test_every_valid_reference_is_read(path: str, tag: str, digest: str, schema: str) -> None:
    body = event(schema=schema, target={"repository": path, "tag": tag, "digest": digest})
    assert read_event(body) == Push(BASE_SERVER, path, tag, digest)


@pytest.mark.parametrize("schema", ["type", "eventType"])
def test_a_deletion_tells_by_whom(schema: str) -> None:
    body = event(DELETED, schema=schema, action="delete", actor={"name": "ada@example.com"})
    assert read_event(body) == Deletion(BASE_SERVER, "base/node", ONE, "ada@example.com")


@pytest.mark.parametrize("schema", ["type", "eventType"])
@pytest.mark.parametrize(
    "kind",
    [
        "Microsoft.ContainerRegistry.ChartPushed",
        "Microsoft.ContainerRegistry.ChartDeleted",
        "Microsoft.Storage.BlobCreated",
    ],
)
def test_other_events_ask_for_nothing_and_say_so(kind: str, schema: str) -> None:
    assert read_event(event(kind, schema=schema)) == Ignored(f"{kind} asks for no rebuild")


def test_what_another_event_holds_is_not_looked_at() -> None:
    body = {"type": "Microsoft.EventGrid.SubscriptionDeletedEvent", "data": {"action": 5, "target": "all"}}
    assert isinstance(read_event(json.dumps(body).encode()), Ignored)


def test_a_push_that_the_registry_holds_in_quarantine_asks_for_nothing() -> None:
    assert read_event(event(action="quarantine")) == Ignored("quarantine asks for no rebuild")


@pytest.mark.parametrize("target", [{"repository": "base/node", "digest": ONE}, {}, None])
def test_a_push_without_a_tag_asks_for_nothing(target: object) -> None:
    assert read_event(event(target=target)) == Ignored("a manifest was pushed without a tag")


# What is no event.


@pytest.mark.parametrize(
    ("change", "place"),
    [
        ({"action": 1}, "$.data.action"),
        ({"target": []}, "$.data.target"),
        ({"target": {"tag": None}}, "$.data.target.tag"),
        ({"request": {"host": 7}}, "$.data.request.host"),
    ],
)
def test_a_field_of_the_wrong_type_is_named(change: dict[str, Any], place: str) -> None:
    assert place in refusal(event(**change))


@pytest.mark.parametrize(
    "change", [{"repository": "Base/Node"}, {"repository": ""}, {"tag": "22 alpine"}, {"digest": "sha256:xxxx"}]
)
def test_a_push_of_what_is_no_reference_is_malformed(change: dict[str, str]) -> None:
    assert refusal(event(target={**TARGET_NODE, **change}))


def test_an_event_without_a_kind_says_which_fields_would_tell_it() -> None:
    assert "neither $.type nor $.eventType" in refusal(b'{"data": {}}')


def test_a_push_without_data_is_malformed() -> None:
    assert "`data`" in refusal(json.dumps({"type": PUSHED}).encode())


@pytest.mark.parametrize(
    "body",
    [b"", b"null", b"[]", b"{", b"look at node", b'{"type": "\xff"}', base64.b64encode(b"no event"), b"{" * 60_000],
    ids=lambda body: repr(body[:12]),
)
def test_what_is_neither_an_object_nor_one_in_base64_is_malformed(body: bytes) -> None:
    assert refusal(body).startswith("message is not an event of a registry")


def test_a_message_longer_than_a_queue_takes_is_not_read() -> None:
    assert "65537 bytes" in refusal(event().ljust(LARGEST_BODY + 1))
    assert isinstance(read_event(event().ljust(LARGEST_BODY)), Push)


@given(st.binary())
def test_arbitrary_bytes_are_malformed(body: bytes) -> None:
    assert refusal(body)


def test_an_event_is_told_from_a_message_of_ours_by_its_shape() -> None:
    ours = encode(LookAtCandidate(v=1)).encode()
    assert [is_event(body) for body in (event(), base64.b64encode(event()), ours)] == [True, True, False]


@given(st.binary())
def test_what_is_neither_event_nor_message_is_no_event(body: bytes) -> None:
    assert not is_event(body)


# What is made of it.


def test_a_push_into_another_registry_asks_for_nothing_and_the_log_says_so(caplog: pytest.LogCaptureFixture) -> None:
    world = World()
    caplog.set_level(logging.INFO)
    world.told(read_event(event(request={"host": "other.azurecr.io"})))
    world.told(read_event(event(DELETED, action="delete", request={"host": "other.azurecr.io"})))
    assert world.outbox.sent == []
    assert "pushed into other.azurecr.io, not into the base registry" in caplog.text
    assert "deleted from other.azurecr.io, not from the base registry" in caplog.text


@pytest.mark.parametrize("encode", [bytes, base64.b64encode], ids=["plain", "base64"])
def test_one_push_told_by_webhook_and_event_grid_and_twice_is_one_rebuild(encode: Any) -> None:
    world = World()
    world.base.push(TARGET, TAG, TWO)
    data = {"action": "push", "target": {"repository": TARGET, "tag": TAG, "digest": TWO}}
    told = receive({SECRET_HEADER: SECRET}, json.dumps(data).encode(), SECRET)
    delivered = read_event(encode(event(**data)))
    for each in (told, delivered, delivered):
        world.told(each)
        world.settle()
    assert [type(sent.message) for sent in world.outbox.sent].count(BaseMoved) >= 3
    assert len(world.rebuilt()) == 1
    assert world.application_runs.started.total() == 1

"""A queue message is read as it was written, or refused: no version of the product guesses at one."""

from __future__ import annotations

import json
from datetime import UTC

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.domain.events.messages import (
    BaseMoved,
    CheckRepositories,
    ListTasks,
    LookAtBase,
    LookAtDue,
    Message,
    decode,
    encode,
)
from shared.domain.promotion.due import Due
from shared.domain.references import Digest
from shared.errors import MalformedMessage
from tests.unit.examples import ONE
from tests.unit.strategies import digests, paths, tags

pytestmark = pytest.mark.unit

KINDS = (CheckRepositories, LookAtBase, LookAtDue, BaseMoved, ListTasks)
# A storage queue takes 64 KiB of base64. https://learn.microsoft.com/rest/api/storageservices/put-message
LARGEST_BODY = 48 * 1024
MESSAGES = st.one_of(
    st.builds(
        CheckRepositories,
        v=st.just(1),
        repositories=st.lists(paths, min_size=1, max_size=3).map(tuple),
        image=st.text(max_size=10),
        traceparent=st.text(max_size=10),
    ),
    st.builds(
        LookAtDue,
        v=st.just(1),
        due=st.sampled_from(Due),
        at=st.datetimes(timezones=st.just(UTC)),
        traceparent=st.text(max_size=10),
    ),
    st.builds(
        LookAtBase,
        v=st.just(1),
        repositories=st.lists(paths, min_size=1, max_size=3).map(tuple),
        deleted=st.one_of(st.just(Digest("")), digests),
        by=st.text(max_size=10),
        former=st.lists(st.just("tidegateformer"), max_size=2).map(tuple),
    ),
    st.builds(BaseMoved, v=st.just(1), repository=paths, tag=tags, digest=digests, traceparent=st.text(max_size=10)),
    st.builds(ListTasks, v=st.just(1), registry=st.text(max_size=20), step=st.integers(0, 10_000)),
)
LOOK = {"v": 1, "kind": "due", "due": "gates", "at": "2026-01-01T12:00:00Z"}
MOVED = {"v": 1, "kind": "base-moved", "repository": "base/node", "tag": "22-alpine", "digest": ONE}


@given(MESSAGES)
def test_a_message_reads_back_as_it_was_sent(message: Message) -> None:
    assert decode(encode(message), *KINDS) == message
    assert decode(encode(message).encode(), type(message)) == message


@given(MESSAGES)
def test_a_message_names_its_version_and_its_kind(message: Message) -> None:
    plain = json.loads(encode(message))
    assert plain["v"] == 1
    assert plain["kind"] in {"check", "base", "due", "base-moved", "list-tasks"}


@pytest.mark.parametrize("version", [0, 2, -1, 99])
def test_a_message_of_another_version_is_refused_by_its_number(version: int) -> None:
    with pytest.raises(MalformedMessage, match=f"version {version}: this product reads version 1"):
        decode(json.dumps({**LOOK, "v": version}), LookAtDue)


def test_a_message_of_another_version_is_refused_even_if_nothing_else_of_it_is_known() -> None:
    with pytest.raises(MalformedMessage, match="version 2"):
        decode('{"v": 2, "kind": "unheard-of", "since": "tomorrow"}', LookAtDue)


@pytest.mark.parametrize(
    ("change", "place"),
    [
        ({"v": "1"}, r"\$\.v"),
        ({"due": "candidates"}, r"\$\.due"),
        ({"due": None}, r"\$\.due"),
        ({"at": "tomorrow"}, r"\$\.at"),
        ({"traceparent": {}}, r"\$\.traceparent"),
        ({"kind": 1}, r"\$\.kind"),
    ],
)
def test_a_field_of_the_wrong_type_is_named(change: dict[str, object], place: str) -> None:
    with pytest.raises(MalformedMessage, match=place):
        decode(json.dumps({**LOOK, **change}), LookAtDue)


@pytest.mark.parametrize("field", LOOK)
def test_a_missing_field_is_named(field: str) -> None:
    rest = {name: value for name, value in LOOK.items() if name != field}
    with pytest.raises(MalformedMessage, match=field):
        decode(json.dumps(rest), BaseMoved, LookAtDue)


@pytest.mark.parametrize("change", [{"repository": "Base/Node"}, {"tag": "22 alpine"}, {"digest": "sha256:0"}])
def test_a_base_that_moved_is_named_by_valid_references(change: dict[str, str]) -> None:
    with pytest.raises(MalformedMessage, match="cannot be read"):
        decode(json.dumps({**MOVED, **change}), BaseMoved)


@pytest.mark.parametrize(
    "change", [{"repositories": ["Base/Node"]}, {"repositories": []}, {"deleted": "sha256:abc"}, {"former": "one"}]
)
def test_a_look_at_the_base_registry_is_named_by_valid_references(change: dict[str, object]) -> None:
    look = {"v": 1, "kind": "base", "repositories": ["base/node"]}
    assert decode(json.dumps(look), LookAtBase).repositories == ("base/node",)
    with pytest.raises(MalformedMessage):
        decode(json.dumps({**look, **change}), LookAtBase)


@pytest.mark.parametrize("kind", ["candidate", "target", "rebuild"])
def test_a_look_that_an_earlier_version_asked_for_is_read(kind: str) -> None:
    read = decode(json.dumps({"v": 1, "kind": kind, kind: "base~node", "step": 3, "operation": "x"}))
    assert read.__struct_config__.tag == kind


def test_a_message_of_a_kind_that_its_queue_does_not_carry_is_refused() -> None:
    with pytest.raises(MalformedMessage, match="base-moved"):
        decode(json.dumps(MOVED), LookAtDue)


@pytest.mark.parametrize("text", ["", "look at base~node", "null", "[]", "1", "{", '{"v": 1} {}', "\ufeff{}", b"\xff"])
def test_what_is_no_json_object_is_refused(text: str | bytes) -> None:
    with pytest.raises(MalformedMessage):
        decode(text, LookAtDue)


@pytest.mark.parametrize(
    "text",
    [
        b"[" * 1_000_000,
        b'{"v": 1, "more": ' + b"[" * 1_000_000,
        b'{"v": ' + b"9" * 1_000_000 + b"}",
        b'{"v": 1, "kind": "' + b"x" * 1_000_000,
        b" " * 1_000_000,
        '{"v": 1, "kind": "\udcff"}',
    ],
    ids=["nested", "nested where nobody looks", "a number", "a string", "blanks", "half a surrogate pair"],
)
def test_an_oversized_or_hostile_message_is_refused_like_any_other(text: str | bytes) -> None:
    with pytest.raises(MalformedMessage):
        decode(text, *KINDS)


@given(st.binary())
def test_arbitrary_bytes_are_refused(content: bytes) -> None:
    with pytest.raises(MalformedMessage):
        decode(content, *KINDS)


@given(MESSAGES, st.data())
def test_a_message_that_was_damaged_is_read_or_refused_and_never_anything_else(
    message: Message, data: st.DataObject
) -> None:
    body = bytearray(encode(message).encode())
    body[data.draw(st.integers(0, len(body) - 1))] = data.draw(st.integers(0, 255))
    try:
        read = decode(bytes(body), *KINDS)
    except MalformedMessage as refused:
        assert str(refused)
    else:
        assert isinstance(read, KINDS)


def test_the_longest_check_there_may_be_fits_into_a_queue() -> None:
    longest = CheckRepositories(
        v=1, repositories=("registry.example/" + "a" * 255,) * 20, image="i" * 63, traceparent="0" * 55
    )
    assert len(encode(longest).encode()) < LARGEST_BODY

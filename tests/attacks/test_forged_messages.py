"""Whoever can fill a queue, write a row or echo what was sent gets nowhere with it."""

from __future__ import annotations

import json
import time
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from shared.adapters.azure.one_look import _is_within
from shared.domain.events.messages import (
    MESSAGE_QUEUES,
    BaseMoved,
    CheckRepositories,
    ListTasks,
    LookAtBase,
    LookAtDue,
    Message,
    RetryTargets,
    decode,
    encode,
)
from shared.domain.gate.verdict import RunStatus
from shared.domain.promotion.due import Due
from shared.domain.promotion.statuses import Status
from shared.errors import UNREADABLE, MalformedMessage, ServiceError, Unavailable
from shared.flows import inspect
from tests.doubles.queues import Delivery
from tests.doubles.registries import TEST_FAILED_LOG, digest_of
from tests.doubles.world import BASE, NODE, TAG, TARGET, TWO, World

pytestmark = pytest.mark.unit
ARM = "https://management.azure.com"


@pytest.mark.parametrize(
    "link",
    [
        "https://localhost:22061/steal",
        "https://evil.example/subscriptions/s",
        "http://management.azure.com/x",
        "https://management.azure.com.evil.example/x",
        "https://evilmanagement.azure.com/x",
        "https://management.azure.com@evil.example/x",
        "https://evil.example@management.azure.com/x",
        "https://management.azure.com:8443/x",
        "https://management.azure.com:x/y",
        "https://evil.example\\@management.azure.com/x",
        "//evil.example/x",
        "\\\\evil.example/x",
        "file:///etc/passwd",
        "https:///x",
        "https://[::1]/x",
        "https://[/x",
    ],
)
def test_the_token_for_arm_is_sent_to_no_link_of_a_message_that_leads_elsewhere(link: str) -> None:
    assert not _is_within(link, ARM)


@pytest.mark.parametrize("link", [f"{ARM}/x", f"{ARM}:443/x", "https://westeurope.management.azure.com/x", "/x"])
def test_arms_own_links_are_followed(link: str) -> None:
    assert _is_within(link, ARM)


class Listed:
    """Candidates of which some rows cannot be read, which is told after all others."""

    def __init__(self, error: ServiceError) -> None:
        self.error = error

    def current(self) -> Any:
        """Yield nothing, and tell."""
        yield from ()
        raise self.error


def test_a_row_that_nobody_can_read_keeps_nobody_from_the_rest_of_the_list() -> None:
    unreadable: Any = Listed(ServiceError("1 rows cannot be read", code=UNREADABLE))
    targets: Any = None
    found = inspect.list_candidates(unreadable, targets, "base", limit=10)
    assert (found.records, found.unreadable) == ((), "1 rows cannot be read")
    away: Any = Listed(Unavailable("503"))
    with pytest.raises(Unavailable):
        inspect.list_candidates(away, targets, "base", limit=10)


KINDS = (
    CheckRepositories,
    LookAtBase,
    RetryTargets,
    LookAtDue,
    BaseMoved,
    ListTasks,
)
MESSAGES = [
    "",
    "null",
    "[]",
    "[" * 100_000,
    '{"v": 1}',
    '{"v": 2, "kind": "check"}',
    '{"v": 1, "kind": "check", "repositories": []}',
    '{"v": 1, "kind": "check", "repositories": ["a"], "attempt": "x"}',
    json.dumps({"v": 1, "kind": "check", "repositories": ["docker.io/a/b"] * 21}),
    '{"v": 1, "kind": "base", "repositories": ["../../etc"]}',
    '{"v": 1, "kind": "base", "repositories": ["a"], "deleted": "sha256:x"}',
    '{"v": 1, "kind": "due", "due": "everything", "at": "2026-01-01T12:00:00Z"}',
    '{"v": 1, "kind": "due", "due": "gates", "at": 1e999}',
    '{"v": 1, "kind": "base-moved", "repository": "A", "tag": "1", "digest": "x"}',
    json.dumps({"v": 1, "kind": "base-moved", "repository": "a", "tag": "$(id)", "digest": f"sha256:{'0' * 64}"}),
    '{"v": 1, "kind": "list-tasks", "registry": ["a"], "step": 1}',
    '{"v": 99999999999999999999999, "kind": "due"}',
    "\u0001",
    '{"v": 1, "kind": "pickle"}',
]


@pytest.mark.parametrize("text", MESSAGES, ids=lambda text: text[:40])
def test_a_message_that_no_queue_carries_is_refused_at_once(text: str) -> None:
    began = time.process_time()
    for kind in KINDS:
        with pytest.raises(MalformedMessage):
            decode(text, kind)
    assert timedelta(seconds=time.process_time() - began) < timedelta(seconds=1)


TIMES = 30


def forged(world: World, queue: str) -> list[Delivery]:
    """One of each message of ours and an event, as whoever can fill a queue and knows every record would write them."""
    target = f"{BASE}~{TARGET.replace('/', '~')}~{TAG}"
    late = datetime(2999, 1, 1, tzinfo=UTC)
    messages: list[Message] = [
        *(LookAtDue(v=1, due=due, at=at) for due in Due for at in (late, world.clock())),
        BaseMoved(v=1, repository=TARGET, tag=TAG, digest=TWO, looks=99, again=True),
        LookAtBase(v=1, repositories=(TARGET,), deleted=TWO, by="somebody else", former=("another",)),
        RetryTargets(v=1, targets=(target,), statuses=(Status.REJECTED, Status.PROMOTING), asked_at=late),
        CheckRepositories(v=1, repositories=(str(NODE),), image="node", asked_at=late),
    ]
    return [Delivery(queue, encode(message), world.clock()) for message in messages]


@pytest.mark.parametrize("queue", MESSAGE_QUEUES)
@pytest.mark.parametrize("moment", [Status.DETECTED, Status.IMPORTING, Status.VALIDATING, Status.REJECTED])
def test_no_message_brings_what_no_gate_has_passed_into_the_base_registry(queue: str, moment: Status) -> None:
    world = World()
    world.staging_runs.end(TWO, *[RunStatus.FAILED] * TIMES, log=TEST_FAILED_LOG)
    world.push(TWO)
    world.check()
    while world.status_or_none(TWO) is not moment:
        world.clock.now = world.outbox.next_due() or world.clock.now
        for delivery in world.outbox.deliver():
            world.work(delivery)
    for delivery in forged(world, queue):
        world.work(delivery)
    world.settle()
    assert world.status(TWO) is Status.REJECTED
    assert (world.base.tags, world.application_runs.started.total()) == ({}, 0)


def test_an_event_that_also_says_a_kind_of_ours_is_an_event_and_no_message() -> None:
    world = World()
    both = {"v": 1, "kind": "check", "repositories": [str(NODE)], "type": "Microsoft.ContainerRegistry.ImagePushed"}
    pushed = {"action": "push", "target": {"repository": TARGET, "tag": TAG, "digest": digest_of("evil")}}
    world.push(TWO)
    world.work(Delivery("imports", json.dumps({**both, "data": pushed}), world.clock()))
    assert [type(sent.message) for sent in world.outbox.sent] == [BaseMoved]
    world.settle()
    assert (world.base.tags, world.application_runs.started.total()) == ({}, 0)

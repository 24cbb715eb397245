"""The platform's own looks at the queues: which requests they are, and what length they tell."""

from __future__ import annotations

from typing import Any
from unittest.mock import Mock

import pytest
from azure.core.exceptions import ServiceRequestError
from azure.storage.queue import QueueClient

from infra.local.host.counts import Counts
from infra.local.host.platform_polls import Hidden, PlatformPolls

pytestmark = pytest.mark.twin


def _queue(messages: int, visible: int) -> Any:
    queue = Mock(spec=QueueClient)
    queue.get_queue_properties.return_value.approximate_message_count = messages
    queue.peek_messages.return_value = [Mock()] * min(visible, 1)
    return queue


def _looked(hidden: Hidden, **queues: Any) -> tuple[PlatformPolls, dict[str, int]]:
    counts = Counts()
    polls = PlatformPolls(queues, 10.0, hidden, counts)
    polls.look()
    return polls, counts.shown()["platform_polls"]


def test_every_queue_is_looked_at_and_only_one_with_messages_is_peeked_at() -> None:
    polls, made = _looked("counted", imports=_queue(30, 30), checks=_queue(0, 0), rebuilds=_queue(0, 0))
    assert made == {"GetQueueMetadata": 3, "PeekMessages": 1}
    assert [polls.length(name) for name in ("imports", "checks", "rebuilds")] == [30, 0, 0]


@pytest.mark.parametrize(
    ("hidden", "visible", "length"),
    [("counted", 0, 30), ("counted", 1, 30), ("ignored-alone", 0, 0), ("ignored-alone", 1, 30)],
)
def test_messages_that_nobody_can_receive_yet_count_as_the_setting_says(
    hidden: Hidden, visible: int, length: int
) -> None:
    polls, made = _looked(hidden, imports=_queue(30, visible))
    assert polls.length("imports") == length
    assert made == {"GetQueueMetadata": 1, "PeekMessages": 1}


def test_a_queue_that_cannot_be_read_keeps_its_length_and_the_look_is_counted() -> None:
    queue, other = _queue(30, 30), _queue(5, 5)
    counts = Counts()
    polls = PlatformPolls({"imports": queue, "checks": other}, 10.0, "counted", counts)
    polls.look()
    queue.get_queue_properties.side_effect = ServiceRequestError("nobody answers")
    other.get_queue_properties.return_value.approximate_message_count = 7
    polls.look()
    assert (polls.length("imports"), polls.length("checks")) == (30, 7)
    assert counts.shown()["platform_polls"] == {"GetQueueMetadata": 4, "PeekMessages": 3}


def test_what_was_never_looked_at_is_empty() -> None:
    assert PlatformPolls({"imports": _queue(9, 9)}, 10.0, "counted", Counts()).length("imports") == 0

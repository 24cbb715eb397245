"""Leases on Azurite: one holder of many, renewed, given back, and taken over once the holder is gone."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from azure.core.pipeline import PipelineResponse
from azure.storage.blob import BlobLeaseClient, BlobServiceClient

from infra.local.host.leases import LeaseKeeper, LeaseTimes, blob_call, timer_lease
from tests.twin.host_fixtures import SampleTwin, eventually, sample

__all__ = ["sample"]

pytestmark = pytest.mark.twin

_TIMES = LeaseTimes(lasts=15, renewed=0.2, tried_again=0.2)


class _Account:
    """The storage account as one instance sees it, with what it asked of it."""

    def __init__(self, sample: SampleTwin) -> None:
        self.calls: Counter[str] = Counter()
        text = sample.twin.environment()["AzureWebJobsStorage"]
        self.blobs = BlobServiceClient.from_connection_string(text, raw_response_hook=self._count)

    def _count(self, response: PipelineResponse[Any, Any]) -> None:
        self.calls[blob_call(response)] += 1

    @contextmanager
    def asking(self, name: str) -> Iterator[list[str]]:
        """Ask for a lease; the list is not empty once it is held."""
        taken: list[str] = []
        keeper = LeaseKeeper(self.blobs, name, _TIMES, lambda: taken.append(name))
        keeper.start()
        yield taken
        keeper.stop()


def test_a_lease_is_taken_on_a_blob_that_is_made_and_renewed(sample: SampleTwin) -> None:
    account = _Account(sample)
    with account.asking("made") as taken:
        eventually(lambda: True if account.calls["renew"] >= 2 else None)
        assert taken == ["made"]
    assert (account.calls["acquire refused"], account.calls["acquire"], account.calls["release"]) == (1, 1, 1)


def test_who_asks_second_waits_until_the_first_gives_it_back(sample: SampleTwin) -> None:
    first, second = _Account(sample), _Account(sample)
    with first.asking("contested") as taken:
        eventually(lambda: taken or None)
        with second.asking("contested") as waiting:
            eventually(lambda: True if second.calls["acquire refused"] >= 2 else None)
            assert waiting == []
    with second.asking("contested") as waiting:
        eventually(lambda: waiting or None)


def test_a_lease_that_was_lost_is_asked_for_again_and_its_work_begins_but_once(sample: SampleTwin) -> None:
    account = _Account(sample)
    with account.asking("lost") as taken:
        eventually(lambda: taken or None)
        _break(sample, "locks/local/lost")
        eventually(lambda: True if account.calls["acquire"] == 2 else None)
    assert taken == ["lost"]


def _break(sample: SampleTwin, name: str) -> None:
    blob = _Account(sample).blobs.get_blob_client("azure-webjobs-hosts", name)
    BlobLeaseClient(blob).break_lease(0)


def test_a_timers_lease_is_renewed_half_way() -> None:
    assert timer_lease(60) == LeaseTimes(60, 30.0, 60)

"""What every implementation of ``Buckets`` promises."""

from __future__ import annotations

from datetime import timedelta

import msgspec
import pytest

from shared.adapters.storage.account import StorageAccount
from shared.adapters.storage.buckets_table import BucketsTable
from shared.adapters.storage.budgets_table import BudgetsTable
from shared.budget_ports import Buckets
from shared.domain.pacing.bucket import Bucket, Kind, Lock, Measure
from shared.errors import Conflict
from tests.contract.examples import NOON
from tests.contract.wire import counted
from tests.doubles.storage import InMemoryBuckets

pytestmark = pytest.mark.contract

SUBSCRIPTION = "00000000-0000-0000-0000-000000000001"
TAKEN = Bucket(
    subscription=SUBSCRIPTION,
    kind=Kind.WRITES,
    left=40.5,
    booked=12.25,
    at=NOON,
    holds=199.0,
    per_second=7.5,
    handed=1234,
    measured=Measure(0.0, NOON, 1200),
    locks=(Lock("POST registries/importImage", NOON + timedelta(minutes=1)),),
)


@pytest.fixture
def buckets(account_or_none: StorageAccount | None) -> Buckets:
    """The implementation under test."""
    return BucketsTable(account_or_none) if account_or_none else InMemoryBuckets()


def test_nothing_is_known_of_a_bucket_that_nobody_took_from(buckets: Buckets) -> None:
    found = buckets.get(SUBSCRIPTION, Kind.READS)
    assert (found.bucket, found.etag) == (Bucket(subscription=SUBSCRIPTION, kind=Kind.READS), "")


def test_a_bucket_is_read_back_as_it_was_written(buckets: Buckets) -> None:
    written = buckets.replace(buckets.get(SUBSCRIPTION, Kind.WRITES), TAKEN)
    assert buckets.get(SUBSCRIPTION, Kind.WRITES) == written


@pytest.mark.parametrize("kind", Kind)
def test_each_kind_of_each_subscription_has_a_bucket_of_its_own(buckets: Buckets, kind: Kind) -> None:
    buckets.replace(buckets.get("s", kind), msgspec.structs.replace(TAKEN, subscription="s", kind=kind))
    others = [("t", kind), *(("s", other) for other in Kind if other is not kind)]
    assert [buckets.get(*place).etag for place in others] == ["", "", ""]


def test_of_two_who_write_the_first_row_one_meets_a_conflict(buckets: Buckets) -> None:
    read = buckets.get(SUBSCRIPTION, Kind.WRITES)
    buckets.replace(read, TAKEN)
    with pytest.raises(Conflict):
        buckets.replace(read, msgspec.structs.replace(TAKEN, left=1))
    assert buckets.get(SUBSCRIPTION, Kind.WRITES).bucket == TAKEN


def test_of_two_who_take_from_a_bucket_one_meets_a_conflict(buckets: Buckets) -> None:
    read = buckets.replace(buckets.get(SUBSCRIPTION, Kind.WRITES), TAKEN)
    fewer = buckets.replace(read, msgspec.structs.replace(TAKEN, left=20))
    with pytest.raises(Conflict):
        buckets.replace(read, msgspec.structs.replace(TAKEN, left=1))
    assert buckets.get(SUBSCRIPTION, Kind.WRITES) == fewer


def test_what_was_written_may_be_written_over_without_being_read(buckets: Buckets) -> None:
    stored = buckets.get(SUBSCRIPTION, Kind.WRITES)
    for left in (60, 40, 20):
        stored = buckets.replace(stored, msgspec.structs.replace(TAKEN, left=left))
    assert buckets.get(SUBSCRIPTION, Kind.WRITES).bucket.left == 20


def test_reading_and_writing_a_bucket_cost_one_transaction_each(account: StorageAccount) -> None:
    buckets = BucketsTable(account)
    stored = buckets.replace(buckets.get(SUBSCRIPTION, Kind.WRITES), TAKEN)
    with counted() as sent:
        buckets.replace(stored, msgspec.structs.replace(TAKEN, left=20))
    assert len(sent) == 1
    with counted() as sent:
        buckets.get(SUBSCRIPTION, Kind.WRITES)
    assert len(sent) == 1


def test_what_arm_grants_is_no_budget_of_an_upstream(account: StorageAccount) -> None:
    buckets = BucketsTable(account)
    buckets.replace(buckets.get(SUBSCRIPTION, Kind.WRITES), TAKEN)
    assert BudgetsTable(account).every() == ()

"""What every implementation of ``CompanionRecords`` and ``UniqueNames`` promises."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import msgspec
import pytest

from shared.adapters.storage.account import StorageAccount
from shared.adapters.storage.companions_table import CompanionsTable, UniqueTagsTable
from shared.domain.references import Repository, Tag
from shared.domain.travel.companions import Companions, Unique, Want
from shared.domain.travel.recorded import Recorded, RecordState
from shared.domain.travel.referrers import MOST_REFERRERS, Carry, Referrer, ReferrerState, Refusal
from shared.domain.travel.tries import Tries
from shared.domain.watching.travelling import ReferrerMode, Travelling
from shared.errors import Conflict, InvalidReference
from shared.travel_ports import CompanionRecords, NamedDigest, UniqueNames
from tests.contract.examples import NOON, digest
from tests.contract.wire import counted
from tests.doubles.companions import InMemoryCompanions, InMemoryUniqueNames

pytestmark = pytest.mark.contract

TRIES = Tries(2, "trouble", gave_up=True, trouble="503", since=NOON, retry_at=NOON)


def companions(number: int = 1, repository: str = "base/node", registry: str = "tidegatebase") -> Companions:
    """Return new companions."""
    source = Repository("docker.io", "library/node")
    return Companions(
        registry=registry, repository=repository, digest=digest(number), source=source, staging=repository, look_at=NOON
    )


FULL = msgspec.structs.replace(
    companions(),
    step=7,
    wants=(
        Want(
            tag=Tag("22"),
            number=3,
            at=NOON,
            since=NOON,
            asked=Travelling(ReferrerMode.REQUIRED, "{tag}.{n}", record=True),
            names=True,
            by_person=True,
            ready_at=NOON,
            told=True,
            said=True,
        ),
    ),
    manifests=(digest(1), digest(2)),
    image_at=NOON,
    carry=Carry(NOON, Tag("22.1"), "token", NOON),
    image_tries=TRIES,
    unique=(Unique(Tag("22.1"), Tag("22"), 3, NOON, NOON),),
    referrers=(
        *(
            Referrer(
                digest=digest(number),
                subject=digest(1),
                depth=2,
                media_type="application/vnd.oci.image.manifest.v1+json",
                artifact_type="application/vnd.dev.sigstore.bundle.v0.3+json",
                size=5000,
                state=ReferrerState.ARRIVED,
                found_at=NOON,
                arrived_at=NOON,
            )
            for number in range(10, 10 + MOST_REFERRERS)
        ),
        Referrer(
            digest=digest(9),
            subject=digest(1),
            tag=Tag(f"sha256-{'a' * 64}.sig"),
            state=ReferrerState.REFUSED,
            refusal=Refusal.TOO_LARGE,
            carry=Carry(NOON),
            tries=TRIES,
            unlinked=True,
            ours=True,
            over=digest(8),
        ),
    ),
    listed_at=NOON,
    listed=4,
    unread=("page 2",),
    remarks=("odd",),
    source_gone=True,
    listing_tries=TRIES,
    next_listing=NOON,
    follow_until=NOON,
    record=Recorded(state=RecordState.DONE, look_at=NOON, tries=TRIES),
    traceparent="00-1-2-01",
)


@pytest.fixture
def records(account_or_none: StorageAccount | None) -> CompanionRecords:
    """The implementation under test."""
    return CompanionsTable(account_or_none) if account_or_none else InMemoryCompanions()


@pytest.fixture
def names(account_or_none: StorageAccount | None) -> UniqueNames:
    """The implementation under test."""
    return UniqueTagsTable(account_or_none) if account_or_none else InMemoryUniqueNames()


@pytest.mark.parametrize("record", [companions(), FULL], ids=["new", "full"])
def test_companions_are_read_back_as_they_were_written(records: CompanionRecords, record: Companions) -> None:
    assert records.get(record.id) is None
    inserted = records.insert(record)
    assert records.get(record.id) == inserted
    assert inserted.record == record
    changed = records.replace(inserted, msgspec.structs.replace(record, step=8))
    assert records.get(record.id) == changed


def test_companions_are_inserted_once_and_replaced_by_whoever_read_them_last(records: CompanionRecords) -> None:
    first = records.insert(companions())
    with pytest.raises(Conflict):
        records.insert(companions())
    records.replace(first, msgspec.structs.replace(companions(), step=2))
    with pytest.raises(Conflict):
        records.replace(first, msgspec.structs.replace(companions(), step=3))


def test_only_what_is_due_is_found(records: CompanionRecords) -> None:
    later = msgspec.structs.replace(companions(2), look_at=NOON + timedelta(seconds=1))
    never = msgspec.structs.replace(companions(3), look_at=None)
    for one in (companions(1), later, never):
        records.insert(one)
    assert [stored.record.digest for stored in records.due(NOON)] == [digest(1)]


def test_companions_are_found_by_their_repository_and_by_their_registry(records: CompanionRecords) -> None:
    for one in (companions(1), companions(2), companions(1, "base/node/more"), companions(1, registry="other")):
        records.insert(one)
    assert {one.record.digest for one in records.of_repository("tidegatebase", "base/node")} == {digest(1), digest(2)}
    assert len(list(records.every("tidegatebase"))) == 3
    assert len(list(records.every("other"))) == 1


def test_what_is_no_id_of_companions_is_told(records: CompanionRecords) -> None:
    with pytest.raises(InvalidReference):
        records.get("tidegatebase~base~node~22")


def named(number: int, name: str = "22-20261128.1") -> NamedDigest:
    """Return a name for a digest."""
    return NamedDigest("tidegatebase", "base/node", Tag(name), digest(number), Tag("22"), number, NOON)


def test_a_name_is_given_to_whoever_asks_first_and_stays_theirs(names: UniqueNames) -> None:
    assert names.get("tidegatebase", "base/node", Tag("22-20261128.1")) is None
    assert names.claim(named(1)) == named(1)
    assert names.claim(named(2)) == named(1)
    assert names.claim(named(1)) == named(1)
    assert names.get("tidegatebase", "base/node", Tag("22-20261128.1")) == named(1)
    assert names.get("tidegatebase", "base/other", Tag("22-20261128.1")) is None


def test_of_many_who_ask_at_once_one_is_given_the_name(names: UniqueNames) -> None:
    with ThreadPoolExecutor(8) as pool:
        given = list(pool.map(lambda number: names.claim(named(number)), range(1, 9)))
    assert len({one.digest for one in given}) == 1


def test_the_names_of_a_repository_are_listed(names: UniqueNames) -> None:
    names.claim(named(1))
    names.claim(named(2, "22-20261128.2"))
    assert {one.name for one in names.of_repository("tidegatebase", "base/node")} == {"22-20261128.1", "22-20261128.2"}
    assert list(names.of_repository("tidegatebase", "base/other")) == []


def test_each_read_and_write_is_one_transaction(account: StorageAccount) -> None:
    records, names = CompanionsTable(account), UniqueTagsTable(account)
    stored = records.insert(companions())  # makes the table
    names.claim(named(1))
    with counted() as requests:
        records.replace(stored, FULL)
        records.get(FULL.id)
        names.claim(named(2, "22-20261128.2"))
    assert len(requests) == 3

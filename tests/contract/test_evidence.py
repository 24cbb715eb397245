"""What every implementation of ``Evidence`` promises."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import msgspec
import pytest

from shared.adapters.storage.account import StorageAccount
from shared.adapters.storage.blobs import Container, EvidenceBlobs
from shared.evidence_ports import EvidenceStore
from tests.contract.examples import candidate
from tests.doubles.storage import InMemoryEvidence

pytestmark = pytest.mark.contract


class Kept(msgspec.Struct, frozen=True):
    """The implementation under test, and how what it kept is read."""

    evidence: EvidenceStore
    read: Callable[[str, str], bytes]


@pytest.fixture
def kept(account_or_none: StorageAccount | None) -> Kept:
    """The implementation under test."""
    if account_or_none is None:
        double = InMemoryEvidence()
        return Kept(double, lambda candidate, name: double.kept[candidate, name])
    container = Container(account_or_none, "evidence")

    def read(candidate: str, name: str) -> bytes:
        blob = container.read(f"{candidate}/{name}", 10_000_000)
        assert blob is not None
        return blob.content

    return Kept(EvidenceBlobs(account_or_none), read)


@pytest.mark.parametrize("content", [b"", b"log \xff\x00\n", b"x" * 3_000_000], ids=["empty", "bytes", "long"])
def test_evidence_is_read_as_it_was_given(kept: Kept, content: bytes) -> None:
    kept.evidence.keep("sha256:" + 64 * "0", "scan-1-1.log", content)
    assert kept.evidence.read("sha256:" + 64 * "0", "scan-1-1.log") == content


def test_evidence_that_was_never_kept_is_not_there(kept: Kept) -> None:
    assert kept.evidence.read(candidate().id, "run-1.log") is None
    kept.evidence.keep(candidate().id, "run-1.log", b"")
    assert kept.evidence.read(candidate().id, "run-2.log") is None


@pytest.mark.parametrize("content", [b"", b"log \xff\x00\n", b"x" * 3_000_000], ids=["empty", "bytes", "long"])
def test_evidence_is_kept_as_it_was_given(kept: Kept, content: bytes) -> None:
    kept.evidence.keep(candidate().id, "run-1.log", content)
    assert kept.read(candidate().id, "run-1.log") == content


def test_evidence_kept_again_replaces_what_was_there(kept: Kept) -> None:
    for content in (b"first", b"second"):
        kept.evidence.keep(candidate().id, "verdict.json", content)
    assert kept.read(candidate().id, "verdict.json") == b"second"


def test_evidence_of_one_candidate_is_apart_from_that_of_another(kept: Kept) -> None:
    for number in (1, 2):
        kept.evidence.keep(candidate(number).id, "run-1.log", b"%d" % number)
    assert [kept.read(candidate(number).id, "run-1.log") for number in (1, 2)] == [b"1", b"2"]


def test_what_is_kept_is_listed_by_record_and_name_with_its_size_and_its_time(kept: Kept) -> None:
    one, other = candidate().id, "sha256:" + 64 * "0"
    before = datetime.now(UTC) - timedelta(minutes=5)
    for record, name in ((one, "run-2.log"), (one, "run-1.log"), (other, "scan-1-1.log")):
        kept.evidence.keep(record, name, b"log")
    assert [(found.record, found.name, found.size) for found in kept.evidence.of(one)] == [
        (one, "run-1.log", 3),
        (one, "run-2.log", 3),
    ]
    assert {(found.record, found.name) for found in kept.evidence.every()} >= {
        (one, "run-1.log"),
        (one, "run-2.log"),
        (other, "scan-1-1.log"),
    }
    assert all(before < found.at for found in kept.evidence.every() if isinstance(kept.evidence, EvidenceBlobs))
    assert kept.evidence.of("nobody") == ()


def test_what_was_listed_is_dropped_once_and_not_if_it_was_kept_again_since(kept: Kept) -> None:
    kept.evidence.keep(candidate().id, "run-1.log", b"one")
    (listed,) = kept.evidence.of(candidate().id)
    kept.evidence.keep(candidate().id, "run-1.log", b"two")
    assert not kept.evidence.drop(listed)
    assert kept.evidence.read(candidate().id, "run-1.log") == b"two"
    (listed,) = kept.evidence.of(candidate().id)
    assert [kept.evidence.drop(listed), kept.evidence.drop(listed)] == [True, False]
    assert kept.evidence.read(candidate().id, "run-1.log") is None

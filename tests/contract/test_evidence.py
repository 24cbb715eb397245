"""What every implementation of ``Evidence`` promises."""

from __future__ import annotations

from collections.abc import Callable

import msgspec
import pytest

from shared.adapters.storage.account import StorageAccount
from shared.adapters.storage.blobs import Container, EvidenceBlobs
from shared.ports import Evidence
from tests.contract.examples import candidate
from tests.doubles.storage import InMemoryEvidence

pytestmark = pytest.mark.contract


class Kept(msgspec.Struct, frozen=True):
    """The implementation under test, and how what it kept is read."""

    evidence: Evidence
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

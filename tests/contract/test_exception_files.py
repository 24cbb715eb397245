"""What every implementation of ``ExceptionFiles`` promises, and what the blobs add: limits."""

from __future__ import annotations

from collections.abc import Callable

import msgspec
import pytest

from shared.adapters.storage import exception_blobs
from shared.adapters.storage.account import StorageAccount
from shared.adapters.storage.blobs import Container
from shared.adapters.storage.exception_blobs import ExceptionBlobs, trust_blobs
from shared.exception_ports import ExceptionFile, ExceptionFiles
from tests.contract.wire import counted
from tests.doubles.kept_scans import InMemoryExceptionFiles

pytestmark = pytest.mark.contract

WAIVERS = ExceptionFile("waivers.yaml", b"[]\n")
VEX = ExceptionFile("vex/ours.json", b'{"statements": []}')


class Stored(msgspec.Struct, frozen=True):
    """The implementation under test, and how people store a file in it."""

    files: ExceptionFiles
    store: Callable[[str, bytes], None]


@pytest.fixture
def stored(account_or_none: StorageAccount | None) -> Stored:
    """The implementation under test."""
    if account_or_none is None:
        double = InMemoryExceptionFiles()
        return Stored(double, double.files.__setitem__)
    return Stored(ExceptionBlobs(account_or_none), Container(account_or_none, "config").write)


def test_nothing_is_there_at_first(stored: Stored) -> None:
    assert (stored.files.stored(), stored.files.last_good()) == ((), ())


def test_what_is_stored_is_returned_by_name(stored: Stored) -> None:
    for file in (WAIVERS, VEX):
        stored.store(file.name, file.content)
    assert stored.files.stored() == (VEX, WAIVERS)


def test_what_is_stored_anew_is_read_anew(stored: Stored) -> None:
    stored.store(WAIVERS.name, WAIVERS.content)
    stored.files.stored()
    stored.store(WAIVERS.name, b"- {}\n")
    assert stored.files.stored() == (ExceptionFile(WAIVERS.name, b"- {}\n"),)


def test_what_was_found_good_replaces_all_that_was_before(stored: Stored) -> None:
    stored.files.keep_last_good((WAIVERS, VEX))
    stored.files.keep_last_good((VEX,))
    assert stored.files.last_good() == (VEX,)


def test_other_blobs_of_the_container_are_none_of_them(account: StorageAccount) -> None:
    container = Container(account, "config")
    for name in ("images.yaml", "vex/deeper/ours.json", "vex/ours.txt", "gates/waivers.yaml", "waivers.yml"):
        container.write(name, b"")
    assert ExceptionBlobs(account).stored() == ()


def test_what_has_not_changed_costs_one_listing(account: StorageAccount) -> None:
    container, files = Container(account, "config"), ExceptionBlobs(account)
    container.write(WAIVERS.name, WAIVERS.content)
    container.write(VEX.name, VEX.content)
    files.stored()
    with counted() as requests:
        files.stored()
    assert len(requests) == 1


def test_a_file_that_is_too_large_is_told_and_not_read(
    account: StorageAccount, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(exception_blobs, "_MOST_OF_ONE", 2)
    Container(account, "config").write(WAIVERS.name, WAIVERS.content)
    (file,) = ExceptionBlobs(account).stored()
    assert file.content == b""
    assert "too large" in file.trouble


def test_a_last_good_copy_that_nobody_can_read_counts_as_none(account: StorageAccount) -> None:
    Container(account, "config").write("exceptions.last-good.json", b"{")
    assert ExceptionBlobs(account).last_good() == ()


KEY = ExceptionFile("trust/keys/build.pem", b"a key")
STORE = ExceptionFile("trust/stores/microsoft/tsa/root.crt", b"a certificate")


def test_files_of_trust_are_those_below_their_folder_and_no_exceptions(account: StorageAccount) -> None:
    container = Container(account, "config")
    for name in ("waivers.yaml", "trust/README.md", "trust/keys/.hidden.pem", "trustworthy/key.pem"):
        container.write(name, b"")
    for file in (KEY, STORE):
        container.write(file.name, file.content)
    assert trust_blobs(account).stored() == (KEY, STORE)
    assert [file.name for file in ExceptionBlobs(account).stored()] == ["waivers.yaml"]


def test_what_was_trusted_last_is_kept_apart_from_exceptions(account: StorageAccount) -> None:
    ExceptionBlobs(account).keep_last_good((WAIVERS,))
    trust_blobs(account).keep_last_good((KEY,))
    assert (ExceptionBlobs(account).last_good(), trust_blobs(account).last_good()) == ((WAIVERS,), (KEY,))

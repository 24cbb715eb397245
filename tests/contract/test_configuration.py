"""What every implementation of ``Configuration`` promises, and what the blobs add: deployed gates and limits."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

import msgspec
import pytest

from shared.adapters.storage.account import StorageAccount
from shared.adapters.storage.blobs import Container
from shared.adapters.storage.configuration_blobs import ConfigurationBlobs
from shared.configuration_ports import Configuration, ListSource
from shared.errors import ServiceError
from shared.watch_list_yaml import LARGEST_WATCH_LIST
from tests.contract.wire import counted
from tests.doubles.storage import InMemoryConfiguration

pytestmark = pytest.mark.contract

GATE = {"Dockerfile": b"ARG BASE_IMAGE\nFROM $BASE_IMAGE\n", "test/run.sh": b"#!/bin/sh\nexit 0\n", "empty": b""}


class Stored(msgspec.Struct, frozen=True):
    """The implementation under test, and how operators store a list and a gate's files in it."""

    configuration: Configuration
    store: Callable[[bytes], None]
    store_gate: Callable[[str, Mapping[str, bytes]], None]


@pytest.fixture
def stored(account_or_none: StorageAccount | None, tmp_path: Path) -> Stored:
    """The implementation under test."""
    if account_or_none is None:
        double = InMemoryConfiguration()
        return Stored(double, lambda text: setattr(double, "text", text), double.gates.__setitem__)
    return in_blobs(account_or_none, tmp_path)


def in_blobs(account: StorageAccount, deployed: Path) -> Stored:
    """Return the real adapter."""
    container = Container(account, "config")

    def store_gate(name: str, files: Mapping[str, bytes]) -> None:
        for path, content in files.items():
            container.write(f"gates/{name}/{path}", content)

    return Stored(ConfigurationBlobs(account, deployed), lambda text: container.write("images.yaml", text), store_gate)


def watch_list(stored: Stored) -> ListSource:
    """Return the stored list."""
    source = stored.configuration.watch_list()
    assert source is not None, "no list is stored"
    return source


def test_the_stored_watch_list_is_returned_with_where_it_came_from(stored: Stored) -> None:
    stored.store(b"images: []\n")
    source = watch_list(stored)
    assert (source.text, source.origin) == (b"images: []\n", "blob config/images.yaml")
    assert source.modified.utcoffset() is not None


def test_the_version_changes_exactly_when_the_text_does(stored: Stored) -> None:
    versions = []
    for text in (b"a", b"a", b"", b"b"):
        stored.store(text)
        assert watch_list(stored).text == text
        versions.append(watch_list(stored).version)
    assert versions[0] == versions[1]
    assert len(set(versions)) == 3


def test_there_is_no_last_good_list_until_one_is_kept(stored: Stored) -> None:
    assert stored.configuration.last_good() is None


def test_the_last_good_list_is_the_one_kept_last(stored: Stored) -> None:
    for text in (b"first", b"second"):
        stored.store(text)
        stored.configuration.keep_last_good(watch_list(stored))
    stored.store(b"broken")
    last_good = stored.configuration.last_good()
    assert last_good is not None
    assert last_good.text == b"second"
    assert watch_list(stored).text == b"broken"


def test_a_gate_has_the_files_that_were_stored_for_it(stored: Stored) -> None:
    stored.store_gate("node", GATE)
    stored.store_gate("node-slim", {"Dockerfile": b"other"})
    assert stored.configuration.gate("node") == GATE


@pytest.mark.parametrize("name", ["missing", "", "..", "../gates", "a/b", "/", "Node"])
def test_a_gate_that_was_never_stored_has_no_files(stored: Stored, name: str) -> None:
    assert stored.configuration.gate(name) == {}


@pytest.fixture
def deployed(tmp_path: Path) -> Path:
    """The folder an app is deployed with."""
    (tmp_path / "images.yaml").write_bytes(b"deployed")
    for path, content in GATE.items():
        file = tmp_path / "gates" / "node" / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(content)
    return tmp_path


def test_where_no_list_is_stored_there_is_none_and_a_deployed_one_is_never_taken(
    account: StorageAccount, deployed: Path
) -> None:
    blobs = in_blobs(account, deployed)
    assert blobs.configuration.watch_list() is None
    blobs.store(b"stored")
    assert watch_list(blobs).text == b"stored"
    account.container("config").delete_blob("images.yaml")
    assert blobs.configuration.watch_list() is None


def test_an_unchanged_watch_list_costs_one_listing_and_no_text(account: StorageAccount, tmp_path: Path) -> None:
    blobs = in_blobs(account, tmp_path)
    blobs.store(b"x" * 100_000)
    first = watch_list(blobs)
    with counted() as wire:
        assert watch_list(blobs) == first
    assert len(wire) == 1


def test_of_a_far_too_long_watch_list_only_so_much_is_read_that_it_is_seen_to_be_too_long(
    account: StorageAccount, tmp_path: Path
) -> None:
    blobs = in_blobs(account, tmp_path)
    blobs.store(b"x" * 20_000_000)
    assert len(watch_list(blobs).text) == LARGEST_WATCH_LIST + 1


def test_a_stored_gate_counts_more_than_the_deployed_one(account: StorageAccount, deployed: Path) -> None:
    blobs = in_blobs(account, deployed)
    assert blobs.configuration.gate("node") == GATE
    blobs.store_gate("node", {"Dockerfile": b"stored"})
    assert blobs.configuration.gate("node") == {"Dockerfile": b"stored"}


def test_a_deployed_gate_with_a_link_is_refused(account: StorageAccount, deployed: Path) -> None:
    (deployed / "gates" / "node" / "environ").symlink_to("/proc/self/environ")
    with pytest.raises(ServiceError, match="has a link, 'environ'"):
        in_blobs(account, deployed).configuration.gate("node")


def test_an_unchanged_gate_costs_one_request_and_a_changed_one_is_read_again(
    account: StorageAccount, tmp_path: Path
) -> None:
    blobs = in_blobs(account, tmp_path)
    blobs.store_gate("node", GATE)
    blobs.configuration.gate("node")
    with counted() as wire:
        assert blobs.configuration.gate("node") == GATE
    assert len(wire) == 1
    blobs.store_gate("node", {"empty": b"no more"})
    assert blobs.configuration.gate("node") == {**GATE, "empty": b"no more"}


@pytest.mark.parametrize(
    "files",
    [{f"file{number}": b"" for number in range(201)}, {"large": b"x" * (5 * 1024 * 1024 + 1)}],
    ids=["too many files", "too many bytes"],
)
@pytest.mark.parametrize("place", ["stored", "deployed"])
def test_a_gate_that_is_far_too_large_is_refused_with_its_name(
    account: StorageAccount, tmp_path: Path, files: Mapping[str, bytes], place: str
) -> None:
    blobs = in_blobs(account, tmp_path)
    if place == "stored":
        blobs.store_gate("node", files)
    else:
        (tmp_path / "gates/node").mkdir(parents=True)
        for name, content in files.items():
            (tmp_path / "gates/node" / name).write_bytes(content)
    with pytest.raises(ServiceError, match="'node' is too large") as raised:
        blobs.configuration.gate("node")
    assert not raised.value.temporary


def test_a_file_outside_the_folder_of_its_gate_is_refused(account: StorageAccount, tmp_path: Path) -> None:
    blobs = in_blobs(account, tmp_path)
    container = Container(account, "config")
    container.write("gates/node//etc/passwd", b"")
    with pytest.raises(ServiceError, match="not inside its folder"):
        blobs.configuration.gate("node")


FILES = {"images.yaml": b"images: []\n", "images/a.yaml": b"\xff\x00", "images/b.yml": b"# last line"}


def test_a_list_has_all_its_files_and_is_kept_as_good_whole(account: StorageAccount, tmp_path: Path) -> None:
    blobs, container = in_blobs(account, tmp_path), Container(account, "config")
    for name, content in {**FILES, "images/notes.txt": b"", "images/a/b.yaml": b""}.items():
        container.write(name, content)
    source = watch_list(blobs)
    assert {"images.yaml": source.text, **{file.name: file.text for file in source.more}} == FILES
    blobs.configuration.keep_last_good(source)
    with counted() as wire:
        assert watch_list(blobs) == source
    assert len(wire) == 1
    last_good = blobs.configuration.last_good()
    assert last_good is not None
    assert (last_good.text, last_good.more, last_good.version) == (source.text, source.more, source.version)
    account.container("config").delete_blob("images.yaml")
    lacking = watch_list(blobs)
    assert (lacking.lacks_main, lacking.more) == (True, source.more)
    blobs.configuration.keep_last_good(lacking)
    kept = blobs.configuration.last_good()
    assert kept is not None
    assert (kept.lacks_main, kept.more) == (True, source.more)

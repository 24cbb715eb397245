"""What the blobs of ``ConfigurationFiles`` promise: nothing is written over what nobody read."""

from __future__ import annotations

import pytest

from shared.adapters.storage.account import StorageAccount
from shared.adapters.storage.configuration_files import ConfigurationFileBlobs
from shared.errors import Conflict

pytestmark = pytest.mark.contract


@pytest.fixture
def files(account_or_none: StorageAccount | None) -> ConfigurationFileBlobs:
    """The adapter over Azurite."""
    if account_or_none is None:
        pytest.skip("the double of this port stands with its only test")
    return ConfigurationFileBlobs(account_or_none)


def test_a_new_file_is_written_where_there_is_none_and_not_over_one(files: ConfigurationFileBlobs) -> None:
    assert files.read("trust/keys/a.pem") is None
    written = files.write("trust/keys/a.pem", b"one", None)
    assert files.read("trust/keys/a.pem") == written
    with pytest.raises(Conflict):
        files.write("trust/keys/a.pem", b"two", None)
    assert files.read("trust/keys/a.pem") == written


def test_a_file_is_written_in_place_of_what_was_read_and_of_nothing_else(files: ConfigurationFileBlobs) -> None:
    first = files.write("vex/a.json", b"one", None)
    second = files.write("vex/a.json", b"two", first.etag)
    with pytest.raises(Conflict):
        files.write("vex/a.json", b"three", first.etag)
    with pytest.raises(Conflict):
        files.write("vex/other.json", b"three", first.etag)
    assert (files.read("vex/a.json"), files.read("vex/other.json")) == (second, None)

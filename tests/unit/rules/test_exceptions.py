"""What people know and scanners do not: read once, and never half taken back by a file that cannot be read."""

from __future__ import annotations

from datetime import timedelta

import pytest

from shared.policy_yaml import read_waiver_file
from shared.rules.exceptions import KnownExceptions
from tests.doubles.kept_scans import InMemoryExceptionFiles
from tests.doubles.storage import SettableClock

pytestmark = pytest.mark.unit

WAIVER = b"- {id: CVE-1, package: openssl, reason: unused, by: anna, until: '2026-12-31'}\n"
EXPLOITED = b'{"dateReleased": "2026-11-26T00:00:00Z", "vulnerabilities": [{"cveID": "CVE-1"}]}'
VEX = b"""{"@context": "https://openvex.dev/ns/v0.2.0", "statements": [
  {"vulnerability": "CVE-1", "status": "not_affected", "products": [{"@id": "pkg:deb/debian/openssl"}]}]}"""


class Process:
    """A process that reads the files, and may be started anew."""

    def __init__(self) -> None:
        self.clock = SettableClock()
        self.files = InMemoryExceptionFiles()
        self.start()

    def start(self) -> None:
        self.known = KnownExceptions(self.files, self.clock, read_waiver_file)

    def upload(self, name: str, content: bytes) -> None:
        self.files.files[name] = content
        self.clock.advance(timedelta(minutes=2))


@pytest.fixture
def process() -> Process:
    return Process()


def test_without_files_nothing_is_said_and_nothing_written(process: Process) -> None:
    process.files.before_call = pytest.fail
    known = process.known.now()
    assert (known.sha256, known.exceptions.waivers, known.troubles) == ("", (), ())


def test_each_kind_of_file_is_read(process: Process) -> None:
    for name, content in (("waivers.yaml", WAIVER), ("known-exploited.json", EXPLOITED), ("vex/a.json", VEX)):
        process.upload(name, content)
    said = process.known.now().exceptions
    assert (len(said.waivers), len(said.vex), said.exploited is not None) == (1, 1, True)


def test_within_a_minute_nothing_is_asked_again(process: Process) -> None:
    for _ in range(3):
        process.known.now()
    assert process.files.listings == 1


def test_the_fingerprint_changes_with_every_change_and_is_the_same_in_every_process(process: Process) -> None:
    process.upload("waivers.yaml", WAIVER)
    first = process.known.now().sha256
    process.start()
    assert process.known.now().sha256 == first
    process.upload("waivers.yaml", WAIVER + b"# said anew\n")
    assert process.known.now().sha256 not in {first, ""}


@pytest.mark.parametrize("bad", [b"- {id: CVE", b"\xff", b"- {id: CVE-1}\n"])
def test_a_file_that_cannot_be_read_leaves_what_it_said_before_also_after_a_start(process: Process, bad: bytes) -> None:
    process.upload("waivers.yaml", WAIVER)
    before = process.known.now()
    process.upload("waivers.yaml", bad)
    process.upload("vex/a.json", VEX)
    for _ in range(2):
        known = process.known.now()
        assert known.exceptions.waivers == before.exceptions.waivers
        assert len(known.exceptions.vex) == 1
        (trouble,) = known.troubles
        assert "what it last said stays in force" in trouble.detail
        process.start()


def test_a_file_that_never_could_be_read_says_nothing_and_is_told(process: Process) -> None:
    process.upload("known-exploited.json", b"{")
    known = process.known.now()
    assert known.exceptions.exploited is None
    (trouble,) = known.troubles
    assert "nothing of it is in force" in trouble.detail


def test_a_file_that_was_deleted_says_nothing_any_more(process: Process) -> None:
    process.upload("waivers.yaml", WAIVER)
    process.known.now()
    process.files.files.clear()
    process.clock.advance(timedelta(minutes=2))
    assert process.known.now().sha256 == ""


def test_a_waiver_ends_between_the_moments_before_and_after_its_end(process: Process) -> None:
    process.upload("waivers.yaml", WAIVER)
    known = process.known.now()
    (end,) = known.ends
    second = timedelta(seconds=1)
    assert known.ended_between(end - second, end)
    assert not known.ended_between(end, end + second)

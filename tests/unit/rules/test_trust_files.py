"""The files of trust: a broken one never takes back what was trusted, and never adds to it."""

from __future__ import annotations

from datetime import timedelta

import pytest
from cryptography.hazmat.primitives.serialization import Encoding

from shared.rules.trust_files import KnownTrust
from shared.trust_reading import problem_with
from tests.doubles.kept_scans import InMemoryExceptionFiles
from tests.doubles.storage import SettableClock
from tests.made_signatures.authorities import Authority, new_key, public_pem
from tests.made_signatures.instance import Instance

pytestmark = pytest.mark.unit

KEY, OTHER = public_pem(new_key()), public_pem(new_key())
AUTHORITY = Authority("C=US, ST=WA, O=Acme, CN=Root")
BROKEN = b"-----BEGIN PUBLIC KEY-----\nbroken\n-----END PUBLIC KEY-----\n"


class Process:
    """A process that reads the files, and may be started anew."""

    def __init__(self) -> None:
        self.clock = SettableClock()
        self.files = InMemoryExceptionFiles()
        self.start()

    def start(self) -> None:
        self.known = KnownTrust(self.files, self.clock, problem_with)

    def upload(self, name: str, content: bytes) -> None:
        self.files.files[f"trust/{name}"] = content
        self.clock.advance(timedelta(minutes=2))


@pytest.fixture
def process() -> Process:
    return Process()


def test_policies_know_them_by_their_paths_below_the_folder(process: Process) -> None:
    process.upload("keys/build.pem", KEY)
    known = process.known.now()
    assert (known.files, known.troubles) == ({"keys/build.pem": KEY}, ())


def test_within_a_minute_nothing_is_asked_again(process: Process) -> None:
    for _ in range(3):
        process.known.now()
    assert process.files.listings == 1


def test_the_hash_changes_with_what_is_in_force_alone(process: Process) -> None:
    assert process.known.now().sha256 == ""
    process.upload("keys/build.pem", KEY)
    first = process.known.now().sha256
    process.upload("keys/build.pem", BROKEN)
    process.start()
    assert process.known.now().sha256 == first
    process.upload("keys/build.pem", OTHER)
    assert process.known.now().sha256 not in {first, ""}


def test_a_broken_file_leaves_the_last_good_one_of_its_name_in_force_also_after_a_start(process: Process) -> None:
    process.upload("keys/build.pem", KEY)
    process.known.now()
    process.upload("keys/build.pem", BROKEN)
    process.upload("keys/new.pem", BROKEN)
    for _ in range(2):
        known = process.known.now()
        assert known.files == {"keys/build.pem": KEY}
        assert [one.about for one in known.troubles] == [
            "file:config/trust/keys/build.pem",
            "file:config/trust/keys/new.pem",
        ]
        assert "stays in force" in known.troubles[0].detail
        assert "nothing of it is in force" in known.troubles[1].detail
        process.start()


def test_a_file_that_was_deleted_is_trusted_no_more(process: Process) -> None:
    process.upload("keys/build.pem", KEY)
    process.known.now()
    process.files.files.clear()
    process.clock.advance(timedelta(minutes=2))
    assert process.known.now().files == {}


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("keys/build.pem", KEY),
        ("cosign.pub", KEY),
        ("roots/fulcio.pem", AUTHORITY.pem),
        ("stores/microsoft/root.pem", AUTHORITY.pem),
        ("stores/microsoft/tsa/root.crt", AUTHORITY.certificate.public_bytes(Encoding.DER)),
        ("roots/sigstore.json", Instance().root),
    ],
)
def test_keys_certificates_and_roots_are_what_they_should_be(name: str, content: bytes) -> None:
    assert problem_with(name, content) == ""


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("keys/build.pem", BROKEN),
        ("keys/build.pem", b""),
        ("stores/microsoft/root.crt", KEY),
        ("stores/microsoft/root.cer", b"\x30\x00"),
        ("roots/sigstore.json", b"{}"),
        ("roots/sigstore.json", b"{"),
        ("keys/build.pub", b"0" * 300_000),
    ],
)
def test_what_is_not_what_it_should_be_is_said(name: str, content: bytes) -> None:
    assert f"config/trust/{name}" in problem_with(name, content)

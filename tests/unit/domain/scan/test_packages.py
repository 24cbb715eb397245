"""What rows list is what is in the image, or nothing; and a document says the same."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.domain.references import Digest
from shared.domain.scan.cyclonedx import Described, document_of, read_document
from shared.domain.scan.packages import Package, Packages, name_of, packages_in, version_of
from shared.errors import MalformedInput

pytestmark = pytest.mark.unit

ABOUT = ['about os.Family "debian"', 'about os.Name "12.7"']
GROUPS = (
    'list g 1 "pkg:deb/debian/" "arch=amd64&distro=debian-12.7" 1 "libssl3@3.0.11-1" "openssl" '
    'g 2 "pkg:deb/debian/" "arch=amd64&distro=debian-12.7&epoch=1" 2 "zlib1g@1.2-1" "zlib" "1:1.1-1"'
)
SECOND = 'list 1 "base-files@12.4%2Bdeb12u12" g 3 "pkg:npm/%40babel/" "" 3 "core@7.0.0"'
ROWS = [*ABOUT, "count os-pkgs 1 3 0", GROUPS, SECOND, "listed 4", "done 0 0"]
LIBSSL = "pkg:deb/debian/libssl3@3.0.11-1?arch=amd64&distro=debian-12.7"
ZLIB = "pkg:deb/debian/zlib1g@1.2-1?arch=amd64&distro=debian-12.7&epoch=1"
FILES = "pkg:deb/debian/base-files@12.4%2Bdeb12u12?arch=amd64&distro=debian-12.7"
LISTED = Packages(
    ("debian", "12.7"),
    (
        Package(LIBSSL, "openssl", "3.0.11-1"),
        Package(ZLIB, "zlib", "1:1.1-1"),
        Package(FILES, "base-files", "12.4+deb12u12"),
        Package("pkg:npm/%40babel/core@7.0.0"),
    ),
)
IMAGE = Described("base/node", Digest("sha256:" + 64 * "1"), "linux/amd64", datetime(2026, 1, 2, tzinfo=UTC))


def without(row: str) -> list[str]:
    return [one for one in ROWS if one != row]


def test_packages_are_read_with_their_sources_and_the_distribution() -> None:
    assert packages_in(ROWS) == LISTED


def test_a_packages_url_says_its_name_and_its_version_with_the_epoch() -> None:
    assert [(name_of(one.purl), version_of(one.purl)) for one in LISTED.packages] == [
        ("libssl3", "3.0.11-1"),
        ("zlib1g", "1:1.2-1"),
        ("base-files", "12.4+deb12u12"),
        ("core", "7.0.0"),
    ]


@pytest.mark.parametrize(
    "rows",
    [
        without(SECOND),
        without("listed 4"),
        [*without("listed 4"), "listed 5"],
        [*without("listed 4"), "unlisted long"],
        [*without("listed 4"), "unlisted odd"],
        [*without("listed 4"), "unlisted something"],
        [*ROWS, "listed 4"],
        [*ROWS, 'list 9 "x@1"'],
        [*ROWS, 'list "x@1"'],
        [*ROWS, "list 1"],
        [*ROWS, 'list 1 "x@1" "a" "b" "c"'],
        [*ROWS, 'list g 4 "pkg:deb/"'],
        [*ROWS, 'list g 4 "https://elsewhere/" "" 4 "x@1"', "listed 5"],
        [*without("listed 4"), 'list 1 "libssl3@3.0.11-1" "other"', "listed 5"],
        [*without("listed 4"), f'list 1 "{"x" * 1000}@1"', "listed 5"],
        [*without("listed 4"), 'list 1 "x\\n@1"', "listed 5"],
    ],
)
def test_a_list_that_is_not_whole_is_none_and_why_is_told(rows: list[str]) -> None:
    told = packages_in(rows)
    assert isinstance(told, str)
    assert told


def test_an_image_without_anything_in_it_has_an_empty_list() -> None:
    assert packages_in(["listed 0"]) == Packages(("", ""), ())


@given(st.lists(st.text(st.characters(max_codepoint=0x250), max_size=40), max_size=6))
def test_whatever_rows_say_it_is_a_list_or_told(rows: list[str]) -> None:
    found = packages_in([*ABOUT, *(f"list {row}" for row in rows), f"listed {len(rows)}"])
    assert isinstance(found, (Packages, str))


NAMES = st.text("abcxyz0189.-", min_size=1, max_size=12)


@given(st.dictionaries(NAMES, st.tuples(NAMES, st.none() | st.integers(1, 9), NAMES), max_size=9))
def test_a_document_says_what_was_listed(packages: dict[str, tuple[str, int | None, str]]) -> None:
    listed = Packages(
        ("debian", "12"),
        tuple(
            Package(f"pkg:deb/debian/{name}@1.0?arch=amd64", source, f"{epoch}:{version}" if epoch else version)
            for name, (source, epoch, version) in packages.items()
        ),
    )
    assert read_document(document_of(IMAGE, listed)) == listed


def test_a_document_is_cyclonedx_1_6_about_the_image_and_the_same_each_time() -> None:
    text = document_of(IMAGE, LISTED)
    found = json.loads(text)
    assert text == document_of(IMAGE, LISTED)
    assert (found["bomFormat"], found["specVersion"]) == ("CycloneDX", "1.6")
    assert found["metadata"]["component"]["version"] == IMAGE.digest
    assert [one["type"] for one in found["components"]] == ["operating-system", *["library"] * 4]
    assert found["components"][1]["properties"] == [
        {"name": "aquasecurity:trivy:SrcName", "value": "openssl"},
        {"name": "aquasecurity:trivy:SrcVersion", "value": "3.0.11-1"},
    ]


@pytest.mark.parametrize("text", [b"", b"{}", b"[]", b'{"bomFormat": "CycloneDX", "components": [{}]}', b"\xff"])
def test_what_is_no_document_is_told(text: bytes) -> None:
    with pytest.raises(MalformedInput):
        read_document(text)

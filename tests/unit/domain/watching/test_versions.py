"""Tags are read as the versions people mean by them, put in one order, and compared with ranges."""

from __future__ import annotations

import math
from itertools import pairwise
from random import Random

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from shared.domain.watching.ranges import parse_range
from shared.domain.watching.versions import PRERELEASE_WORDS, Version, parse_version
from shared.errors import InvalidSelection
from tests.unit import strategies

pytestmark = pytest.mark.unit

FLAVOURS = ["", "alpine", "slim-bookworm", "alpine3.19", "windowsservercore-ltsc2022", "3.4", "jre-alpine"]
SUFFIXES = ["", "-rc.1", "rc1", "-beta", "-M4", "-preview.7.24080.9", "_4", "-rc.1_4"]
numbers = st.lists(st.integers(0, 20250101), min_size=1, max_size=4)
spelt = st.builds(
    lambda v, parts, suffix, flavour: v + ".".join(map(str, parts)) + suffix + (flavour and f"-{flavour}"),
    st.sampled_from(["", "v"]),
    numbers,
    st.sampled_from(SUFFIXES),
    st.sampled_from(FLAVOURS),
)


def version(tag: str) -> Version:
    """Read a tag that is a version."""
    found = parse_version(tag)
    assert found is not None, tag
    return found


versions = spelt.map(version)


def written(found: Version) -> list[int]:
    """Return the numbers that a version has."""
    return [int(number) for number in found.numbers if number != math.inf]


# Reading.


@pytest.mark.parametrize(
    ("tag", "parts", "prerelease", "flavour"),
    [
        ("22", [22], False, ""),
        ("22.04", [22, 4], False, ""),
        ("v1.2.3", [1, 2, 3], False, ""),
        ("V1.2.3", [1, 2, 3], False, ""),
        ("1.2.3.4", [1, 2, 3, 4], False, ""),
        ("20240115", [20240115], False, ""),
        ("2024.10.1", [2024, 10, 1], False, ""),
        ("2024-01-15", [2024, 1, 15], False, ""),
        ("2024-01-15.2-slim", [2024, 1, 15, 2], False, "slim"),
        ("2024-01", [2024], False, "01"),
        ("2024-01-16T16-07-38Z", [2024, 1, 16, 160738], False, ""),
        ("2024-01-16T16-07-38Z.fips", [2024, 1, 16, 160738], False, "fips"),
        ("20240115T1607-slim", [20240115, 160700], False, "slim"),
        ("20240115-160738", [20240115, 160738], False, ""),
        ("20240115-16073", [20240115], False, "16073"),
        ("3.19-alpine", [3, 19], False, "alpine"),
        ("8.0-alpine", [8, 0], False, "alpine"),
        ("3.13-slim-bookworm", [3, 13], False, "slim-bookworm"),
        ("3.13.0-alpine3.19", [3, 13, 0], False, "alpine3.19"),
        ("16-3.4-alpine", [16], False, "3.4-alpine"),
        ("26.1.3.Final-jdk17", [26, 1, 3], False, "Final-jdk17"),
        ("1.2.3_4", [1, 2, 3], False, ""),
        ("21.0.1_12-jre-alpine", [21, 0, 1], False, "jre-alpine"),
        ("1.2.3_amd64", [1, 2, 3], False, "amd64"),
        ("1.2.3_linux-arm64", [1, 2, 3], False, "linux-arm64"),
        ("1.2.3_386", [1, 2, 3], False, "386"),
        ("1.2.3_alpine3.19", [1, 2, 3], False, "alpine3.19"),
        ("104.1.2_up57.0.3", [104, 1, 2], False, ""),
        ("1.2.3_a29ab5b-slim", [1, 2, 3], False, "slim"),
        ("3.19_a29ab5b-slim", [3, 19], False, "a29ab5b-slim"),
        ("v1.2.3-rc.1", [1, 2, 3], True, ""),
        ("v1.2.3-RC1", [1, 2, 3], True, ""),
        ("1.23-rc-alpine", [1, 23], True, "alpine"),
        ("1.22rc1-alpine3.19", [1, 22], True, "alpine3.19"),
        ("3.13.0a1-slim-bookworm", [3, 13, 0], True, "slim-bookworm"),
        ("17beta1-alpine", [17], True, "alpine"),
        ("9.0.0-preview.7.24080.9-alpine", [9, 0, 0], True, "alpine"),
        ("11.0.0-M20-jdk21", [11, 0, 0], True, "jdk21"),
        ("23-ea-11-jdk", [23], True, "jdk"),
        ("8.0.0-SNAPSHOT", [8, 0, 0], True, ""),
        ("1.0.0-beta.gabc_5", [1, 0, 0], True, ""),
        ("1.2.3-rcfoo", [1, 2, 3], False, "rcfoo"),
        ("1.2.3-previous", [1, 2, 3], False, "previous"),
        ("1.2.3-12-gabcdef0", [1, 2, 3], False, "12-gabcdef0"),
    ],
)
def test_a_tag_is_read_as_the_version_people_mean_by_it(
    tag: str, parts: list[int], prerelease: bool, flavour: str
) -> None:
    found = version(tag)
    assert (written(found), found.is_prerelease, found.flavour) == (parts, prerelease, flavour)
    assert found.precision == len(parts)


@pytest.mark.parametrize(
    "tag",
    [
        "latest",
        "bookworm",
        "v",
        "8u292-jdk",
        "1.1.1w",
        "9048a21",
        "17a1",
        "1.2.3_",
        "20240115T16",
        "1.2.3.4.5",
        "sha-1234",
        "jammy-20240111",
        "1.",
        "1..2",
        "",
    ],
)
def test_a_tag_that_is_no_version_is_not_made_one(tag: str) -> None:
    assert parse_version(tag) is None


@pytest.mark.parametrize("word", PRERELEASE_WORDS)
def test_a_suffix_is_a_prerelease_by_its_word_however_it_is_joined(word: str) -> None:
    for suffix in (f"-{word}", f"-{word}.1", f"{word}1", f".{word}-1", f"-{word.upper()}2", f"_{word}"):
        assert version(f"1.2.3{suffix}-alpine").is_prerelease, suffix
        assert version(f"1.2.3{suffix}-alpine").flavour == "alpine"


@given(numbers, st.sampled_from(SUFFIXES), st.sampled_from(FLAVOURS))
def test_numbers_and_flavour_are_read_back_as_they_were_written(parts: list[int], suffix: str, flavour: str) -> None:
    found = version(".".join(map(str, parts)) + suffix + (flavour and f"-{flavour}"))
    assert written(found) == parts
    assert found.flavour == flavour


@given(st.one_of(strategies.tags, st.text(max_size=200)))
@example("1" * 128)
@example("1" + "-rc" * 42)
@example("1-" + "rc.1" * 31 + "!")
def test_any_text_is_a_version_of_its_own_or_none(text: str) -> None:
    found = parse_version(text)
    assert found is None or (found.tag == text and 1 <= found.precision <= 4)


# Order.


@given(versions, versions, versions)
def test_the_order_is_total(one: Version, two: Version, three: Version) -> None:
    assert (one < two) + (one == two) + (one > two) == 1
    assert (one == two) == (one.tag == two.tag)
    if one <= two <= three:
        assert one <= three


@given(st.lists(versions, max_size=12), st.randoms(use_true_random=False))
def test_sorting_does_not_depend_on_the_order_that_a_registry_lists(listed: list[Version], chance: Random) -> None:
    shuffled = chance.sample(listed, len(listed))
    assert sorted(shuffled) == sorted(listed)


@pytest.mark.parametrize(
    "rising",
    [
        ["1.2.3", "1.2.10", "1.2", "1.10.0", "1.10", "1", "2.0", "10"],
        ["1.0-alpha", "1.0-alpha.1", "1.0-alpha.beta", "1.0-beta", "1.0-beta.2", "1.0-beta.11", "1.0-rc.1", "1.0"],
        ["3.13.0a1", "3.13.0a10", "3.13.0b1", "3.13.0rc9", "3.13.0rc10", "3.13.0"],
        ["21.0.1", "21.0.1_9", "21.0.1_12", "21.0.2"],
        ["104.1.2", "104.1.2_up57.0.3", "104.1.2_up57.0.12"],
        ["0012345", "20240115-160738", "20240115", "20.04", "22.04", "22.10", "2024.1.9", "2024-01-15"],
        ["2024-01-15T06-07-38Z", "2024-01-15T16-07-38Z", "2024-01-16T01-00-00Z"],
        ["3.19-alpine", "3.19-slim", "3.19", "3.19-9", "3.19-11-gabcdef0", "3.20-r9", "3.20-r10"],
        ["1.0-alpine3.9", "1.0-alpine3.19", "1.0-debian-9-r9", "1.0-debian-9-r24", "1.0-debian-10"],
        ["1.0-slim-buster", "1.0-slim-bullseye", "1.0-slim-bookworm", "1.0-slim-trixie"],
        ["1.0-xenial", "1.0-focal", "1.0-noble"],
        ["08.1", "8.01", "8.1", "v8.1", "8.2"],
    ],
    ids=lambda rising: rising[0],
)
def test_versions_rise_as_people_expect(rising: list[str]) -> None:
    assert [found.tag for found in sorted(map(version, reversed(rising)))] == rising


@given(numbers, numbers)
def test_whole_releases_are_in_the_order_of_their_numbers(one: list[int], two: list[int]) -> None:
    one, two = (one * 4)[:4], (two * 4)[:4]
    first, second = (version(".".join(map(str, parts))) for parts in (one, two))
    serial = one[0] >= 100_000, two[0] >= 100_000
    assert (first < second) == ((not serial[0], one) < (not serial[1], two))


# Ranges.


@pytest.mark.parametrize(
    ("text", "inside", "outside"),
    [
        (">=3.19 <4", ["3.19", "3.19.1", "3.99", "3", "3.19-alpine"], ["3.18", "3.18.9", "4", "4.0", "4.0.0-rc.1"]),
        (">= 3.19, < 4", ["3.19", "3"], ["3.18", "4.0"]),
        ("^22", ["22", "22.0", "22.12.1"], ["21.9", "23", "23.0.0-rc.1"]),
        ("^22.3", ["22", "22.3", "22.4.1"], ["22.2", "23"]),
        ("^0.2.3", ["0.2.3", "0.2.9", "0.2"], ["0.2.2", "0.3.0", "0", "1"]),
        ("^0.0.3", ["0.0.3", "0.0.3.1"], ["0.0.4", "0.0"]),
        ("^0", ["0.1", "0.0.1", "0"], ["1"]),
        ("^0.0", ["0.0", "0.0.9"], ["0.1"]),
        ("~1.2", ["1.2", "1.2.0", "1.2.99"], ["1.1.9", "1.3.0", "1"]),
        ("~1.2.3", ["1.2.3", "1.2.4", "1.2"], ["1.2.2", "1.3"]),
        ("~1", ["1", "1.9"], ["2", "0.9"]),
        ("22.x", ["22", "22.1", "22.1.3"], ["21", "23"]),
        ("22.X.*", ["22", "22.1"], ["23"]),
        ("22", ["22", "22.1.3"], ["23"]),
        ("=22.04", ["22.04", "22.4", "22.04.1"], ["22", "22.10"]),
        ("1.2.x", ["1.2", "1.2.7"], ["1", "1.3"]),
        ("*", ["0", "22.04", "20240115"], []),
        ("x || 1", ["9"], []),
        ("^20 || ^22", ["20", "22.1"], ["21", "23"]),
        (">22", ["23", "23.0-rc.1"], ["22", "22.9"]),
        (">22.1", ["22.2", "22", "23"], ["22.1", "22.1.9"]),
        ("<=22", ["22", "22.99", "1"], ["23"]),
        ("<22.5", ["22.4", "22.4.9", "21"], ["22", "22.5", "22.5.0-rc.1"]),
        ("<=22.5", ["22.5.9"], ["22", "22.6"]),
        (">=4", ["4.0.0-rc.1", "4"], ["3"]),
        (">=4.0.0-rc.2", ["4.0.0-rc.2", "4.0.0-rc.10", "4.0.0", "4.0", "4"], ["4.0.0-rc.1", "3.9"]),
        ("<=4.0.0-rc.1", ["4.0.0-rc.1", "4.0.0-beta", "3"], ["4.0.0", "4.0.0-rc.2", "4"]),
        ("^4.0.0-rc.2", ["4.0.0-rc.3", "4.1"], ["4.0.0-rc.1", "5"]),
        (">=2024.10.1", ["2024.10.1", "2025.1"], ["2024.9.30", "2024-09-30", "20240115"]),
        (">=20240101 <20250101", ["20240115"], ["20250115", "2024.1.15"]),
        (">=3.19", ["3.19", "3.20.3", "4"], ["20240923", "7654321", "3.18"]),
        (">3 || >=20240101", ["4.1", "20240923"], ["3", "20230901"]),
        ("<20240101", ["20230901"], ["3.20"]),
        (">=1.2.3.4", ["1.2.3.5", "1.2.3"], ["1.2.3.3"]),
        ("v1.2", ["1.2.3", "v1.2.3"], ["1.3"]),
        ("21.0.1", ["21.0.1_12"], ["21.0.2_1"]),
        ("!=4", ["3", "5", "20240115"], ["4", "4.0.1", "4.0.0-rc.1"]),
        (">=4 !=4.1.x, !=4.3", ["4", "4.0", "4.2.9"], ["3", "4.1.7", "4.3"]),
        ("1.2 - 2.3", ["1.2", "2.3", "2.3.9", "2.0.0-rc.1"], ["1.1", "2.4", "20240115"]),
        ("1.x - 2.x", ["1.0", "2.9"], ["0.9", "3"]),
        ("1.2 - 2.3 !=1.5 || 4", ["1.4", "4.1"], ["1.5.1", "3"]),
        (">=1.0.0-0", ["1.0.0-rc.1", "1.0.0", "2"], ["0.9"]),
        ("<2.0.0-0", ["1.9"], ["2.0.0-rc.1", "2.0.0"]),
        ("^1.2-0", ["1.2.0-rc.1", "1.9"], ["1.1", "2.0.0-rc.1"]),
        ("1.x-0", ["1.2", "1.0.0-rc.1"], ["2"]),
        ("=1.0.0-0", ["1.0.0-rc.1", "1.0.0"], ["1.0.1"]),
        ("*-0", ["0.1", "3.0.0-rc.1"], []),
    ],
)
def test_a_range_holds_what_its_notation_promises(text: str, inside: list[str], outside: list[str]) -> None:
    holds = parse_range(text).holds
    assert [tag for tag in inside if not holds(version(tag))] == []
    assert [tag for tag in outside if holds(version(tag))] == []


@pytest.mark.parametrize(
    "text",
    [
        *("", " ", "||", "^20 ||", "latest", ">=", ">*", ">= <4", "!=*", "=>4", ">=1.2 - 2.3", "1.x.2", "^^1"),
        *("22-alpine", "1_4", "1.2.3.4.5", "~>1.2", "1" * 201, "1.0.0-rc.1-0", ">=-0"),
    ],
)
def test_what_is_no_range_is_refused(text: str) -> None:
    with pytest.raises(InvalidSelection) as refused:
        parse_range(text)
    assert len(str(refused.value)) < 500


@pytest.mark.parametrize(
    ("text", "instead"),
    [
        ("=>4", "write '>='"),
        ("=<4", "write '<='"),
        ("==4", "write '='"),
        ("!4", "write '!='"),
        ("<>4", "write '!='"),
        ("~>1.2", "write '~1.2' for 1.2.x, or '^1.2'"),
        (">1 && <2", "write a blank"),
        ("1 | 2", "write '||'"),
        ("[1.0,2.0)", "write an interval as bounds: '>=1.0 <2.0'"),
        (">=", "write a version after it"),
        ("1.x.2", "write a wildcard last"),
        ("1.2-2.3", "write '1.2 - 2.3', with blanks"),
        ("22-alpine", "write '22', for a flavour is a field of its own: 'flavour: alpine'"),
        (">=1.0.0-14", "write '1.0.0', for a flavour is a field of its own: 'flavour: 14'"),
        ("1.2.3_up5", "builds are not compared, so write '1.2.3'"),
        ("1.0.0-rc.1-0", "write a prerelease or '-0', not both"),
        ("1.2.3.4.5", "a version has at most four numbers"),
        ("latest", "what is no version is named as a tag or by 'regex'"),
    ],
)
def test_a_refused_range_is_told_what_to_write_instead(text: str, instead: str) -> None:
    with pytest.raises(InvalidSelection) as refused:
        parse_range(text)
    assert instead in str(refused.value)


@pytest.mark.parametrize(
    ("text", "asked_for", "not_asked_for"),
    [
        (">=1.0.0-0", "2.0.0-rc.1", "0.9.0-rc.1"),
        (">=1.0.0-rc.2", "2.0.0-rc.1", "1.0.0-rc.1"),
        ("^1.0.0-0", "1.4.0-rc.1", "2.0.0-rc.1"),
        ("1.0-0 - 1.5", "1.5.0-rc.1", "1.6.0-rc.1"),
        ("^1 || ^2-0", "2.1.0-rc.1", "1.1.0-rc.1"),
        (">=1 <2.0.0-0 || 3.0.0-rc.1", "3.0.0-rc.1", "1.5.0-rc.1"),
        ("!=1.0.0-rc.1 || 2-0", "2.0.0-rc.1", "1.0.0-rc.2"),
    ],
)
def test_a_range_asks_for_prereleases_by_a_lower_bound_that_names_one(
    text: str, asked_for: str, not_asked_for: str
) -> None:
    asks_for = parse_range(text).asks_for
    assert asks_for(version(asked_for))
    assert not asks_for(version(not_asked_for))


@given(st.text(max_size=201) | st.text("<>=!^~|xX*v., -_0123456789rc", max_size=30), versions)
def test_arbitrary_text_is_a_range_or_refused_and_never_anything_else(text: str, some: Version) -> None:
    try:
        assert parse_range(text).holds(some) in {True, False}
    except InvalidSelection as refused:
        assert str(refused)


@given(numbers, versions)
def test_every_version_is_below_at_or_above_a_bound_and_only_one_of_these(parts: list[int], some: Version) -> None:
    bound = ".".join(map(str, parts))
    held = {operator: parse_range(operator + bound).holds(some) for operator in ("<", "=", ">", "<=", ">=", "!=")}
    assert held["<"] + held["="] + held[">"] == (version(bound).is_serial == some.is_serial)
    assert held["<="] == (held["<"] or held["="])
    assert held[">="] == (held[">"] or held["="])
    assert held["!="] != held["="]


@given(st.lists(versions, min_size=2, max_size=10), numbers)
def test_a_lower_bound_holds_everything_that_comes_after_what_it_holds(some: list[Version], parts: list[int]) -> None:
    alike = [found for found in sorted(some) if found.is_serial == (parts[0] >= 100_000)]
    held = [parse_range(">=" + ".".join(map(str, parts))).holds(found) for found in alike]
    assert all(earlier <= later for earlier, later in pairwise(held))

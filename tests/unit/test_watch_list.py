"""A watch list is taken as a whole, or refused with everything that is wrong with it and where it stands."""

from __future__ import annotations

import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.domain.references import DOCKER_HUB, MCR, parse_repository
from shared.domain.watch_list import Image, WatchList, read, schema
from shared.errors import WatchListError
from shared.watch_list_yaml import LARGEST_WATCH_LIST, parse_watch_list

pytestmark = pytest.mark.unit

GOOD = """\
images:
  - name: node
    source: docker.io/library/node
    tags: [22-alpine, 20-alpine]
    target: base/node
    gate: node
  - name: dotnet-runtime
    source: mcr.microsoft.com/dotnet/runtime
    tags:
      - 8.0-alpine
    target: base/dotnet-runtime
"""


def parse(text: str) -> WatchList:
    """Read a watch list that is valid."""
    return parse_watch_list(text.encode())


def problems(text: str | bytes) -> tuple[str, ...]:
    """Return what a watch list is refused with."""
    with pytest.raises(WatchListError) as refused:
        parse_watch_list(text.encode() if isinstance(text, str) else text)
    return refused.value.problems


def entry(**fields: str) -> str:
    """Return a watch list of one entry; a field that is empty is left out."""
    values = {"name": "node", "source": "node", "tags": "[22]", "target": "base/node", **fields}
    return "images:\n  - " + "\n    ".join(f"{name}: {value}" for name, value in values.items() if value)


# What is taken.


def test_a_list_is_read_in_its_order() -> None:
    node, dotnet = parse(GOOD).images
    assert node == Image("node", "docker.io/library/node", ["22-alpine", "20-alpine"], "base/node", "node")
    assert (dotnet.name, dotnet.gate, dotnet.wanted) == ("dotnet-runtime", None, ("8.0-alpine",))


def test_entries_are_found_by_registry_by_repository_and_by_name() -> None:
    node, dotnet = (watch_list := parse(GOOD)).images
    assert (watch_list.of_registry(DOCKER_HUB), watch_list.of_registry(MCR)) == ((node,), (dotnet,))
    assert watch_list.of_repository(parse_repository("node")) == (node,)
    assert (watch_list.named("node"), watch_list.named("python")) == (node, None)


@pytest.mark.parametrize(
    "tag", ["3.10", "22.04", "1e3", "0x10", "010", "1_000", "2024-01-01", "yes", "true", "1.", "9" * 99]
)
def test_an_unquoted_tag_stays_as_it_is_written(tag: str) -> None:
    assert parse(entry(tags=f"[{tag}]")).images[0].tags == [tag]


def test_a_quoted_tag_may_be_called_null() -> None:
    assert parse(entry(tags="['null']")).images[0].tags == ["null"]


@pytest.mark.parametrize(
    ("gate", "functional"), [("node", "node"), ("none", None), ("", None), ("~", None), ("22", "22")]
)
def test_an_entry_may_ask_for_no_functional_test(gate: str, functional: str | None) -> None:
    assert parse(entry(gate=gate)).images[0].functional_gate == functional


def test_a_list_may_be_empty() -> None:
    assert parse("images: []\n").images == []


def test_a_byte_order_mark_is_no_part_of_the_list() -> None:
    assert parse_watch_list(b"\xef\xbb\xbf" + GOOD.encode()) == parse(GOOD)


def test_an_alias_stands_for_what_it_names() -> None:
    text = entry(tags="&tags [22, 20]") + "\n  - {name: again, source: node, tags: *tags, target: golden/node}"
    assert [image.tags for image in parse(text).images] == [["22", "20"], ["22", "20"]]


def test_one_repository_may_be_written_by_two_entries_if_their_tags_differ() -> None:
    text = entry() + "\n  - {name: old, source: node, tags: [20], target: base/node}"
    assert len(parse(text).images) == 2


# What is refused, with its line, its path and what was expected.


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("", "line 1: the document: expected `object`, got `null`"),
        ("- images", "line 1: the document: expected `object`, got `array`"),
        ("images: []\nimage: []", "line 2: image: unknown field; expected images"),
        ("{}", "line 1: the document: the field 'images' is missing"),
        ("images:", "line 1: images: expected `array`, got `null`"),
        ("images: node", "line 1: images: expected `array`, got `str`"),
        ("images:\n- node", "line 2: images[0]: expected `object`, got `str`"),
        (entry(name=""), "line 2: images[0]: the field 'name' is missing"),
        (entry(name="Node"), "line 2: images[0].name: expected `str` matching regex '^[a-z0-9][a-z0-9._-]{0,62}$'"),
        (entry(name="a" * 64), "line 2: images[0].name: expected `str` matching regex '^[a-z0-9][a-z0-9._-]{0,62}$'"),
        (entry(source="[]"), "line 3: images[0].source: expected `str`, got `array`"),
        (entry(source="node:22"), "line 3: images[0].source: 'node:22': expected a repository without tag or digest"),
        (
            entry(source="quay.io/a/b"),
            "line 3: images[0].source: 'quay.io/a/b': expected an upstream on docker.io or mcr.microsoft.com, "
            "not quay.io",
        ),
        (entry(tags="22"), "line 4: images[0].tags: expected `array`, got `str`"),
        (entry(tags="[]"), "line 4: images[0].tags: expected `array` of length >= 1"),
        (entry(tags="[~]"), "line 4: images[0].tags[0]: expected `str`, got `null`"),
        (
            entry(tags="\n    - 22\n    - 2 2"),
            "line 6: images[0].tags[1]: '2 2' is not a tag: up to 128 letters, digits, '_', '.' and '-'",
        ),
        (entry(target="Base/Node"), "line 5: images[0].target: 'Base/Node': repository names are lower case"),
        (entry(gate="../gates"), "line 6: images[0].gate: expected `str` matching regex '^[a-z0-9][a-z0-9._-]{0,62}$'"),
        (entry(tag="22"), "line 6: images[0].tag: unknown field; expected name, source, tags, target, gate"),
        (entry() + "\n    name: again", "line 6: images[0].name: the same field stands twice"),
        ("images: []\nimages: []", "line 2: images: the same field stands twice"),
        (
            entry() + "\n  - {name: node, source: node, tags: [20], target: base/node}",
            "line 6: images[1].name: 'node' is already the name of images[0]",
        ),
        (
            entry() + "\n  - {name: again, source: node, tags: [20, 22], target: base/node}",
            "line 6: images[1].tags[1]: base/node:22 is already written by images[0]",
        ),
        (entry(tags="[22, 22]"), "line 4: images[0].tags[1]: base/node:22 is already written by images[0]"),
    ],
)
def test_a_problem_is_told_with_its_line_its_path_and_what_was_expected(text: str, problem: str) -> None:
    assert problems(text) == (problem,)


def test_an_entry_has_at_most_200_tags() -> None:
    tags = ", ".join(str(number) for number in range(201))
    assert problems(entry(tags=f"[{tags}]")) == ("line 4: images[0].tags: expected `array` of length <= 200",)


def test_a_list_has_at_most_5000_entries() -> None:
    too_many = (("images",), "expected `array` of length <= 5000")
    assert too_many not in read({"images": [None] * 5000})[1]
    assert too_many in read({"images": [None] * 5001})[1]


def test_every_problem_of_every_entry_is_told_at_once() -> None:
    text = """\
images:
  - name: Node
    source: node:22
    tags: []
    target: Base
  - source: docker.io/library/python
    tags: [3.10, "3 11"]
    gate: [python]
more: true
"""
    lines = sorted(problem.partition(": ")[0] for problem in problems(text))
    assert lines == [f"line {number}" for number in (2, 3, 4, 5, 6, 6, 7, 8, 9)]


# What is no watch list at all.


@pytest.mark.parametrize(
    "text",
    [
        b"images: [",
        b"images: []\n---\nimages: []",
        b"\timages: []",
        b"images: *nowhere",
        b"images: \x00",
        b'"\\UFFFFFFFF"',
        b"[" * 1000,
        b"%YAML " + b"1" * 5000 + b".1\n--- {}",
    ],
    ids=lambda text: repr(text[:12]),
)
def test_what_is_no_yaml_is_refused_as_such(text: bytes) -> None:
    (problem,) = problems(text)
    assert problem.startswith("not YAML: ")
    assert len(problem) < 400


def test_what_is_not_utf_8_is_refused() -> None:
    assert problems(b"images: [] # caf\xe9")[0].startswith("not YAML: 'utf-8' codec can't decode")


def test_a_list_of_more_than_a_mebibyte_is_not_even_read() -> None:
    largest = b"\t" * LARGEST_WATCH_LIST
    assert problems(largest)[0].startswith("not YAML: ")
    assert problems(largest + b"\t") == ("the file has 1048577 bytes; a watch list has at most 1048576",)


def test_aliases_that_stand_for_a_huge_document_are_refused() -> None:
    levels = [f"a{level}: &a{level} [{', '.join([f'*a{level - 1}'] * 9)}]" for level in range(1, 12)]
    text = "\n".join(["a0: &a0 [x]", *levels])
    assert problems(text) == ("the document has more than 200000 values, 100 deep, once its aliases are followed",)


@pytest.mark.parametrize("text", ["&a [*a]", "&a {*a : *a}", "images: &a [{tags: *a}]", "&a [" + "*a," * 3000 + "]"])
def test_aliases_without_end_are_refused(text: str) -> None:
    assert problems(text) == ("the document has more than 200000 values, 100 deep, once its aliases are followed",)


def test_aliases_that_nest_a_document_deeper_than_any_list_are_refused() -> None:
    nested = [f"- &a{level} [*a{level - 1}]" for level in range(1, 600)]
    assert problems("\n".join(["- &a0 [x]", *nested]))


@pytest.mark.parametrize(
    "text",
    ['"\\uD800"', '"\\uD800": 1\n"ä": 2', 'images: "\\uD800"', entry(gate='"\\uD800"'), entry(tags='["\\uDFFF"]')],
)
def test_half_a_surrogate_pair_is_refused_and_told_in_text_that_can_be_stored(text: str) -> None:
    assert all(problem.encode() for problem in problems(text))


@given(st.one_of(st.text(), st.text("images:[]{}&*a \n-!|>'\"\\%#?,~", max_size=60)))
def test_arbitrary_text_is_read_or_refused_and_never_anything_else(text: str) -> None:
    try:
        assert isinstance(parse_watch_list(text.encode()), WatchList)
    except WatchListError as refused:
        assert refused.problems


@given(st.binary())
def test_arbitrary_bytes_are_refused(content: bytes) -> None:
    assert problems(content)


@given(st.integers(0, len(GOOD) - 1), st.sampled_from(":-[]{}&*!|>'\"\\%@`#?,~\t\n x0"))
def test_a_list_with_one_wrong_character_is_read_or_refused(position: int, character: str) -> None:
    text = GOOD[:position] + character + GOOD[position + 1 :]
    try:
        assert len(parse(text).images) <= 2
    except WatchListError as refused:
        assert all(problem.startswith(("line ", "not YAML")) for problem in refused.problems)


# The schema that editors go by.


def definition(name: str) -> dict[str, Any]:
    """Return one definition of the schema."""
    found: dict[str, Any] = schema()["$defs"][name]
    return found


def test_the_schema_says_what_it_is_and_begins_with_the_whole_list() -> None:
    assert schema()["$schema"] == "https://json-schema.org/draft/2020-12/schema"
    assert schema()["$ref"] == "#/$defs/WatchList"
    assert definition("WatchList")["properties"]["images"]["items"] == {"$ref": "#/$defs/Image"}


@pytest.mark.parametrize("name", ["WatchList", "Image"])
def test_the_schema_refuses_unknown_fields_as_the_reader_does(name: str) -> None:
    assert definition(name)["additionalProperties"] is False


def test_the_schema_asks_for_the_fields_that_the_reader_asks_for() -> None:
    told = " ".join(problems("images: [{gate: none}]"))
    assert set(definition("Image")["required"]) == set(re.findall(r"the field '(\w+)' is missing", told))
    assert set(definition("Image")["properties"]) == {"name", "source", "tags", "target", "gate"}


@pytest.mark.parametrize("name", ["node", "a", "22", "dotnet-runtime", "a_b.c", "a" * 63])
def test_the_schema_accepts_a_name_that_the_reader_accepts(name: str) -> None:
    assert parse(entry(name=name, gate=name)).images[0].name == name
    image = definition("Image")["properties"]
    patterns = [image["name"]["pattern"], *(kind["pattern"] for kind in image["gate"]["anyOf"] if "pattern" in kind)]
    assert len(patterns) == 2
    assert all(re.search(pattern, name) for pattern in patterns)


def test_the_schema_knows_how_many_tags_there_may_be_and_that_there_may_be_no_gate() -> None:
    image = definition("Image")["properties"]
    assert (image["tags"]["minItems"], image["tags"]["maxItems"]) == (1, 200)
    assert {"type": "null"} in image["gate"]["anyOf"]
    assert definition("WatchList")["properties"]["images"]["maxItems"] == 5000


@pytest.mark.parametrize("name", ["WatchList", "Image"])
def test_the_schema_describes_every_field(name: str) -> None:
    assert all(field["description"] for field in definition(name)["properties"].values())

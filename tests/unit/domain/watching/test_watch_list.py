"""A watch list is taken as a whole, or refused with everything that is wrong with it and where it stands."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.domain.references import DOCKER_HUB, MCR, parse_repository
from shared.domain.watching.reading import Problem, read
from shared.domain.watching.selection import choose
from shared.domain.watching.tag_rules import TagRule
from shared.domain.watching.watch_list import Image, ListFile, WatchList, schema
from shared.errors import WatchListError
from shared.watch_list_yaml import LARGEST_WATCH_LIST, parse_files, parse_watch_list

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
    ("source", "registry"),
    [
        ("ghcr.io/fluxcd/flux-cli", "ghcr.io"),
        ("quay.io/prometheus/prometheus", "quay.io"),
        ("registry.k8s.io/pause", "registry.k8s.io"),
        ("public.ecr.aws/docker/library/node", "public.ecr.aws"),
        ("contoso.azurecr.io/base/node", "contoso.azurecr.io"),
        ("localhost:5000/node", "localhost:5000"),
        ("'[::1]:5000/node'", "[::1]:5000"),
        ("fluxcd/flux-cli", DOCKER_HUB),
    ],
)
def test_any_registry_may_be_watched(source: str, registry: str) -> None:
    watch_list = parse(entry(source=source))
    assert watch_list.images[0].repository.registry == registry
    assert watch_list.of_registry(registry) == tuple(watch_list.images)


def test_a_tag_may_be_selected_by_a_rule() -> None:
    text = """\
images:
  - name: node
    source: node
    target: base/node
    tags:
      - 22.10
      - {tag: 22-alpine, as: 22}
      - glob: "*-slim"
        exclude: ["1*", 2.10-slim]
      - regex: '[0-9]+-alpine'
        newest: 3
      - semver: ">=3.19 <4"
        flavour: alpine3.20
        newest: 1
        prereleases: true
        as: current
"""
    (image,) = parse(text).images
    assert image.rules == (
        TagRule(tag="22.10"),
        TagRule(tag="22-alpine", as_="22"),
        TagRule(glob="*-slim", exclude=["1*", "2.10-slim"]),
        TagRule(regex="[0-9]+-alpine", newest=3),
        TagRule(semver=">=3.19 <4", flavour="alpine3.20", newest=1, prereleases=True, as_="current"),
    )
    assert image.wanted == ("22.10", "22-alpine")
    assert [rule.target for rule in image.rules] == ["22.10", "22", None, None, "current"]


@pytest.mark.parametrize(
    ("text", "written"),
    [("false", False), ("true", True), ("False", False), ("1", True), ("0", False)],
)
def test_whether_prereleases_are_taken_may_be_written_as_yaml_does(text: str, written: bool) -> None:
    (rule,) = parse(entry(tags=f"[{{semver: ^22, prereleases: {text}}}]")).images[0].rules
    assert rule.prereleases is written


def test_one_upstream_tag_may_go_to_two_tags_by_two_entries() -> None:
    text = entry(tags="[{tag: 22, as: lts}]") + "\n  - {name: again, source: node, tags: [22], target: base/node}"
    assert [image.rules[0].target for image in parse(text).images] == ["lts", "22"]


def test_patterns_that_may_meet_are_taken_since_only_a_listing_can_tell() -> None:
    assert len(parse(entry(tags="[22, {glob: '2*'}, {semver: ^22}, {semver: ^22}]")).images[0].rules) == 4


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

NO_NAME = r"expected `str` matching regex '^[a-z0-9][a-z0-9._-]{0,62}\\Z'"


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("", "line 1: the document: expected `object`, got `null`"),
        ("- images", "line 1: the document: expected `object`, got `array`"),
        (
            "images: []\nimage: []",
            "line 2: image: unknown field; expected images, defaults, removes, policies, scanner",
        ),
        ("{}", "line 1: the document: the field 'images' is missing"),
        ("images:", "line 1: images: expected `array`, got `null`"),
        ("images: node", "line 1: images: expected `array`, got `str`"),
        ("images:\n- node", "line 2: images[0]: expected `object`, got `str`"),
        (entry(name=""), "line 2: images[0]: the field 'name' is missing"),
        (entry(name="Node"), f"line 2: images[0].name: {NO_NAME}"),
        (
            entry(name="a" * 64),
            f"line 2: images[0].name: {NO_NAME}",
        ),
        (entry(source="[]"), "line 3: images[0].source: expected `str`, got `array`"),
        (entry(source="node:22"), "line 3: images[0].source: 'node:22': expected a repository without tag or digest"),
        (
            entry(source="quay.io/a/b:1"),
            "line 3: images[0].source: 'quay.io/a/b:1': expected a repository without tag or digest",
        ),
        (entry(source="qu_ay.io/a"), "line 3: images[0].source: 'qu_ay.io/a': 'qu_ay.io' is not a registry host"),
        (entry(tags="22"), "line 4: images[0].tags: expected `array`, got `str`"),
        (entry(tags="[]"), "line 4: images[0].tags: expected `array` of length >= 1"),
        (entry(tags="[~]"), "line 4: images[0].tags[0]: expected `str | object`, got `null`"),
        (
            entry(tags="\n    - 22\n    - 2 2"),
            "line 6: images[0].tags[1]: '2 2' is not a tag: up to 128 letters, digits, '_', '.' and '-'",
        ),
        (entry(target="Base/Node"), "line 5: images[0].target: 'Base/Node': repository names are lower case"),
        (
            entry(gate="../gates"),
            f"line 6: images[0].gate: {NO_NAME}",
        ),
        (
            entry(tag="22"),
            "line 6: images[0].tag: unknown field; expected "
            "name, source, tags, target, gate, policy, platforms, registry, missing, drift, adopt, mode, referrers, "
            "unique_tag, record, lock, rebuilds, rebuild, owner",
        ),
        (entry(drift="mend"), "line 6: images[0].drift: invalid enum value 'mend'; expected repair, tell"),
        (entry() + "\n    name: again", "line 6: images[0].name: the same field stands twice"),
        ("images: []\nimages: []", "line 2: images: the same field stands twice"),
        (
            entry() + "\n  - {name: node, source: node, tags: [20], target: base/node}",
            "line 6: images[1].name: 'node' is already the name of images[0] (line 2)",
        ),
        (
            entry() + "\n  - {name: again, source: node, tags: [20, 22], target: base/node}",
            "line 6: images[1].tags[1]: base/node:22 is already written by images[0] (line 2)",
        ),
        (entry(tags="[22, 22]"), "line 4: images[0].tags[1]: base/node:22 is already written by images[0] (line 2)"),
    ],
)
def test_a_problem_is_told_with_its_line_its_path_and_what_was_expected(text: str, problem: str) -> None:
    assert problems(text) == (problem,)


NO_GLOB = "is not a glob of tags: the characters of a tag, '*', '?', '[0-9]' and '[!0-9]'"
KINDS = "expected exactly one of tag, glob, regex, semver, or regex and semver; got"
ONE_TAG = ".as: expected beside an exact tag or newest: 1, for several tags cannot have one name"


@pytest.mark.parametrize(
    ("rule", "problem"),
    [
        ("{}", f": {KINDS} none"),
        ("{flavour: alpine}", f": {KINDS} none"),
        ("{glob: ~}", f": {KINDS} none"),
        ("{glob: '*', regex: .*}", f": {KINDS} glob and regex"),
        ("{glob: '*', semver: '1'}", f": {KINDS} glob and semver; write the glob as a regex, which may stand beside "
         "semver"),
        ("{tag: 22, regex: .*, semver: '1'}", f": {KINDS} tag and regex and semver"),
        ("{regex: 'v(?P<ts>.+)'}", ".regex: 'v(?P<ts>.+)' names a group 'ts'; what is compared is the group "
         "'(?P<version>…)'"),
        ("{regex: '(?P<version>1)|(?P<version>2)'}", ".regex: '(?P<version>1)|(?P<version>2)' names the version twice; "
         "put the choice inside one group '(?P<version>…)'"),
        ("[22]", ": expected `str | object`, got `array`"),
        ("{tag: 2 2}", ".tag: '2 2' is not a tag: up to 128 letters, digits, '_', '.' and '-'"),
        ("{tag: [22]}", ".tag: expected `str | null`, got `array`"),
        ("{tags: 22, tag: 22}", ".tags: unknown field; expected tag, glob, regex, semver, flavour, newest, exclude, "
         "prereleases, as"),
        ("{tag: 22, as_: 22}", ".as_: unknown field; expected tag, glob, regex, semver, flavour, newest, exclude, "
         "prereleases, as"),
        ("{tag: 22, newest: 1}", ".newest: expected beside a pattern; an exact tag needs none"),
        ("{tag: 22, prereleases: false}", ".prereleases: expected beside a pattern; an exact tag needs none"),
        ("{glob: 'a/*'}", f".glob: 'a/*' {NO_GLOB}"),
        ("{glob: '*', exclude: ['2*', 'a b']}", f".exclude[1]: 'a b' {NO_GLOB}"),
        ("{glob: '*', exclude: '2*'}", ".exclude: expected `array`, got `str`"),
        (f"{{glob: {'a' * 129}}}", ".glob: a pattern has 1 to 128 characters, not 129"),
        (f"{{semver: {'1' * 201}}}", ".semver: a range has at most 200 characters, not 201"),
        ("{regex: '(a'}", ".regex: '(a': missing ): (a (RE2 syntax)"),
        ("{regex: '(?!a)'}", ".regex: '(?!a)': invalid perl operator: (?! (RE2 syntax)"),
        ("{semver: latest}", ".semver: 'latest' is not a version to compare with; what is no version is named as "
         "a tag or by 'regex'"),
        ("{semver: 22-alpine}", ".semver: '22-alpine' is not a version to compare with; write '22', for a flavour is "
         "a field of its own: 'flavour: alpine', or 'regex' for several"),
        ("{semver: ''}", ".semver: '': cannot read ''; expected a range such as '>=3.19 <4' or '^22'"),
        ("{semver: ^22, flavour: -alpine}", ".flavour: '-alpine' is read as no flavour; expected a suffix without its "
         "hyphen, such as alpine"),
        ("{semver: ^22, flavour: rc.1}", ".flavour: 'rc.1' is read as a prerelease; expected a suffix without its "
         "hyphen, such as alpine"),
        ("{semver: ^22, newest: 0}", ".newest: expected `int` >= 1"),
        ("{semver: ^22, newest: 201}", ".newest: expected `int` <= 200"),
        ("{semver: ^22, newest: many}", ".newest: expected `int | null`, got `str`"),
        ("{semver: ^22, prereleases: maybe}", ".prereleases: expected `bool`, got `str`"),
        ("{semver: ^22, as: 22}", ONE_TAG),
        ("{glob: 2*, newest: 2, as: 22}", ONE_TAG),
        ("{tag: 22, as: 2 2}", ".as: '2 2' is not a tag: up to 128 letters, digits, '_', '.' and '-'"),
    ],
)  # fmt: skip
def test_a_problem_of_a_rule_is_told_with_its_path_and_what_was_expected(rule: str, problem: str) -> None:
    assert problems(entry(tags=f"[{rule}]")) == (f"line 4: images[0].tags[0]{problem}",)


def test_every_problem_of_a_rule_is_told_at_once_and_at_its_line() -> None:
    text = """
      - 22
      - regex: (a
        semver: ">>1"
        newest: 0
        flavour: dev
        exclude:
          - ok
          - "[]"
        as: "a b"
        more: true"""
    places = {" ".join(problem.split(": ")[:2]).removeprefix("line ") for problem in problems(entry(tags=text))}
    assert places == {
        "6 images[0].tags[1].regex",
        "7 images[0].tags[1].semver",
        "8 images[0].tags[1].newest",
        "9 images[0].tags[1].flavour",
        "12 images[0].tags[1].exclude[1]",
        "13 images[0].tags[1].as",
        "14 images[0].tags[1].more",
    }


@pytest.mark.parametrize(
    ("tags", "problem"),
    [
        ("[22, {tag: alpine, as: 22}]", "[1]: base/node:22 is already written by images[0] (line 2)"),
        ("[{tag: alpine, as: 22}, 22]", "[1]: base/node:22 is already written by images[0] (line 2)"),
        ("[{semver: ^22, newest: 1, as: 22}, 22]", "[1]: base/node:22 is already written by images[0] (line 2)"),
        ("[22, {tag: 22, as: lts}]", "[1]: '22' already goes to another tag by tags[0] of images[0] (line 2)"),
    ],
)
def test_two_rules_that_would_surely_write_one_tag_or_rename_one_twice_are_refused(tags: str, problem: str) -> None:
    assert problems(entry(tags=tags)) == (f"line 4: images[0].tags{problem}",)


def test_an_entry_has_at_most_200_tags() -> None:
    tags = ", ".join(str(number) for number in range(201))
    assert problems(entry(tags=f"[{tags}]")) == ("line 4: images[0].tags: expected `array` of length <= 200",)


def test_a_list_has_at_most_5000_entries() -> None:
    too_many = Problem(("images",), "expected `array` of length <= 5000")
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
        b"%YAML " + b"1" * 5000 + b".1\n--- {}",
    ],
    ids=lambda text: repr(text[:12]),
)
def test_what_is_no_yaml_is_refused_as_such(text: bytes) -> None:
    (problem,) = problems(text)
    assert re.match("line [0-9]+: not YAML: ", problem)
    assert len(problem) < 400


def test_what_is_not_utf_8_is_refused() -> None:
    assert problems(b"images: [] # caf\xe9")[0].startswith("line 1: not YAML: 'utf-8' codec can't decode")


def test_a_list_of_more_than_a_mebibyte_is_not_even_read() -> None:
    largest = b"\t" * LARGEST_WATCH_LIST
    assert problems(largest)[0].startswith("line 1: not YAML: ")
    assert problems(largest + b"\t") == ("the file has 1048577 bytes; a watch list has at most 1048576",)


def test_aliases_that_stand_for_a_huge_document_are_refused() -> None:
    levels = [f"a{level}: &a{level} [{', '.join([f'*a{level - 1}'] * 9)}]" for level in range(1, 12)]
    text = "\n".join(["a0: &a0 [x]", *levels])
    (problem,) = problems(text)
    assert "the document has more than 200000 values, or is over 100 deep, its aliases followed" in problem


@pytest.mark.parametrize("text", ["&a [*a]", "&a {*a : *a}", "images: &a [{tags: *a}]", "&a [" + "*a," * 3000 + "]"])
def test_aliases_without_end_are_refused(text: str) -> None:
    (problem,) = problems(text)
    assert problem == "line 1: not YAML: the alias *a stands within what it names"


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
def test_arbitrary_bytes_are_read_or_refused_and_never_anything_else(content: bytes) -> None:
    """The tool that makes them up knows the texts in our source, an empty list among them."""
    try:
        assert isinstance(parse_watch_list(content), WatchList)
    except WatchListError as refused:
        assert refused.problems


@given(st.integers(0, len(GOOD) - 1), st.sampled_from(":-[]{}&*!|>'\"\\%@`#?,~\t\n x0"))
def test_a_list_with_one_wrong_character_is_read_or_refused(position: int, character: str) -> None:
    text = GOOD[:position] + character + GOOD[position + 1 :]
    try:
        assert len(parse(text).images) <= 2
    except WatchListError as refused:
        assert all(problem.startswith("line ") for problem in refused.problems)


# What the documentation shows.


@pytest.mark.parametrize(
    ("place", "tags", "taken"),
    [
        (0, ["22-alpine", "22"], {"22-alpine": "22-alpine"}),
        (1, ["22-alpine", "22"], {"22-alpine": "22"}),
        (2, ["9-slim", "10-slim", "1-slim", "22-slim", "22"], {tag: tag for tag in ("9-slim", "1-slim", "22-slim")}),
        (3, ["24.1-alpine", "24-alpine", "23-alpine", "22-alpine"], {tag: tag for tag in ("24-alpine", "23-alpine")}),
        (4, ["3.18-alpine", "3.19-alpine", "3.20.1-alpine", "4-alpine", "3.20"],
         {tag: tag for tag in ("3.19-alpine", "3.20.1-alpine")}),
        (5, ["22-alpine", "22.1-alpine", "22.1.3-alpine", "23-alpine"], {"22.1.3-alpine": "22"}),
    ],
)  # fmt: skip
def test_an_example_of_the_documentation_takes_what_is_said_beside_it(
    place: int, tags: list[str], taken: dict[str, str]
) -> None:
    page = (Path(__file__).resolve().parents[4] / "docs" / "configuration.md").read_text()
    (block,) = re.findall(r"```yaml\ntags:\n(.*?)```", page, re.DOTALL)
    rules = parse(entry(tags="\n" + block.splitlines()[place].replace("  -", "    -"))).images[0].rules
    assert {choice.tag: choice.target for choice in choose(rules, tags) if choice.target} == taken


# The schema that editors go by.


DEFINITIONS = ["ListDocument", "ScannerEntry", "Written", "WrittenTest", "Defaults", "Image", "TagRule"]


def definition(name: str) -> dict[str, Any]:
    """Return one definition of the schema."""
    found: dict[str, Any] = schema()["$defs"][name]
    return found


def test_the_schema_says_what_it_is_and_begins_with_the_whole_list() -> None:
    assert schema()["$schema"] == "https://json-schema.org/draft/2020-12/schema"
    assert schema()["$ref"] == "#/$defs/ListDocument"
    assert definition("ListDocument")["properties"]["images"]["items"] == {"$ref": "#/$defs/Image"}


@pytest.mark.parametrize("name", DEFINITIONS)
def test_the_schema_refuses_unknown_fields_as_the_reader_does(name: str) -> None:
    assert definition(name)["additionalProperties"] is False


def test_the_schema_asks_for_the_fields_that_the_reader_asks_for() -> None:
    told = " ".join(problems("images: [{gate: none}]"))
    assert set(definition("Image")["required"]) == set(re.findall(r"the field '(\w+)' is missing", told))
    assert set(definition("Image")["properties"]) == {
        "name",
        "source",
        "tags",
        "target",
        "gate",
        "policy",
        "platforms",
        "registry",
        "missing",
        "drift",
        "adopt",
        "mode",
        "referrers",
        "unique_tag",
        "record",
        "lock",
        "rebuilds",
        "rebuild",
        "owner",
    }


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
    assert definition("ListDocument")["properties"]["images"]["maxItems"] == 5000


def test_the_schema_offers_a_text_or_a_rule_for_every_tag() -> None:
    kinds = definition("Image")["properties"]["tags"]["items"]["anyOf"]
    assert kinds == [{"type": "string"}, {"$ref": "#/$defs/TagRule"}]
    assert set(definition("TagRule")["properties"]) == {
        "tag", "glob", "regex", "semver", "flavour", "newest", "exclude", "prereleases", "as",
    }  # fmt: skip
    assert definition("TagRule")["required"] == []


@pytest.mark.parametrize("name", DEFINITIONS)
def test_the_schema_describes_every_field(name: str) -> None:
    assert all(field["description"] for field in definition(name)["properties"].values())


# What people write: defaults, owners, extensions, merges; and lists in several files.


def test_defaults_hold_for_every_entry_that_does_not_say_otherwise_itself() -> None:
    text = """\
defaults: {gate: node, owner: Team Web, drift: repair}
images:
  - {name: one, source: node, tags: [22], target: base/one}
  - {name: two, source: node, tags: [22], target: base/two, gate: none, owner: platform@example.org}
"""
    one, two = parse(text).images
    assert (one.functional_gate, one.owner, one.drift.value) == ("node", "Team Web", "repair")
    assert (two.functional_gate, two.owner, two.drift.value) == (None, "platform@example.org", "repair")


def test_what_is_wrong_with_a_default_is_told_once_and_where_it_stands() -> None:
    text = "defaults:\n  gate: No\n  target: base\n" + entry() + "\n  - {name: b, source: b, tags: [1], target: b}"
    assert [problem.partition(": ")[0] for problem in problems(text)] == ["line 3", "line 2"]


@pytest.mark.parametrize("gate", ["no", "off", "false", "yes", "on", "true", "'no'"])
def test_a_gate_is_never_called_as_yaml_calls_true_and_false(gate: str) -> None:
    (problem,) = problems(entry(gate=gate))
    assert problem.startswith("line 6: images[0].gate: ")
    assert "write none for no functional test" in problem


def test_fields_that_begin_with_x_are_everybodys_own() -> None:
    text = "x-note: {any: [thing]}\n" + entry(**{"x-ticket": "4711"}) + "\n    tags: [{tag: 22, x-why: lts}]"
    assert parse(text.replace("    tags: [22]\n", "")).images[0].wanted == ("22",)


def test_an_entry_merges_what_it_does_not_say_itself_from_the_first_that_does() -> None:
    text = """\
x-one: &one {gate: node, owner: one}
x-two: &two {owner: two, adopt: false}
images:
  - {<<: [*one, *two], name: node, source: node, tags: [22], target: base/node}
  - {<<: *two, owner: three, name: b, source: b, tags: [22], target: b, '<<x': 1}
"""
    one, two = parse(text.replace(", '<<x': 1", "")).images
    assert (one.gate, one.owner, one.adopt) == ("node", "one", False)
    assert (two.gate, two.owner, two.adopt) == (None, "three", False)
    assert problems(text)[0].startswith("line 5: images[1].<<x: unknown field")


@pytest.mark.parametrize("merged", ["node", "[node]", "[[]]"])
def test_what_is_no_mapping_is_not_merged(merged: str) -> None:
    assert problems(f"{entry()}\n    <<: {merged}") == (
        "line 2: images[0].<<: expected a mapping, or a list of mappings, to merge",
    )


@pytest.mark.parametrize(
    ("target", "host", "instead"),
    [
        ("contoso.azurecr.io/base/node", "contoso.azurecr.io", "base/node"),
        ("localhost/node", "localhost", "node"),
        ("'contoso:5000/base/node'", "contoso:5000", "base/node"),
    ],
)
def test_a_target_that_names_a_registry_is_refused_with_what_to_write(target: str, host: str, instead: str) -> None:
    (problem,) = problems(entry(target=target))
    assert f"names a registry, {host!r}" in problem
    assert problem.endswith(f"write {instead!r}")


@pytest.mark.parametrize("source", ["Base.azurecr.io/base/node", "'base.azurecr.io:443/other'"])
def test_an_entry_does_not_watch_the_base_registry_itself(source: str) -> None:
    text = entry(source=source).encode()
    with pytest.raises(WatchListError, match=r"line 3: images.0..source: .* is in the base registry"):
        parse_watch_list(text, base="base.azurecr.io")
    assert parse_watch_list(text, base="other.azurecr.io").images


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("images:\n- tags: [22, 20\n  target: a\n", "line 2: not YAML: while parsing a flow sequence that begins here"),
        ("images:\n- name: 'a\n  b: c\n", "line 2: not YAML: while scanning a quoted scalar that begins here"),
        ("images:\n- name: a\n   tags: [22]\n", "line 3: not YAML: mapping values are not allowed"),
        ("images:\n- name: a\n\ttags: [22]\n", "line 3: not YAML: "),
        ("images: []\n# caf\xe9\n", "line 2: not YAML: 'utf-8' codec"),
        ("images: []\n---\nimages: []", "line 2: not YAML: another document begins here"),
        ("images:\n- *nowhere", "line 2: not YAML: the alias *nowhere has no anchor before it"),
    ],
)
def test_what_is_no_yaml_is_told_with_the_line_where_it_is(text: str, place: str) -> None:
    assert problems(text.encode("latin-1"))[0].startswith(place)


def test_at_most_a_hundred_problems_are_told_and_how_many_more_there_are() -> None:
    told = problems("images: []\n" + "".join(f"field{number}: 1\n" for number in range(150)))
    assert len(told) == 101
    assert told[-1] == "and 50 more problems"


FIRST = ListFile("images.yaml", b"images:\n- {name: a, source: a, tags: [1], target: a}\n")


def test_a_list_may_be_in_several_files_each_with_defaults_of_its_own() -> None:
    more = b"defaults: {owner: web}\nimages:\n- {name: b, source: b, tags: [1], target: b}\n"
    images = parse_files((FIRST, ListFile("images/web.yaml", more))).images
    assert [(image.name, image.owner) for image in images] == [("a", None), ("b", "web")]


def test_clashes_between_files_are_told_by_file_and_line() -> None:
    more = b"\nimages:\n- {name: b, source: b, tags: [1], target: a}\n"
    with pytest.raises(WatchListError) as refused:
        parse_files((FIRST, ListFile("images/web.yaml", more)))
    assert refused.value.problems == (
        "images/web.yaml, line 3: images[0].tags[0]: a:1 is already written by images[0] (images.yaml, line 2)",
    )


def test_what_is_no_yaml_in_one_of_several_files_is_told_with_the_file() -> None:
    with pytest.raises(WatchListError, match=r"images/web.yaml, line 1: not YAML"):
        parse_files((FIRST, ListFile("images/web.yaml", b"images: [")))

"""Tools are entries that are mirrored and never promoted, and the scanner is one of them, by its digest."""

from __future__ import annotations

import pytest

from shared.domain.references import Repository
from shared.domain.watching.watch_list import ListFile, WatchList
from shared.errors import WatchListError
from shared.watch_list_yaml import parse_watch_list

pytestmark = pytest.mark.unit

DIGEST = f"sha256:{'a' * 64}"
BASE = "tidegatebase.azurecr.io"


def scanner(image: str = f"docker.io/aquasec/trivy@{DIGEST}", **more: str) -> str:
    """Return the scanner of a list."""
    return f"scanner: {{{', '.join(f'{name}: {value}' for name, value in {'image': image, **more}.items())}}}\n"


def tool(name: str = "trivy-db", **more: str) -> str:
    """Return an entry that is a tool; a field that is empty is left out."""
    fields = {
        "name": name,
        "source": f"mirror.gcr.io/aquasec/{name}",
        "tags": "[2]",
        "target": f"tools/{name}",
        "registry": "staging",
        **more,
    }
    return f"  - {{{', '.join(f'{key}: {value}' for key, value in fields.items() if value)}}}\n"


def read(*parts: str, base: str = "") -> WatchList:
    """Read a list that is valid."""
    return parse_watch_list("".join(parts).encode(), base=base)


def problems(*parts: str, more: tuple[ListFile, ...] = (), base: str = BASE) -> tuple[str, ...]:
    """Return what a list is refused with."""
    with pytest.raises(WatchListError) as refused:
        parse_watch_list("".join(parts).encode(), *more, base=base)
    return refused.value.problems


def test_a_tool_is_an_entry_of_the_staging_registry() -> None:
    found = read("images:\n", tool(), "  - {name: node, source: node, tags: [22], target: base/node}\n")
    assert [image.is_tool for image in found.images] == [True, False]
    assert [image.name for image in found.base_images] == ["node"]
    assert found.into("tools/trivy-db") == ()


def test_of_the_defaults_a_tool_takes_its_owner_alone() -> None:
    (image,) = read("defaults: {gate: node, owner: web, drift: repair}\nimages:\n", tool()).images
    assert (image.functional_gate, image.owner, image.drift.value) == (None, "web", "tell")


def test_no_policy_holds_for_a_tool() -> None:
    found = read("policies: {a: {test: {gate: x}}}\ndefaults: {policy: a}\nimages:\n", tool())
    assert found.policy_of(found.images[0]) is None
    assert found.images[0].functional_gate is None


@pytest.mark.parametrize(
    "image",
    [f"docker.io/aquasec/trivy@{DIGEST}", f"aquasec/trivy:0.76.0@{DIGEST}", f"index.docker.io/aquasec/trivy@{DIGEST}"],
)
def test_the_scanner_is_known_by_its_digest_however_people_write_it(image: str) -> None:
    found = read(scanner(f"'{image}'", database="trivy-db"), "images:\n", tool())
    assert found.scanner is not None
    repository, digest, _ = found.scanner.source
    assert (repository, digest) == (Repository("docker.io", "aquasec/trivy"), DIGEST)
    assert found.scanner.databases == {"database": "trivy-db"}


def test_a_registry_with_a_port_is_no_tag() -> None:
    found = read(scanner(f"'ghcr.example:5000/trivy@{DIGEST}'", database="trivy-db"), "images:\n", tool())
    assert found.scanner is not None
    assert found.scanner.source[0] == Repository("ghcr.example:5000", "trivy")


@pytest.mark.parametrize("field", ["gate: node", "policy: a", "platforms: [linux/amd64]", "drift: tell", "adopt: true"])
def test_a_tool_says_nothing_of_what_is_promoted(field: str) -> None:
    name, _, value = field.partition(": ")
    (told,) = problems("policies: {a: {test: {gate: x}}}\nimages:\n", tool(**{name: value}))
    assert told.startswith(f"line 3: images[0].{name}: an entry with registry: staging is a tool")


@pytest.mark.parametrize("tags", ["[2, latest]", "[{tag: 2, as: current}]", "[{glob: '*'}]", "[]"])
def test_a_tool_has_one_exact_tag(tags: str) -> None:
    told = problems("images:\n", tool(tags=tags))
    assert any(each.startswith("line 2: images[0].tags: a tool has one tag, an exact one") for each in told)


def test_no_entry_takes_the_scanners_name_or_its_repository() -> None:
    assert "call it another" in problems("images:\n", tool("scanner", target="tools/it"))[0]
    (told,) = problems(scanner(database="a"), "images:\n", tool("a", target="tools/scanner"))
    assert told == (
        "line 3: images[0].target: tools/scanner is the repository of the tool 'scanner' in the staging registry; "
        "write another"
    )


def test_what_is_promoted_is_not_staged_among_the_tools() -> None:
    other = "  - {name: db, source: mirror.gcr.io/aquasec/trivy-db, tags: [1], target: tools/trivy-db}\n"
    (told,) = problems("images:\n", tool(), other)
    assert told.startswith("line 3: images[1].target: tools/trivy-db is the repository of the tool 'trivy-db'")


@pytest.mark.parametrize(
    ("said", "problem"),
    [
        (scanner("docker.io/aquasec/trivy:0.76.0", database="trivy-db"), "line 1: scanner.image: "
         "'docker.io/aquasec/trivy:0.76.0' has no digest: write one that you have looked at"),
        (scanner("'aquasec/trivy@sha256:abc'", database="trivy-db"), "line 1: scanner.image: 'sha256:abc' is not a "),
        (scanner(f"'{BASE}/trivy@{DIGEST}'", database="trivy-db"), f"line 1: scanner.image: '{BASE}/trivy@{DIGEST}' "
         "is in the base registry"),
        (scanner(database="trivy"), "line 1: scanner.database: no entry with registry: staging is called 'trivy'; "
         "there are: trivy-db"),
        (scanner(database="node"), "line 1: scanner.database: no entry with registry: staging is called 'node'"),
        (scanner(database="trivy-db", java_database="java"), "line 1: scanner.java_database: no entry with registry"),
        (scanner(database="trivy-db", java_database="trivy-db"), "line 1: scanner.java_database: 'trivy-db' is its "),
        (scanner(), "line 1: scanner: the field 'database' is missing"),
        (scanner(database="trivy-db", tag="1"), "line 1: scanner.tag: unknown field; expected image, database, java_d"),
        ("scanner: trivy\n", "line 1: scanner: expected `object | null`, got `str`"),
    ],
)  # fmt: skip
def test_what_is_wrong_with_the_scanner_is_told_with_its_line(said: str, problem: str) -> None:
    node = "  - {name: node, source: node, tags: [22], target: base/node}\n"
    (told,) = problems(said, "images:\n", tool(), node)
    assert told.startswith(problem)


def test_one_file_names_the_scanner_for_all() -> None:
    second = ListFile("images/b.yaml", f"{scanner(database='trivy-db')}images: []".encode())
    (told,) = problems(scanner(database="trivy-db"), "images:\n", tool(), more=(second,))
    assert told == "images/b.yaml, line 1: scanner: one file of the list says this for all of them"


def test_a_scanner_in_one_file_has_its_database_in_another() -> None:
    second = ListFile("images/b.yaml", f"images:\n{tool()}".encode())
    found = parse_watch_list(f"{scanner(database='trivy-db')}images: []".encode(), second)
    assert found.scanner is not None


# Platforms.


def platforms(said: str) -> str:
    """Return a list of one entry with some platforms."""
    return f"images:\n  - {{name: a, source: a, tags: [1], target: a, platforms: {said}}}\n"


def test_an_entry_is_of_one_platform_unless_it_says_otherwise() -> None:
    said = "defaults: {platforms: [linux/arm64]}\n" + platforms("[linux/amd64, linux/arm/v7]")
    found = read(said, "  - {name: b, source: b, tags: [1], target: b}\n")
    assert [image.platforms for image in found.images] == [("linux/amd64", "linux/arm/v7"), ("linux/arm64",)]
    assert read("images: [{name: a, source: a, tags: [1], target: a}]").images[0].platforms == ("linux/amd64",)


@pytest.mark.parametrize(
    ("said", "problem"),
    [
        ("[amd64]", "[0]: 'amd64' is no platform; write the system before it: linux/amd64"),
        ("[linux/amd64, linux/amd64]", "[1]: 'linux/amd64' stands here twice"),
        (
            "[windows/amd64]",
            "[0]: 'windows/amd64': images of other systems than linux can neither be tested",
        ),
        ("[linux/ARM64]", "[0]: 'linux/ARM64' is no platform, such as linux/amd64, linux/arm64 or linux/arm/v7"),
        ("[linux/arm64/8]", "[0]: 'linux/arm64/8' is no platform, such as"),
        ("[]", ": expected `array` of length >= 1"),
        ("linux/amd64", ": expected `array`, got `str`"),
    ],
)
def test_a_platform_that_is_none_is_refused(said: str, problem: str) -> None:
    (told,) = problems(platforms(said))
    assert told.startswith(f"line 2: images[0].platforms{problem}")

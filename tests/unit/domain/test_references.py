"""A repository, a tag or a digest is read once, in whatever spelling, or refused with a reason."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.domain.references import (
    Repository,
    parse_digest,
    parse_path,
    parse_repository,
    parse_tag,
)
from shared.errors import InvalidReference
from tests.unit.strategies import digests, hosts, paths, tags

pytestmark = pytest.mark.unit


@given(hosts, paths)
def test_a_repository_reads_back_from_its_own_text(host: str, path: str) -> None:
    repository = parse_repository(f"{host}/{path}")
    assert (repository.registry, repository.path) == (host, path)
    assert parse_repository(str(repository)) == repository


@given(paths.filter(lambda path: "." not in path.partition("/")[0]))
def test_a_repository_without_a_host_is_on_docker_hub(path: str) -> None:
    expected = path if "/" in path else f"library/{path}"
    assert parse_repository(path) == Repository("docker.io", expected)


@pytest.mark.parametrize(
    "spelling",
    [
        "node",
        "library/node",
        "docker.io/node",
        "docker.io/library/node",
        "DOCKER.IO/library/node",
        "index.docker.io/node",
        "index.docker.io/library/node",
        "registry-1.docker.io/library/node",
        "registry.hub.docker.com/library/node",
        "Registry.Hub.Docker.Com/library/node",
    ],
)
def test_every_spelling_of_docker_hub_is_the_same_repository(spelling: str) -> None:
    assert parse_repository(spelling) == Repository("docker.io", "library/node")


@pytest.mark.parametrize(
    ("text", "registry", "path"),
    [
        ("mcr.microsoft.com/dotnet/sdk", "mcr.microsoft.com", "dotnet/sdk"),
        ("mcr.microsoft.com/hello", "mcr.microsoft.com", "hello"),
        ("localhost/app", "localhost", "app"),
        ("localhost:5000/app", "localhost:5000", "app"),
        ("[::1]:5000/a/b", "[::1]:5000", "a/b"),
        ("[2001:DB8::1]/a/b", "[2001:db8::1]", "a/b"),
        ("10.0.0.7:5000/a", "10.0.0.7:5000", "a"),
        ("bitnami/node", "docker.io", "bitnami/node"),
    ],
)
def test_the_part_before_the_first_slash_is_a_host_if_it_looks_like_one(text: str, registry: str, path: str) -> None:
    assert parse_repository(text) == Repository(registry, path)


@given(hosts, paths, tags)
def test_a_tag_in_a_repository_is_refused(host: str, path: str, tag: str) -> None:
    with pytest.raises(InvalidReference, match="without tag or digest"):
        parse_repository(f"{host}/{path}:{tag}")


@given(hosts, paths, digests)
def test_a_digest_in_a_repository_is_refused(host: str, path: str, digest: str) -> None:
    with pytest.raises(InvalidReference, match="without tag or digest"):
        parse_repository(f"{host}/{path}@{digest}")


@pytest.mark.parametrize("text", ["Node", "docker.io/library/Node", "docker.io/Library/node", "NODE/node"])
def test_upper_case_in_a_path_is_refused(text: str) -> None:
    with pytest.raises(InvalidReference, match="lower case"):
        parse_repository(text)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "/",
        "/node",
        "node/",
        "docker.io/",
        "a//b",
        "-node",
        "node-",
        "no..de",
        "no___de",
        "no de",
        "nöde",
        "a/b\n",
        "https://docker.io/library/node",
        "host_name.io/a",
        "-host.io/a",
        "host.io:port/a",
        "host.io:123456/a",
        "[::1/a",
    ],
)
def test_what_the_grammar_does_not_allow_is_refused_with_the_text_itself(text: str) -> None:
    with pytest.raises(InvalidReference) as refused:
        parse_repository(text)
    assert repr(text) in str(refused.value)


def test_a_path_has_at_most_255_characters() -> None:
    assert parse_path("a" * 255) == "a" * 255
    with pytest.raises(InvalidReference):
        parse_path("a" * 256)


@given(paths)
def test_a_path_is_returned_unchanged(path: str) -> None:
    assert parse_path(path) == path


@given(tags)
def test_a_tag_is_returned_unchanged(tag: str) -> None:
    assert parse_tag(tag) == tag


@pytest.mark.parametrize("text", ["", ".22", "-22", "22:alpine", "22/alpine", "22 ", "22\n", "ä", "a" * 129])
def test_what_is_no_tag_is_refused(text: str) -> None:
    with pytest.raises(InvalidReference, match="is not a tag"):
        parse_tag(text)


@given(digests)
def test_a_digest_is_returned_unchanged(digest: str) -> None:
    assert parse_digest(digest) == digest


@given(digests, st.sampled_from([str.upper, lambda text: text[:-1], lambda text: text + "0", lambda text: text[7:]]))
def test_a_digest_in_upper_case_or_of_the_wrong_length_is_refused(digest: str, spoil: object) -> None:
    assert callable(spoil)
    with pytest.raises(InvalidReference, match="is not a digest"):
        parse_digest(spoil(digest))


@pytest.mark.parametrize("text", ["", "sha256:", "md5:" + "0" * 32, "sha256:" + "g" * 64, "sha256:" + "0" * 64 + "\n"])
def test_what_is_no_digest_is_refused(text: str) -> None:
    with pytest.raises(InvalidReference, match="is not a digest"):
        parse_digest(text)


@pytest.mark.parametrize("parse", [parse_repository, parse_path, parse_tag, parse_digest])
@given(text=st.one_of(st.text(), st.text("abA0.:/@[]-_~ \n", max_size=40)))
def test_arbitrary_text_is_read_or_refused_and_never_anything_else(parse: object, text: str) -> None:
    assert callable(parse)
    try:
        read = parse(text)
    except InvalidReference as refused:
        assert str(refused)
    else:
        assert parse(str(read)) == read


@pytest.mark.parametrize("parse", [parse_repository, parse_path, parse_tag, parse_digest])
def test_a_hostile_text_of_a_million_characters_is_refused_at_once(parse: object) -> None:
    assert callable(parse)
    for text in ("a-" * 500_000, "a." * 500_000 + "/!", "a" * 1_000_000 + "_"):
        with pytest.raises(InvalidReference):
            parse(text)

"""What is guessed of where an image came from, and the list that is written of it."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from infra.adopt.guess import Guess, guess_source
from infra.adopt.listing import Found, as_watch_list
from shared.watch_list_yaml import parse_watch_list
from tests.unit.strategies import paths, tags

pytestmark = pytest.mark.unit

OCI = "org.opencontainers.image."


@pytest.mark.parametrize(
    ("repository", "says", "source", "likely"),
    [
        ("base/node", {"url": "https://hub.docker.com/_/node"}, "docker.io/library/node", True),
        ("g", {"url": "https://hub.docker.com/r/grafana/grafana/"}, "docker.io/grafana/grafana", True),
        ("mcr.microsoft.com/dotnet/runtime", {}, "mcr.microsoft.com/dotnet/runtime", True),
        (
            "base/node",
            {"url": "https://hub.docker.com/_/node", "base.name": "alpine:3.20"},
            "docker.io/library/node",
            True,
        ),
        ("shop", {"base.name": "docker.io/library/alpine:3.20"}, "docker.io/library/alpine", False),
        ("shop", {"base.name": f"localhost:5000/alpine@sha256:{'a' * 64}"}, "localhost:5000/alpine", False),
        ("flux", {"source": "https://github.com/FluxCD/flux2.git#main"}, "ghcr.io/fluxcd/flux2", False),
    ],
)
def test_a_source_is_guessed_by_what_the_image_says(
    repository: str, says: dict[str, str], source: str, likely: bool
) -> None:
    guess = guess_source(repository, {f"{OCI}{key}": value for key, value in says.items()})
    assert guess is not None
    assert (guess.source, guess.likely) == (source, likely)


@pytest.mark.parametrize(
    "says", [{}, {"url": "https://hub.docker.com.evil.example/_/node"}, {"source": "https://gitlab.com/a/b"}]
)
def test_an_image_that_says_nothing_that_is_known_is_guessed_by_nobody(says: dict[str, str]) -> None:
    assert guess_source("base/node", {f"{OCI}{key}": value for key, value in says.items()}) is None


LIKELY = Guess("docker.io/library/node", "its page", likely=True)
HINT = Guess("docker.io/library/alpine", "what it was built on", likely=False)


@pytest.mark.parametrize(
    "guesses",
    [[], [None], [HINT], [LIKELY, None], [LIKELY, HINT], [LIKELY, Guess("ghcr.io/a/b", "other", likely=True)]],
)
def test_an_entry_whose_images_do_not_agree_on_a_likely_source_is_commented_out(guesses: list[Guess | None]) -> None:
    text = as_watch_list("base", [Found("base/node", ["22"], guesses)])
    assert parse_watch_list(text.encode()).images == []
    assert "  # - name: base-node\n" in text


def test_every_entry_says_how_its_source_was_guessed_and_signatures_are_left() -> None:
    text = as_watch_list("base", [Found("base/node", ["22", f"sha256-{'a' * 64}.sig"], [LIKELY])])
    (image,) = parse_watch_list(text.encode()).images
    assert image.tags == ["22"]
    assert "  # its page\n  - name: base-node\n" in text


def test_many_tags_become_several_entries_with_names_of_their_own() -> None:
    found = [
        Found("base/node", [f"1.{number}" for number in range(450)], [LIKELY]),
        Found("base-node", ["1"], [LIKELY]),
    ]
    images = parse_watch_list(as_watch_list("base", found).encode()).images
    assert [image.name for image in images] == ["base-node", "base-node-2", "base-node-3", "base-node-4"]
    assert sum(len(image.tags) for image in images) == 451


GUESSES = st.one_of(
    st.none(), st.just(LIKELY), st.builds(Guess, st.one_of(paths, st.text(max_size=9)), st.text(), st.booleans())
)


@given(
    st.lists(
        st.builds(
            Found,
            paths,
            st.lists(tags, unique=True, max_size=5),
            st.lists(
                st.one_of(st.none(), st.just(LIKELY), st.builds(Guess, paths, st.text(), st.booleans())), max_size=3
            ),
        ),
        unique_by=lambda found: found.repository,
        max_size=6,
    )
)
def test_whatever_is_found_the_list_is_valid_and_its_lines_are_its_own(found: list[Found]) -> None:
    text = as_watch_list("base", found)
    watched = {(image.target, tag) for image in parse_watch_list(text.encode()).images for tag in image.tags}
    assert watched <= {(one.repository, tag) for one in found for tag in one.tags}
    assert all(re.match(r"$|#|images:|  # |  - name: |    (source|tags|target): ", line) for line in text.split("\n"))

"""The watch list as text, from what was found in a registry: pure, and always valid as it is written."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from infra.adopt.guess import Guess
from shared.domain.references import parse_repository
from shared.errors import InvalidReference

# As docs/images.schema.json has it.
_MOST_TAGS = 200
_LONGEST_NAME = 63
_SIGNATURE = re.compile(r"sha256-[0-9a-f]{64}.*")
_HEAD = """\
# Written from {registry}. Nothing in it is imported over: what stands there is adopted until its source moves.
# Look at every source: it was guessed, and the comment above it says how. An entry without a likely source is commented
# out. Name a gate where there is a test (docs/gates.md).
"""


@dataclass(frozen=True)
class Found:
    """A repository of the registry.

    Attributes:
        repository: its name.
        tags: its tags.
        guesses: where the images that were looked at may have come from; ``None`` for one that says nothing.
    """

    repository: str
    tags: Sequence[str]
    guesses: Sequence[Guess | None]


def as_watch_list(registry: str, repositories: Sequence[Found]) -> str:
    """Write a watch list.

    Args:
        registry: what was looked at, for the reader.
        repositories: what was found.

    Returns:
        YAML that is a valid watch list as it stands.
    """
    names = _Names()
    entries = [line for found in repositories for line in _entry(found, names)]
    empty = all(line.startswith("  #") or not line for line in entries)
    return "\n".join([_HEAD.format(registry=registry) + ("images: []" if empty else "images:"), *entries, ""])


class _Names:
    """Gives every entry a name that no other has."""

    def __init__(self) -> None:
        self._given: set[str] = set()

    def of(self, repository: str) -> str:
        plain = re.sub(r"[^a-z0-9._-]", "-", repository.lower()).lstrip("._-") or "image"
        name, number = plain[:_LONGEST_NAME], 1
        while name in self._given:
            number += 1
            name = f"{plain[: _LONGEST_NAME - len(str(number)) - 1]}-{number}"
        self._given.add(name)
        return name


def _names_a_host(repository: str) -> bool:
    first, slash, _ = repository.partition("/")
    return bool(slash) and ("." in first or first == "localhost")


def _entry(found: Found, names: _Names) -> Iterator[str]:
    tags = [tag for tag in found.tags if not _SIGNATURE.fullmatch(tag)]
    said = {guess for guess in found.guesses if guess is not None}
    likely = {guess.source for guess in said if guess.likely}
    agreed = len(likely) == 1 and all(guess is not None and guess.likely for guess in found.guesses)
    comments = sorted({guess.how for guess in said}) or ["its images say nothing of where they came from"]
    if likely and not all(map(_is_repository, likely)):
        agreed, comments = False, [*comments, "that is no repository"]
    comments += ["its images seem to come from several sources"] if len(likely) > 1 else []
    if _names_a_host(found.repository):
        agreed, comments = False, [*comments, "its name begins as a registry does, which no target may"]
    source = min(likely or {guess.source for guess in said} or {"unknown"})
    for start in range(0, len(tags), _MOST_TAGS):
        yield ""
        yield from (f"  # {_one_line(comment)}" for comment in comments)
        lines = [
            f"- name: {names.of(found.repository)}",
            f"  source: {json.dumps(source)}",
            f"  tags: {json.dumps(tags[start : start + _MOST_TAGS])}",
            f"  target: {json.dumps(found.repository)}",
        ]
        yield from (f"  {line}" if agreed else f"  # {line}" for line in lines)


def _is_repository(source: str) -> bool:
    """A page's address may hold what no repository is called."""
    try:
        parse_repository(source)
    except InvalidReference:
        return False
    return True


def _one_line(text: str) -> str:
    """What an image says of itself may hold anything; in a comment it ends with the line."""
    return "".join(char if char.isprintable() else " " for char in text)[:300]

"""Who is told of what, as a file: YAML in, routes out, and every problem with the line it stands on."""

from __future__ import annotations

from collections.abc import Collection, Iterable

from shared.domain.notices.routes import Problem, Route, read_routes, unknown
from shared.errors import MalformedInput, WatchListError
from shared.yaml_nodes import Node, compose, names_of

_LARGEST = 256 * 1024
_MOST_TOLD = 50


def read_notify(text: bytes, destinations: Collection[str]) -> tuple[Route, ...]:
    """Read who is told of what.

    Args:
        text: YAML, UTF-8.
        destinations: those that the settings name.

    Raises:
        MalformedInput: it is no such file; every problem is in the message, with its line.
    """
    root, problems = _composed(text)
    document = root.plain()
    routes, wrong = read_routes(document)
    problems += wrong
    said = document.get("routes") if isinstance(document, dict) else None
    problems += unknown(said, "to", destinations, "destination (they are settings: NOTIFY_<NAME>)")
    if problems:
        raise MalformedInput("\n".join(_told(root, problems)))
    return routes


def unknown_owners(text: bytes, owners: Collection[str], images: Collection[str]) -> str:
    """Return which owners and entries a file names that the watch list has not, with their lines; empty for none."""
    root, _ = _composed(text)
    document = root.plain()
    said = document.get("routes") if isinstance(document, dict) else None
    found = (*unknown(said, "owners", owners, "owner"), *unknown(said, "images", images, "entry of the watch list"))
    return "\n".join(_told(root, found))


def _composed(text: bytes) -> tuple[Node, list[Problem]]:
    if len(text) > _LARGEST:
        raise MalformedInput(f"it has more than {_LARGEST} bytes")
    try:
        return compose(text)
    except WatchListError as error:
        raise MalformedInput("\n".join(error.problems)) from error


def _told(root: Node, problems: Iterable[Problem]) -> list[str]:
    found = list(problems)
    lines = [
        f"line {root.line_of(path)}: {''.join(names_of(path)) or 'the document'}: {told[:500]}"
        for path, told in found[:_MOST_TOLD]
    ]
    return [*lines, f"and {len(found) - _MOST_TOLD} more problems"] if len(found) > _MOST_TOLD else lines

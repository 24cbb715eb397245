"""The files that commands read: watch lists, folders of gates, and listings of tags."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path

import msgspec

from shared.cli.exits import NO, UNREADABLE, Ends
from shared.domain.references import Repository, parse_repository
from shared.domain.watching.watch_list import ListFile, WatchList
from shared.errors import InvalidReference
from shared.watch_list_yaml import LARGEST_WATCH_LIST, Reading, read_files

_LISTINGS = msgspec.json.Decoder(dict[str, list[str]])


def read_list(files: Iterable[str], base: str) -> Reading:
    """Read a watch list.

    Args:
        files: paths, one at least.
        base: login server of the base registry, or empty.

    Raises:
        Ends: a file cannot be read.
    """
    return read_files([ListFile(name, _bytes(name, LARGEST_WATCH_LIST + 1)) for name in files], base)


def valid_list(files: Iterable[str], base: str) -> WatchList:
    """Read a watch list that has to be valid.

    Raises:
        Ends: a file cannot be read, or the list is not valid.
    """
    reading = read_list(files, base)
    if reading.watch_list is None:
        raise Ends(NO, "\n".join(placed(reading, problem) for problem in reading.problems))
    return reading.watch_list


def placed(reading: Reading, problem: str) -> str:
    """Return a problem with its file, which it names by itself only where there are several."""
    return f"{reading.files[0].name}, {problem}" if len(reading.files) == 1 else problem


def read_listing(name: str) -> Mapping[Repository, list[str]]:
    """Read which tags upstream repositories have.

    Args:
        name: path of a JSON file such as ``{"docker.io/library/node": ["22-alpine"]}``. A repository that it has in
            several spellings is one.

    Raises:
        Ends: it cannot be read, or is something else.
    """
    text = _bytes(name, None)
    if not text.strip():
        raise Ends(UNREADABLE, f"{name} is empty; a listing without anything is {{}}")
    listed: dict[Repository, list[str]] = {}
    try:
        for repository, tags in _LISTINGS.decode(text).items():
            listed.setdefault(parse_repository(repository), []).extend(tags)
    except (msgspec.DecodeError, UnicodeError, RecursionError, InvalidReference) as error:
        expected = '{"docker.io/library/node": ["22-alpine", …]}'
        raise Ends(UNREADABLE, f"{name}: expected a JSON object such as {expected}: {error}") from error
    return listed


def _bytes(name: str, most: int | None) -> bytes:
    try:
        with Path(name).open("rb") as file:
            return file.read(-1 if most is None else most)
    except OSError as error:
        raise Ends(UNREADABLE, f"{name} cannot be read: {error.strerror}") from error


def files_in(folder: Path) -> dict[str, bytes]:
    """Return a folder's files by their paths in it, without links."""
    found = (path for path in sorted(folder.rglob("*")) if path.is_file() and not path.is_symlink())
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in found}

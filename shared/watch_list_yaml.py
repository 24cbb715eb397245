"""The watch list as files: YAML texts in, one valid list out, and every problem with the line it stands on."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from shared.domain.watching.reading import Problem, read
from shared.domain.watching.watch_list import ListFile, WatchList
from shared.errors import WatchListError
from shared.yaml_nodes import MOST_VALUES, Node, Path, compose, names_of

LARGEST_WATCH_LIST = 1024 * 1024
MOST_FILES = 100
_MOST_TOLD = 100
_LONGEST_TOLD = 500


class Reading(msgspec.Struct, frozen=True):
    """What came of reading a list's files.

    Attributes:
        watch_list: the list; ``None`` if it is not valid.
        problems: what is wrong, a hundred problems at most and how many more there are.
        files: their names and texts.
        roots: the files as nodes, those that are YAML.
    """

    watch_list: WatchList | None
    problems: tuple[str, ...]
    files: tuple[ListFile, ...]
    roots: tuple[Node, ...] = ()

    def told(self, path: Path, problem: str, file: int = 0) -> str:
        """Return a problem with its place: file, where there are several, line and path."""
        place = "".join(names_of(path)) or "the document"
        return f"{self._line(path, file)}: {place}: {problem[:_LONGEST_TOLD]}"

    def of_entry(self, index: int, path: Path, problem: str) -> str:
        """Return a problem of an entry with its place, as ``told`` does.

        Args:
            index: the entry's place in the whole list.
            path: in the entry.
            problem: what is wrong.
        """
        for file, root in enumerate(self.roots):
            images = root.child("images")
            count = len(images[1].items or []) if images else 0
            if index < count:
                return self.told(("images", index, *path), problem, file)
            index -= count
        return problem

    def of(self, problem: Problem) -> str:
        """Return a problem with its place, and the place of the other entry that it is about."""
        if problem.other is None:
            return self.told(problem.path, problem.told, problem.file)
        path, file = problem.other
        other = f"{''.join(names_of(path))} ({self._line(path, file)})"
        return self.told(problem.path, f"{problem.told[:_LONGEST_TOLD]} {other}", problem.file)

    def _line(self, path: Path, file: int) -> str:
        line = f"line {self.roots[file].line_of(path)}"
        return line if len(self.files) == 1 else f"{self.files[file].name}, {line}"


def read_files(files: Sequence[ListFile], base: str = "") -> Reading:
    """Read a watch list of one file or of several.

    Every scalar is taken as it is written: ``3.10`` and ``22.04`` are tags, not numbers.

    Args:
        files: YAML, UTF-8, at most 1 MiB together.
        base: login server of the base registry, whose images no entry can watch; empty if it is not known.
    """
    unread = _unread(files)
    if unread:
        return Reading(None, unread, tuple(files))
    composed, refused = _composed(files)
    if refused:
        return Reading(None, _at_most(refused), tuple(files))
    if sum(root.values for root, _ in composed) > MOST_VALUES:
        return Reading(None, (f"the files have more than {MOST_VALUES} values, their aliases followed",), tuple(files))
    place = Reading(None, (), tuple(files), tuple(root for root, _ in composed))
    watch_list, problems = read(*(root.plain() for root in place.roots), base=base)
    fields = [Problem(path, problem, file) for file, (_, found) in enumerate(composed) for path, problem in found]
    everything = [*fields, *problems]
    if everything:
        told = [place.of(problem) for problem in everything[:_MOST_TOLD]]
        return msgspec.structs.replace(place, problems=_at_most(told, len(everything) - len(told)))
    return msgspec.structs.replace(place, watch_list=watch_list)


def parse_files(files: Sequence[ListFile], base: str = "") -> WatchList:
    """Read a watch list of one file or of several, as ``read_files`` does.

    Raises:
        WatchListError: every problem, with its path in the document and its line in the file.
    """
    reading = read_files(files, base)
    if reading.watch_list is None:
        raise WatchListError(reading.problems)
    return reading.watch_list


def parse_watch_list(text: bytes, *more: ListFile, base: str = "") -> WatchList:
    """Read a watch list, ``images.yaml`` and its other files; see ``parse_files``."""
    return parse_files((ListFile("images.yaml", text), *more), base)


def _unread(files: Sequence[ListFile]) -> tuple[str, ...]:
    size = sum(len(file.text) for file in files)
    if troubled := tuple(f"{file.name}: {file.trouble}" for file in files if file.trouble):
        return troubled
    if size > LARGEST_WATCH_LIST:
        what = "the file has" if len(files) == 1 else f"the {len(files)} files have"
        return (f"{what} {size} bytes; a watch list has at most {LARGEST_WATCH_LIST}",)
    if len(files) > MOST_FILES:
        return (f"there are {len(files)} files; a watch list has at most {MOST_FILES}",)
    return ()


def _composed(files: Sequence[ListFile]) -> tuple[list[tuple[Node, list[tuple[Path, str]]]], list[str]]:
    composed, refused = [], []
    for file in files:
        try:
            composed.append(compose(file.text))
        except WatchListError as error:
            refused += [problem if len(files) == 1 else f"{file.name}, {problem}" for problem in error.problems]
    return composed, refused


def _at_most(told: Sequence[str], left_out: int = 0) -> tuple[str, ...]:
    """Nobody reads the hundred-and-first problem, and a log of them all would be larger than the list."""
    more = len(told[_MOST_TOLD:]) + left_out
    return (*told[:_MOST_TOLD], *([f"and {more} more problems"] if more else []))

"""``python validate.py images.yaml``: the product's own readers, whose problems become annotations of a pull request.

The gates that the list names are read from the folder ``gates`` beside it. One that is not there is said, and no
problem: it may be a blob.

Annotations: https://docs.github.com/actions/reference/workflow-commands-for-github-actions
"""

from __future__ import annotations

import re
import sys
from pathlib import Path

from shared.domain.gate.contract import DOCKERFILE, read_contract
from shared.domain.watching.watch_list import WatchList
from shared.errors import WatchListError
from shared.watch_list_yaml import parse_watch_list

_LINE = re.compile(r"line (?P<line>\d+): (?P<problem>.*)", re.DOTALL)


def annotation(file: str, problem: str) -> str:
    """Return the workflow command that marks a problem where it is; without a line, at the first."""
    found = _LINE.fullmatch(problem)
    line, told = (found["line"], found["problem"]) if found else ("1", problem)
    return f"::error file={file},line={line},title=Watch list::{_escaped(told)}"


def gate_annotations(watch_list: WatchList, folder: Path) -> tuple[list[str], list[str]]:
    """Return the workflow commands that mark what is wrong with the gates of a list, and those that only tell.

    Args:
        watch_list: the list.
        folder: where the gates are, a folder each.
    """
    marked: list[str] = []
    told: list[str] = []
    for name in sorted({image.gate for image in watch_list.images if image.gate}):
        files = _files(folder / name)
        if DOCKERFILE not in files:
            told.append(
                f"::notice title=Gates::there is no {folder / name / DOCKERFILE}; it has to be stored as a blob"
            )
            continue
        for problem in read_contract(files).problems:
            place = f"file={folder / name / problem.file},line={problem.line}"
            marked.append(f"::error {place},title=Gate {name}::{_escaped(problem.told)}")
    return marked, told


def _files(folder: Path) -> dict[str, bytes]:
    found = (path for path in sorted(folder.rglob("*")) if path.is_file() and not path.is_symlink())
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in found}


def _escaped(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def main(file: str) -> int:
    """Say what is wrong with a watch list and its gates.

    Returns:
        The exit status: 0 if all is valid, 1 if not, or if the list cannot be read.
    """
    try:
        watch_list = parse_watch_list(Path(file).read_bytes())
    except WatchListError as error:
        print("\n".join(annotation(file, problem) for problem in error.problems))
        return 1
    except OSError as error:
        print(annotation(file, f"the watch list cannot be read: {error.strerror}"))
        return 1
    marked, told = gate_annotations(watch_list, Path(file).parent / "gates")
    print("\n".join([*marked, *told, f"{file}: {len(watch_list.images)} images, {'' if not marked else 'not '}valid"]))
    return 1 if marked else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1] if len(sys.argv) > 1 else "images.yaml"))

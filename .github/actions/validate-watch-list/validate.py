"""``python validate.py images.yaml``: the product's own reader, whose problems become annotations of a pull request.

Annotations: https://docs.github.com/actions/reference/workflow-commands-for-github-actions
"""

from __future__ import annotations

import re
import sys
from pathlib import Path

from shared.errors import WatchListError
from shared.watch_list_yaml import parse_watch_list

_LINE = re.compile(r"line (?P<line>\d+): (?P<problem>.*)", re.DOTALL)


def annotation(file: str, problem: str) -> str:
    """Return the workflow command that marks a problem where it is; without a line, at the first."""
    found = _LINE.fullmatch(problem)
    line, told = (found["line"], found["problem"]) if found else ("1", problem)
    return f"::error file={file},line={line},title=Watch list::{_escaped(told)}"


def _escaped(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def main(file: str) -> int:
    """Say what is wrong with a watch list.

    Returns:
        The exit status: 0 for a valid list, 1 for one that is not or cannot be read.
    """
    try:
        watch_list = parse_watch_list(Path(file).read_bytes())
    except WatchListError as error:
        print("\n".join(annotation(file, problem) for problem in error.problems))
        return 1
    except OSError as error:
        print(annotation(file, f"the watch list cannot be read: {error.strerror}"))
        return 1
    print(f"{file}: {len(watch_list.images)} images, valid")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1] if len(sys.argv) > 1 else "images.yaml"))

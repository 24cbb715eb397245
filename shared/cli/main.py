"""Runs one command, and turns whatever happens into its exit status."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from contextlib import suppress

from shared.cli.exits import Ends, Exit, Unreached
from shared.cli.parsing import Parser, module_of, parser_of
from shared.cli.session import Session, Surroundings
from shared.cli.table import COMMANDS
from shared.cli.text import harmless_lines


def main(arguments: Sequence[str], around: Surroundings | None = None) -> int:
    """Run a command.

    Args:
        arguments: of the command line, without the program.
        around: what the command runs in; by default this process's own.

    Returns:
        One of ``Exit``: a command's own answer, or why it could not be given.
    """
    try:
        return int(_run(parser_of(), arguments, around))
    except Ends as end:
        _tell(str(end))
        return end.status
    except Unreached as error:
        _tell(str(error))
        return Exit.UNREACHABLE
    except KeyboardInterrupt:
        return Exit.INTERRUPTED
    except BrokenPipeError:
        _leave_the_pipe()
        return Exit.FINE
    except Exception as error:  # noqa: BLE001  whatever it is: who runs scripts must tell it from an answer
        _tell(f"a defect of tidegate's own: {type(error).__name__}: {error}")
        return Exit.DEFECT


def _run(parser: Parser, arguments: Sequence[str], around: Surroundings | None) -> int:
    asked = parser.parse_args(arguments)
    command = next(one for one in COMMANDS if one.name == asked.command)
    try:
        status: int = module_of(command).run(asked, Session(asked, around or Surroundings()))
    except Ends as end:
        if end.problem is not None and getattr(asked, "json", False):
            print(json.dumps({"tidegate": 1, **end.problem}))
        raise
    sys.stdout.flush()
    return status


def _tell(words: str) -> None:
    """Whoever wrote them: an app, a file, or who typed the command."""
    print(harmless_lines(words), file=sys.stderr)


def _leave_the_pipe() -> None:
    """Who read our output has enough, such as ``head``; Python would complain about that once more at its end."""
    with suppress(OSError):
        sys.stdout.close()

"""Reads the command line: the table of commands first, and of a command only what is asked for."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Sequence
from importlib import import_module
from typing import Any, NoReturn

from shared.cli.exits import Ends, Exit
from shared.cli.table import COMMANDS, GROUPS, Command

_JSON = "print one JSON document, and no words beside it"


class Parser(argparse.ArgumentParser):
    """Reads arguments. Who types a wrong one is told by 64: argparse's own 2 could mean an answer.

    Args:
        named: whatever ``ArgumentParser`` takes.
        fill: adds the arguments; called when they are first needed, so that only what runs is imported.
    """

    def __init__(self, *, fill: Callable[[Parser], None] | None = None, **named: Any) -> None:
        super().__init__(allow_abbrev=False, **named)
        self._unfilled = fill

    def fill(self) -> None:
        """Add the arguments, if that was not done yet."""
        fill, self._unfilled = self._unfilled, None
        if fill is not None:
            fill(self)

    def parse_known_args(  # type: ignore[override]
        self, args: Sequence[str] | None = None, namespace: argparse.Namespace | None = None
    ) -> tuple[argparse.Namespace, list[str]]:
        """See ``ArgumentParser``."""
        self.fill()
        return super().parse_known_args(args, namespace)

    def error(self, message: str) -> NoReturn:
        """End with the usage and what is wrong."""
        self.print_usage(sys.stderr)
        raise Ends(Exit.USAGE, f"{self.prog}: {message}")


def whole_parser() -> Parser:
    """Return what reads every command, with nothing left to be added: for completion and for documents."""
    parser = parser_of(listed=True)
    for each in commands_of(parser).values():
        each.fill()
    return parser


def parser_of(*, listed: bool = False) -> Parser:
    """Return what reads the command line.

    Args:
        listed: whether it lists its commands as argparse does, beside our own list of them by groups.
    """
    parser = Parser(
        prog="tidegate",
        description="See what waits for whom, decide, and follow it; judge lists, scans and signatures offline.",
        epilog=_epilog(),
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    _add_common(parser, argparse)
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND", parser_class=Parser)
    for command in COMMANDS:
        help_of: Any = {"help": command.purpose} if listed else {}
        commands.add_parser(command.name, description=command.purpose, fill=_filler(command), **help_of)
    return parser


def commands_of(parser: Parser) -> dict[str, Parser]:
    """Return the parsers of commands that a parser has, by name."""
    found = [each for each in parser._actions if isinstance(each, argparse._SubParsersAction)]
    return dict(found[0].choices) if found else {}


def _filler(command: Command) -> Callable[[Parser], None]:
    def fill(parser: Parser) -> None:
        if command.online:
            _add_common(parser, argparse.SUPPRESS)
            parser.add_argument("--json", action="store_true", help=_JSON)
        module_of(command).add(parser, command.name)

    return fill


def act_of(acts: Any, name: str, purpose: str) -> Parser:
    """Add one of the acts of a command, such as ``list`` of ``waivers``; what the command takes it takes after it, too.

    Args:
        acts: what ``add_subparsers`` returned.
        name: as it is typed.
        purpose: one sentence for people.
    """
    parser: Parser = acts.add_parser(name, description=purpose, help=purpose)
    _add_common(parser, argparse.SUPPRESS)
    parser.add_argument("--json", action="store_true", default=argparse.SUPPRESS, help=_JSON)
    return parser


def module_of(command: Command) -> Any:
    """Return the module of a command: it has ``add`` and ``run``."""
    return import_module(f"shared.cli.commands.{command.module}")


def _add_common(parser: Parser, absent: Any) -> None:
    """What may stand before the command or after it; the later one counts."""
    none: Any = None if absent is argparse else absent
    no: Any = False if absent is argparse else absent
    parser.add_argument("--url", metavar="URL", default=none, help="where the app is; else TIDEGATE_URL, or a profile")
    parser.add_argument("--profile", metavar="NAME", default=none, help="which profile of config.toml; see docs/cli.md")
    parser.add_argument("--timeout", metavar="TIME", default=none, help="how long an answer may take; default: 30s")
    parser.add_argument("--quiet", action="store_true", default=no, help="say nothing that nobody asked for")
    parser.add_argument("--no-color", action="store_true", default=no, help="no colours; so does NO_COLOR")


def _epilog() -> str:
    lines = []
    for group in GROUPS:
        lines += [f"{group}:", *(f"  {one.name:18}{one.purpose}" for one in COMMANDS if one.group == group), ""]
    return "\n".join((*lines, "Exit statuses, profiles and keys: docs/cli.md."))

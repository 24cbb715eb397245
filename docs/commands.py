"""The generated parts about the command line: its commands, its exit statuses, and what completes it in shells."""

from __future__ import annotations

import argparse
import inspect
import re

import shtab

from docs.parts import table
from shared.cli import exits
from shared.cli.commands.completion import SHELLS
from shared.cli.parsing import Parser, commands_of, whole_parser
from shared.cli.table import COMMANDS, GROUPS

_MEMBER = re.compile(r"^    [A-Z]+ = (?P<value>\d+)  # (?P<comment>.+)$", re.MULTILINE)
_COMMON = frozenset({"-h", "--help", "--url", "--profile", "--timeout", "--quiet", "--no-color", "--json"})


def commands() -> str:
    """Return every command with what it is for and what it takes beside what all take."""
    parsers = commands_of(whole_parser())
    blocks = []
    for group in GROUPS:
        rows = [
            (f"`{command.name}{_acts(parsers[command.name])}`", command.purpose, _flags(parsers[command.name]))
            for command in COMMANDS
            if command.group == group
        ]
        blocks.append(f"To {group}:\n\n" + table(("command", "what it does", "takes"), rows))
    return "\n\n".join(blocks)


def exit_statuses() -> str:
    """Return what each exit status says."""
    found = {one["value"]: one["comment"] for one in _MEMBER.finditer(inspect.getsource(exits.Exit))}
    silent = [one.name for one in exits.Exit if str(one.value) not in found]
    if silent:
        raise ValueError(f"no comment beside {', '.join(silent)}")
    return table(("status", "what it says"), found.items())


def completion(shell: str) -> str:
    """Return what completes the command in a shell."""
    parser = whole_parser()
    for each in commands_of(parser).values():
        for act in commands_of(each).values():
            act.fill()
    return str(shtab.complete(parser, shell)).rstrip() + "\n"


COMPLETIONS = {f"shared/cli/completions/tidegate.{shell}": shell for shell in SHELLS}


def _acts(parser: Parser) -> str:
    acts = commands_of(parser)
    return f" {' | '.join(acts)}" if acts else ""


def _flags(parser: Parser) -> str:
    """An act's own arguments are those of the command."""
    said = dict.fromkeys(_said(action) for each in (parser, *commands_of(parser).values()) for action in each._actions)
    return " ".join(f"`{one}`" for one in said if one)


def _said(action: argparse.Action) -> str:
    if isinstance(action, argparse._SubParsersAction) or _COMMON & set(action.option_strings):
        return ""
    if action.option_strings:
        return action.option_strings[-1]
    shown = action.metavar or action.dest
    return str(shown)

"""The arguments of a ``build`` step, which are those of ``docker build``."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from typing import NoReturn

from infra.local.runner.errors import TaskRefused
from infra.local.runner.properties import split_words
from infra.local.runner.task import Build

_REMOTE = ("http://", "https://", "git://", "git@", "github.com/", "oci://")
_PLATFORM = "linux/amd64"


class _Parser(argparse.ArgumentParser):
    """An argument parser that raises where argparse would end the process."""

    def error(self, message: str) -> NoReturn:
        raise argparse.ArgumentError(None, message)


def _parser() -> _Parser:
    parser = _Parser(add_help=False, allow_abbrev=False)
    parser.add_argument("-t", "--tag", action="append", default=[])
    parser.add_argument("-f", "--file")
    parser.add_argument("--build-arg", action="append", default=[])
    parser.add_argument("--target")
    parser.add_argument("--platform", choices=[_PLATFORM])
    parser.add_argument("context", nargs="?", default=".")
    return parser


def parse_build(text: str, place: str) -> Build:
    """Read ``-t``, ``-f``, ``--build-arg``, ``--target``, ``--platform linux/amd64`` and the context.

    Raises:
        TaskRefused: any other option, a remote context, or a build argument without a value.
    """
    try:
        found = _parser().parse_args(split_words(text, place))
    except argparse.ArgumentError as error:
        raise TaskRefused(f"{place}: this twin cannot build with {text!r}: {error}") from error
    if found.context.startswith(_REMOTE):
        raise TaskRefused(f"{place}: this twin builds from the run's source, not from {found.context!r}")
    pairs = _pairs(found.build_arg, place)
    return Build(tuple(found.tag), found.file, pairs, found.target, found.context)


def _pairs(arguments: Sequence[str], place: str) -> tuple[tuple[str, str], ...]:
    pairs = []
    for argument in arguments:
        name, separator, value = argument.partition("=")
        if not separator:
            raise TaskRefused(f"{place}: {argument} cannot be split into 2 tokens with '='")
        pairs.append((name, value))
    return tuple(pairs)

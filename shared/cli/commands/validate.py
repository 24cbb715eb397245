"""``tidegate validate``: what is wrong with a watch list and its gates."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from shared.cli.asked import base_of
from shared.cli.exits import FINE, NO, UNREADABLE, Ends
from shared.cli.files import read_list
from shared.cli.findings import Finding, annotation, gate_findings, list_findings
from shared.cli.parsing import Parser
from shared.cli.session import Session
from shared.watch_list_yaml import Reading


def add(parser: Parser, _: str) -> None:
    """Take the list's files, and where its gates are."""
    parser.add_argument("files", nargs="+", metavar="FILE", help="the watch list, in one file or several")
    parser.add_argument("--base", metavar="LOGIN_SERVER", help="the base registry, whose images nobody watches")
    parser.add_argument("--gates", metavar="FOLDER", help="where the gates are; default: gates beside the first file")
    parser.add_argument("--annotations", action="store_true", help="mark the problems in a pull request of GitHub's")


def run(asked: argparse.Namespace, _: Session) -> int:
    """Validate the list.

    Returns:
        0 if all is well; 1 if not.

    Raises:
        Ends: a file cannot be read.
    """
    return _annotated(asked) if asked.annotations else _told(asked)


def _told(asked: argparse.Namespace) -> int:
    reading = read_list(asked.files, base_of(asked))
    folder = _gates(asked)
    findings = list_findings(reading)
    if folder.is_dir():
        findings += gate_findings(reading, folder)
    else:
        print(f"{folder} is not there: whether the gates exist was not looked at", file=sys.stderr)
    return _concluded(asked, reading, [finding.told for finding in findings], valid=not findings)


def _annotated(asked: argparse.Namespace) -> int:
    """A gate that is not here fails nothing: a pull request shows the repository, and the gate may be a blob."""
    try:
        reading = read_list(asked.files, base_of(asked))
        folder = _gates(asked)
    except Ends as end:
        print(annotation(Finding(str(end)), asked.files[0]))
        raise
    findings = [*list_findings(reading), *gate_findings(reading, folder)]
    told = [annotation(finding, asked.files[0]) for finding in findings]
    return _concluded(asked, reading, told, valid=all(finding.elsewhere for finding in findings))


def _concluded(asked: argparse.Namespace, reading: Reading, told: Sequence[str], *, valid: bool) -> int:
    print("".join(f"{line}\n" for line in told), end="")
    if not valid or reading.watch_list is None:
        return NO
    print(f"{', '.join(asked.files)}: {len(reading.watch_list.images)} entries, valid")
    return FINE


def _gates(asked: argparse.Namespace) -> Path:
    folder = Path(asked.gates) if asked.gates else Path(asked.files[0]).parent / "gates"
    if asked.gates and not folder.is_dir():
        raise Ends(UNREADABLE, f"{folder} is no folder that can be read")
    return folder

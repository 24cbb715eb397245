"""``tidegate signing-keys``: the public keys by which records beside images are verified."""

from __future__ import annotations

import argparse
from pathlib import Path

from shared.cli.client import Document
from shared.cli.exits import Ends, Exit
from shared.cli.parsing import Parser
from shared.cli.session import Session
from shared.cli.text import minute, plain


def add(parser: Parser, _: str) -> None:
    """Take the file."""
    parser.add_argument("--output", metavar="FILE", help="write the keys there, in PEM, the newest first")


def run(asked: argparse.Namespace, to: Session) -> int:
    """List the keys, and maybe write them to a file.

    Returns:
        0; 3 if no key has signed any record yet.

    Raises:
        Ends: 65 if the file cannot be written.
    """
    found = to.client.get("signing-keys")
    keys = list(reversed(found["keys"]))
    if asked.output and keys:
        _write(asked.output, "\n".join(_block(key) for key in keys))
    lines = [plain(f"{key['fingerprint']}  {_times(key)}") for key in keys] or ["no key has signed a record yet"]
    to.show(found, lines)
    return Exit.FINE if keys else Exit.ABSENT


def _times(key: Document) -> str:
    until = f"until {minute(key['valid_until'])}" if key.get("valid_until") else "on"
    return f"from {minute(key['valid_from'])} {until}"


def _block(key: Document) -> str:
    """What stands before a key is for people; whoever reads PEM passes by it."""
    return f"# SHA-256 {key['fingerprint']}, version {key['version']}, signs {_times(key)}\n{key['pem']}"


def _write(file: str, text: str) -> None:
    """Whoever reads it meanwhile has the keys of before, or all of these."""
    part = Path(f"{file}.part")
    try:
        part.write_text(text, encoding="utf-8")
        part.replace(file)
    except OSError as error:
        raise Ends(Exit.UNREADABLE, f"{file} cannot be written: {error.strerror}") from error

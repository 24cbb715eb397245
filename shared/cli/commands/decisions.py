"""``tidegate export`` and ``import``: what people decided, kept as a file and brought back into an empty account."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator
from pathlib import Path

from shared.cli.client import Document, document_of
from shared.cli.exits import Ends, Exit
from shared.cli.parsing import Parser
from shared.cli.session import Session
from shared.cli.text import plain

# As many bytes as the app takes.
_LARGEST = 16 * 1024 * 1024
# Each goes on where the one before ended, after some minutes.
_MOST_ROUNDS = 20
_TOLD = {
    "taken": "taken",
    "same": "known already",
    "newer-here": "overruled by what was said here later",
    "over": "over by now",
    "not-allowed": "left out, as it lets something in: that wants a person with the role approver and a fresh sign-in",
}


def add(parser: Parser, command: str) -> None:
    """Take the file."""
    parser.add_argument("file", metavar="FILE", help="the document; - for standard input or output")
    if command == "import":
        parser.add_argument("--dry-run", action="store_true", help="tell what would come of it, and write nothing")
        parser.add_argument("--yes", action="store_true", help="ask nothing")


def run(asked: argparse.Namespace, to: Session) -> int:
    """Export or import.

    Returns:
        0; 1 where something was left out that the caller may not bring back, or is still to be done.

    Raises:
        Ends: 65 if the file cannot be read or written, or is no such document.
    """
    return _export(asked.file, to) if asked.command == "export" else _import(asked, to)


def _export(file: str, to: Session) -> int:
    answer = to.client.answer("GET", "decisions")
    found = document_of(answer)
    if file == "-":
        sys.stdout.buffer.write(answer.body)
        return Exit.FINE
    _keep(file, answer.body)
    counts = {name: len(found.get(name, ())) for name in ("rulings", "targets", "keys")}
    lacks = found.get("lacks", [])
    told = [f"{file}: {counts['rulings']} rulings, words on {counts['targets']} tags, {counts['keys']} names of keys"]
    to.show({"file": file, **counts, "lacks": lacks}, [*told, *(f"  lacks {plain(one)}" for one in lacks)])
    return Exit.NO if lacks else Exit.FINE


def _keep(file: str, content: bytes) -> None:
    """Whoever is interrupted leaves the document that was there before, and no half one."""
    part = Path(f"{file}.part")
    try:
        part.unlink(missing_ok=True)
        part.touch(mode=0o600)
        part.write_bytes(content)
        part.replace(file)
    except OSError as error:
        raise Ends(Exit.UNREADABLE, f"{file} cannot be written: {error.strerror}") from error


def _import(asked: argparse.Namespace, to: Session) -> int:
    content = _content(asked.file)
    if not asked.dry_run:
        to.agreed(f"Bring back what {asked.file} says that people decided", yes=asked.yes)
    done = _sent(content, to, dry_run=asked.dry_run)
    for _ in range(0 if asked.dry_run else _MOST_ROUNDS):
        if done["whole"] or not done["counts"]["taken"]:
            break
        done = _sent(content, to, dry_run=False)
    to.show(done, _lines(done))
    return Exit.FINE if done["whole"] and not done["counts"]["not-allowed"] else Exit.NO


def _sent(content: bytes, to: Session, *, dry_run: bool) -> Document:
    # It needs no key to be sent twice: what was taken is the same the next time.
    headers = {"Content-Type": "application/json"}
    query = {"dry_run": "true"} if dry_run else None
    answer = to.client.answer("POST", "decisions", query=query, body=content, headers=headers, takes=frozenset({400}))
    if answer.status == 400:
        told = document_of(answer).get("detail", "")
        raise Ends(Exit.UNREADABLE, plain(str(told)), document_of(answer))
    return document_of(answer)


def _content(file: str) -> bytes:
    try:
        return sys.stdin.buffer.read(_LARGEST + 1) if file == "-" else Path(file).read_bytes()
    except OSError as error:
        raise Ends(Exit.UNREADABLE, f"{file} cannot be read: {error.strerror}") from error


def _lines(done: Document) -> Iterator[str]:
    yield "nothing was written; this would come of it:" if done["dry_run"] else "brought back:"
    for line in done["lines"]:
        yield plain(f"  {line['fate']}: {line['what']} {line['detail']} ({line['about']})")
    yield from (f"{count} {_TOLD.get(fate, fate)}" for fate, count in done["counts"].items() if count)
    yield from (f"make anew: an API key for {plain(name)}" for name in done["keys_to_make"])
    yield from (f"left: {plain(problem)}" for problem in done.get("problems", ()))

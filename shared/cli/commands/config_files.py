"""``tidegate list``: the files of the configuration, the watch list first: shown, compared, and put in place."""

from __future__ import annotations

import argparse
import difflib
import sys
import uuid
from pathlib import Path

from shared.cli.acting import acting
from shared.cli.client import Document, document_of, path_of
from shared.cli.exits import Ends, Exit
from shared.cli.options import reason_of
from shared.cli.parsing import Parser, act_of
from shared.cli.session import Session
from shared.cli.text import printable

# Beyond it the app refuses whatever the file is.
_LARGEST = 8 * 1024 * 1024
_OCTETS = {"Content-Type": "application/octet-stream"}
_HELP = "as the app has it below config/, such as images.yaml or waivers.yaml; default: the file's own name"


def add(parser: Parser, _: str) -> None:
    """Take what is to be done, and with which file."""
    acts = parser.add_subparsers(dest="act", required=True, metavar="get|put|diff", parser_class=Parser)
    get = act_of(acts, "get", "Print a file as the app has it; its ETag goes to standard error.")
    get.add_argument("name", metavar="NAME", help="such as images.yaml")
    put = act_of(acts, "put", "Put a file in the place of the one that was read.")
    diff = act_of(acts, "diff", "Say where a file differs from the app's.")
    for one in (put, diff):
        one.add_argument("file", metavar="FILE", help="the file here; - for standard input")
        one.add_argument("--name", metavar="NAME", help=_HELP)
    put.add_argument("--if-match", metavar="ETAG", help="what it takes the place of; default: what is there now")
    acting(put)


def run(asked: argparse.Namespace, to: Session) -> int:
    """Do it.

    Returns:
        0; for ``diff``, 1 if the two differ; 65 if the file would not be valid.

    Raises:
        Ends: 5 if the file has changed meanwhile, 65 if it is not valid or cannot be read.
    """
    if asked.act == "get":
        return _get(asked, to)
    name = asked.name or Path(asked.file).name
    if asked.file == "-" and not asked.name:
        raise Ends(Exit.USAGE, "say by --name which file standard input is")
    content = _content(asked.file)
    return _diff(name, content, to) if asked.act == "diff" else _put(asked, name, content, to)


def _get(asked: argparse.Namespace, to: Session) -> int:
    answer = to.client.answer("GET", path_of("config", asked.name))
    text = answer.body.decode("utf-8", "backslashreplace")
    to.tell(f"ETag: {answer.headers.get('etag', '')}")
    to.hand_over({"file": asked.name, "etag": answer.headers.get("etag"), "content": text}, text)
    return Exit.FINE


def _content(file: str) -> bytes:
    try:
        if file == "-":
            return sys.stdin.buffer.read(_LARGEST)
        with Path(file).open("rb") as opened:
            return opened.read(_LARGEST)
    except OSError as error:
        raise Ends(Exit.UNREADABLE, f"{file} cannot be read: {error.strerror}") from error


def _there(name: str, to: Session) -> tuple[bytes, str]:
    """Return what the app has, and its ETag; nothing and none if there is no such file."""
    answer = to.client.answer("GET", path_of("config", name), takes=frozenset({404}))
    return (b"", "") if answer.status == 404 else (answer.body, answer.headers.get("etag", ""))


def _diff(name: str, content: bytes, to: Session) -> int:
    """What it would change of the list in force, the app tells; what differs in its text, we do."""
    there, _ = _there(name, to)
    compared = document_of(to.client.answer("POST", path_of("config", name, "diff"), body=content, headers=_OCTETS))
    lines = _lines(name, there, content)
    to.show({**compared, "differs": there != content, "diff": lines}, [*lines, *_changes(compared)])
    if not compared["valid"]:
        return Exit.UNREADABLE
    return Exit.NO if there != content else Exit.FINE


def _changes(compared: Document) -> list[str]:
    wrong = [f"not valid: {printable(str(one))}" for one in compared["problems"]]
    changes = compared.get("list") or {}
    told = [f"{what}: {printable(str(one))}" for what, found in changes.items() for one in _each(found)]
    return [*wrong, *told]


def _each(found: object) -> list[object]:
    if isinstance(found, dict):
        return [f"{name}: {', '.join(told)}" for name, told in found.items()]
    if isinstance(found, list):
        return [one.get("name", one) if isinstance(one, dict) else one for one in found]
    return ["yes"] if found else []


def _lines(name: str, there: bytes, here: bytes) -> list[str]:
    old, new = (each.decode("utf-8", "backslashreplace").splitlines() for each in (there, here))
    found = difflib.unified_diff(old, new, f"{name} in the app", f"{name} here", lineterm="")
    return [printable(line) for line in found]


def _put(asked: argparse.Namespace, name: str, content: bytes, to: Session) -> int:
    there, etag = _there(name, to)
    lines, replaced = _lines(name, there, content), asked.if_match or etag
    if asked.dry_run:
        return _tried(name, content, replaced, lines, to)
    why = reason_of(asked, to)
    for line in lines if to.around.interactive and not asked.yes else ():
        to.tell(line)
    to.agreed(f"Write config/{name}", yes=asked.yes)
    headers = {"X-Why": why, "Idempotency-Key": str(uuid.uuid4()), **_OCTETS}
    headers |= {"If-Match": _quoted(replaced)} if replaced else {"If-None-Match": "*"}
    done = to.client.answer("PUT", path_of("config", name), body=content, headers=headers)
    written = {**document_of(done), "etag": done.headers.get("etag")}
    to.show(written, [f"config/{name} is written, ETag {written['etag']}"])
    return Exit.FINE


def _tried(name: str, content: bytes, replaced: str, lines: list[str], to: Session) -> int:
    checked = document_of(to.client.answer("POST", path_of("config", name, "validate"), body=content, headers=_OCTETS))
    wrong = [f"not valid: {printable(str(one))}" for one in checked["problems"]]
    to.show({"dry_run": True, **checked, "if_match": replaced or None, "diff": lines}, [*lines, *wrong])
    return Exit.FINE if checked["valid"] else Exit.UNREADABLE


def _quoted(etag: str) -> str:
    return etag if etag.startswith(('"', "W/")) or etag == "*" else f'"{etag}"'

"""``tidegate preview``: what another watch list, or another policy, would decide otherwise; nothing comes of it."""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from pathlib import Path

import msgspec

from shared.cli.client import Document, document_of
from shared.cli.exits import Ends, Exit
from shared.cli.parsing import Parser
from shared.cli.session import Session
from shared.cli.text import short, table

_LARGEST = 2 * 1024 * 1024
_MOST = 500
_HEADS = ("target", "digest", "when", "now", "then", "why")


def add(parser: Parser, _: str) -> None:
    """Take a list, or a policy and for which entries."""
    parser.add_argument("files", nargs="*", metavar="FILE", help="another watch list, in one file or several")
    parser.add_argument("--policy", metavar="FILE|NAME", help="another policy: its file, or the name of one in force")
    parser.add_argument("--entries", nargs="+", metavar="IMAGE", help="for which entries; default: all with a policy")


def run(asked: argparse.Namespace, to: Session) -> int:
    """Tell it.

    Returns:
        0 if nothing would be decided otherwise, 1 if something would, 2 if nothing is known to be, but of something
        nobody can tell.
    """
    parts = [*_parts(_body(asked), to)]
    for told in (part["unreadable"] for part in parts if part.get("unreadable")):
        to.tell(f"not all targets could be read: {told}")
    otherwise = [one for part in parts for one in part.get("otherwise", ())]
    untold = [one for part in parts for one in part.get("not_known", ())]
    to.show({"otherwise": otherwise, "not_known": untold}, _lines(otherwise, untold, to))
    return Exit.NO if otherwise else Exit.HOLD if untold else Exit.FINE


def _body(asked: argparse.Namespace) -> Document:
    if bool(asked.files) == bool(asked.policy):
        raise Ends(Exit.USAGE, "say either the files of a watch list, or --policy")
    if asked.files:
        return {"list": {Path(name).name: _text(name) for name in asked.files}}
    policy = _text(asked.policy) if Path(asked.policy).is_file() else asked.policy
    return {"policy": policy, "entries": asked.entries}


def _text(name: str) -> str:
    try:
        with Path(name).open("rb") as file:
            return file.read(_LARGEST).decode()
    except (OSError, UnicodeDecodeError) as error:
        raise Ends(Exit.UNREADABLE, f"{name} cannot be read: {error}") from error


def _parts(body: Document, to: Session) -> Iterator[Document]:
    """A preview changes nothing, so it may be asked for again wherever no answer comes."""
    content = msgspec.json.encode({name: value for name, value in body.items() if value is not None})
    headers, after = {"Content-Type": "application/json"}, ""
    while True:
        query = {"limit": min(_MOST, to.around.page or _MOST), "after": after}
        part = document_of(to.client.answer("POST", "preview", query=query, body=content, headers=headers))
        yield part
        after = str(part.get("next") or "")
        if not after:
            return


def _lines(otherwise: list[Document], untold: list[Document], to: Session) -> list[str]:
    rows = [(one["target"], short(one["digest"]), one["when"], *_decided(one)) for one in otherwise]
    lines = table(_HEADS, rows, to.colours) or ["nothing would be decided otherwise"]
    told = [f"not known: {one['target']} {short(one['digest'])}: {one['why']}" for one in untold]
    return [*lines, *told]


def _decided(one: Document) -> tuple[object, object, object]:
    now, then = one["now"], one["then"]
    return now["outcome"], then["outcome"], ", ".join(then.get("reasons", ())) or then.get("detail")

"""``tidegate pin``, ``unpin``, ``rollback`` and ``promote``: what people do with one tag of the base registry."""

from __future__ import annotations

import argparse

from shared.cli.acting import act, acting, told
from shared.cli.client import Document, path_of
from shared.cli.exits import Exit
from shared.cli.naming import target_of
from shared.cli.options import moment
from shared.cli.parsing import Parser
from shared.cli.session import Session
from shared.cli.waiting import wait_until_reached, within

_WORDS = {
    "pin": "pin {place} to {digest}",
    "unpin": "let {place} follow its source again",
    "rollback": "take {place} back to {digest}",
    "promote": "ask for {digest} at {place} against its gate, or grant it",
}


def add(parser: Parser, command: str) -> None:
    """Take which tag, and what it is to bear."""
    parser.add_argument("what", metavar="IMAGE:TAG", help="the tag, or its target's id")
    if command == "promote":
        parser.add_argument("--to", metavar="DIGEST", required=True, help="what it is to bear")
    elif command == "rollback":
        told = "what it bore before, or the unique tag of that; default: the last that is not blocked"
        parser.add_argument("--to", metavar="DIGEST|NAME", help=told)
    elif command == "pin":
        told = "what it is to bear, or the unique tag of that; default: what is wanted now"
        parser.add_argument("--to", metavar="DIGEST|NAME", help=told)
        parser.add_argument("--until", metavar="TIME", help="until when: 2026-12-31, a time with its zone, or 14d")
    acting(parser)
    if command in {"rollback", "promote"}:
        parser.add_argument("--wait", action="store_true", help="wait until the base registry has it")
        within(parser)


def run(asked: argparse.Namespace, to: Session) -> int:
    """Do it.

    Returns:
        0; with ``--wait``, 7 if the base registry did not come to it in time.
    """
    target = to.client.get(path_of("targets", target_of(to.client, asked.what)))
    wanted = getattr(asked, "to", None)
    place = f"{target['repository']}:{target['tag']}"
    usual = "the digest before" if asked.command == "rollback" else "what is wanted now"
    what = _WORDS[asked.command].format(place=place, digest=wanted or usual)
    done = act(asked, to, path_of("targets", target["id"], asked.command), _body(asked, to), what, target)
    if done is None or not getattr(asked, "wait", False) or done.get("became") == "asked":
        return told(done, to)
    return _waited(asked, to, done)


def _body(asked: argparse.Namespace, to: Session) -> Document:
    named = asked.command in {"rollback", "pin"} and asked.to and ":" not in asked.to
    body: Document = {} if asked.command == "unpin" else {"unique_tag" if named else "digest": asked.to}
    if asked.command == "pin" and asked.until:
        body["until"] = moment(asked.until, "--until", to.around.now())
    return body


def _waited(asked: argparse.Namespace, to: Session, done: Document) -> int:
    reached = wait_until_reached(asked, to, done)
    told(reached, to)
    return Exit.FINE if reached["reached"] else Exit.LATE

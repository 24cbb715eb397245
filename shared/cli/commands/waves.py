"""``tidegate waves`` and ``tidegate wave``: rebuilds in waves, and what people say of one that waits for them."""

from __future__ import annotations

import argparse
from collections.abc import Iterator

from shared.cli.acting import act, acting
from shared.cli.client import Document, path_of
from shared.cli.exits import Ends, Exit
from shared.cli.naming import MOST_WAVES, target_of
from shared.cli.options import among, bounded
from shared.cli.parsing import Parser
from shared.cli.session import Session
from shared.cli.text import minute, plain, printable, short, table
from shared.domain.waves.states import WAVE_ENDS, WaveState

_HEADS = ("wave", "state", "reason", "digest", "members", "since", "waits until")
_MEMBERS = ("member", "canary", "owner", "before", "state", "built on", "known by", "ended by", "detail")
_OVER = {state.value for state in WAVE_ENDS}
_WORDS = {
    "continue": "have the others of {wave} rebuilt",
    "restore": "take the tag of {wave} back to {former}",
    "cancel": "have nobody else of {wave} rebuilt",
}


def add(parser: Parser, command: str) -> None:
    """Take which are meant, and what is said of one."""
    if command == "waves":
        states = [one.value for one in WaveState]
        told = f"only those in this state: {', '.join(states)}; default: all that are not over"
        parser.add_argument("--state", action="append", choices=states, metavar="STATE", help=told)
        parser.add_argument("--all", action="store_true", help="those that are over as well")
        parser.add_argument("--repository", metavar="REPOSITORY", help="only those of this one of the base registry")
        bounded(parser)
        return
    parser.add_argument("what", metavar="ID|IMAGE:TAG", help="a wave's id, or the tag whose latest one is meant")
    word = parser.add_mutually_exclusive_group()
    word.add_argument("--continue", dest="word", action="store_const", const="continue", help="rebuild the others")
    word.add_argument("--restore", dest="word", action="store_const", const="restore", help="take the tag back")
    word.add_argument("--cancel", dest="word", action="store_const", const="cancel", help="rebuild nobody else")
    acting(parser)


def run(asked: argparse.Namespace, to: Session) -> int:
    """Do it.

    Returns:
        0; for ``wave`` 2 while it waits for a person.
    """
    return _listed(asked, to) if asked.command == "waves" else _one(asked, to)


def _listed(asked: argparse.Namespace, to: Session) -> int:
    shown = among([*_found(asked, to)], asked.limit, to)
    to.show({"waves": list(shown)}, table(_HEADS, map(_row, shown), to.colours) or ["no wave is under way"])
    return Exit.FINE


def _found(asked: argparse.Namespace, to: Session) -> Iterator[Document]:
    states = asked.state or []
    query = {"repository": asked.repository, "state": states[0] if len(states) == 1 else None}
    for part in to.client.parts("waves", query, MOST_WAVES):
        if part.get("unreadable"):
            to.tell(f"not all of them could be read: {part['unreadable']}")
        for one in part["waves"]:
            if one["state"] in states or (not states and (asked.all or one["state"] not in _OVER)):
                yield one


def _row(one: Document) -> tuple[object, ...]:
    until = minute(one["held_until"]) if one.get("held_until") else ""
    return one["id"], one["state"], one["reason"], short(one["digest"]), _counts(one), minute(one["planned_at"]), until


def _counts(one: Document) -> str:
    return ", ".join(f"{count} {state}" for state, count in one["members"].items())


def _one(asked: argparse.Namespace, to: Session) -> int:
    shown = to.client.get(path_of("waves", _id_of(asked.what, to)))
    if asked.word is None:
        to.show(shown, _lines(shown, to))
        return Exit.HOLD if shown["wave"]["state"] == WaveState.HELD.value else Exit.FINE
    wave = shown["wave"]
    what = _WORDS[asked.word].format(wave=wave["id"], former=wave.get("former") or "what it was before")
    seen = {"number": wave["number"]}
    done = act(asked, to, path_of("waves", wave["id"], asked.word), {}, what, seen)
    if done is not None:
        to.show(done, _lines(done, to))
    return Exit.FINE


def _id_of(text: str, to: Session) -> str:
    """The latest wave of a tag is that of the decision in force."""
    if ":" not in text:
        return text
    target = to.client.get(path_of("targets", target_of(to.client, text)))
    if not target["number"]:
        raise Ends(Exit.ABSENT, f"{text} was never decided, so that it has no wave")
    return f"{target['id']}~{target['number']}"


def _lines(shown: Document, to: Session) -> list[str]:
    return [
        *_head(shown["wave"]),
        *table(_MEMBERS, _members(shown), to.colours),
        *_found_at(shown),
        *_outside(shown),
        *map(printable, shown["remarks"]),
    ]


def _head(wave: Document) -> Iterator[str]:
    yield f"{wave['repository']}:{wave['tag']}, decision {wave['number']}, {wave['why']}: {wave['digest']}"
    until = f", until {minute(wave['held_until'])}" if wave.get("held_until") else ""
    because = f": {wave['because']}" if wave.get("because") else ""
    yield f"  {wave['state']} ({wave['reason']}){because}{until}"
    if wave.get("former"):
        yield f"  before {wave['former']}"
    if wave.get("spoken"):
        said = wave["spoken"]["said"]
        yield f"  {plain(str(said['by']))} said to {wave['spoken']['word']}: {plain(str(said['why']))}"
    if wave.get("control_of"):
        yield f"  it is the control of decision {wave['control_of']}"
    if wave.get("restored_by"):
        yield f"  it went back by decision {wave['restored_by']}"


def _members(shown: Document) -> Iterator[tuple[object, ...]]:
    for one in shown["members"]:
        last = one["results"][-1] if one.get("results") else {}
        known = short(last["built_on"]) if last.get("built_on") else ""
        kind, how = last.get("kind", ""), last.get("how", "")
        canary, owner, detail = "yes" if one["canary"] else "", one.get("owner"), one.get("detail")
        yield one["target"], canary, owner, one["baseline"], one["state"], known, how, kind, detail


def _found_at(shown: Document) -> Iterator[str]:
    """Where people find the runs that whoever builds elsewhere has a page of, and the logs that are kept of others."""
    for one in shown["members"]:
        for result in one.get("results", ()):
            of = f"of attempt {result['attempt']} of {one['target']}"
            if result.get("link"):
                yield f"run {of}: {printable(str(result['link']))}"
            if log := result.get("log"):
                yield f"log {of}: GET /api/{path_of('rebuilds', log['rebuild'], 'evidence', log['evidence'])}"


def _outside(shown: Document) -> Iterator[str]:
    for one in shown["outside"]:
        yield f"outside of it: {one['target']}: {plain(str(one['why']))}"

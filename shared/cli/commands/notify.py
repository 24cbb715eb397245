"""``tidegate notify``: destinations of notices, what they were told, and what people do about them."""

from __future__ import annotations

import argparse
from collections.abc import Iterable

from shared.cli.acting import act, acting
from shared.cli.client import Document, path_of
from shared.cli.exits import Ends, Exit
from shared.cli.options import among, bounded, moment
from shared.cli.parsing import Parser, act_of
from shared.cli.session import Session
from shared.cli.text import minute, plain, table

# As many as the app lists; it puts away what is older.
_MOST = 500
_DESTINATIONS = ("destination", "state", "pending", "given up", "last sent", "last error")
_NOTICES = ("at", "kind", "title", "told", "id")
# Before every clock's now: what is muted until then is muted no more, however far the two clocks are apart.
_LONG_AGO = "2000-01-01T00:00:00+00:00"


def add(parser: Parser, _: str) -> None:
    """Take what is to be done, and with which."""
    acts = parser.add_subparsers(dest="act", required=True, metavar="list|test|resend|mute|unmute", parser_class=Parser)
    listed = act_of(acts, "list", "Tell how destinations fare, and what was told of late.")
    listed.add_argument("--to", metavar="NAME", help="only of this destination")
    listed.add_argument("--kind", action="append", metavar="KIND", help="only such notices, such as approval-needed")
    bounded(listed)
    test = act_of(acts, "test", "Send a message to a destination now, and tell what it answered.")
    resend = act_of(acts, "resend", "Have a notice sent once more.")
    resend.add_argument("id", metavar="ID", help="the notice's, as list shows it")
    resend.add_argument("--to", metavar="NAME", help="to which destination, where it went to several")
    mute = act_of(acts, "mute", "Send nothing to a destination for a time; what is to be told waits.")
    until = mute.add_mutually_exclusive_group(required=True)
    until.add_argument("--for", dest="lasting", metavar="TIME", help="for how long, such as 2h")
    until.add_argument("--until", metavar="TIME", help="2026-12-31, or a time in RFC 3339")
    unmute = act_of(acts, "unmute", "Send to a destination again.")
    for one in (test, mute, unmute):
        one.add_argument("name", metavar="NAME", help="the destination's: what follows NOTIFY_ in its setting")
    for one in (resend, mute, unmute):
        acting(one)


def run(asked: argparse.Namespace, to: Session) -> int:
    """Do it.

    Returns:
        0; for ``test``, 1 if the destination did not take the message.

    Raises:
        Ends: 3 if there is no such destination or notice.
    """
    return {"list": _listed, "test": _test, "resend": _resend, "mute": _mute, "unmute": _mute}[asked.act](asked, to)


def _listed(asked: argparse.Namespace, to: Session) -> int:
    there = to.client.get("destinations")["destinations"]
    destinations = [one for one in there if asked.to in {None, one["name"]}]
    if asked.to and not destinations:
        raise Ends(Exit.ABSENT, f"there is no destination {plain(asked.to)!r}; there are: {_names(there)}")
    told = to.client.get("notices", {"destination": asked.to, "limit": _MOST})["notices"]
    if len(told) == _MOST:
        to.tell(f"only the last {_MOST} notices are told")
    notices = among([one for one in told if not asked.kind or one["kind"] in asked.kind], asked.limit, to)
    lines = table(_DESTINATIONS, map(_fares, destinations), to.colours) or ["no destination is set up: docs/notices.md"]
    rows = [(minute(one["at"]), one["kind"], one["title"], _became(one), one["id"]) for one in notices]
    more = ["", *table(_NOTICES, rows, to.colours)] if rows else []
    to.show({"destinations": destinations, "notices": [*notices]}, [*lines, *more])
    return Exit.FINE


def _fares(one: Document) -> tuple[object, ...]:
    state = "works" if one["last_sent_at"] else "never tried"
    if one["muted"]:
        state = f"muted until {minute(one['muted']['until'])}"
    elif one["broken"]:
        state = f"broken since {minute(one['broken']['since'])}"
    lost = one.get("given_up") or {"count": 0}
    given_up = f"{lost['count']} since {minute(lost['since'])}" if lost["count"] else 0
    return one["name"], state, one["pending"], given_up, minute(one["last_sent_at"]), one["last_error"]


def _became(notice: Document) -> str:
    return ", ".join(f"{one['destination']} {one['state']}" for one in notice["deliveries"])


def _names(named: Iterable[Document], by: str = "name") -> str:
    return ", ".join(sorted(plain(str(one[by])) for one in named)) or "none"


def _test(asked: argparse.Namespace, to: Session) -> int:
    tried = to.client.post(path_of("destinations", asked.name, "test"), {})
    took = "took it" if tried["sent"] else "did not take it"
    code = f" ({tried['status']})" if tried["status"] else ""
    to.show({"tried": tried}, [f"{plain(asked.name)} {took}{code}: {plain(tried['said']) or 'no word'}"])
    return Exit.FINE if tried["sent"] else Exit.NO


def _resend(asked: argparse.Namespace, to: Session) -> int:
    name = asked.to or _only_destination(asked.id, to)
    what = f"send notice {asked.id} to {name} once more"
    done = act(asked, to, path_of("notices", asked.id, "resend"), {"destination": name}, what, None)
    if done is not None:
        line = f"{plain(asked.id)} to {plain(name)} is {done['state']}, due {minute(done['due_at'])}"
        to.show({"resent": done}, [line])
    return Exit.FINE


def _only_destination(notice: str, to: Session) -> str:
    told = to.client.get("notices", {"limit": _MOST})["notices"]
    found = next((one["deliveries"] for one in told if one["id"] == notice), None)
    if found is None:
        raise Ends(Exit.ABSENT, f"the app knows no notice {plain(notice)!r}; tidegate notify list shows ids")
    if len(found) > 1:
        raise Ends(Exit.USAGE, f"it went to several: say by --to which of {_names(found, 'destination')} is meant")
    return str(found[0]["destination"])


def _mute(asked: argparse.Namespace, to: Session) -> int:
    what = f"send nothing to {asked.name} until"
    if asked.act == "unmute":
        until, what = _LONG_AGO, f"send to {asked.name} again"
    else:
        option = "--for" if asked.lasting else "--until"
        until = moment(asked.lasting or asked.until, option, to.around.now())
        what = f"{what} {minute(until)}"
    done = act(asked, to, path_of("destinations", asked.name, "mute"), {"until": until}, what, None)
    if done is not None:
        muted = done["muted"]
        state = f"muted until {minute(muted['until'])} by {plain(muted['by'])}" if muted else "not muted"
        to.show({"destination": done}, [f"{plain(done['name'])} is {state}"])
    return Exit.FINE

"""``tidegate exposure``: what is in use and would not be let in any more."""

from __future__ import annotations

import argparse

from shared.cli.client import Document
from shared.cli.exits import Exit
from shared.cli.options import among, bounded
from shared.cli.parsing import Parser
from shared.cli.session import Session
from shared.cli.text import minute, short, table
from shared.domain.promotion.exposure import Standing

_MOST = 200
_HEADS = ("target", "standing", "digest", "since", "findings", "exploited", "fix", "owner")
_BLOCKED = frozenset({"blocked", "rejected", "pinned", "held"})


def add(parser: Parser, _: str) -> None:
    """Take what is meant, and which of it is a no."""
    parser.add_argument("--team", metavar="OWNER", help="only what is this owner's, as the watch list says")
    standings = [one.value for one in Standing]
    parser.add_argument("--standing", choices=standings, help="default: what does not stand clean")
    fixes = "whether an update without the findings waits, is kept from the tag, or is none"
    parser.add_argument("--fix", choices=["waiting", "blocked", "none"], help=fixes)
    failing = "which of what is shown is answered by 1; default: exposed"
    parser.add_argument("--fail-on", choices=["exposed", "exploited", "any", "never"], default="exposed", help=failing)
    bounded(parser)


def run(asked: argparse.Namespace, to: Session) -> int:
    """Tell it.

    Returns:
        0; 1 if something is found that ``--fail-on`` names.
    """
    found: list[Document] = []
    looked_at = None
    for part in to.client.parts("exposure", {"standing": asked.standing}, _MOST):
        looked_at = part["looked_at"]
        found += [one for one in part["exposure"] if _fits(one, asked)]
    shown = among(found, asked.limit, to)
    if looked_at is None:
        to.tell("nothing was looked at yet: no policy in force has scans, or their first watch is to come")
    rows = [_row(one) for one in shown]
    to.show({"exposure": list(shown), "looked_at": looked_at}, table(_HEADS, rows, to.colours))
    return Exit.NO if any(_fails(one, asked.fail_on) for one in found) else Exit.FINE


def fix_of(one: Document) -> str:
    """Return whether an update without the findings waits, is kept from the tag, or there is none."""
    update = one.get("update")
    if not update or update.get("fixes") is False:
        return "none"
    return "blocked" if update["stands"] in _BLOCKED else "waiting"


def _fits(one: Document, asked: argparse.Namespace) -> bool:
    return (not asked.team or one.get("owner") == asked.team) and (not asked.fix or fix_of(one) == asked.fix)


def _fails(one: Document, on: str) -> bool:
    if on == "exploited":
        return bool(one["known_exploited"])
    return on == "any" or (on == "exposed" and one["standing"] == "exposed")


def _row(one: Document) -> tuple[object, ...]:
    stands = one["update"]["stands"] if one.get("update") else "no update"
    exploited = len(one["known_exploited"]) or None
    fix = f"{fix_of(one)}: {stands}"
    digest, since = short(one["digest"]), minute(one["since"])
    return one["target"], one["standing"], digest, since, one["count"], exploited, fix, one["owner"]

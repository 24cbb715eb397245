"""``tidegate waivers``: findings that people waive for one digest at one tag."""

from __future__ import annotations

import argparse

from shared.cli.acting import act, acting, told
from shared.cli.client import path_of
from shared.cli.exits import Exit
from shared.cli.naming import target_of
from shared.cli.parsing import Parser, act_of
from shared.cli.session import Session
from shared.cli.text import minute, short, table

_HEADS = ("target", "id", "package", "digest", "until", "asked by", "granted by", "why")


def add(parser: Parser, _: str) -> None:
    """Take what is to be done, and with which."""
    acts = parser.add_subparsers(dest="act", required=True, metavar="list|ask|grant|revoke", parser_class=Parser)
    listed = act_of(acts, "list", "List what is waived, or asked to be.")
    listed.add_argument("--asked", action="store_true", help="only what nobody has granted yet")
    told_of = {"ask": "Ask to waive a finding.", "grant": "Grant what another one asked.", "revoke": "Take one back."}
    for name, purpose in told_of.items():
        one = act_of(acts, name, purpose)
        one.add_argument("what", metavar="IMAGE:TAG", help="at which tag")
        one.add_argument("finding", metavar="FINDING", help="such as CVE-2026-0001")
        one.add_argument("--package", metavar="NAME", required=True, help="in which package, as the scanner names it")
        one.add_argument("--digest", metavar="DIGEST", required=True, help="of which image")
        if name == "ask":
            one.add_argument("--until", metavar="DAY", required=True, help="2026-12-31, or a time in RFC 3339")
        acting(one)


def run(asked: argparse.Namespace, to: Session) -> int:
    """Do it."""
    if asked.act == "list":
        return _listed(asked, to)
    target = target_of(to.client, asked.what)
    body = {"digest": asked.digest, "id": asked.finding, "package": asked.package}
    if asked.act == "ask":
        body["until"] = asked.until
    what = f"{asked.act} a waiver of {asked.finding} in {asked.package} of {asked.digest} for {asked.what}"
    return told(act(asked, to, path_of("targets", target, "waivers", asked.act), body, what, None), to)


def _listed(asked: argparse.Namespace, to: Session) -> int:
    every = (one for part in to.client.parts("waivers") for one in part["waivers"])
    found = [one for one in every if not (asked.asked and one.get("granted"))]
    rows = []
    for one in found:
        by, granted = one["asked"]["name"], (one.get("granted") or {}).get("name")
        digest, until = short(one["digest"]), one["until"] if len(one["until"]) <= 10 else minute(one["until"])
        rows.append((one["target"], one["id"], one["package"], digest, until, by, granted, one["why"]))
    to.show({"waivers": found}, table(_HEADS, rows, to.colours) or ["nothing is waived"])
    return Exit.FINE

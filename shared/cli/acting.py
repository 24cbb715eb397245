"""What commands that change something do alike: say what is about to happen, ask, do it, and tell what is so now."""

from __future__ import annotations

import argparse
from collections.abc import Mapping

from shared.cli.client import Document
from shared.cli.exits import Exit
from shared.cli.options import reason_of, reasoned
from shared.cli.parsing import Parser
from shared.cli.session import Session
from shared.cli.text import minute, plain


def acting(parser: Parser) -> None:
    """Take ``--reason``, ``--yes`` and ``--dry-run``."""
    reasoned(parser)
    parser.add_argument("--yes", action="store_true", help="do not ask whether it is meant")
    parser.add_argument("--dry-run", action="store_true", help="say what would be asked, and ask nothing")


def act(
    asked: argparse.Namespace, to: Session, path: str, body: Mapping[str, object], what: str, now: Document | None
) -> Document | None:
    """Ask for an act in the caller's name.

    Args:
        asked: the command's arguments.
        to: the app and the terminal.
        path: of the act.
        body: of the request, without the reason and the number of the decision that was seen.
        what: is about to be done, for people.
        now: what is so before; ``None`` if it was not looked at.

    Returns:
        What is so from then on; ``None`` if it was only said what would be asked.

    Raises:
        Ends: it was refused, or nobody said why.
    """
    seen = {"number": now["number"]} if now is not None else {}
    whole = {**body, **seen, "why": reason_of(asked, to)}
    if asked.dry_run:
        request = {"method": "POST", "path": f"/api/{path}", "body": {k: v for k, v in whole.items() if v is not None}}
        to.show({"dry_run": True, "would": what, "request": request, "now": now}, [f"would {what}", *described(now)])
        return None
    to.agreed(what[:1].upper() + what[1:], yes=asked.yes)
    return to.client.post(path, whole)


def told(done: Document | None, to: Session) -> int:
    """Print a target as it is after an act."""
    if done is not None:
        to.show({"target": done}, described(done))
    return Exit.FINE


def described(target: Document | None) -> list[str]:
    """Return a target in lines: what it is, what it waits for, and what stands in its way."""
    if target is None or "repository" not in target:
        return []
    lines = [f"{target['repository']}:{target['tag']}, decision {target['number']}, {target['why']}"]
    lines.append(f"  wanted {target['wanted'] or '-'}{'' if target['reached'] else ', which it does not bear yet'}")
    newest = (target.get("newest") or {}).get("digest")
    if newest and newest != target["wanted"]:
        lines.append(f"  newest {newest}")
    if target.get("waits_for"):
        until = f" until {minute(target['until'])}" if target.get("until") else ""
        lines.append(f"  waits for {target['waits_for']}{until}")
    if target.get("waits_because"):
        lines.append(f"  {plain(str(target['waits_because']))}")
    for name, verb in (("pinned", "pinned"), ("hold", "held")):
        said = (target.get(name) or {}).get("said") or target.get(name)
        if said:
            lines.append(f"  {verb} by {plain(str(said.get('by')))}: {plain(str(said.get('why')))}")
    return lines

"""``tidegate status``: what needs people, what waits, and how many there are of the rest."""

from __future__ import annotations

import argparse
from collections import Counter
from collections.abc import Iterable, Sequence
from datetime import datetime

from shared.cli.client import Document
from shared.cli.commands.images import WAITING, every_image
from shared.cli.exits import Exit
from shared.cli.options import past
from shared.cli.parsing import Parser
from shared.cli.session import Session
from shared.cli.text import minute, read_time, short, table

# Nothing of these gets well by itself, or without somebody's word.
NEEDS_PEOPLE = frozenset({"awaiting-approval", "failed", "drifted", "never-there"})
_NEEDS = ("needs", "what", "digest", "since", "owner", "why")
_WAITS = ("waits", "what", "until", "owner", "why")


def add(parser: Parser, _: str) -> None:
    """Take whose and since when."""
    parser.add_argument("--team", metavar="OWNER", help="only what is this owner's, as the watch list says")
    parser.add_argument("--since", metavar="TIME", help="only what changed since then: 2026-12-31, or 2d ago")


def run(asked: argparse.Namespace, to: Session) -> int:
    """Tell what needs people.

    Returns:
        0 if nothing does, 1 if something does.
    """
    since = past(asked.since, "--since", to.around.now()) if asked.since else None
    entries = [one for one in every_image(to) if not asked.team or one.get("owner") == asked.team]
    counts = Counter(tag["status"] for entry in entries for tag in entry["tags"])
    needs = [*_of_tags(entries, since), *_of_troubles(entries), *_of_waivers(entries, to, since)]
    waits = [*_waiting(entries, since)]
    for entry in entries:
        if entry.get("unreadable"):
            needs.append(_need("unreadable", entry["name"], "", None, entry.get("owner"), entry["unreadable"]))
    document = {"needs_people": needs, "waiting": waits, "counts": dict(counts)}
    to.show(document, _lines(needs, waits, counts, to))
    return Exit.NO if needs else Exit.FINE


def _of_tags(entries: Sequence[Document], since: datetime | None) -> Iterable[Document]:
    for entry in entries:
        for tag in entry["tags"]:
            if tag["status"] in NEEDS_PEOPLE and _is_new(tag.get("changed_at"), since):
                why = tag.get("trouble") or tag.get("detail") or tag["reason"]
                name = f"{entry['name']}:{tag['tag']}"
                yield _need(tag["status"], name, tag["upstream"], tag.get("changed_at"), entry.get("owner"), why)


def _of_troubles(entries: Sequence[Document]) -> Iterable[Document]:
    """One trouble is one line, though it may be that of many entries."""
    told: dict[tuple[str, str], Document] = {}
    for entry in entries:
        for noted in entry.get("troubles", ()):
            trouble = noted["trouble"]
            need = _need(trouble["kind"], trouble["about"], "", noted.get("since"), entry.get("owner"), "")
            told.setdefault((trouble["kind"], trouble["about"]), {**need, "why": trouble["detail"]})
    return told.values()


def _of_waivers(entries: Sequence[Document], to: Session, since: datetime | None) -> Iterable[Document]:
    owners = {tag["target"]: entry.get("owner") for entry in entries for tag in entry["tags"]}
    for one in (one for part in to.client.parts("waivers") for one in part["waivers"]):
        _, _, rest = one["target"].partition("~")
        place = ":".join(rest.replace("~", "/").rsplit("/", 1))
        if one.get("granted") is None and place in owners and _is_new(one["asked_at"], since):
            why = f"{one['id']} in {one['package']}: {one['why']}"
            yield _need("waiver-asked", place, one["digest"], one["asked_at"], owners[place], why)


def _waiting(entries: Sequence[Document], since: datetime | None) -> Iterable[Document]:
    for entry in entries:
        for tag in entry["tags"]:
            if tag["status"] in WAITING - NEEDS_PEOPLE and _is_new(tag.get("changed_at"), since):
                name, owner = f"{entry['name']}:{tag['tag']}", entry.get("owner")
                told = {"for": tag["status"], "what": name, "until": tag.get("until"), "owner": owner}
                yield {**told, "why": tag.get("trouble") or tag["reason"]}


def _need(needs: str, what: str, digest: str | None, since: str | None, owner: str | None, why: str) -> Document:
    return {"needs": needs, "what": what, "digest": digest or None, "since": since, "owner": owner, "why": why}


def _is_new(changed: str | None, since: datetime | None) -> bool:
    at = read_time(changed)
    return since is None or at is None or at >= since


def _lines(needs: Sequence[Document], waits: Sequence[Document], counts: Counter[str], to: Session) -> list[str]:
    asked = [
        (one["needs"], one["what"], short(one["digest"]), minute(one["since"]), one["owner"], one["why"])
        for one in needs
    ]
    left = [(one["for"], one["what"], minute(one["until"]), one["owner"], one["why"]) for one in waits]
    told = ", ".join(f"{count} {status}" for status, count in sorted(counts.items())) or "nothing is watched"
    blocks = [table(_NEEDS, asked, to.colours), table(_WAITS, left, to.colours)]
    return [line for block in blocks if block for line in (*block, "")] + [told]

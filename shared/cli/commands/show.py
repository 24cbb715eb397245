"""``tidegate show``: one candidate with its way, its evidence, and the tag that it is for."""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from pathlib import Path

from shared.cli.client import Document, document_of, path_of
from shared.cli.commands.impact import lines_of
from shared.cli.exits import Ends, Exit
from shared.cli.naming import candidate_of, is_candidate, target_of
from shared.cli.parsing import Parser
from shared.cli.session import Session
from shared.cli.text import minute, plain, printable, table

_FINDINGS = ("platform", "id", "package", "installed", "fixed", "severity", "change", "decided")


def add(parser: Parser, _: str) -> None:
    """Take which one, and what of it."""
    parser.add_argument("what", metavar="ID|IMAGE:TAG", help="a candidate's id, or the tag whose newest one is meant")
    parser.add_argument("--log", action="store_true", help="print the log of its last test and scan")
    parser.add_argument("--findings", action="store_true", help="print what the scan found, and what decided about it")
    parser.add_argument("--evidence", metavar="DIR", help="save all that is kept of it into this folder")


def run(asked: argparse.Namespace, to: Session) -> int:
    """Show a candidate."""
    found = candidate_of(to.client, asked.what)
    candidate = to.client.get(path_of("candidates", found))
    target = None if is_candidate(asked.what) else to.client.get(path_of("targets", target_of(to.client, asked.what)))
    pieces = to.client.get(path_of("candidates", found, "evidence"))["evidence"]
    document: Document = {"candidate": candidate, "target": target, "evidence": pieces}
    lines = [*_of_candidate(candidate), *(_of_target(target) if target else ()), *_of_evidence(pieces)]
    if asked.findings:
        findings = _findings(to, found, pieces)
        document, lines = {**document, "findings": findings}, [*lines, "", *_told(findings, to)]
    if asked.log:
        logs = {one["name"]: _text(to, found, one["name"]) for one in pieces if one["name"].endswith(".log")}
        document, lines = {**document, "logs": logs}, [*lines, *_of_logs(logs)]
    if asked.evidence:
        document = {**document, "saved": _save(to, found, pieces, Path(asked.evidence))}
    to.show(document, lines)
    return Exit.FINE


def _of_candidate(one: Document) -> Iterator[str]:
    yield (
        f"{one['status']}, {one['reason']}: {plain(one['detail'])}"
        if one["detail"]
        else f"{one['status']}, {one['reason']}"
    )
    yield f"  {one['source']}:{one['source_tag']}@{one['digest']}"
    yield from (f"  for {each['repository']}:{each['tag']}" for each in one["targets"])
    for each in one["history"]:
        times = f" ({each['times']} times)" if each.get("times", 1) > 1 else ""
        words = f"{each['status']}, {each['reason']}{times}"
        yield f"  {minute(each['at'])}  {words}  {plain(each.get('detail', ''))}".rstrip()
    if one.get("impact"):
        yield from (f"  if it is promoted: {line}" for line in lines_of(one["impact"]))


def _of_target(one: Document) -> Iterator[str]:
    yield ""
    until = f" until {minute(one['until'])}" if one.get("until") else ""
    waits = f", waits for {one['waits_for']}{until}" if one.get("waits_for") else ""
    yield f"{one['repository']}:{one['tag']}, decision {one['number']}, {one['why']}{waits}"
    reached = "reached" if one["reached"] else "not reached"
    yield f"  wanted {one['wanted'] or '-'}, {reached}; seen {one['seen'] or '-'}"
    if one.get("waits_because"):
        yield f"  {plain(str(one['waits_because']))}"
    yield from of_companions(one.get("companions") or {})
    for each in one["previous"]:
        yield f"  before: {each['digest']}{' (blocked)' if each.get('blocked') else ''}"


def of_companions(one: Document) -> Iterator[str]:
    """Iterate over the lines that tell what lies beside what is wanted."""
    if one.get("names"):
        missing = one.get("names_missing", ())
        names = (f"{plain(str(name))}{' (not there yet)' if name in missing else ''}" for name in one["names"])
        yield f"  keeps the name {', '.join(names)}"
    if one.get("told"):
        yield f"  beside it: {plain(str(one['told']))}"
    if one.get("record"):
        yield f"  its record: {plain(str(one['record']['told']))}"
    if one.get("locks_told"):
        yield f"  locks: {plain(str(one['locks_told']))}"
    for each in one.get("refused", ()):
        yield f"  refused: {each['digest']} ({plain(str(each['why']))})"


def _of_evidence(pieces: list[Document]) -> Iterator[str]:
    if pieces:
        yield ""
        rows = [(one["name"], one["kind"], one["size"], minute(one["at"])) for one in pieces]
        yield from table(("evidence", "kind", "bytes", "kept"), rows)


def _findings(to: Session, candidate: str, pieces: list[Document]) -> list[Document]:
    """The newest decision says what was found and what decided about it, on each platform."""
    decisions = sorted((one for one in pieces if one["kind"] == "decision"), key=lambda one: str(one["at"]))
    if not decisions:
        raise Ends(Exit.ABSENT, "nothing is kept that says what a scan found: it was not scanned, or not decided yet")
    path = path_of("candidates", candidate, "evidence", decisions[-1]["name"])
    platforms = document_of(to.client.answer("GET", path)).get("platforms", {})
    return [{"platform": platform, **one} for platform, said in platforms.items() for one in said.get("findings", ())]


def _told(findings: list[Document], to: Session) -> list[str]:
    rows = [[one.get(name) for name in _FINDINGS] for one in findings]
    return table(_FINDINGS, rows, to.colours) or ["nothing was found"]


def _text(to: Session, candidate: str, name: str) -> str:
    path = path_of("candidates", candidate, "evidence", name)
    return to.client.answer("GET", path).body.decode("utf-8", "backslashreplace")


def _of_logs(logs: dict[str, str]) -> Iterator[str]:
    for name, text in logs.items():
        yield from ("", f"== {name}")
        yield from (printable(line) for line in text.splitlines())


def _save(to: Session, candidate: str, pieces: list[Document], folder: Path) -> list[str]:
    """Names are checked as the app checks them: what is saved stays in the folder."""
    saved = []
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for name in (str(one["name"]) for one in pieces):
            if Path(name).name != name or name.startswith("."):
                raise Ends(Exit.DEFECT, f"the app tells of evidence named {plain(name)!r}, which no file is to be")
            file = folder / name
            file.write_bytes(to.client.answer("GET", path_of("candidates", candidate, "evidence", name)).body)
            saved.append(str(file))
            to.tell(f"saved {file}")
    except OSError as error:
        raise Ends(Exit.UNREADABLE, f"{folder}: {error.strerror or error}") from error
    return saved

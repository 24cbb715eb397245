"""A verdict over reports that are at hand: what the app would decide about a scan, offline."""

from __future__ import annotations

import argparse
import re
import sys
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import TypeVar

import msgspec

from shared.cli.exits import FINE, HOLD, NO, UNREADABLE, USAGE, Ends
from shared.domain.policy.policy import NAME_PATTERN, Policy
from shared.domain.scan.database import read_database
from shared.domain.scan.decision import Decision, Effect, Judged, Outcome
from shared.domain.scan.exploited import read_exploited
from shared.domain.scan.reading import LARGEST_REPORT, read_report
from shared.domain.scan.references import digest_of
from shared.domain.scan.report import NoAnswer, Report, Subject, Trouble
from shared.domain.scan.verdict import Evidence, judge
from shared.domain.scan.vex import read_vex
from shared.domain.scan.waivers import end_of
from shared.domain.scan.weighing import Exceptions
from shared.errors import MalformedInput
from shared.policy_yaml import PolicyFile, read_policy_file, read_waiver_file

_STATUSES = {Outcome.PASS: FINE, Outcome.REJECT: NO, Outcome.HOLD: HOLD}
_NOT_PLAIN = re.compile(r"[^ -~]+")
T = TypeVar("T")


def run(asked: argparse.Namespace) -> int:
    """Judge a report, and print what comes of it.

    Args:
        asked: the command's arguments.

    Returns:
        0 for pass, 1 for reject, 2 for hold.

    Raises:
        Ends: an argument is wrong, or a file is missing or not what it should be.
    """
    _check(asked)
    policy = _policy(asked.policy, asked.name)
    at = _time(asked.at)
    decision = judge(policy, _evidence(asked), at)
    print(_document(decision) if asked.json else _fitting(_shown(decision)))
    return _STATUSES[decision.outcome]


def _check(asked: argparse.Namespace) -> None:
    """What is given and empty, as by a script whose variable is not set, must not pass for what is not given."""
    for name, value in vars(asked).items():
        if value == "" or (isinstance(value, list) and "" in value):
            raise Ends(USAGE, f"--{name.replace('_', '-')} is empty; leave it out, or say what is meant")
    if asked.digest is not None and digest_of(f"@{asked.digest}") != asked.digest:
        raise Ends(USAGE, f"--digest: {asked.digest!r} is no digest, such as sha256:… with 64 hexadecimal digits")


def _evidence(asked: argparse.Namespace) -> Evidence:
    return Evidence(
        report=_report(asked.report),
        base=_report(asked.base_report) if asked.base_report else None,
        database=_read(asked.database, read_database) if asked.database else None,
        subject=Subject(asked.digest or "", asked.platform or ""),
        exceptions=Exceptions(
            vex=tuple(statement for name in asked.vex for statement in _read(name, read_vex)),
            waivers=_read(asked.waivers, read_waiver_file) if asked.waivers else (),
            exploited=_read(asked.known_exploited, read_exploited) if asked.known_exploited else None,
        ),
    )


def _policy(name: str, wanted: str | None) -> Policy:
    file = _read(name, read_policy_file)
    if file.alone is not None:
        if wanted and not NAME_PATTERN.match(wanted):
            raise Ends(USAGE, f"--name: {wanted!r} is no name of a policy")
        return msgspec.structs.replace(file.alone, name=wanted) if wanted else file.alone
    policy = file.policies.of(wanted) if wanted else _only(file)
    if policy is not None:
        return policy
    there = ", ".join(file.policies.names[:20]) or "none"
    told = f"{name} has no policy {wanted!r}" if wanted else f"say by --name which policy of {name} is meant"
    raise Ends(USAGE, f"{told}; there are: {there}")


def _only(file: PolicyFile) -> Policy | None:
    """Return the policy that a list means where nobody names one: its default, or the only one it has."""
    found = file.policies.defaults or tuple(file.policies.named.values())
    return found[0] if len(found) == 1 else None


def _time(said: str | None) -> datetime:
    if said is None:
        return datetime.now(UTC)
    try:
        return datetime.fromisoformat(said).replace(tzinfo=UTC) if len(said) == len("2026-12-31") else end_of(said)
    except ValueError as error:
        raise Ends(USAGE, f"--at: {said!r} is neither a day, 2026-12-31, nor a time in RFC 3339") from error


def _report(name: str) -> Report | NoAnswer:
    """What is no report at all is a wrong file; what is one that says nothing is judged."""
    report = _read(name, read_report)
    if isinstance(report, NoAnswer) and report.trouble is Trouble.NO_REPORT:
        raise Ends(UNREADABLE, f"{name}: {report.detail}")
    return report


def _read(name: str, read: Callable[[bytes], T]) -> T:
    try:
        with Path(name).open("rb") as file:
            return read(file.read(LARGEST_REPORT + 1))
    except OSError as error:
        raise Ends(UNREADABLE, f"{name} cannot be read: {error.strerror}") from error
    except MalformedInput as error:
        lines = str(error).splitlines() or [""]
        raise Ends(UNREADABLE, "\n".join(f"{name}, {_plain(line)}" for line in lines)) from error


def _document(decision: Decision) -> str:
    """Return a decision as JSON in ASCII: names from an image do nothing to a terminal, and any output takes it."""
    return _NOT_PLAIN.sub(_escaped, msgspec.json.encode(decision).decode())


def _escaped(found: re.Match[str]) -> str:
    units = found[0].encode("utf-16-be")
    return "".join(f"\\u{units[at]:02x}{units[at + 1]:02x}" for at in range(0, len(units), 2))


def _fitting(text: str) -> str:
    encoding = sys.stdout.encoding or "utf-8"
    return text.encode(encoding, "backslashreplace").decode(encoding)


def _shown(decision: Decision) -> str:
    """Return a decision for a terminal, on which no name from an image can do anything."""
    heads = [f"{decision.outcome.value}, by the policy {decision.policy.name}"]
    said = [f"  {_mark(each.effect)} {each.reason.value}: {_plain(each.text)}" for each in decision.said]
    return "\n".join([*heads, *said, *(_line(finding) for finding in decision.findings)])


def _mark(effect: Effect) -> str:
    return {Effect.REJECTS: "-", Effect.HOLDS: "?"}.get(effect, " ")


def _line(finding: Judged) -> str:
    shown = (finding.id, finding.package, finding.installed or "-", finding.fixed or "-", finding.severity or "-")
    decided = f"{finding.change.value}  {finding.decided.value}"
    detail = f"  {_plain(finding.detail)}" if finding.detail else ""
    return f"{'  '.join(map(_plain, shown))}  {decided}{detail}"


def _plain(text: str) -> str:
    return "".join(character if character.isprintable() else ascii(character)[1:-1] for character in text)

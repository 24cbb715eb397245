"""A verdict over reports that are at hand: what the app would decide about a scan, offline."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from typing import TypeVar

from shared.cli.asked import check_given, content_of, document, policy_of, time_of
from shared.cli.exits import FINE, HOLD, NO, UNREADABLE, USAGE, Ends
from shared.cli.text import fitting, printable
from shared.domain.scan.database import read_database
from shared.domain.scan.decision import Decision, Effect, Judged, Outcome
from shared.domain.scan.exploited import read_exploited
from shared.domain.scan.reading import LARGEST_REPORT, read_report
from shared.domain.scan.references import digest_of
from shared.domain.scan.report import NoAnswer, Report, Subject, Trouble
from shared.domain.scan.verdict import Evidence, judge
from shared.domain.scan.vex import read_vex
from shared.domain.scan.weighing import Exceptions
from shared.policy_yaml import read_waiver_file

_STATUSES = {Outcome.PASS: FINE, Outcome.REJECT: NO, Outcome.HOLD: HOLD}
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
    policy = policy_of(asked.policy, asked.name)
    at = time_of(asked.at)
    decision = judge(policy, _evidence(asked), at)
    print(document(decision) if asked.json else fitting(_shown(decision)))
    return _STATUSES[decision.outcome]


def _check(asked: argparse.Namespace) -> None:
    check_given(asked)
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


def _report(name: str) -> Report | NoAnswer:
    """What is no report at all is a wrong file; what is one that says nothing is judged."""
    report = _read(name, read_report)
    if isinstance(report, NoAnswer) and report.trouble is Trouble.NO_REPORT:
        raise Ends(UNREADABLE, f"{name}: {report.detail}")
    return report


def _read(name: str, read: Callable[[bytes], T]) -> T:
    return content_of(name, read, LARGEST_REPORT)


def _shown(decision: Decision) -> str:
    """Return a decision for a terminal, on which no name from an image can do anything."""
    heads = [f"{decision.outcome.value}, by the policy {decision.policy.name}"]
    said = [f"  {_mark(each.effect)} {each.reason.value}: {printable(each.text)}" for each in decision.said]
    return "\n".join([*heads, *said, *(_line(finding) for finding in decision.findings)])


def _mark(effect: Effect) -> str:
    return {Effect.REJECTS: "-", Effect.HOLDS: "?"}.get(effect, " ")


def _line(finding: Judged) -> str:
    shown = (finding.id, finding.package, finding.installed or "-", finding.fixed or "-", finding.severity or "-")
    decided = f"{finding.change.value}  {finding.decided.value}"
    detail = f"  {printable(finding.detail)}" if finding.detail else ""
    return f"{'  '.join(map(printable, shown))}  {decided}{detail}"

"""Judges the kept reports of a digest, each platform by itself. It is loaded when the first scan has an answer."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

import msgspec

from shared.domain.policy.policy import Policy
from shared.domain.references import Digest
from shared.domain.scan.database import Database
from shared.domain.scan.decision import Decision
from shared.domain.scan.report import NoAnswer, Report, Subject, Trouble
from shared.domain.scan.run_log import ScanAnswer
from shared.domain.scan.verdict import Evidence, judge
from shared.domain.scan.waivers import Waiver
from shared.domain.scan.weighing import Exceptions

Reports = Mapping[str, Report | NoAnswer]


def judged_each(
    policy: Policy,
    digest: Digest,
    platforms: tuple[str, ...],
    answer: ScanAnswer,
    base: Reports | None,
    exceptions: Exceptions,
    at: datetime,
) -> dict[str, Decision]:
    """Judge a scan.

    Args:
        policy: in force.
        digest: what was to be scanned.
        platforms: of it that were to be scanned.
        answer: what the scan left; a platform that it says nothing of has no answer.
        base: the reports of the base in use; ``None`` if there is no base to compare with.
        exceptions: what people know.
        at: the time to decide for, UTC.

    Returns:
        The decision for each platform.
    """
    decisions = {}
    for platform in platforms:
        missing = NoAnswer(Trouble.NO_REPORT, f"the scan has no report of {platform}")
        evidence = Evidence(
            report=answer.reports.get(platform, missing),
            base=base.get(platform, missing) if base is not None else None,
            database=answer.database or Database(None),
            subject=Subject(digest, platform),
            exceptions=exceptions,
        )
        decisions[platform] = judge(policy, evidence, at)
    return decisions


def with_waivers(exceptions: Exceptions, waivers: tuple[Waiver, ...]) -> Exceptions:
    """Return exceptions with waivers of one tag beside those of all."""
    return msgspec.structs.replace(exceptions, waivers=(*exceptions.waivers, *waivers)) if waivers else exceptions

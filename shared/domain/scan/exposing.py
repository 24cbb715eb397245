"""Whether what is in use would still be let in: the policy over what is known now, without what was excused then."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import datetime

import msgspec

from shared.domain.policy.mode import Mode
from shared.domain.policy.policy import Policy
from shared.domain.scan.database import Database
from shared.domain.scan.decision import Decided, Decision, Effect, Judged, Outcome
from shared.domain.scan.findings import Key, key_of
from shared.domain.scan.report import NoAnswer, Report, Subject
from shared.domain.scan.verdict import Evidence, judge
from shared.domain.scan.weighing import Exceptions


class Exposed(msgspec.Struct, frozen=True):
    """What speaks against what is in use.

    Attributes:
        against: each once.
        exploited: what is known to be exploited, whatever the policy says of it; what VEX or a waiver covers is not.
        unknown: why that is not all that could be known, for people; empty if it is.
    """

    against: tuple[Judged, ...]
    exploited: tuple[Judged, ...]
    unknown: str = ""


def exposed(
    policy: Policy,
    reports: Mapping[str, Report | NoAnswer],
    database: Database | None,
    exceptions: Exceptions,
    excused: Collection[Key],
    at: datetime,
) -> Exposed:
    """Judge what is in use.

    Args:
        policy: in force; it has a scan. What it observes counts as what it enforces: this is told, and blocks nothing.
        reports: by platform, as of now.
        database: by which they were made.
        exceptions: what people know.
        excused: what was let in because the base before had it, too.
        at: the time to decide for, UTC.
    """
    enforced, alarmed = _of(policy, None), _of(policy, Mode.ENFORCE)
    against, exploited, unknown = dict[Key, Judged](), dict[Key, Judged](), list[str]()
    ids = exceptions.exploited.ids if exceptions.exploited is not None else frozenset()
    for platform, report in reports.items():
        evidence = Evidence(report, None, database or Database(None), Subject(platform=platform), exceptions)
        decision = judge(enforced, evidence, at)
        against |= {key: one for key, one in _blocking(decision).items() if key not in excused}
        known = _blocking(judge(alarmed, evidence, at))
        exploited |= {key: one for key, one in known.items() if key[0] in ids}
        if decision.outcome is Outcome.HOLD:
            why = "; ".join(said.text for said in decision.said if said.effect is Effect.HOLDS)
            unknown.append(f"{platform}: {why}")
    return Exposed(tuple(against.values()), tuple(exploited.values()), "; ".join(unknown))


def excused_by(kept: bytes) -> frozenset[Key]:
    """Return what a kept decision excused, as the base in use had it too; nothing of what cannot be read."""
    try:
        whole = _WHOLE.decode(kept)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return frozenset()
    return frozenset(
        key_of(one.id, one.package)
        for decision in whole.platforms.values()
        for one in decision.findings
        if one.decided is Decided.UNCHANGED
    )


class _Finding(msgspec.Struct, frozen=True):
    id: str
    package: str
    decided: Decided


class _Decision(msgspec.Struct, frozen=True):
    findings: tuple[_Finding, ...] = ()


class _Whole(msgspec.Struct, frozen=True):
    platforms: dict[str, _Decision]


_WHOLE = msgspec.json.Decoder(_Whole)


def _of(policy: Policy, known_exploited: Mode | None) -> Policy:
    scan = policy.scan
    if scan is None:
        raise ValueError(f"the policy {policy.name} has no scan")
    mode = known_exploited or scan.known_exploited
    changed = msgspec.structs.replace(scan, delta=False, mode=Mode.ENFORCE, known_exploited=mode)
    return msgspec.structs.replace(policy, scan=changed)


def _blocking(decision: Decision) -> dict[Key, Judged]:
    return {key_of(one.id, one.package): one for one in decision.findings if one.blocks}

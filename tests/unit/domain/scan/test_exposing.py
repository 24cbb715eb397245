"""What speaks against what is in use: what would block it today, less what was let in knowingly."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import pytest

from shared.domain.policy.mode import Mode
from shared.domain.policy.policy import Policy, ScanCheck
from shared.domain.policy.severity import Severity
from shared.domain.scan.database import Database
from shared.domain.scan.exploited import Exploited
from shared.domain.scan.exposing import Exposed, excused_by, exposed
from shared.domain.scan.findings import Finding
from shared.domain.scan.report import Coverage, NoAnswer, Report, Trouble
from shared.domain.scan.waivers import Waiver
from shared.domain.scan.weighing import Exceptions

pytestmark = pytest.mark.unit

NOW = datetime(2026, 11, 28, tzinfo=UTC)
LINUX = "linux/amd64"
HIGH = Finding("CVE-1", "libssl3", severity=Severity.HIGH, purl="pkg:deb/debian/libssl3@1")
LOW = Finding("CVE-2", "zlib1g", severity=Severity.LOW, purl="pkg:deb/debian/zlib1g@1")
NOTHING = Exceptions()
KEV = Exceptions(exploited=Exploited(frozenset({"cve-2"}), NOW))


def report(*findings: Finding) -> Report:
    coverage = Coverage(3, len(findings), True, True, True)
    named = ("it", "image", True, frozenset({"sha256:1"}), frozenset[str](), LINUX, "debian 12")
    return Report(*named, False, coverage, findings)


def found(*findings: Finding, exceptions: Exceptions = NOTHING, excused: Any = (), **check: Any) -> Exposed:
    policy = Policy("standard", scan=ScanCheck(**check))
    return exposed(policy, {LINUX: report(*findings)}, Database(NOW), exceptions, excused, NOW)


def ids(judged: tuple[Any, ...]) -> list[str]:
    return [one.id for one in judged]


def test_what_blocks_today_speaks_against_it_and_nothing_else() -> None:
    assert (ids(found(HIGH, LOW).against), found(HIGH, LOW).unknown) == (["CVE-1"], "")
    assert found(LOW).against == ()


def test_what_was_excused_when_it_was_let_in_does_not_speak_against_it() -> None:
    assert found(HIGH, excused={HIGH.key}).against == ()


def test_delta_excuses_nothing_by_itself_and_observe_counts() -> None:
    assert ids(found(HIGH, delta=True, mode=Mode.OBSERVE).against) == ["CVE-1"]


def test_what_is_known_to_be_exploited_is_told_whatever_the_policy_says_of_it() -> None:
    one = found(LOW, exceptions=KEV)
    assert (one.against, ids(one.exploited)) == ((), ["CVE-2"])
    enforced = found(LOW, exceptions=KEV, known_exploited=Mode.ENFORCE)
    assert (ids(enforced.against), ids(enforced.exploited)) == (["CVE-2"], ["CVE-2"])
    assert ids(found(LOW, exceptions=KEV, excused={LOW.key}).exploited) == ["CVE-2"]


def test_a_waiver_ends_what_is_known_to_be_exploited_too() -> None:
    waiver = Waiver("CVE-2", "zlib1g", "not reachable", "anna", "2026-11-29")
    assert found(LOW, exceptions=msgspec.structs.replace(KEV, waivers=(waiver,))).exploited == ()


def test_no_answer_is_unknown() -> None:
    policy = Policy("standard", scan=ScanCheck())
    none = NoAnswer(Trouble.NO_REPORT, "never scanned")
    assert "never scanned" in exposed(policy, {LINUX: none}, Database(NOW), Exceptions(), (), NOW).unknown
    old = exposed(policy, {LINUX: report()}, Database(NOW - timedelta(days=30)), Exceptions(), (), NOW)
    assert old.unknown


def test_what_a_kept_decision_found_to_be_unchanged_is_excused_and_what_cannot_be_read_excuses_nothing() -> None:
    kept = b"""{"platforms": {"linux/amd64": {"findings": [
        {"id": "CVE-1", "package": "libssl3", "decided": "unchanged"},
        {"id": "CVE-2", "package": "zlib1g", "decided": "below-threshold"},
        {"id": "CVE-3", "package": "bash", "decided": "severity"}]}}}"""
    assert excused_by(kept) == {HIGH.key}
    assert excused_by(b"{") == excused_by(b"\xff") == excused_by(b"{}") == frozenset()

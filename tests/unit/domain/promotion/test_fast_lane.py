"""What a digest mends is told only by what both reports and its list of packages say."""

from __future__ import annotations

import pytest

from shared.domain.policy.severity import Severity
from shared.domain.promotion.fast_lane import mended
from shared.domain.scan.findings import Finding
from shared.domain.scan.report import NoAnswer, Trouble
from tests.doubles.kept_scans import report_of
from tests.unit.examples import ONE, TWO

pytestmark = pytest.mark.unit

AMD, ARM = "linux/amd64", "linux/arm64"
HIGH = Finding(
    "CVE-2026-0009", "openssl", "3.0.1", "3.0.2", Severity.HIGH, purl="pkg:npm/%40acme/openssl@3.0.1?arch=amd64"
)
LISTED = {AMD: ["pkg:npm/%40acme/openssl@3.0.2"], ARM: ["pkg:npm/%40acme/openssl@3.0.2"]}


def test_what_is_known_to_be_exploited_is_urgent_whatever_its_severity() -> None:
    base, candidate = {AMD: report_of(ONE, AMD, HIGH)}, {AMD: report_of(TWO, AMD)}
    assert mended(base, candidate, LISTED, {"cve-2026-0009"}) == "CVE-2026-0009 in openssl 3.0.1, mended in 3.0.2"
    assert mended(base, candidate, LISTED, set()) == ""


def test_a_platform_of_which_nothing_can_be_told_keeps_all_from_it() -> None:
    base = {one: report_of(ONE, one, HIGH) for one in (AMD, ARM)}
    silent = {AMD: report_of(TWO, AMD), ARM: NoAnswer(Trouble.CUT_OFF, "cut off")}
    assert mended(base, silent, LISTED, {"cve-2026-0009"}) == ""
    whole = {one: report_of(TWO, one) for one in (AMD, ARM)}
    assert mended(base, whole, {AMD: LISTED[AMD]}, {"cve-2026-0009"}) == ""
    assert mended(base, whole, LISTED, {"cve-2026-0009"}) != ""

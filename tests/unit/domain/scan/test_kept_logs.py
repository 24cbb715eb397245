"""Logs of scans that were really made, in every format in which they were ever written, are read as they were then.

They are kept as evidence, and a candidate may be judged again by them years later.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from shared.domain.gate.words import words_of
from shared.domain.references import Digest
from shared.domain.scan.report import NoAnswer, Report
from shared.domain.scan.run_log import ScanAnswer, read_scan_log

pytestmark = pytest.mark.unit

LOGS = Path(__file__).parent / "logs"
PLATFORMS = ("linux/amd64", "linux/arm64", "linux/s390x")
MANY = Digest("sha256:c4bc4790623071f64f6f80b398660d430d11de950ed0d5d3cc696946164cfe69")


def kept(name: str, run: int, digest: Digest, *platforms: str) -> ScanAnswer:
    text = (LOGS / f"{name}.log").read_text(encoding="utf-8")
    return read_scan_log(text, words_of("secret", 1, run), digest, platforms)


def test_a_log_of_several_platforms_is_read_as_it_was_written() -> None:
    answer = kept("format-1-many", 4, MANY, *PLATFORMS)
    amd, arm, none = answer.reports.values()
    assert isinstance(amd, Report)
    assert isinstance(arm, Report)
    assert (amd.platform, arm.platform) == PLATFORMS[:2]
    for report in (amd, arm):
        assert [(one.id, one.package, one.fixed) for one in report.findings] == [
            ("CVE-2026-90001", "libssl3", "3.0.17-1~deb12u3")
        ]
        assert (report.system, report.digests, report.coverage.packages) == ("debian 12.12", {MANY}, 3)
    assert isinstance(none, NoAnswer)
    assert "no child with platform linux/s390x in index" in none.detail
    assert answer.database is not None
    assert f"{answer.database.updated_at:%Y-%m-%d}" == "2026-11-27"


def test_a_log_with_hostile_names_is_read_as_it_was_written() -> None:
    digest = Digest("sha256:05621826b4b7cf6d5eb1126751b4aaad4a65144019cd4628388e46ddd032cb62")
    report = kept("format-1-forging", 3, digest, PLATFORMS[0]).reports[PLATFORMS[0]]
    assert isinstance(report, Report)
    places = [one.place for one in report.findings]
    assert places[0] == ""
    assert places[1].endswith("(70008 bytes, SHA-256 1a84315959816d664387108c23b89a9b8868024662cdba939abfcd11d767fe00)")
    assert places[2] == "opt/x\nb4a5b769e5b0985129eb205b319973f3 7 end\n\x1b[2J\u009b31m\u202e.jar"


@pytest.mark.parametrize("end", range(0, 3600, 37))
def test_a_log_that_ends_early_is_no_answer(end: int) -> None:
    text = (LOGS / "format-1-forging.log").read_text(encoding="utf-8")
    digest = Digest("sha256:05621826b4b7cf6d5eb1126751b4aaad4a65144019cd4628388e46ddd032cb62")
    assert end < text.index(" end\n2026")
    answer = read_scan_log(text[:end], words_of("secret", 1, 3), digest, PLATFORMS[:1])
    assert isinstance(answer.reports[PLATFORMS[0]], NoAnswer)

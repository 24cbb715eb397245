"""A scan by every real adapter: its record, its run, its log and its cost; here of a run that finds no scanner."""

from __future__ import annotations

import time

import pytest

from shared.domain.promotion.scanning import ScanWish
from shared.domain.scan.report import NoAnswer
from shared.domain.scan.scan import ScanReason, ScanStatus
from tests.doubles.scans import TOOLS
from tests.integration.conftest import Product

pytestmark = pytest.mark.integration

AMD64 = ("linux/amd64",)


def test_a_run_without_an_answer_is_two_requests_to_arm_a_kept_log_and_no_pass(
    product: Product, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(product.parts.tooling.scanners, "current", lambda: TOOLS)
    pushed = product.update("release 1")
    candidate, book = product.candidate(pushed.digest), product.parts.scan_book
    before = product.counts()["arm"]
    wish = ScanWish(candidate.id, candidate.image, candidate.digest, candidate.home.repository, AMD64)
    scan = book.want(wish)
    end = time.monotonic() + 60
    while scan.attempts < 1:
        assert time.monotonic() < end, "its run does not end"
        product.step()
        scan = book.of(candidate.digest) or scan
    after = product.counts()["arm"]
    assert (scan.status, scan.has_answer, scan.last.reason) == (ScanStatus.WANTED, False, ScanReason.UNANSWERED)
    assert "the scan left no report; the log of its run says why" in scan.last.detail
    (report,) = book.answer(scan).reports.values()
    assert isinstance(report, NoAnswer)
    assert report.detail in scan.last.detail, "as the kept log says"
    asked = {kind: number - before.get(kind, 0) for kind, number in after.items() if number != before.get(kind, 0)}
    beside_looks = {kind: asked[kind] for kind in asked if kind not in {"get run", "list runs", "GET log"}}
    assert beside_looks == {"put taskRun": 1, "listLogSasUrl": 1}, "its looks are shared, its log is a blob's"

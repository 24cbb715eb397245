"""What becomes of a scan is told once it is written, by the names of its reasons."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from unittest import mock

import pytest

from shared.domain.promotion.scanning import ScanWish, answered, first_scan
from shared.domain.references import Digest
from shared.domain.scan.scan import ScanReason, advance_scan
from shared.telemetry import changes

pytestmark = pytest.mark.unit

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)
DIGEST = Digest("sha256:" + 64 * "1")
AMD64 = ("linux/amd64",)


def test_every_step_of_a_scan_is_an_event_with_its_image_and_digest() -> None:
    wanted = first_scan(ScanWish("one", "node", DIGEST, "base/node", AMD64), NOON)
    begun = advance_scan(wanted, ScanReason.STARTED, NOON, runs=1, given=AMD64)
    ended = answered(begun, "cf1", NOON, NOON + timedelta(seconds=40))
    with mock.patch.object(changes, "tell") as tell:
        for before, after in ((None, wanted), (wanted, begun), (begun, begun), (begun, ended), (wanted, ended)):
            changes.scan_changed(before, after)
    names = [call.args[0] for call in tell.call_args_list]
    assert names == ["scan-asked", "scan-started", "scan-answered", "scan-started", "scan-answered"]
    about = tell.call_args_list[2].args[1]
    assert (about["tidegate.image"], about["oci.manifest.digest"]) == ("node", DIGEST)
    assert (about["tidegate.status"], about["tidegate.seconds"]) == ("answered", 40.0)

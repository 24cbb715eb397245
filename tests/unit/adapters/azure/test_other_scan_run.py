"""The request of a run of another scanner: it is called as the list says, by digest, and its report is packed."""

from __future__ import annotations

import re
import shlex
from typing import Any

import msgspec
import pytest
import yaml

from shared.adapters.azure.scan_run import scan_steps
from shared.domain.policy.scanner_format import ScannerFormat
from shared.run_ports import ScannerInUse
from tests.doubles.gates import WORDS
from tests.doubles.registries import digest_of
from tests.doubles.scans import TOOLS, scan_run

pytestmark = pytest.mark.unit

ARM = "linux/arm64/v8"
COMMAND = ("scan", "{image}", "--platform", "{platform}", "-o", "sarif={output}", "--db", "{database}", "{cache}")
OTHER = ScannerInUse(TOOLS.scanner, TOOLS.database, "", ScannerFormat.SARIF, COMMAND)
SCAN = msgspec.structs.replace(scan_run(digest_of("app"), "base/app", ("linux/amd64", ARM)), tools=OTHER)


def steps() -> list[dict[str, Any]]:
    """Return the steps as YAML reads them."""
    return list(yaml.safe_load(scan_steps(SCAN))["steps"])


def test_it_is_called_for_each_platform_with_what_the_list_says_and_everything_by_digest() -> None:
    _, *scans, _ = [shlex.split(step["cmd"]) for step in steps()]
    image = f"$Registry/base/app@{digest_of('app')}"
    for number, (platform, words) in enumerate(zip(SCAN.platforms, scans, strict=True), 1):
        program, *arguments = words
        output = f"sarif=/workspace/tidegate/report-{number}"
        assert program == f"$Registry/{TOOLS.scanner}"
        assert arguments[:6] == ["scan", image, "--platform", platform, "-o", output]
        assert arguments[6:] == ["--db", f"$Registry/{TOOLS.database}", "/workspace/cache"]


def test_no_step_may_fail_for_half_a_report_may_look_like_a_whole_one() -> None:
    assert [step.get("ignoreErrors", False) for step in steps()] == [False] * 4


def test_the_word_of_the_run_is_told_to_the_last_step_alone() -> None:
    assert [WORDS.nonce in str(step) for step in steps()] == [False] * 3 + [True]
    assert steps()[-1]["id"] == WORDS.end_step
    assert "TIDEGATE_FORMAT=sarif" in steps()[-1]["env"]


def test_reports_of_all_platforms_together_fit_the_log() -> None:
    (most,) = re.findall(r"TIDEGATE_MOST=(\d+)", scan_steps(SCAN))
    assert int(most) * len(SCAN.platforms) <= 700_000


def test_no_line_of_the_steps_is_too_long_for_acrs_engine_and_nothing_is_a_template() -> None:
    text = scan_steps(SCAN)
    assert max(map(len, text.splitlines())) < 60 * 1024
    assert "{{" not in text


def test_what_a_scan_is_made_by_is_the_database_of_trivy_and_of_another_scanner_how_it_is_called_too() -> None:
    assert TOOLS.knowledge == TOOLS.database
    others = [
        OTHER,
        msgspec.structs.replace(OTHER, database=""),
        msgspec.structs.replace(OTHER, scanner=TOOLS.database),
        msgspec.structs.replace(OTHER, command=(*COMMAND, "-v")),
        msgspec.structs.replace(OTHER, format=ScannerFormat.TRIVY_JSON),
        msgspec.structs.replace(OTHER, java_database=TOOLS.java_database),
    ]
    assert len({each.knowledge for each in others}) == len(others)
    assert OTHER.knowledge == msgspec.structs.replace(OTHER).knowledge
    assert all(each.knowledge for each in others)

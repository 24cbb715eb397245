"""The request of a run that scans documents: they are uploaded, no image is named, and no login but the run's own."""

from __future__ import annotations

import base64
import io
import shlex
import tarfile
from typing import Any

import pytest
import yaml

from shared.adapters.azure.gate_run import RunOptions
from shared.adapters.azure.scan_run import scan_request, scan_steps
from shared.config import GateContext
from shared.domain.gate.verdict import RunStatus
from shared.domain.references import Digest
from shared.errors import Refused
from shared.run_ports import Run, ScanRun
from tests.doubles.gates import WORDS
from tests.doubles.scans import TOOLS
from tests.doubles.scripted_http import ScriptedHttp, wire
from tests.unit.adapters.azure.test_gate_schedule import (
    NOT_FOUND,
    NOT_REMOTE,
    RUN,
    TASK_RUN,
    expect_upload,
    registry,
    sent,
    tasks,
)

__all__ = ["wire"]
pytestmark = pytest.mark.unit

DOCUMENTS = {"document-1": b'{"a": 1}' * 300, "document-2": b'{"b": 2}' * 100}
SCAN = ScanRun("", Digest("sha256:" + 64 * "1"), tuple(DOCUMENTS), WORDS, TOOLS, DOCUMENTS)


def steps(scan: ScanRun = SCAN) -> list[dict[str, Any]]:
    return list(yaml.safe_load(scan_steps(scan))["steps"])


def commands(of: str, scan: ScanRun = SCAN) -> list[list[str]]:
    words = [shlex.split(step["cmd"]) for step in steps(scan)]
    return [each for each in words if each[1] == of]


def test_each_document_is_scanned_from_the_workspace_and_no_image_is_named() -> None:
    assert [words[-1] for words in commands("sbom")] == ["/workspace/document-1.json", "/workspace/document-2.json"]
    assert commands("image") == []
    assert {shlex.split(step["cmd"])[0] for step in steps()} == {"bash", f"$Registry/{TOOLS.scanner}"}
    for words in commands("sbom"):
        assert "--offline-scan" in words
        assert words[words.index("--config") + 1] == words[words.index("--ignorefile") + 1] == "/dev/null"


def test_each_has_rows_of_its_own_and_its_part_of_the_log() -> None:
    assert [words[words.index("--template") + 1] for words in commands("convert")] == [
        "@/workspace/tidegate/rows-1.tpl",
        "@/workspace/tidegate/rows-2.tpl",
    ]
    script = base64.b64decode(shlex.split(steps()[0]["cmd"])[2].split(" ")[1]).decode()
    assert "for most in 491520 163840; do" in script


def test_of_as_many_documents_as_a_run_has_no_line_is_too_long_and_its_time_is_what_acr_grants() -> None:
    many = {f"document-{number}": b"x" for number in range(32)}
    scan = ScanRun("", SCAN.digest, tuple(many), WORDS, TOOLS, many)
    assert max(len(line) for line in scan_steps(scan).split("\n")) < 60 * 1024
    request = scan_request(scan, RunOptions(), "source/x.tar.gz")
    assert (request["timeout"], request["credentials"]) == (28800, {"sourceRegistry": {"loginMode": "Default"}})
    assert len(request["encodedTaskContent"]) < 120 * 1024


def test_documents_are_uploaded_and_named_in_the_task_run(wire: ScriptedHttp) -> None:
    wire.answer(404, body=NOT_FOUND)
    wire.answer(200, body=registry())
    expect_upload(wire)
    wire.answer(201, body=TASK_RUN)
    assert tasks().start_scan("tidegate-1", SCAN) == Run("ca1", RunStatus.QUEUED)
    assert sent(wire) == scan_request(SCAN, RunOptions(), "source/x.tar.gz")
    uploaded = next(one.body for one in wire.requests if one.method == "PUT" and "store.blob" in (one.url or ""))
    content = uploaded if isinstance(uploaded, bytes) else uploaded.read()  # type: ignore[union-attr]
    with tarfile.open(fileobj=io.BytesIO(content)) as archive:
        assert sorted(archive.getnames()) == ["document-1.json", "document-2.json"]


@pytest.mark.parametrize("context", [GateContext.INLINE, GateContext.SCHEDULE_RUN])
def test_where_a_task_run_takes_no_upload_it_is_a_run_without_a_name(wire: ScriptedHttp, context: GateContext) -> None:
    wire.answer(404, body=NOT_FOUND)
    wire.answer(200, body=registry())
    expect_upload(wire)
    wire.answer(200, body=RUN)
    assert tasks(context).start_scan("tidegate-1", SCAN) == Run("ca2", RunStatus.QUEUED, named=False)
    assert "/scheduleRun?" in wire.requests[-1].path_url
    assert sent(wire)["sourceLocation"] == "source/x.tar.gz"


def test_an_upload_that_a_task_run_refuses_is_followed_by_a_run_without_a_name(wire: ScriptedHttp) -> None:
    wire.answer(404, body=NOT_FOUND)
    wire.answer(200, body=registry())
    expect_upload(wire)
    wire.answer(400, body=NOT_REMOTE)
    wire.answer(200, body=RUN)
    assert tasks().start_scan("tidegate-1", SCAN).run_id == "ca2"


def test_what_is_refused_for_another_reason_is_told(wire: ScriptedHttp) -> None:
    wire.answer(404, body=NOT_FOUND)
    wire.answer(200, body=registry())
    expect_upload(wire)
    wire.answer(400, body={"error": {"code": "TasksOperationsNotAllowed", "message": "no"}})
    with pytest.raises(Refused, match="TasksOperationsNotAllowed"):
        tasks().start_scan("tidegate-1", SCAN)

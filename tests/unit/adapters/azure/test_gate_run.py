"""What is sent to ACR Tasks to run a gate."""

from __future__ import annotations

import base64
import io
import tarfile

import pytest
import yaml

from shared.adapters.azure.gate_run import archive, gate_request, steps, task_request
from shared.domain.gate.verdict import BUILD_STEP, TEST_STEP
from shared.run_ports import GateRun
from tests.doubles.registries import digest_of

pytestmark = pytest.mark.unit

FILES = {"test.sh": b"#!/bin/sh\nexit 0\n", "Dockerfile": b"ARG BASE_IMAGE\nFROM $BASE_IMAGE\n", "a/b.txt": b""}
GATE = GateRun("base/node", digest_of("node"), FILES)


def test_the_same_gate_is_the_same_bytes_in_whatever_order_its_files_come() -> None:
    assert archive(FILES) == archive(dict(reversed(FILES.items())))


def test_another_gate_is_other_bytes() -> None:
    assert archive(FILES) != archive({**FILES, "test.sh": b"#!/bin/sh\nexit 1\n"})


def test_every_file_arrives_whole_and_can_be_executed() -> None:
    with tarfile.open(fileobj=io.BytesIO(archive(FILES))) as tar:
        found = {member.name: (tar.extractfile(member).read(), member.mode) for member in tar}  # type: ignore[union-attr]
    assert found == {name: (content, 0o755) for name, content in FILES.items()}


def test_the_test_image_is_built_from_the_staged_digest_and_then_run() -> None:
    build, test = yaml.safe_load(steps(GATE))["steps"]
    assert (build["id"], test["id"]) == (BUILD_STEP, TEST_STEP)
    assert build["build"].split() == [
        "-t", "$Registry/tidegate/gate:$ID", "--build-arg", f"BASE_IMAGE=$Registry/base/node@{GATE.digest}", ".",
    ]  # fmt: skip
    assert test["cmd"] == "$Registry/tidegate/gate:$ID"


def test_nothing_is_pushed_and_everything_has_a_time_limit() -> None:
    document = yaml.safe_load(steps(GATE))
    assert document["version"] == "v1.1.0", "run variables without braces need it"
    assert [("push" in step, step["timeout"]) for step in document["steps"]] == [(False, 600), (False, 1200)]
    assert gate_request(GATE, "source/x.tar.gz")["timeout"] == 3600


def test_the_request_holds_the_steps_and_where_the_files_are() -> None:
    request = gate_request(GATE, "source/x.tar.gz")
    assert base64.b64decode(request["encodedTaskContent"]).decode() == steps(GATE)
    assert (request["type"], request["sourceLocation"]) == ("EncodedTaskRunRequest", "source/x.tar.gz")
    assert request["platform"] == {"os": "Linux", "architecture": "amd64"}


def test_a_task_is_asked_for_by_its_resource_id() -> None:
    assert task_request("/subscriptions/s/tasks/app") == {
        "type": "TaskRunRequest",
        "taskId": "/subscriptions/s/tasks/app",
    }

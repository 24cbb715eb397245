"""What is sent to ACR Tasks to run a gate."""

from __future__ import annotations

import base64
import io
import shlex
import subprocess
import tarfile
from pathlib import Path

import msgspec
import pytest
import yaml

from shared.adapters.azure.gate_run import (
    MOST_INLINE,
    RunOptions,
    archive,
    gate_request,
    says_words,
    steps,
    task_request,
)
from shared.domain.gate.given import Given
from shared.domain.gate.words import words_of
from tests.doubles.gates import WORDS, gate_run
from tests.doubles.registries import digest_of

pytestmark = pytest.mark.unit

FILES = {"test.sh": b"#!/bin/sh\nexit 0\n", "Dockerfile": b"ARG BASE_IMAGE\nFROM $BASE_IMAGE\n", "a/b.txt": b""}
GATE = gate_run(digest_of("node"))
CLIENT = f"tools/docker@{digest_of('client')}"


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
    assert (build["id"], test["id"]) == (WORDS.build_step, WORDS.test_step)
    assert build["build"].split() == [
        "-t", "$Registry/tidegate/gate:$ID", "--build-arg", f"BASE_IMAGE=$Registry/base/node@{GATE.digest}", ".",
    ]  # fmt: skip
    assert (test["entryPoint"], test["cmd"]) == ("/bin/sh", "$Registry/tidegate/gate:$ID /tidegate/test.sh")


def test_the_build_asks_for_buildkit_and_the_test_stays_in_the_images_own_directory() -> None:
    build, test = yaml.safe_load(steps(GATE))["steps"]
    assert build["env"] == ["DOCKER_BUILDKIT=1"]
    assert test["disableWorkingDirectoryOverride"] is True


TOLD = [
    f"TIDEGATE_IMAGE={{{{.Run.Registry}}}}/base/node@{GATE.digest}",
    "TIDEGATE_BASE=",
    "TIDEGATE_TARGET=",
    "TIDEGATE_CANDIDATE=",
    f"TIDEGATE_NONCE={WORDS.nonce}",
    "TIDEGATE_PLATFORM=linux/amd64",
]


def test_a_test_is_told_what_it_tests() -> None:
    given = Given("b.azurecr.io/base/node@sha256:0", "b.azurecr.io/base/node:22", "docker.io~library~node~~node~0")
    test = yaml.safe_load(steps(msgspec.structs.replace(GATE, given=given)))["steps"][1]
    assert test["env"] == [
        TOLD[0],
        "TIDEGATE_BASE=b.azurecr.io/base/node@sha256:0",
        "TIDEGATE_TARGET=b.azurecr.io/base/node:22",
        "TIDEGATE_CANDIDATE=docker.io~library~node~~node~0",
        *TOLD[4:],
    ]


def test_only_the_test_is_given_the_nonce_and_no_step_is_told_its_id() -> None:
    build, test = yaml.safe_load(steps(GATE))["steps"]
    assert test["env"] == TOLD
    assert WORDS.nonce not in repr(build)
    assert WORDS.test_step not in repr([build, {**test, "id": ""}])


ODD_COMMANDS = [
    ("/bin/sh", "-c", "node -e 'process.exit(0)' && echo \"$HOME\""),
    ("/opt/my tool", "$Registry", "`id`", "a\\b", "ä#: {x}", ""),
]


@pytest.mark.parametrize("words", ODD_COMMANDS)
def test_whatever_a_gate_runs_reaches_it_as_written(words: tuple[str, ...]) -> None:
    test = yaml.safe_load(steps(msgspec.structs.replace(GATE, command=words)))["steps"][1]
    line = f"{test['entryPoint']} {test['cmd']}".replace("$$", "\0").replace("\0", "$")
    program, image, *arguments = shlex.split(line)
    assert image == "$Registry/tidegate/gate:$ID"
    assert (program, *arguments) == words


def test_without_a_client_image_the_test_image_is_the_step_itself() -> None:
    assert "docker" not in steps(GATE).replace("DOCKER_BUILDKIT", "")


@pytest.mark.parametrize("words", ODD_COMMANDS)
def test_with_a_client_image_the_test_image_is_started_beside_the_step_with_nothing_of_it(
    words: tuple[str, ...],
) -> None:
    gate = msgspec.structs.replace(GATE, command=words)
    build, test = yaml.safe_load(steps(gate, client=CLIENT))["steps"]
    direct_build, direct = yaml.safe_load(steps(gate))["steps"]
    program, *arguments = words
    assert shlex.split(test["cmd"].replace("$$", "\0"))[:2] == [f"$Registry/{CLIENT}", "run"]
    assert [word.replace("\0", "$") for word in shlex.split(test["cmd"].replace("$$", "\0"))[2:]] == [
        "--rm", "--network", "none", *(word for told in TOLD for word in ("--env", told)), "--entrypoint", program,
        "$Registry/tidegate/gate:$ID", *arguments,
    ]  # fmt: skip
    assert (test["entryPoint"], test["env"]) == ("docker", [])
    same = ("id", "timeout", "disableWorkingDirectoryOverride")
    assert ([test[name] for name in same], build) == ([direct[name] for name in same], direct_build)


def test_a_request_that_starts_the_test_image_by_a_client_is_known_by_its_words_too() -> None:
    request = gate_request(GATE, None, RunOptions(client=CLIENT))
    assert base64.b64decode(request["encodedTaskContent"]).decode() == steps(GATE, inline=True, client=CLIENT)
    assert says_words(request, WORDS) is True


def test_a_request_is_known_by_the_words_that_are_said_in_it() -> None:
    request = gate_request(GATE, "source/x.tar.gz", RunOptions())
    assert says_words(request, WORDS) is True
    assert says_words(request, words_of("another secret", 1, 1)) is False
    assert says_words({**request, "encodedTaskContent": "%%%"}, WORDS) is False
    assert says_words({"type": "DockerBuildRequest"}, WORDS) is False


def test_a_request_whose_steps_are_not_told_is_neither_ours_nor_a_strangers() -> None:
    assert says_words({"type": "EncodedTaskRunRequest"}, WORDS) is None


def test_nothing_is_pushed_and_everything_has_a_time_limit() -> None:
    document = yaml.safe_load(steps(GATE))
    assert document["version"] == "v1.1.0", "run variables without braces need it"
    assert [("push" in step, step["timeout"]) for step in document["steps"]] == [(False, 600), (False, 1200)]
    assert gate_request(GATE, "source/x.tar.gz", RunOptions())["timeout"] == 3600


def test_the_request_holds_the_steps_and_where_the_files_are() -> None:
    request = gate_request(GATE, "source/x.tar.gz", RunOptions())
    assert base64.b64decode(request["encodedTaskContent"]).decode() == steps(GATE)
    assert (request["type"], request["sourceLocation"]) == ("EncodedTaskRunRequest", "source/x.tar.gz")
    assert request["platform"] == {"os": "Linux", "architecture": "amd64"}


def test_by_default_a_run_uses_the_registrys_own_login_and_acrs_shared_agents() -> None:
    request = gate_request(GATE, "source/x.tar.gz", RunOptions())
    assert request["credentials"] == {"sourceRegistry": {"loginMode": "Default"}}
    assert "agentPoolName" not in request


def test_where_rights_are_given_by_repository_the_base_is_pulled_by_the_callers() -> None:
    request = gate_request(GATE, None, RunOptions(as_caller=True, agent_pool="gates"))
    assert request["credentials"] == {"sourceRegistry": {"identity": "[caller]"}}
    assert request["agentPoolName"] == "gates"
    assert "sourceLocation" not in request


ODD = {"Dockerfile": b"FROM x\n", "a b/it's $HOME.txt": bytes(range(256)), "-rf": b"", "deep/er/run": b"END\n"}


def test_files_that_come_with_the_steps_arrive_whole_and_can_be_executed(tmp_path: Path) -> None:
    gate = msgspec.structs.replace(GATE, files=ODD)
    files, *others = yaml.safe_load(steps(gate, inline=True))["steps"]
    assert others == yaml.safe_load(steps(gate))["steps"]
    assert (files["id"], files["entryPoint"]) == (WORDS.files_step, "bash")
    image, *arguments = shlex.split(files["cmd"])
    assert image == "bash"
    subprocess.run(["bash", *arguments], cwd=tmp_path, check=True)
    found = {path.relative_to(tmp_path).as_posix(): path for path in tmp_path.rglob("*") if path.is_file()}
    assert {name: path.read_bytes() for name, path in found.items()} == ODD
    assert all(path.stat().st_mode & 0o777 == 0o755 for path in found.values())


def test_a_gate_of_forty_eight_kibibytes_comes_with_its_steps_below_what_one_argument_may_have() -> None:
    gate = msgspec.structs.replace(GATE, files={**FILES, "large": b"x" * 48 * 1024})
    request = gate_request(gate, None, RunOptions())
    assert len(request["encodedTaskContent"]) <= MOST_INLINE < 128 * 1024
    assert len(yaml.safe_load(steps(gate, inline=True))["steps"][0]["cmd"]) < 128 * 1024 - 1000


def test_a_task_is_asked_for_by_its_resource_id() -> None:
    assert task_request("/subscriptions/s/tasks/app") == {
        "type": "TaskRunRequest",
        "taskId": "/subscriptions/s/tasks/app",
    }


def test_no_line_of_a_gates_steps_is_so_long_that_acrs_engine_drops_what_follows() -> None:
    large = msgspec.structs.replace(GATE, files={**GATE.files, "large": bytes(range(256)) * 160})
    text = steps(large, inline=True)
    assert len(base64.b64encode(text.encode())) <= MOST_INLINE
    assert max(len(line) for line in text.splitlines()) < 64 * 1024
    command = yaml.safe_load(text)["steps"][0]["cmd"]
    script = base64.b64decode(command.removeprefix('bash -c "echo ').removesuffix(' | base64 -d | bash"')).decode()
    assert base64.b64encode(large.files["large"]).decode() in script

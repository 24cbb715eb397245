"""The YAML of a gate with steps of its own says what was read, between two steps of ours, and nothing else."""

from __future__ import annotations

import base64
import shlex
from typing import Any

import msgspec
import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from shared.adapters.azure.gate_run import RunOptions, gate_request, says_words, steps
from shared.domain.gate.given import Given
from shared.domain.gate.task import Kind, Step, Task
from shared.domain.gate.words import words_of
from shared.gate_reading import read_gate
from shared.run_ports import GateRun
from tests.doubles.gates import WORDS, gate_run
from tests.doubles.registries import digest_of
from tests.doubles.steps import STEPS_FILES

pytestmark = pytest.mark.unit

GIVEN = Given("b.azurecr.io/base/node@sha256:0", "b.azurecr.io/base/node:22", "docker.io~library~node~~node~0")
PLAIN = gate_run(digest_of("node"))
PLACE = f"{{{{.Run.Registry}}}}/base/node@{PLAIN.digest}"


def of(text: str | bytes) -> GateRun:
    """Return a run of a gate with a task."""
    files = {"task.yaml": text if isinstance(text, bytes) else text.encode(), "x": b"TIDEGATE_IMAGE"}
    task = read_gate(files).task
    assert task is not None
    return msgspec.structs.replace(PLAIN, task=task, given=GIVEN, files=files, command=())


def written(gate: GateRun, **options: Any) -> dict[str, Any]:
    """Return the YAML as it is read."""
    found: dict[str, Any] = yaml.safe_load(steps(gate, **options))
    return found


GATE = of(STEPS_FILES["task.yaml"])


def test_a_gates_steps_stand_between_two_of_ours_and_wait_for_the_first_of_them() -> None:
    found = {step["id"]: step for step in written(GATE)["steps"]}
    own = ["service", "built", "acb_step_2"]
    assert list(found) == [WORDS.begin_step, *own, WORDS.end_step]
    assert [found[name]["when"] for name in own] == [[WORDS.begin_step], [WORDS.begin_step], ["service", "built"]]
    assert found[WORDS.begin_step]["when"] == ["-"]
    assert found[WORDS.end_step]["when"] == own


def test_everything_else_of_a_step_is_as_it_was_written() -> None:
    found = {step["id"]: step for step in written(GATE)["steps"]}
    assert found["service"] == {
        "id": "service",
        "cmd": "$Registry/tools/server@sha256:0000 serve",
        "detach": True,
        "when": [WORDS.begin_step],
    }
    assert found["acb_step_2"] == {
        "id": "acb_step_2",
        "cmd": f"built {PLACE}",
        "env": ["MODE=fast"],
        "retries": 2,
        "when": ["service", "built"],
    }


def test_every_step_is_given_what_the_run_is_about_by_the_environment() -> None:
    text = "version: v1.1.0\nenv: [A=1]\nsteps: [{cmd: a}]\n"
    assert written(of(text))["env"] == [
        "A=1",
        f"TIDEGATE_IMAGE={PLACE}",
        "TIDEGATE_BASE=b.azurecr.io/base/node@sha256:0",
        "TIDEGATE_TARGET=b.azurecr.io/base/node:22",
        "TIDEGATE_CANDIDATE=docker.io~library~node~~node~0",
        f"TIDEGATE_NONCE={WORDS.nonce}",
        "TIDEGATE_PLATFORM=linux/amd64",
    ]


def test_the_tasks_text_may_name_the_same_and_templates_of_acr_stay_templates() -> None:
    named = "{{.Values.image}} {{ .Values.base }} {{.Values.nonce}} {{.Run.ID}} {{.Values.platform}}"
    command = written(of(f"steps:\n  - cmd: a {named}\n"))["steps"][1]["cmd"]
    assert command == f"a {PLACE} b.azurecr.io/base/node@sha256:0 {WORDS.nonce} {{{{.Run.ID}}}} linux/amd64"


def test_no_step_but_the_last_is_given_the_last_word_and_none_the_ids_of_ours() -> None:
    begin, *own, end = written(GATE)["steps"]
    assert WORDS.seal not in repr((begin, own, written(GATE)["env"]))
    assert WORDS.seal in end["cmd"]
    assert WORDS.end_step not in repr((begin, own, end["cmd"]))


def test_our_steps_say_the_words_and_which_steps_build() -> None:
    begin, *_, end = written(GATE)["steps"]
    said = f"echo {WORDS.first}; echo tidegate: builds {WORDS.nonce} built"
    assert shlex.split(begin["cmd"]) == ["bash", "-c", said]
    assert shlex.split(end["cmd"]) == ["bash", "-c", f"echo {WORDS.sealed}"]
    assert begin["entryPoint"] == end["entryPoint"] == "bash"
    assert "retries" not in begin | end
    assert "ignoreErrors" not in begin | end


@pytest.mark.parametrize("version", ["v1.0.0", "1.0-preview-1"])
def test_where_a_version_has_no_aliases_our_steps_name_their_image(version: str) -> None:
    text = steps(of(f"version: {version}\nsteps: [{{cmd: a}}]\n"), inline=True)
    assert text.startswith(f"version: {version}\n")
    assert [step["cmd"].split()[0] for step in yaml.safe_load(text)["steps"] if step["id"].startswith("tide")] == [
        "mcr.microsoft.com/acr/bash:2ff604c"
    ] * 2
    assert "$" not in text


def test_files_that_come_with_the_steps_are_unpacked_before_all_others() -> None:
    files, begin, *rest = written(GATE, inline=True)["steps"]
    assert (files["id"], begin["id"]) == (WORDS.files_step, WORDS.begin_step)
    assert begin["when"] == [WORDS.files_step]
    assert len(rest) == len(GATE.task.steps if GATE.task else ()) + 1


def test_a_run_has_the_time_that_its_steps_ask_for_and_no_more_than_acr_grants() -> None:
    def seconds(each: int) -> int:
        request = gate_request(of(f"stepTimeout: {each}\nsteps: [{{cmd: a}}, {{cmd: b}}]\n"), None, RunOptions())
        return int(request["timeout"])

    assert [seconds(600), seconds(3000), seconds(20000)] == [3600, 6900, 28800]


def test_a_run_is_known_by_its_words_and_another_ones_are_not_ours() -> None:
    request = gate_request(GATE, "source/x.tar.gz", RunOptions())
    assert says_words(request, WORDS) is True
    assert says_words(request, words_of("0" * 32, 1, 1)) is False
    assert base64.b64decode(request["encodedTaskContent"]).decode() == steps(GATE)


TEXT = st.text(st.characters(exclude_characters="\ue000\ue001", exclude_categories=("Cs",)))


@given(TEXT, TEXT)
def test_every_text_reaches_the_engine_as_it_was_read_and_is_no_template(command: str, value: str) -> None:
    step = Step("one", Kind.CMD, (), {"cmd": command or "a", "env": (f"A={value}",)})
    task = Task("v1.1.0", (step,), {"networks": ({"name": value, "isDefault": True},)})
    text = steps(msgspec.structs.replace(GATE, task=task))
    found = yaml.safe_load(text)
    assert found["steps"][1]["cmd"] == (command or "a")
    assert found["steps"][1]["env"] == [f"A={value}"]
    assert found["networks"] == [{"name": value, "isDefault": True}]
    assert text.count("{{") == text.count("{{.Run.Registry}}")

"""A gate's task is read as ACR's engine would read it, or refused with file and line before a run is asked for."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.domain.gate.contract import Contract
from shared.domain.gate.identity import GateIdentity
from shared.domain.gate.task import Kind, Step, Task
from shared.errors import NotFound, UnfitGate
from shared.gate_reading import LARGEST_TASK, checked_gate, read_gate
from tests.doubles.gates import GATE_FILES
from tests.doubles.steps import STEPS_FILES

pytestmark = pytest.mark.unit

IDENTITY = GateIdentity("/subscriptions/s/…/shop", "0f8fad5b-d9cb-469f-a165-70867728950e")
SEEN = {"look.sh": b'echo "$TIDEGATE_IMAGE"\n'}
VAULT = "https://shop.vault.azure.net/secrets/token"


def read(text: str | bytes) -> Contract:
    """Read a task beside a script that mentions the image."""
    return read_gate({**SEEN, "task.yaml": text.encode() if isinstance(text, str) else text})


def task(text: str) -> Task:
    """Return a task that has nothing wrong."""
    found = read(text)
    assert found.problems == ()
    assert found.task is not None
    return found.task


def steps(text: str) -> tuple[Step, ...]:
    """Return the steps of a task."""
    return task(f"version: v1.1.0\nsteps:\n{text}").steps


def test_steps_are_read_with_their_ids_kinds_and_order() -> None:
    found = read_gate(STEPS_FILES)
    assert found.problems == ()
    assert found.command == ()
    assert found.task is not None
    assert [(step.id, step.kind, step.when) for step in found.task.steps] == [
        ("service", Kind.CMD, ()),
        ("built", Kind.BUILD, ()),
        ("acb_step_2", Kind.CMD, ("service", "built")),
    ]
    assert found.task.builds == ("built",)


@pytest.mark.parametrize(
    ("text", "when"),
    [
        ("  - cmd: a\n  - cmd: b\n", [(), ("acb_step_0",)]),
        ('  - cmd: a\n  - cmd: b\n    when: ["-"]\n', [(), ()]),
        ("  - {id: first, cmd: a}\n  - {push: [x]}\n  - {cmd: c, when: [first]}\n", [(), ("first",), ("first",)]),
        ("  - {id: aa, cmd: a}\n  - {id: bb, cmd: b, when: []}\n", [(), ("aa",)]),
    ],
)
def test_a_step_waits_for_what_acrs_engine_lets_it_wait_for(text: str, when: list[tuple[str, ...]]) -> None:
    assert [step.when for step in steps(text)] == when


def test_properties_keep_their_values_and_get_the_kind_that_the_engine_expects() -> None:
    (step,) = steps(
        "  - cmd: |\n      one\n      two: {{ .Run.ID }}\n    retries: 3\n    keep: yes\n    privileged: FALSE\n"
        "    ports: [8080:80]\n    exitedWith: [1, 2]\n    volumeMounts: [{name: v, mountPath: /run}]\n    user:\n"
    )
    assert step.properties == {
        "cmd": "one\ntwo: \ue000.Run.ID\ue001\n",
        "retries": 3,
        "keep": True,
        "privileged": False,
        "ports": ("8080:80",),
        "exitedWith": (1, 2),
        "volumeMounts": ({"name": "v", "mountPath": "/run"},),
    }


def test_a_version_may_be_left_out() -> None:
    assert task("steps: [{cmd: a}]\n").version == "v1.0.0"


def test_a_tasks_own_aliases_are_replaced_as_the_engine_does_and_acrs_are_left() -> None:
    text = "version: v1.1.0\nalias:\n  values: {repo: my/app, tool: 'x/y:1'}\nsteps:\n"
    found = task(f"{text}  - cmd: $Registry/$repo $$repo $other$repo\n  - cmd: tool run\n  - cmd: run tool\n").steps
    assert [step.properties["cmd"] for step in found] == [
        "$Registry/my/app $$repo $othermy/app",
        "x/y:1 run",
        "run tool",
    ]


def test_without_aliases_in_its_version_a_task_keeps_their_signs() -> None:
    assert task("version: v1.0.0\nsteps: [{cmd: $repo}]\n").steps[0].properties["cmd"] == "$repo"


def test_how_long_a_task_may_take_is_the_sum_of_its_steps_times() -> None:
    text = "stepTimeout: 100\nsteps:\n  - {cmd: a}\n  - {cmd: b, timeout: 7, startDelay: 5}\n  - {cmd: c, timeout: 0}\n"
    assert task(text).seconds == 100 + 12 + 100
    assert task("steps: [{cmd: a}]").seconds == 600


HEAD = "version: v1.1.0\nsteps:\n"
UNFIT = {
    "an unknown version": ("version: v2\nsteps: [{cmd: a}]\n", 1, "knows 1.0-preview-1, v1.0.0, v1.1.0"),
    "no steps": ("version: v1.1.0\nsteps: []\n", 2, "at least one step"),
    "no list": ("version: v1.1.0\n", 1, "at least one step"),
    "nothing": ("", 1, "a mapping with steps"),
    "a list": ("- cmd: a\n", 1, "a mapping with steps"),
    "no YAML": ("version: v1.1.0\nsteps: [\n", 2, "not YAML"),
    "two documents": (f"{HEAD}  - cmd: a\n---\nsteps: []\n", 4, "another document"),
    "an unknown property of the task": (f"onError: x\n{HEAD}  - cmd: a\n", 1, "onError: ACR Tasks knows no such"),
    "a misspelt property": (f"{HEAD}  - cmd: a\n    ignoreError: true\n", 4, "ignoreError: ACR Tasks knows no such"),
    "a step of no kind": (f"{HEAD}  - id: aa\n", 3, "one of cmd, build and push"),
    "a step of two kinds": (f"{HEAD}  - cmd: a\n    build: .\n", 3, "one of cmd, build and push"),
    "a step that is text": (f"{HEAD}  - cmd a\n", 3, "a step is a mapping"),
    "an id of ours": (f"{HEAD}  - cmd: a\n    id: Tidegate-end-1\n", 4, "are taken"),
    "the engine's root": (f"{HEAD}  - cmd: a\n    id: acb_root\n", 4, "are taken"),
    "an id that is no name": (f"{HEAD}  - cmd: a\n    id: a b\n", 4, "2 to 63 letters"),
    "an id of one letter": (f"{HEAD}  - cmd: a\n    id: x\n", 4, "2 to 63 letters"),
    "an id from a variable": (f"{HEAD}  - cmd: a\n    id: $ID\n", 4, "written out"),
    "an id from a template": (f"{HEAD}  - cmd: a\n    id: x{{{{.Run.ID}}}}\n", 4, "written out"),
    "an id twice": (f"{HEAD}  - {{id: aa, cmd: a}}\n  - {{id: aa, cmd: b}}\n", 4, "stands above already"),
    "an id that the engine gives": (f"{HEAD}  - {{id: acb_step_1, cmd: a}}\n  - cmd: b\n", 4, "stands above already"),
    "a wait for a later step": (f"{HEAD}  - {{cmd: a, when: [bb]}}\n  - {{id: bb, cmd: b}}\n", 3, "is no step above"),
    "a wait for itself": (f"{HEAD}  - {{id: aa, cmd: a, when: [aa]}}\n", 3, "is no step above"),
    "a wait for a step twice": (f"{HEAD}  - {{id: aa, cmd: a}}\n  - {{cmd: b, when: [aa, aa]}}\n", 4, "never begin"),
    "at once, and a wait": (f"{HEAD}  - {{id: aa, cmd: a}}\n  - {{cmd: b, when: [-, aa]}}\n", 4, "stands alone"),
    "a wait that is text": (f"{HEAD}  - cmd: a\n    when: '-'\n", 4, "expected a list"),
    "errors ignored by all": (f"{HEAD}  - {{cmd: a, ignoreErrors: true}}\n", 2, "no step can reject"),
    "none but services": (f"{HEAD}  - {{cmd: a, detach: true}}\n  - push: [x]\n", 2, "no step can reject"),
    "a flag from a variable": (f"{HEAD}  - cmd: a\n    ignoreErrors: $x\n", 4, "expected true or false"),
    "no number": (f"{HEAD}  - cmd: a\n    timeout: 5m\n", 4, "expected a whole number"),
    "a number of another kind": (f"{HEAD}  - cmd: a\n    retries: -1\n", 4, "expected a whole number"),
    "a variable without a value": (f"{HEAD}  - cmd: a\n    env: [X]\n", 4, "expected NAME=value"),
    "a variable that the engine splits": (f"env: ['A=1,b']\n{HEAD}  - cmd: a\n", 1, "splits this at its commas"),
    "a template that decides": (f"{HEAD}  - cmd: a\n{{{{ if .Run.ID }}}}\n  - cmd: b\n{{{{ end }}}}\n", 4, "are read"),
    "a template in quotes": (f"{HEAD}  - cmd: docker inspect --format '{{{{.Id}}}}' x\n", 3, "are read here"),
    "a value that is not given": (f"{HEAD}  - cmd: a {{{{.Values.other}}}}\n", 3, "there is no .Values.other"),
    "a variable that runs lack": (f"{HEAD}  - cmd: a {{{{.Run.Other}}}}\n", 3, "has no .Run.Other"),
    "a secret that is not declared": (f"{HEAD}  - cmd: a {{{{.Secrets.other}}}}\n", 1, "not among the task's secrets"),
    "aliases from elsewhere": (f"alias:\n  src: [https://x.example/a]\n{HEAD}  - cmd: a\n", 2, "only values are read"),
    "another sign for aliases": (f"alias:\n  directive: '&'\n{HEAD}  - cmd: a\n", 2, "only values are read"),
    "an alias of two lines": (f'alias:\n  values: {{a: "x\\n- y"}}\n{HEAD}  - cmd: a\n', 2, "texts of one line"),
    "a text that is too long": (f"{HEAD}  - cmd: {'x' * 17000}\n", 3, "more than 16384 bytes"),
    "a control character": (f'{HEAD}  - cmd: "a\\0b"\n', 3, "a control character"),
    "marks of ours": (f"{HEAD}  - cmd: a \ue000.Run.ID\ue001\n", 3, "used here for something else"),
    "a mount without a place": (f"{HEAD}  - {{cmd: a, volumeMounts: [{{name: v}}]}}\n", 3, "mountPath is missing"),
    "a network without a name": (f"networks: [{{driver: bridge}}]\n{HEAD}  - cmd: a\n", 1, "name is missing"),
    "too many steps": (HEAD + "  - cmd: a\n" * 51, 2, "at most 50"),
    "too large": (f"# {'x' * LARGEST_TASK}\n{HEAD}  - cmd: a\n", 1, "a task has at most"),
    "too large with its aliases": (
        f"x-a: &a [{', '.join(['x' * 1000] * 10)}]\n{HEAD}  - {{cmd: a, env: &e [A={'x' * 9000}]}}\n"
        + "  - {cmd: a, env: *e}\n" * 6,
        1,
        "with its aliases followed",
    ),
    "no UTF-8": (b"version: v1.1.0\nsteps:\n  - cmd: \xff\n", 3, "not UTF-8"),
}


@pytest.mark.parametrize(("text", "line", "told"), UNFIT.values(), ids=UNFIT.keys())
def test_what_acr_would_not_run_as_it_is_meant_is_told_with_its_line(text: str | bytes, line: int, told: str) -> None:
    found = read(text)
    assert found.task is None
    assert next((each.file, each.line) for each in found.problems if told in each.told) == ("task.yaml", line)


def test_a_gate_that_never_mentions_the_tested_image_is_refused() -> None:
    found = read_gate({"task.yaml": b"steps: [{cmd: a}]\n"})
    assert "would never see the tested image" in found.problems[0].told


def test_a_script_of_a_task_has_lines_that_a_shell_reads() -> None:
    found = read_gate({"task.yaml": b"steps: [{cmd: a}]\n", "look.sh": b'a\r\necho "$TIDEGATE_IMAGE"\n'})
    assert (found.problems[0].file, found.problems[0].line) == ("look.sh", 1)


def test_what_is_wrong_with_a_gate_is_one_error_that_names_the_gates_file_and_line() -> None:
    with pytest.raises(UnfitGate, match=r"gates/shop/task.yaml, line 4: steps\[0\].retries: expected a whole number"):
        checked_gate("shop", {**SEEN, "task.yaml": f"{HEAD}  - cmd: a\n    retries: x\n".encode()}, {})


def test_a_folder_with_neither_is_no_gate_and_one_with_both_is_a_task() -> None:
    with pytest.raises(NotFound, match=r"no gates/shop/Dockerfile and no gates/shop/task\.yaml"):
        checked_gate("shop", SEEN, {})
    assert checked_gate("shop", {**GATE_FILES, **STEPS_FILES}, {}).task is not None
    assert checked_gate("shop", GATE_FILES, {}).task is None


def secret(more: str = "") -> dict[str, bytes]:
    """Return a gate that reads a secret."""
    text = f"version: v1.1.0\nsecrets:\n  - id: token\n    keyvault: {VAULT}\n{more}"
    return {**SEEN, "task.yaml": f"{text}steps:\n  - cmd: a {{{{.Secrets.token}}}}\n".encode()}


def test_secrets_are_refused_without_an_identity_that_is_named_for_the_gate() -> None:
    assert read_gate(secret()).problems == ()
    with pytest.raises(UnfitGate, match=r"gates/shop/task.yaml, line 2: secrets need an identity .*GATE_IDENTITIES"):
        checked_gate("shop", secret(), {"other": IDENTITY})


def test_secrets_are_read_by_the_identity_of_the_gate_and_no_other() -> None:
    for more in ("", f"    clientID: {IDENTITY.client_id.upper()}\n"):
        found = checked_gate("shop", secret(more), {"shop": IDENTITY}).task
        assert found is not None
        named = {"id": "token", "keyvault": VAULT, "clientID": IDENTITY.client_id}
        assert found.properties["secrets"] == (named,)
    other = "    clientID: 11111111-d9cb-469f-a165-70867728950e\n"
    with pytest.raises(UnfitGate, match="line 2: clientID is not that of the identity"):
        checked_gate("shop", secret(other), {"shop": IDENTITY})


@given(st.text(alphabet=st.sampled_from("ab-:{}[]$.,&*'\"\n |>#x0 ")) | st.binary())
def test_no_text_breaks_the_reader(text: str | bytes) -> None:
    found = read(text if isinstance(text, bytes) else HEAD.encode() + text.encode())
    assert (found.task is None) == bool(found.problems)

"""An image that a gate with steps of its own runs does not pass by what it prints or breaks."""

from __future__ import annotations

import pytest

from shared.domain.gate.steps_verdict import judge_steps
from shared.domain.gate.verdict import Finding, RunStatus
from shared.domain.gate.words import words_of
from shared.gate_reading import read_gate
from tests.doubles.gates import WORDS
from tests.doubles.steps import STEPS_BEGUN_LOG

pytestmark = pytest.mark.unit

BEGUN = STEPS_BEGUN_LOG.format(words=WORDS)
# What the image can know: the nonce of its environment, ids of the gate's steps, and the engine's wording.
PRINTED = {
    "both words by the nonce": f"{WORDS.first}\n{WORDS.last}\n",
    "the words of the run before": words_of("0" * 32, 1, 1).sealed,
    "that our last step ended well": "Successfully executed container: tidegate-end-000000000000\n",
    "that all steps ended well": "Step ID: shop marked as successful\nRun ID: cf1 was successful after 5s\n",
    "ten thousand last words": f"{WORDS.last}\n" * 10_000,
    "its verdict": "every step of the gate ended well, and the last word was said after them\n",
}
DID = {
    "it ended early, with 0, and the run with it": (RunStatus.SUCCEEDED, ""),
    "it killed our last step": (RunStatus.FAILED, f"failed to run step ID: {WORDS.end_step}: exit status 137\n"),
    "it removed our last step's container": (
        RunStatus.FAILED,
        f"docker: Error response from daemon\nfailed to run step ID: {WORDS.end_step}: exit status 125\n",
    ),
    "it replaced the image of our steps by one that says nothing": (
        RunStatus.SUCCEEDED,
        f"Successfully executed container: {WORDS.end_step}\n",
    ),
    "it killed the engine": (RunStatus.FAILED, ""),
    "it killed the agent": (RunStatus.ERROR, ""),
    "it hangs": (RunStatus.TIMEOUT, ""),
    "it failed, and says that it did not": (RunStatus.FAILED, "failed to run step ID: shop: exit status 1\n"),
}


@pytest.mark.parametrize("printed", PRINTED.values(), ids=PRINTED.keys())
@pytest.mark.parametrize(("status", "end"), DID.values(), ids=DID.keys())
def test_nothing_that_it_prints_before_what_it_does_makes_it_pass(status: RunStatus, end: str, printed: str) -> None:
    for log in (BEGUN + printed + end, printed + BEGUN + end, BEGUN + end + printed):
        assert judge_steps(status, log, WORDS).finding is not Finding.PASSED


DISABLING = {
    "at once, and ours too": "  - {id: tidegate-end-1, cmd: a}\n",
    "an end of ours that is named": "  - {cmd: a, when: [tidegate-end-1]}\n",
    "all errors ignored": "  - {cmd: a, ignoreErrors: yes}\n  - {build: ., ignoreErrors: true}\n",
    "all left running": "  - {cmd: a, detach: true}\n",
    "steps by a template": "  - cmd: a\n{{ range .Values }}\n  - cmd: b\n{{ end }}\n",
    "steps by an alias": '  - cmd: $more\nalias:\n  values: {more: "a\\n  - cmd: b"}\n',
    "aliases from elsewhere": '  - cmd: a\nalias: {src: ["https://evil.example/bash"]}\n',
    "a step that waits for itself for ever": "  - {id: aa, cmd: a}\n  - {cmd: b, when: [aa, aa]}\n",
    "a document after it": "  - cmd: a\n---\nsteps: []\n",
    "a thousand steps": "  - cmd: a\n" * 1000,
    "a billion laughs": "  - cmd: a\nx-a: &a [l, l]\nx-b: &b [*a, *a]\nnetworks: [" + "*b, " * 60_000 + "*b]\n",
}


@pytest.mark.parametrize("text", DISABLING.values(), ids=DISABLING.keys())
def test_a_task_that_would_disable_our_steps_is_refused_with_a_line(text: str) -> None:
    found = read_gate({"task.yaml": f"version: v1.1.0\nsteps:\n{text}".encode(), "x": b"TIDEGATE_IMAGE"})
    assert found.task is None
    assert all(each.line >= 1 and each.told for each in found.problems)
    assert found.problems

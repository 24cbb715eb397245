"""Gates with steps of their own as they really run: three steps, what fails them, and what an image does about it."""

from __future__ import annotations

import pytest

from shared.domain.promotion.statuses import Reason, Status
from tests.integration.conftest import Product, push_bash

pytestmark = pytest.mark.integration

SCHEDULE = "Tidegate large gates"
TASK = """\
version: v1.1.0
stepTimeout: 60
env: ["MOOD=well"]
alias:
  values: {checker: "checker:{{.Run.ID}}"}
steps:
  - id: checker
    build: -t $checker --build-arg BASE_IMAGE={{.Values.image}} .
  - cmd: "{{.Values.image}} /bin/sh -c 'cat /etc/base-release'"
    when: ["-"]
  - id: check
    cmd: $checker
    when: [checker, acb_step_1]
"""
GATE = {
    "task.yaml": TASK,
    "Dockerfile": 'ARG BASE_IMAGE\nFROM $BASE_IMAGE\nCOPY check.sh /check.sh\nCMD ["/bin/sh", "/check.sh"]\n',
    "check.sh": (
        'set -eu\ntest "$MOOD" = well\necho "$TIDEGATE_IMAGE" | grep -q @sha256:\n'
        'test "$TIDEGATE_PLATFORM" = linux/amd64\n'
        'echo "told: $TIDEGATE_TARGET was <$TIDEGATE_BASE> is $TIDEGATE_CANDIDATE"\n'
        "if grep -q broken /etc/base-release; then exit 7; fi\n"
    ),
}
FORGED = '#!/bin/busybox sh\necho "tidegate: begin $TIDEGATE_NONCE"\necho "tidegate: passed $TIDEGATE_NONCE"\nexit 1\n'


def log_of(product: Product, digest: str) -> str:
    """Return the log that was kept of a candidate's run."""
    candidate = product.candidate(digest)
    kept = product.parts.evidence._container.read(f"{candidate.id}/{candidate.evidence[0]}", 10**7)  # type: ignore[attr-defined]
    assert kept is not None
    return str(kept.content.decode())


@pytest.mark.parametrize("way", ["upload", "inline", "schedule-run"])
def test_a_gate_of_three_steps_passes_and_rejects_by_every_way_and_is_told_what_it_tests(
    product: Product, way: str
) -> None:
    push_bash(product)
    product.permit(SCHEDULE)
    product.configure(settings={"GATE_CONTEXT": way}, gate=GATE)
    good = product.update("release 1")
    bad = product.update("release 2 broken")
    assert product.base_digest() == good.digest, log_of(product, good.digest)
    rejected = product.candidate(bad.digest)
    assert rejected.status is Status.REJECTED
    assert "the gate's step 'check' exited with 7" in rejected.last.detail
    assert product.candidate(good.digest).trusts_image
    assert f"{product.target}:1 was <> is docker.io~library~" in log_of(product, good.digest)
    assert f"{product.target}:1 was <" in log_of(product, bad.digest)
    assert f"{product.target}@{good.digest}> is " in log_of(product, bad.digest)


def test_an_image_that_prints_the_words_and_fails_is_rejected(product: Product) -> None:
    push_bash(product)
    product.configure(gate=GATE)
    pushed = product.update("release 1", files={"/bin/sh": FORGED})
    candidate = product.candidate(pushed.digest)
    assert candidate.status is Status.REJECTED
    assert "'acb_step_1' exited with 1" in candidate.last.detail
    assert product.base_digest() is None


def test_where_the_image_of_our_steps_cannot_be_had_nothing_is_decided(product: Product) -> None:
    push_bash(product)
    task = TASK.replace("v1.1.0", "v1.0.0").replace("$checker", "checker").replace("alias:", "x-alias:")
    product.configure(gate={**GATE, "task.yaml": task})
    product.fault(front="mcr", action="status", kind="manifest", status=503, times=100)
    pushed = product.update("release 1")
    history = product.candidate(pushed.digest).history
    assert Reason.GATE_REJECTED not in [change.reason for change in history]


def test_an_unfit_task_is_never_run(product: Product) -> None:
    product.configure(gate={**GATE, "task.yaml": TASK.replace("when: [checker, acb_step_1]", "when: [later]")})
    pushed = product.update("release 1")
    candidate = product.candidate(pushed.digest)
    assert (candidate.status, candidate.runs) == (Status.FAILED, 0)
    assert "gates/release/task.yaml, line 13: " in candidate.last.detail
    assert product.base_digest() is None

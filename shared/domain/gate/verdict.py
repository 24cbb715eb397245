"""What a gate's run says about a candidate: its exit status decides, and only the test's own.

Run statuses: https://learn.microsoft.com/rest/api/containerregistry/runs/get (RunStatus).
Log lines: https://learn.microsoft.com/azure/container-registry/container-registry-tasks-logs
"""

from __future__ import annotations

import re
from enum import Enum

import msgspec

BUILD_STEP = "build"
TEST_STEP = "test"

# docker run's own exit statuses: the daemon failed (125), the command cannot be invoked (126) or found (127). 126 and
# 127 are the gate's or the image's doing and count as the test's word; 125 says nothing about the image.
_ENGINE_FAILED = 125
_FAILED_STEP = re.compile(r"failed to run step ID: (?P<step>[\w.-]+)(?:: exit status (?P<exit>[0-9]{1,9}))?")


class RunStatus(Enum):
    """Statuses of an ACR Tasks run."""

    QUEUED = "Queued"  # waiting for an agent
    STARTED = "Started"  # an agent took it
    RUNNING = "Running"  # steps are being executed
    SUCCEEDED = "Succeeded"  # every step exited with 0
    FAILED = "Failed"  # a step exited with another status
    CANCELED = "Canceled"  # somebody, or the platform, stopped it
    ERROR = "Error"  # the platform failed
    TIMEOUT = "Timeout"  # it took longer than it was given


UNDER_WAY = frozenset({RunStatus.QUEUED, RunStatus.STARTED, RunStatus.RUNNING})


class Finding(Enum):
    """What a finished run amounts to."""

    PASSED = "passed"  # promote it
    REJECTED = "rejected"  # the test said no: never promote this digest
    UNDECIDED = "undecided"  # the test said nothing: run it again


class Verdict(msgspec.Struct, frozen=True):
    """A finding with what led to it, for people.

    Attributes:
        finding: what to do.
        detail: why, in a sentence.
    """

    finding: Finding
    detail: str


def judge(status: RunStatus, log: str) -> Verdict:
    """Judge a finished run.

    Args:
        status: how the run ended; must not be under way.
        log: its log, whole or the last part; empty if it could not be had.

    Returns:
        Passed for success; rejected only if the test step itself ran and exited with a status of its own; undecided
        for everything else, so that an outage never rejects an image.
    """
    if status is RunStatus.SUCCEEDED:
        return Verdict(Finding.PASSED, "the gate's test exited with 0")
    if status is not RunStatus.FAILED:
        return Verdict(Finding.UNDECIDED, f"the run ended as {status.value} before its test had decided")
    failures = list(_FAILED_STEP.finditer(log))
    if not failures:
        return Verdict(Finding.UNDECIDED, "the run failed, and its log does not say in which step")
    return _judge_failure(failures[-1]["step"], failures[-1]["exit"])


def _judge_failure(step: str, exit_status: str | None) -> Verdict:
    if step != TEST_STEP:
        return Verdict(Finding.UNDECIDED, f"the test image could not be made: step {step!r} failed")
    if exit_status is None or int(exit_status) == _ENGINE_FAILED:
        return Verdict(Finding.UNDECIDED, "the test's container could not be started")
    return Verdict(Finding.REJECTED, f"the gate's test exited with {exit_status}")

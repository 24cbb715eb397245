"""What a gate's run says about a candidate: its test's own words decide, and its exit status beside them.

Run statuses: https://learn.microsoft.com/rest/api/containerregistry/runs/get (RunStatus).
Log lines: https://learn.microsoft.com/azure/container-registry/container-registry-tasks-logs and, for their wording,
https://github.com/Azure/acr-builder
"""

from __future__ import annotations

from enum import Enum

import msgspec

from shared.domain.gate.run_log import Said, read_log
from shared.domain.gate.words import Words

# docker run's own exit status when the daemon fails; a test may end with it too.
_ENGINE_FAILED = 125


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


def judge(status: RunStatus, log: str, words: Words) -> Verdict:
    """Judge a finished run.

    Args:
        status: how the run ended; must not be under way.
        log: its log, with its beginning and its end; empty if it could not be had.
        words: of this run.

    Returns:
        Passed if the run succeeded and its test said both words; rejected if the test said the first word and then
        ended otherwise; undecided for everything else, so that an outage, or a gate that is wrong, never rejects.
    """
    if status not in {RunStatus.SUCCEEDED, RunStatus.FAILED}:
        return _undecided(f"the run ended as {status.value} before its test had decided")
    said = read_log(log, words)
    if not said.begun:
        return _undecided(_before_the_first_word(status, said))
    return _success(said) if status is RunStatus.SUCCEEDED else _failure(said)


def _success(said: Said) -> Verdict:
    if said.passed:
        return Verdict(Finding.PASSED, "the gate's test said its last word and exited with 0")
    return Verdict(
        Finding.REJECTED,
        "the gate's test exited with 0 before it had said its last word: something it tried ended it early",
    )


def _failure(said: Said) -> Verdict:
    """A test that runs out of time may hang on the image or on the network: it is run again, and rejects nothing."""
    if said.timed_out:
        return _undecided("the gate's test used up its time after it had begun: the image hangs, or the network did")
    if said.exit_status is None:
        return _undecided("the run failed after its test had begun, and its log does not say that the test ended")
    if said.exit_status == _ENGINE_FAILED and said.engine_failed:
        return _undecided("the container engine failed (125) while the gate's test ran")
    return Verdict(Finding.REJECTED, f"the gate's test exited with {said.exit_status}")


def _before_the_first_word(status: RunStatus, said: Said) -> str:
    if said.build_trouble:
        return f"the test image could not be made: {said.build_trouble}"
    if status is RunStatus.SUCCEEDED:
        ended = "the run succeeded, but its test never said its first word"
    elif said.timed_out:
        ended = "the gate's test used up its time before it said its first word"
    elif said.exit_status is not None:
        ended = f"the gate's test ended with {said.exit_status} before it said its first word"
    else:
        return f"the run failed, and its log does not say in which step{_hinted(said)}"
    return f"{ended}{_hinted(said)}"


def _hinted(said: Said) -> str:
    return f": {said.hint}" if said.hint else ""


def _undecided(detail: str) -> Verdict:
    return Verdict(Finding.UNDECIDED, detail)

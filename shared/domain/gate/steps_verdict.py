"""What the run of a gate with steps of its own says about a candidate.

Such a gate's steps say no words: they fail, or they do not. Steps of ours before and after them do, and the last word
holds what no other step of the run was given; so a run whose last step was not reached, for whatever reason, never
passes. What decides a rejection is the engine's last word on a step that failed.
"""

from __future__ import annotations

import re
from enum import Enum

import msgspec

from shared.domain.gate.run_log import failures_in, hint_before, place_of
from shared.domain.gate.verdict import Finding, RunStatus, Verdict
from shared.domain.gate.words import Words

_SHOWN = 200
# The engine joins what several turns of a repeated step came to.
_EXITED = re.compile(r"exit status ([0-9]{1,9})(?:, exit status [0-9]{1,9})*")
_OUT_OF_TIME = re.compile(r"timed out|deadline exceeded")
# docker run's own exit status when the daemon fails; a test may end with it too.
_ENGINE_FAILED = 125
_DOCKER_FAILED = re.compile(r"^docker: |error waiting for container", re.MULTILINE)
# What the classic builder and BuildKit print of an instruction whose own program failed.
_INSTRUCTION_FAILED = re.compile(
    r"^The command '[^\n]*' returned a non-zero code: (\d{1,9})\r?$"
    r"|did not complete successfully: exit code: (\d{1,9})\r?$",
    re.MULTILINE,
)


class Failed(Enum):
    """What the last step that failed, as the engine tells it, was."""

    NONE = "none"  # no step, or the log does not say which
    OURS = "ours"  # one of those before and after the gate's
    CMD = "cmd"  # one of the gate's that runs something, or pushes
    BUILD = "build"  # one of the gate's that builds


class Told(msgspec.Struct, frozen=True):
    """What a log tells of such a run.

    Attributes:
        begun: the first word was said.
        passed: the last word was said, and after the first.
        failed: what kind of step failed.
        step: its id.
        why: the engine's words on it.
        exit_status: of the step, where it has one; of a build, that of the instruction which failed.
        engine_failed: the container engine speaks of trouble of its own in that step, or somebody writes so.
        hint: what may be the matter if the first word is missing.
    """

    begun: bool
    passed: bool
    failed: Failed = Failed.NONE
    step: str = ""
    why: str = ""
    exit_status: int | None = None
    engine_failed: bool = False
    hint: str = ""


def judge_steps(status: RunStatus, log: str, words: Words) -> Verdict:
    """Judge a finished run of a gate with steps of its own.

    Args:
        status: how the run ended; must not be under way.
        log: its log, with its beginning and its end; empty if it could not be had.
        words: of this run.

    Returns:
        As ``decided`` does.
    """
    return decided(status, read_steps(log, words))


def decided(status: RunStatus, told: Told) -> Verdict:
    """Decide by what is known of a run.

    Returns:
        Passed if the run succeeded and both words were said; rejected if it failed after the first one because a step
        of the gate ended with a status of its own; undecided for everything else, so that an outage never rejects.
    """
    if status not in {RunStatus.SUCCEEDED, RunStatus.FAILED}:
        return _undecided(f"the run ended as {status.value} before the gate's steps had decided")
    if not told.begun:
        return _undecided(f"the run ended before the gate's first step was begun{_more(told.hint)}")
    if status is RunStatus.SUCCEEDED:
        if told.passed:
            return Verdict(Finding.PASSED, "every step of the gate ended well, and the last word was said after them")
        return _undecided("the run succeeded, and its log does not hold the last word")
    return _failure(told)


def _failure(told: Told) -> Verdict:
    if doubt := _doubt(told):
        return _undecided(doubt)
    who = f"the gate's step {told.step!r}"
    if told.failed is Failed.BUILD:
        return Verdict(Finding.REJECTED, f"an instruction in {who}, a build, exited with {told.exit_status}")
    return Verdict(Finding.REJECTED, f"{who} exited with {told.exit_status}")


def _doubt(told: Told) -> str:
    """Say why a run that failed decides nothing; empty if it was a step of the gate that said no."""
    who = f"the gate's step {told.step!r}"
    if told.failed is Failed.NONE:
        return "the run failed, and its log does not say in which step"
    if told.failed is Failed.OURS:
        return f"a step of Tidegate's own failed{_more(told.why)}"
    if _OUT_OF_TIME.search(told.why):
        return f"{who} used up its time: the image hangs, or the network did"
    if told.failed is Failed.CMD and told.exit_status == _ENGINE_FAILED and told.engine_failed:
        return f"the container engine failed (125) in {who}"
    if told.exit_status is None:
        return f"{who} failed, and no exit status of its own is told{_more(told.why)}"
    return ""


def builds_line(words: Words, builds: tuple[str, ...]) -> str:
    """Return what the first step says after the first word: which of the gate's steps are builds."""
    return " ".join(("tidegate: builds", words.nonce, *builds))


def read_steps(log: str, words: Words) -> Told:
    """Read what a log tells; see ``Told``.

    Args:
        log: of a run that has ended; lines end with LF or CRLF.
        words: of this run.
    """
    first, last = place_of(log, words.first), place_of(log, words.sealed)
    begun = first is not None
    passed = first is not None and last is not None and first < last
    failures = failures_in(log)
    if not failures:
        return Told(begun, passed, hint=hint_before(log, words.begin_step))
    step, why = failures[-1]
    failed = _kind(log, words, step)
    launched = max(log.rfind(f"Launching container with name: {step}"), 0)
    found = _INSTRUCTION_FAILED.search(log, launched) if failed is Failed.BUILD else _EXITED.fullmatch(why)
    status = next((int(group) for group in found.groups() if group), None) if found else None
    engine_failed = _DOCKER_FAILED.search(log, launched) is not None
    hint = hint_before(log, words.begin_step)
    return Told(begun, passed, failed, step, why[:_SHOWN], status, engine_failed, hint)


def _kind(log: str, words: Words, step: str) -> Failed:
    if step in {words.begin_step, words.end_step, words.files_step}:
        return Failed.OURS
    return Failed.BUILD if step in _builds(log, words) else Failed.CMD


def _builds(log: str, words: Words) -> frozenset[str]:
    """The first such line is ours: it is printed before any other step is begun."""
    found = re.search(rf"^{re.escape(builds_line(words, ()))}((?: [\w.-]+)*)\r?$", log, re.MULTILINE)
    return frozenset(found[1].split()) if found else frozenset()


def _more(told: str) -> str:
    return f": {told}" if told else ""


def _undecided(detail: str) -> Verdict:
    return Verdict(Finding.UNDECIDED, detail)

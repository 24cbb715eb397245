"""Reading a run's log: the test's words, and what ACR's task engine says of the steps.

Whatever the tested image prints stands in the same log, so only two kinds of lines count: those with the nonce, and
the engine's about steps whose ids the container was not given.

Wording of the engine: https://github.com/Azure/acr-builder (``builder``, ``pkg/procmanager``, ``cmd/acb``).
"""

from __future__ import annotations

import re

import msgspec

from shared.domain.gate.words import NONCE_VARIABLE, Words

# Begins the line that stands for what was left out of the middle of a long log.
LEFT_OUT = "tidegate: left out of this log"

_FAILED_STEP = re.compile(r"failed to run step ID: (?P<step>[\w.-]+)(?:: (?P<why>[^\r\n]*))?")
_EXIT_STATUS = re.compile(r"exit status ([0-9]{1,9})$")
_OUT_OF_TIME = re.compile(r"timed out|deadline exceeded")
_DOCKER_FAILED = re.compile(r"^docker: |error waiting for container", re.MULTILINE)
_SHOWN = 200
# How the engine tells of a task that it cannot read, render or make room for, or of a step's image.
_NOT_BEGUN = re.compile(r"(?:failed to|unable to|docker: |error while|invalid )[^\r\n]+")

_HINTS = (
    (
        re.compile(r"[Cc]annot connect to the Docker daemon|failed to connect to the docker API"),
        "a Docker client found no daemon: where GATE_CLIENT_IMAGE is set, ACR gave its step no socket; unset it",
    ),
    (
        re.compile(r"exec format error"),
        "the image is not for linux/amd64, or the script that is the entry point has no #! line",
    ),
    (
        re.compile(r"manifest unknown|manifest for .* not found|unauthorized:|access denied|denied: requested"),
        "an image could not be pulled",
    ),
    (
        re.compile(r"illegal option -|\\r: |\r: not found|\^M"),
        "the script's lines end with CRLF; store it with LF",
    ),
    (
        re.compile(r"no such file or directory|executable file not found|: not found|cannot execute", re.IGNORECASE),
        "the interpreter is not in the image, or the script's lines end with CRLF",
    ),
    (re.compile(r"permission denied", re.IGNORECASE), "the entry point cannot be executed"),
    (_DOCKER_FAILED, "the container could not be started"),
    (
        re.compile(re.escape(LEFT_OUT)),
        "the log is long, and the word may stand in what was left out; let the build print less",
    ),
)
_NO_HINT = (
    f'it has to print "tidegate: begin ${NONCE_VARIABLE}" as a line of its own before it tries anything, or something '
    "of the image took over before it could"
)


class Said(msgspec.Struct, frozen=True):
    """What a log says.

    Attributes:
        begun: the test said its first word.
        passed: it said its last word, and after the first.
        exit_status: how the test's container ended, where the engine says so.
        timed_out: the test used up its time.
        engine_failed: the container engine speaks of trouble of its own, or somebody who writes as it does.
        build_trouble: what the engine says of the step that makes the test image; empty if that did not fail.
        hint: what may be the matter if the first word is missing.
    """

    begun: bool
    passed: bool
    exit_status: int | None
    timed_out: bool
    engine_failed: bool
    build_trouble: str
    hint: str


def read_log(log: str, words: Words) -> Said:
    """Read what a log says.

    Args:
        log: of a run that has ended; lines end with LF or CRLF.
        words: of this run.
    """
    first, last = place_of(log, words.first), place_of(log, words.last)
    why = _why(log, words.test_step)
    status = _EXIT_STATUS.search(why or "")
    return Said(
        begun=first is not None,
        passed=first is not None and last is not None and first < last,
        exit_status=int(status[1]) if status else None,
        timed_out=_OUT_OF_TIME.search(why or "") is not None,
        engine_failed=_DOCKER_FAILED.search(log, first or 0) is not None,
        build_trouble=_build_trouble(log, words),
        hint=_hint(log, words),
    )


def place_of(log: str, word: str) -> int | None:
    """Return where a line begins that is nothing but a word; ``None`` if there is none."""
    found = re.search(rf"^{re.escape(word)}\r?$", log, re.MULTILINE)
    return found.start() if found else None


def failures_in(log: str) -> list[tuple[str, str]]:
    """Return every step that failed in the engine's words, and why; the last is the engine's, for it ends there."""
    return [(found["step"], (found["why"] or "").rstrip()) for found in _FAILED_STEP.finditer(log)]


def _why(log: str, step: str) -> str | None:
    """Return what the engine says of a step that failed, in its last word on it."""
    return next((why for failed, why in reversed(failures_in(log)) if failed == step), None)


def _build_trouble(log: str, words: Words) -> str:
    for step, told in ((words.build_step, "its build failed"), (words.files_step, "its files could not be unpacked")):
        why = _why(log, step)
        if why is not None:
            return f"{told} ({why[:_SHOWN] or 'the engine does not say why'})"
    return ""


def _hint(log: str, words: Words) -> str:
    if place_of(log, words.last) is not None:
        return f'it says its last word, and not "tidegate: begin ${NONCE_VARIABLE}" before it'
    begin = max(log.rfind(f"Launching container with name: {words.test_step}"), 0)
    return next((hint for found, hint in _HINTS if found.search(log, begin)), _NO_HINT)


def hint_before(log: str, step: str) -> str:
    """Return what the engine says of a task of which not even its first step was run; empty if it says nothing."""
    found = _NOT_BEGUN.search(log, max(log.rfind(f"Executing step ID: {step}"), 0))
    return found[0].strip()[:_SHOWN] if found else ""

"""Whether a gate can decide anything, read from its files before it is run; and what its test's container runs.

A gate tests from *inside*: its last stage is ``FROM $BASE_IMAGE``. Or it looks from *outside*: its last stage is an
image of its own, pinned by digest, into which the tested image is copied as files; then nothing of the image runs.
Either way an ``ENTRYPOINT`` in exec form says what runs, so that what the tested image would run is never asked.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator, Mapping

import msgspec

from shared.domain.gate.dockerfile import Instruction, Stage, read_instructions, stages_of, words_in
from shared.domain.gate.task import Task
from shared.domain.gate.words import NONCE_VARIABLE
from shared.errors import UnfitGate

DOCKERFILE = "Dockerfile"
TASK_FILE = "task.yaml"
_CANDIDATE = frozenset({"$BASE_IMAGE", "${BASE_IMAGE}"})
_EXEC_FORM = msgspec.json.Decoder(tuple[str, ...])
_PINNED = re.compile(r"[^\s$@]+@sha256:[0-9a-f]{64}")
# Copied over these, the tested image would be what runs the test after all.
_SYSTEM = frozenset({"bin", "boot", "dev", "etc", "lib", "lib64", "proc", "root", "run", "sbin", "sys", "usr", "var"})
_SENTENCES = {
    "last": (
        "the last stage begins FROM {base}; write FROM $BASE_IMAGE to test from inside, or an image pinned by digest "
        "(…@sha256:…) to look at the tested image from outside"
    ),
    "unused": (
        "the last stage never sees the tested image: copy it from a stage that is FROM $BASE_IMAGE into a folder of "
        "its own, as COPY --from=candidate / /candidate does"
    ),
    "entry": (
        'the last stage has no ENTRYPOINT in exec form, such as ENTRYPOINT ["/bin/sh", "/tidegate/test.sh"]; '
        "without it the tested image would say what runs"
    ),
    "command": "CMD beside ENTRYPOINT must be in exec form too",
    "template": "what runs may hold neither {{ nor }}, nor line ends: ACR Tasks would read them",
    "option": "FROM {option}: ACR's scanner reads no options of FROM; leave it out, gates run on linux/amd64 anyway",
    "split": "FROM goes on in another line, which ACR's scanner does not read; write it in one",
    "argument": "ARG BASE_IMAGE must stand before the first FROM",
    "nonce": (
        "no file of this gate mentions {variable}: its test can never say its words, and nothing would ever pass; see "
        "docs/gates.md"
    ),
    "crlf": "this line ends with CRLF, which no shell reads; store the file with LF",
}


class Problem(msgspec.Struct, frozen=True):
    """Why a gate can decide nothing.

    Attributes:
        file: relative to the gate's folder.
        line: from 1.
        told: what is wrong and what to do.
    """

    file: str
    line: int
    told: str


class Contract(msgspec.Struct, frozen=True):
    """What a gate's files say.

    Attributes:
        problems: why it can decide nothing; empty if it can.
        command: what its test's container runs; empty if there are problems, and for a task.
        task: what it runs, if it has steps of its own; ``None`` if there are problems.
        secrets_line: where a task's secrets stand.
    """

    problems: tuple[Problem, ...]
    command: tuple[str, ...]
    task: Task | None = None
    secrets_line: int = 0


def read_contract(files: Mapping[str, bytes]) -> Contract:
    """Read a gate.

    Args:
        files: its files by relative path, its Dockerfile among them.
    """
    problems = [*_wordless(files), *crlf_problems(files)]
    command: tuple[str, ...] = ()
    try:
        instructions = read_instructions(files[DOCKERFILE].decode("utf-8", "replace"))
    except UnfitGate as error:
        line, _, told = str(error).partition(": ")
        problems.append(Problem(DOCKERFILE, int(line.removeprefix("line ")), told))
    else:
        problems += _problems(instructions)
        command = _command(instructions)
    return Contract(tuple(sorted(problems, key=lambda each: (each.file, each.line))), () if problems else command)


def _wordless(files: Mapping[str, bytes]) -> Iterator[Problem]:
    if not any(NONCE_VARIABLE.encode() in content for content in files.values()):
        yield Problem(DOCKERFILE, 1, _SENTENCES["nonce"].format(variable=NONCE_VARIABLE))


def crlf_problems(files: Mapping[str, bytes]) -> Iterator[Problem]:
    """Yield the scripts whose lines end so that no shell reads them; a Dockerfile's may, and what no shell reads."""
    for path, content in files.items():
        if path.endswith(".sh") or content.startswith(b"#!"):
            before, found, _ = content.partition(b"\r\n")
            if found:
                yield Problem(path, before.count(b"\n") + 1, _SENTENCES["crlf"])


def _problems(instructions: tuple[Instruction, ...]) -> Iterator[Problem]:
    stages = stages_of(instructions)
    if not stages:
        yield Problem(DOCKERFILE, 1, _SENTENCES["last"].format(base="nothing"))
        return
    yield from _from_lines(instructions)
    if not _declared(instructions):
        yield Problem(DOCKERFILE, stages[0].line, _SENTENCES["argument"])
    yield from _origin_problems(stages)
    yield from _entry_problems(stages)


def _from_lines(instructions: tuple[Instruction, ...]) -> Iterator[Problem]:
    for each in (each for each in instructions if each.keyword == "FROM"):
        if option := next((word for word in each.text.split() if word.startswith("--")), ""):
            yield Problem(DOCKERFILE, each.line, _SENTENCES["option"].format(option=option))
        if each.last_line > each.line:
            yield Problem(DOCKERFILE, each.line, _SENTENCES["split"])


def _declared(instructions: tuple[Instruction, ...]) -> bool:
    for each in instructions:
        if each.keyword == "FROM":
            return False
        if each.keyword == "ARG" and any(word.partition("=")[0] == "BASE_IMAGE" for word in each.text.split()):
            return True
    return False


def _origin_problems(stages: tuple[Stage, ...]) -> Iterator[Problem]:
    chain = _chain(stages, len(stages) - 1)
    base = chain[0].base
    if base in _CANDIDATE:
        return
    if base.lower() != "scratch" and not _PINNED.fullmatch(base):
        yield Problem(DOCKERFILE, stages[-1].line, _SENTENCES["last"].format(base=base))
    elif not any(_brings_candidate(each, stages) for stage in chain for each in stage.instructions):
        yield Problem(DOCKERFILE, stages[-1].line, _SENTENCES["unused"])


def _chain(stages: tuple[Stage, ...], place: int) -> list[Stage]:
    """Return a stage and those it is based on, the first one first."""
    chain = [stages[place]]
    while (below := _named(stages[:place], chain[0].base)) is not None:
        place = below
        chain.insert(0, stages[place])
    return chain


def _named(stages: tuple[Stage, ...], name: str) -> int | None:
    """Return the place of the latest stage of a name."""
    return next((place for place in reversed(range(len(stages))) if stages[place].name == name.lower() != ""), None)


def _brings_candidate(instruction: Instruction, stages: tuple[Stage, ...]) -> bool:
    if instruction.keyword != "COPY":
        return False
    words = words_in(instruction.text)
    source = next((word.partition("=")[2] for word in words if word.startswith("--from=")), "")
    place = int(source) if source.isdecimal() else _named(stages, source)
    if place is None or place >= len(stages) or _chain(stages, place)[0].base not in _CANDIDATE:
        return False
    return _of_its_own(_destination(instruction.text, words))


def _destination(text: str, words: list[str]) -> str:
    rest = [word for word in words if not word.startswith("--")]
    named = _exec_form(text[text.find("[") :]) if rest and rest[0].startswith("[") else tuple(rest)
    return named[-1] if named else ""


def _of_its_own(path: str) -> bool:
    whole = posixpath.normpath(path).lstrip("/")
    return path.startswith("/") and bool(whole) and whole.partition("/")[0] not in _SYSTEM


def _entry_problems(stages: tuple[Stage, ...]) -> Iterator[Problem]:
    entry, command = _runs(stages)
    if entry is None or not _exec_form(entry.text):
        yield Problem(DOCKERFILE, entry.line if entry else stages[-1].line, _SENTENCES["entry"])
    if entry and command and not _exec_form(command.text) and command.text != "[]":
        yield Problem(DOCKERFILE, command.line, _SENTENCES["command"])
    for each in (each for each in (entry, command) if each is not None):
        if any(mark in word for word in _exec_form(each.text) for mark in ("{{", "}}", "\n", "\r", "\0")):
            yield Problem(DOCKERFILE, each.line, _SENTENCES["template"])


def _runs(stages: tuple[Stage, ...]) -> tuple[Instruction | None, Instruction | None]:
    """Return the ENTRYPOINT and the CMD that hold in the end: the first of a stage drops the other of those below."""
    entry = command = None
    for stage in _chain(stages, len(stages) - 1):
        own = {each.keyword: each for each in stage.instructions if each.keyword in {"ENTRYPOINT", "CMD"}}
        if "ENTRYPOINT" in own:
            entry, command = own["ENTRYPOINT"], None
        command = own.get("CMD", command)
    return entry, command


def _command(instructions: tuple[Instruction, ...]) -> tuple[str, ...]:
    stages = stages_of(instructions)
    entry, command = _runs(stages) if stages else (None, None)
    return (*_exec_form(entry.text if entry else ""), *_exec_form(command.text if command else ""))


def _exec_form(text: str) -> tuple[str, ...]:
    """Return the words of a JSON array; empty if it is none."""
    try:
        return _EXEC_FORM.decode(text)
    except msgspec.DecodeError:
        return ()

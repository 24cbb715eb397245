"""A gate's files read as what they are: a Dockerfile with its test, or a task of several steps."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import msgspec

from shared.domain.gate.contract import DOCKERFILE, TASK_FILE, Contract, Problem, crlf_problems, read_contract
from shared.domain.gate.given import PREFIX
from shared.domain.gate.identity import GateIdentity
from shared.domain.gate.task import Task, Value
from shared.domain.gate.task_reading import read_task
from shared.errors import NotFound, UnfitGate, WatchListError
from shared.task_templates import aliases_of, expanded, kept_templates, secrets_in
from shared.yaml_nodes import Node, compose

# ACR's engine is given a task as one argument of a program, which Linux bounds at 128 KiB, in base64.
LARGEST_TASK = 48 * 1024
_UNSEEN = (
    "no file of this gate mentions .Values.image or TIDEGATE_IMAGE: it would never see the tested image, and every "
    "image would pass"
)
_NO_IDENTITY = (
    "secrets need an identity of this gate's own, which may read them and nothing else: name it in the setting "
    "GATE_IDENTITIES; see docs/gates.md"
)
_OTHER_IDENTITY = "clientID is not that of the identity which GATE_IDENTITIES names for this gate; leave it out"


def is_gate(files: Mapping[str, bytes]) -> bool:
    """Whether there is a gate in these files."""
    return TASK_FILE in files or DOCKERFILE in files


def read_gate(files: Mapping[str, bytes]) -> Contract:
    """Read a gate of either kind; one with a task is a task.

    Args:
        files: its files by relative path.
    """
    return _read_task_gate(files) if TASK_FILE in files else read_contract(files)


def checked_gate(name: str, files: Mapping[str, bytes], identities: Mapping[str, GateIdentity]) -> Contract:
    """Return what a gate says, if it can decide something.

    Args:
        name: the gate's.
        files: its files.
        identities: those that read gates' secrets, by the gates' names.

    Returns:
        What it says; its secrets read by its identity.

    Raises:
        NotFound: there is no gate.
        UnfitGate: it can decide nothing, or must not be run; the message names every file and line.
    """
    if not is_gate(files):
        raise NotFound(f"there is no gates/{name}/{DOCKERFILE} and no gates/{name}/{TASK_FILE} beside the watch list")
    found = read_gate(files)
    problems = (*found.problems, *_secret_problems(found, identities.get(name)))
    if problems:
        told = "; ".join(f"gates/{name}/{each.file}, line {each.line}: {each.told}" for each in problems)
        raise UnfitGate(f"the gate {name!r} cannot decide anything and is not run: {told}")
    task = _with_identity(found.task, identities.get(name)) if found.task else None
    return msgspec.structs.replace(found, task=task)


def _read_task_gate(files: Mapping[str, bytes]) -> Contract:
    content = files[TASK_FILE]
    if len(content) > LARGEST_TASK:
        told = f"{len(content)} bytes; a task has at most {LARGEST_TASK}. Put scripts into files beside it"
        return Contract((Problem(TASK_FILE, 1, told),), ())
    problems = [*crlf_problems(files)]
    problems += [] if _mentions_image(files) else [Problem(TASK_FILE, 1, _UNSEEN)]
    try:
        task, found, secrets_line = _read(content)
    except WatchListError as error:
        task, found, secrets_line = None, tuple(_of_yaml(error)), 0
    problems += found
    known = () if problems else ("task",)
    return Contract(tuple(problems), (), task if known else None, secrets_line)


def _mentions_image(files: Mapping[str, bytes]) -> bool:
    names = (b".Values.image", f"{PREFIX}IMAGE".encode())
    return any(name in content for name in names for content in files.values())


def _read(content: bytes) -> tuple[Task | None, tuple[Problem, ...], int]:
    try:
        text, told = kept_templates(content.decode("utf-8-sig"))
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        return None, (Problem(TASK_FILE, line, "not UTF-8"),), 0
    if told:
        return None, tuple(Problem(TASK_FILE, line, each) for line, each in told), 0
    root, fields = compose(text.encode())
    aliases, of_aliases = aliases_of(root.plain())
    if aliases and str((root.plain() or {}).get("version")).lower() >= "v1.1.0":
        root, fields = compose(expanded(text, aliases).encode())
    if root.characters > LARGEST_TASK:
        fields.append(((), f"with its aliases followed it has more than {LARGEST_TASK} characters"))
    task, found = read_task(root.plain(), aliases)
    everything = (*fields, *of_aliases, *found, *_undeclared(text, root))
    problems = [Problem(TASK_FILE, root.line_of(path), f"{_named(path)}{each}") for path, each in everything]
    return task, tuple(sorted(problems, key=lambda each: each.line)), root.line_of(("secrets",))


def _undeclared(text: str, root: Node) -> Iterator[tuple[tuple[str, ...], str]]:
    declared = root.child("secrets")
    items = declared[1].items if declared else None
    ids = {item.plain().get("id") for item in items or [] if item.fields is not None}
    for name in sorted(secrets_in(text) - ids):
        yield (), f"{{{{.Secrets.{name}}}}} is not among the task's secrets"


def _of_yaml(error: WatchListError) -> Iterator[Problem]:
    for told in error.problems:
        line, _, rest = told.partition(": ")
        number = line.removeprefix("line ")
        yield Problem(TASK_FILE, int(number) if number.isdecimal() else 1, rest or told)


def _named(path: tuple[str | int, ...]) -> str:
    words = [f"[{part}]" if isinstance(part, int) else f".{str(part)[:70]}" for part in path]
    return "".join(words).removeprefix(".") + ": " if words else ""


def _secret_problems(found: Contract, identity: GateIdentity | None) -> tuple[Problem, ...]:
    secrets = found.task.properties.get("secrets") if found.task else None
    if not secrets:
        return ()
    if identity is None:
        return (Problem(TASK_FILE, found.secrets_line, _NO_IDENTITY),)
    if any(_client(each) not in {"", identity.client_id.lower()} for each in _tuple(secrets)):
        return (Problem(TASK_FILE, found.secrets_line, _OTHER_IDENTITY),)
    return ()


def _tuple(value: Value) -> tuple[Value, ...]:
    return value if isinstance(value, tuple) else ()


def _client(secret: Value) -> str:
    return str(secret.get("clientID", "")).lower() if isinstance(secret, Mapping) else ""


def _with_identity(task: Task, identity: GateIdentity | None) -> Task:
    """Return a task whose secrets name the identity that reads them."""
    secrets = _tuple(task.properties.get("secrets", ()))
    if identity is None or not secrets:
        return task
    named: Value = tuple({**each, "clientID": identity.client_id} for each in secrets if isinstance(each, Mapping))
    return msgspec.structs.replace(task, properties={**task.properties, "secrets": named})

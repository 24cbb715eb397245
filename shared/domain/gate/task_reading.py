"""Reading a gate's task: what ACR's engine would take otherwise than written, or not at all, is told before a run.

What ends a run without a decision, or makes a step wait for ever, is refused here with its place, for a person can mend
it. https://github.com/Azure/acr-builder (``graph``) says what the engine does.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from shared.domain.gate.task import OPEN, Kind, Step, Task, Value, explicit_when
from shared.domain.gate.task_properties import STEP, TASK, Told, listed, text
from shared.domain.gate.words import OURS

VERSIONS = ("1.0-preview-1", "v1.0.0", "v1.1.0")
MOST_STEPS = 50
_ROOT = "acb_root"
# Names of containers, for Docker; one character is not enough for it.
_ID = re.compile(r"[a-zA-Z0-9][a-zA-Z0-9_.-]{1,62}")
_AT_ONCE = "-"


def read_task(plain: Any, aliases: Mapping[str, str]) -> tuple[Task | None, tuple[Told, ...]]:
    """Read a task.

    Args:
        plain: its YAML as plain objects; scalars as they are written.
        aliases: the task's own, by their names.

    Returns:
        The task, ``None`` if something is wrong; and what, each by its path.
    """
    problems: list[Told] = []
    if not isinstance(plain, Mapping):
        return None, (((), "a task is a mapping with steps"),)
    version = str(plain.get("version") or "v1.0.0")
    if version.lower() not in VERSIONS:
        problems.append((("version",), f"ACR Tasks knows {', '.join(VERSIONS)}, and not {version[:30]!r}"))
    known = {*TASK, "version", "steps", "alias"}
    problems += [((name,), "ACR Tasks knows no such property") for name in plain if name not in known]
    properties = _read(plain, TASK, (), problems)
    steps = _steps(plain.get("steps"), aliases, problems)
    return (None if problems else Task(version, steps, properties)), tuple(problems)


def _read(plain: Mapping[str, Any], known: Mapping[str, Any], path: tuple[str | int, ...], problems: list[Told]) -> Any:
    return {
        name: known[name](value, (*path, name), problems)
        for name, value in plain.items()
        if name in known and value is not None
    }


def _steps(plain: Any, aliases: Mapping[str, str], problems: list[Told]) -> tuple[Step, ...]:
    if not isinstance(plain, list) or not plain:
        problems.append((("steps",), "a gate needs at least one step"))
        return ()
    if len(plain) > MOST_STEPS:
        problems.append((("steps",), f"{len(plain)} steps; a gate has at most {MOST_STEPS}"))
        return ()
    steps: list[Step] = []
    for place, entry in enumerate(plain):
        if step := _step(entry, place, steps, aliases, problems):
            steps.append(step)
    if len(steps) == len(plain) and not any(step.can_reject for step in steps):
        told = "no step can reject: each is detached, pushes, or ignores its errors, so every image would pass"
        problems.append((("steps",), told))
    return tuple(steps)


def _step(entry: Any, place: int, before: list[Step], aliases: Mapping[str, str], problems: list[Told]) -> Step | None:
    path = ("steps", place)
    if not isinstance(entry, Mapping):
        problems.append((path, "a step is a mapping with cmd, build or push"))
        return None
    problems += [
        ((*path, name), "ACR Tasks knows no such property") for name in entry if name not in {*STEP, "id", "when"}
    ]
    kinds = [kind for kind in Kind if entry.get(kind.value)]
    if len(kinds) != 1:
        problems.append((path, "a step has one of cmd, build and push"))
        return None
    properties: dict[str, Value] = _read(entry, STEP, path, problems)
    if kinds == [Kind.CMD]:
        properties["cmd"] = _named_image(str(properties["cmd"]), aliases)
    called = _called(entry, place, before, problems)
    when = _when(entry, called, before, problems, path)
    return Step(called, kinds[0], when, properties)


def _named_image(command: str, aliases: Mapping[str, str]) -> str:
    """The engine takes a command's first word for an alias, too, without its sign."""
    first, space, rest = command.strip().partition(" ")
    return aliases.get(first, first) + space + rest if first in aliases else command


def _called(entry: Mapping[str, Any], place: int, before: list[Step], problems: list[Told]) -> str:
    path = ("steps", place, "id")
    given = text(entry["id"], path, problems) if entry.get("id") is not None else ""
    called = given or f"acb_step_{place}"
    problems += [(path, told) for told in _bad_id(called, {step.id for step in before})]
    return called


def _bad_id(called: str, taken: set[str]) -> Iterator[str]:
    if "$" in called or OPEN in called:
        yield "an id is written out, without variables, so that it can be checked"
    elif not _ID.fullmatch(called):
        yield "an id has 2 to 63 letters, digits, '.', '_' and '-', for a container is called so"
    elif called.lower().startswith(OURS) or called == _ROOT:
        yield f"ids that begin with {OURS!r}, and {_ROOT!r}, are taken: choose another"
    elif called in taken:
        yield f"{called!r} stands above already: each step needs an id of its own"


def _when(
    entry: Mapping[str, Any], called: str, before: list[Step], problems: list[Told], path: tuple[str | int, ...]
) -> tuple[str, ...]:
    where, found = (*path, "when"), entry.get("when")
    read = listed(text)(found, where, problems) if found is not None else ()
    when = tuple(str(each) for each in read) if isinstance(read, tuple) else ()
    problems += [(where, told) for told in _bad_when(when, called, {step.id for step in before})]
    return explicit_when(when, before[-1].id if before else None)


def _bad_when(when: tuple[str, ...], called: str, above: set[str]) -> Iterator[str]:
    if _AT_ONCE in when and len(when) > 1:
        yield "'-' stands alone: a step begins at once, or waits for others"
    if len(set(when)) < len(when):
        yield "a step that waits for another twice would never begin"
    for each in when:
        if each != _AT_ONCE and each not in above:
            yield f"{each[:70]!r} is no step above {called!r}: ACR's engine knows only those that are written before"

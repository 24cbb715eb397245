"""The YAML of a gate with steps of its own: those as they were read, between two of ours. Pure functions.

It is written anew, each text in quotes and each order of steps by its ids, so that ACR's engine can read it in one way
only. What stands between two marks in a text is a template, and the only thing that is one.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping

from shared.domain.gate.given import PREFIX, VALUES
from shared.domain.gate.steps_verdict import builds_line
from shared.domain.gate.task import CLOSE, OPEN, Step, Value
from shared.run_ports import GateRun

_REGISTRY = ".Run.Registry"
_OWN_SECONDS = 300
# With aliases, ``bash`` is the image that ACR's engine itself works with; without them it is named as that engine does.
_BASH = {"v1.1.0": "bash"}
_BASH_IMAGE = "mcr.microsoft.com/acr/bash:2ff604c"
_TEMPLATE = re.compile(rf"{OPEN}(\.(?:Run|Values|Secrets|Build)\.\w+(?: \| b64enc)?){CLOSE}")
# YAML 1.1 takes these for line ends, or for no characters.
_ESCAPED = re.compile("[\x7f-\x9f\u2028\u2029\ufeff{]")
# A task's own images are named by it; these are of the run.
_OWN_STEP = """\
  - id: {step}
    cmd: {command}
    entryPoint: bash
    disableWorkingDirectoryOverride: true
    timeout: {seconds}
    when: {when}
"""


def task_text(gate: GateRun, files_step: str = "") -> str:
    """Return the YAML of a gate's run.

    Args:
        gate: the gate, which has a task, and the staged image.
        files_step: id of the step before all others that unpacks the gate's files; empty if there is none.
    """
    task, words, values = gate.task, gate.words, _values(gate, f"{{{{{_REGISTRY}}}}}")
    assert task is not None  # noqa: S101  for the type checker: who has no steps of its own is run otherwise
    env: Value = (*_listed(task.properties.get("env", ())), *_environment(gate, f"{OPEN}{_REGISTRY}{CLOSE}"))
    properties = {**task.properties, "env": env}
    begin = f"echo {words.first}; echo {builds_line(words, task.builds)}"
    lines = [f"version: {task.version}"]
    lines += [f"{name}: {_written(value, values)}" for name, value in properties.items()]
    lines += ["steps:", _own(words.begin_step, task.version, begin, (files_step,) if files_step else ())]
    lines += [line for step in task.steps for line in _step(step, words.begin_step, values)]
    everything = tuple(step.id for step in task.steps)
    lines += [_own(words.end_step, task.version, f"echo {words.sealed}", everything)]
    return "\n".join(lines)


def environment(gate: GateRun) -> tuple[str, ...]:
    """Return what a run is told, as ``NAME=value`` for a step's ``env``; none of it is anything to a shell."""
    return _environment(gate, f"{{{{{_REGISTRY}}}}}")


def _environment(gate: GateRun, registry: str) -> tuple[str, ...]:
    return tuple(f"{PREFIX}{name.upper()}={value}" for name, value in _values(gate, registry).items())


def _values(gate: GateRun, registry: str) -> dict[str, str]:
    given = gate.given
    told = (given.base, given.target, given.candidate, gate.words.nonce, given.platform)
    image = f"{registry}/{gate.image}@{gate.digest}"
    return dict(zip(VALUES, (image, *told), strict=True))


def bash_image(version: str) -> str:
    """Return what steps of ours are run by, as a step's ``cmd`` names it under a version of the format."""
    return _BASH.get(version.lower(), _BASH_IMAGE)


def _own(step: str, version: str, script: str, when: tuple[str, ...]) -> str:
    command = f'{bash_image(version)} -c "{script}"'
    return _OWN_STEP.format(
        step=step, command=json.dumps(command), seconds=_OWN_SECONDS, when=json.dumps(when or ("-",))
    ).rstrip("\n")


def _step(step: Step, begin: str, values: Mapping[str, str]) -> Iterator[str]:
    yield f"  - id: {json.dumps(step.id)}"
    for name, value in step.properties.items():
        yield f"    {name}: {_written(value, values)}"
    yield f"    when: {json.dumps(step.when or (begin,))}"


def _listed(value: Value) -> tuple[Value, ...]:
    return value if isinstance(value, tuple) else ()


def _written(value: Value, values: Mapping[str, str]) -> str:
    """Write a value in YAML's flow style, with JSON's quotes."""
    if isinstance(value, Mapping):
        return f"{{ {', '.join(f'{_text(name, values)}: {_written(each, values)}' for name, each in value.items())} }}"
    if isinstance(value, tuple):
        return f"[{', '.join(_written(each, values) for each in value)}]"
    return _text(value, values) if isinstance(value, str) else json.dumps(value)


def _text(text: str, values: Mapping[str, str]) -> str:
    """Write a text: a brace is no template's, but where the task had one; ours are filled in."""
    quoted = json.dumps(text, ensure_ascii=False)
    escaped = _ESCAPED.sub(lambda found: f"\\u{ord(found[0]):04x}", quoted)

    def template(found: re.Match[str]) -> str:
        of, _, name = found[1].removeprefix(".").partition(".")
        return values[name] if of == "Values" and name in values else f"{{{{{found[1]}}}}}"

    return _TEMPLATE.sub(template, escaped)

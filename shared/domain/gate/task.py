"""A gate of several steps, as ACR Tasks' YAML says them, in a form in which nothing is left to another reader.

https://learn.microsoft.com/azure/container-registry/container-registry-tasks-reference-yaml
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import Enum

import msgspec

Value = str | int | bool | tuple["Value", ...] | Mapping[str, "Value"]

# Stand around a template, such as ``.Run.ID``, within the texts of a task; the YAML of none holds them otherwise.
OPEN, CLOSE = "\ue000", "\ue001"

# Seconds; ACR's own.
STEP_SECONDS = 600
_FIRST_AT_ONCE = ("-",)


class Kind(Enum):
    """What a step does."""

    CMD = "cmd"  # runs a container
    BUILD = "build"  # builds an image
    PUSH = "push"  # pushes images


class Step(msgspec.Struct, frozen=True):
    """A step.

    Attributes:
        id: given, or as ACR's engine would call it.
        kind: what it does.
        when: ids of the steps that it waits for; empty if it waits for none.
        properties: all others, by their names in YAML.
    """

    id: str
    kind: Kind
    when: tuple[str, ...]
    properties: Mapping[str, Value]

    @property
    def can_reject(self) -> bool:
        """Whether it ends a run by failing: one that is left running, or whose errors are ignored, never does."""
        return self.kind is not Kind.PUSH and not (self.properties.get("ignoreErrors") or self.properties.get("detach"))


class Task(msgspec.Struct, frozen=True):
    """A task.

    Attributes:
        version: of the format.
        steps: in the order written.
        properties: all others, by their names in YAML.
    """

    version: str
    steps: tuple[Step, ...]
    properties: Mapping[str, Value]

    @property
    def builds(self) -> tuple[str, ...]:
        """Ids of the steps that build."""
        return tuple(step.id for step in self.steps if step.kind is Kind.BUILD)

    @property
    def seconds(self) -> int:
        """How long its steps may take if each comes after the one before."""
        usual = _number(self.properties, "stepTimeout") or STEP_SECONDS
        return sum(
            (_number(step.properties, "timeout") or usual) + _number(step.properties, "startDelay")
            for step in self.steps
        )


def explicit_when(when: tuple[str, ...], before: str | None) -> tuple[str, ...]:
    """Return what a step waits for as ids: one that says nothing waits for the one before it, ``-`` for none."""
    if when == _FIRST_AT_ONCE:
        return ()
    return when or ((before,) if before else ())


def _number(properties: Mapping[str, Value], name: str) -> int:
    value = properties.get(name)
    return value if isinstance(value, int) else 0

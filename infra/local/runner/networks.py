"""On which network each step's container is, by the rules of ACR's builder."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import combinations

from infra.local.runner.errors import TaskRefused
from infra.local.runner.task import Network, Step, Task

DEFAULT = Network("acb_default_network", "bridge", exists=False, default=True)
MACHINE, NONE, UNNAMED = "host", "none", "bridge"  # networks that docker itself has


def with_networks(task: Task) -> Task:
    """Return the task with the network of each step filled in.

    One whose steps cannot meet, for they run one after another and nothing is detached, is left on this machine's own
    network. In ACR it is on the default one, where nobody else is.

    Raises:
        TaskRefused: two networks have the same name.
    """
    if not _may_meet(task):
        return task
    declared = task.networks or (DEFAULT,)
    names = [network.name for network in declared]
    for name in names:
        if names.count(name) > 1:
            problem = f"Error response from daemon: network with name {name} already exists"
            raise TaskRefused(f"failed to create network: {name}, err: exit status 1, msg: {problem}")
    usual = next((network.name for network in reversed(declared) if network.default), UNNAMED)
    steps = tuple(replace(step, network=step.network or usual) for step in task.steps)
    return replace(task, networks=declared, steps=steps)


def _may_meet(task: Task) -> bool:
    if task.networks or any(step.detach or step.network for step in task.steps):
        return True
    before = _before(task.steps)
    return any(
        first.id not in before[second.id] and second.id not in before[first.id]
        for first, second in combinations(task.steps, 2)
    )


def _before(steps: Sequence[Step]) -> dict[str, set[str]]:
    """Return the steps that have to end before each one begins."""
    after = {step.id: step.after for step in steps}
    found: dict[str, set[str]] = {}

    def of(step_id: str) -> set[str]:
        if step_id not in found:
            found[step_id] = {earlier for direct in after[step_id] for earlier in {direct, *of(direct)}}
        return found[step_id]

    for step in steps:
        of(step.id)
    return found

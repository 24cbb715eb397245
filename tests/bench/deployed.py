"""What of a deployment costs by being there, read from the app and the templates, so that the bill follows them."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from tree_sitter import Node

from docs.triggers import functions
from infra.local.twin.ports import new_topology
from infra.local.twin.settings import product_settings
from tests.infra.bicep import (
    FILES,
    INFRA,
    MAIN,
    BicepFile,
    body,
    of_type,
    properties,
    read,
    resource_types,
    strings,
    text,
)

# https://learn.microsoft.com/azure/azure-functions/flex-consumption-plan#instance-sizes
CORES = {512: 0.25, 2048: 1.0, 4096: 2.0}
_ALERT = "Microsoft.Insights/scheduledQueryRules"
_DISABLED = re.compile(r"AzureWebJobs\.(\w+)\.Disabled")


@dataclass(frozen=True)
class Deployed:
    """What is deployed where nothing is chosen otherwise.

    Attributes:
        functions: names of those that are listened for, by kind: ``timer``, ``queue``, ``http``.
        queues: names of all that are made.
        memory_gb: of an instance.
        cores: an instance's share of a core.
        alerts: how many alert rules look as often as ``PT15M`` says.
    """

    functions: Mapping[str, list[str]]
    queues: list[str]
    memory_gb: float
    cores: float
    alerts: Mapping[str, int]


def deployed() -> Deployed:
    """Read it.

    Raises:
        ValueError: an alert rule says in no way that is read here how often it looks.
    """
    megabytes = int(re.findall(r"\d+", text(read(MAIN).params["instanceMemoryMB"]))[-1])
    queues = sorted(strings(read(INFRA / "modules" / "storage.bicep").variables["queues"]))
    looks = Counter(every for file in FILES for every in alerts(read(file)))
    return Deployed(_functions(), queues, megabytes / 1024, CORES[megabytes], dict(looks))


def telemetry_settings() -> dict[str, str]:
    """Return the settings that say what is told of the app, as the template has them."""
    settings = properties(body(read(INFRA / "modules" / "function-app.bicep").variables["settings"]))
    said = {name: text(value) for name, value in settings.items() if name.startswith(("OTEL_", "PYTHON_"))}
    return {name: value.strip("'") for name, value in said.items()}


def _functions() -> dict[str, list[str]]:
    """The twin switches off what a deployment does: tests/twin/test_event_grid.py holds it to that."""
    settings = product_settings(new_topology(Path("never-made"), 10_000))
    off = {found[1] for name in settings if (found := _DISABLED.fullmatch(name))}
    listened = [one for one in functions(INFRA.parent / "function_app.py") if one.name not in off]
    return {kind: sorted(one.name for one in listened if one.kind == kind) for kind in ("timer", "queue", "http")}


def alerts(file: BicepFile) -> list[str]:
    """Return how often each alert rule of a file looks, as ``PT15M``; a loop makes one of each object that it is over.

    Raises:
        ValueError: as ``deployed``.
    """
    found = [symbol for symbol, kind in resource_types(file).items() if kind.startswith(f"{_ALERT}@")]
    return [every for symbol in found for every in _frequencies(file, symbol)]


def _frequencies(file: BicepFile, symbol: str) -> list[str]:
    rule = properties(properties(body(file.resources[symbol]))["properties"])["evaluationFrequency"]
    said = text(rule)
    if said.startswith("'"):
        return [said.strip("'")]
    key = said.rpartition(".")[2]
    looped = next(of_type(file.resources[symbol], "for_statement"), None)
    rows = _objects(file, looped) if looped else []
    every = [text(row[key]).strip("'") for row in rows if key in row]
    if not every or len(every) != len(rows):
        raise ValueError(f"{file.path.name}: how often the alert rules of {symbol} look is not read here: {said}")
    return every


def _objects(file: BicepFile, loop: Node) -> list[dict[str, Node]]:
    """The objects of the array, a variable, that a loop goes over."""
    named = [text(node) for node in of_type(loop, "identifier") if text(node) in file.variables]
    array = next(of_type(file.variables[named[0]], "array")) if named else None
    return [properties(child) for child in array.named_children if child.type == "object"] if array else []

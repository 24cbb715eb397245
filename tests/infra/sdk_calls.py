"""Finds every call of an Azure SDK's client in the product's adapters."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from azure.containerregistry import ContainerRegistryClient
from azure.data.tables import TableClient
from azure.mgmt.containerregistry.operations import RegistriesOperations
from azure.mgmt.containerregistrytasks.operations import RegistriesOperations as TaskRegistriesOperations
from azure.mgmt.containerregistrytasks.operations import RunsOperations, TaskRunsOperations, TasksOperations
from azure.storage.blob import ContainerClient
from azure.storage.queue import QueueClient

ADAPTERS = Path(__file__).resolve().parents[2] / "shared" / "adapters"

# Groups of operations are attributes of ARM's clients, and their methods have names that dictionaries have too.
_GROUPS: dict[str, tuple[type[Any], ...]] = {
    "registries": (RegistriesOperations, TaskRegistriesOperations),
    "task_runs": (TaskRunsOperations,),
    "runs": (RunsOperations,),
    "tasks": (TasksOperations,),
}
_CLIENTS = (ContainerRegistryClient, TableClient, ContainerClient, QueueClient)


def sdk_calls() -> set[tuple[str, str]]:
    """Return (file, call) of every call, such as ``("azure/tasks.py", "task_runs.get")``."""
    files = {str(file.relative_to(ADAPTERS)): ast.parse(file.read_text()) for file in ADAPTERS.rglob("*.py")}
    return {(name, call) for name, tree in files.items() for call in _calls(tree)}


def _calls(tree: ast.AST) -> Iterator[str]:
    methods = {name for client in _CLIENTS for name in _public(client)}
    for node in ast.walk(tree):
        if not (isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute)):
            continue
        method, owner = node.func.attr, _name(node.func.value)
        if owner in _GROUPS:
            if any(method in _public(group) for group in _GROUPS[owner]):
                yield f"{owner}.{method}"
        elif method in methods:
            yield method


def _public(kind: type[Any]) -> set[str]:
    made_with = {"from_connection_string", "from_blob_url", "close"}
    return {name for name in dir(kind) if not name.startswith("_")} - made_with


def _name(node: ast.expr) -> str:
    if isinstance(node, ast.Attribute):
        return node.attr
    return node.id if isinstance(node, ast.Name) else ""

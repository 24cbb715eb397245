"""The functions of ``function_app.py``, read from its text: loading the app would need its settings."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from shared.domain.events import messages

_KINDS = {"timer_trigger": "timer", "queue_trigger": "queue", "route": "http"}


class Function(NamedTuple):
    """One function of the app.

    Attributes:
        name: as the portal shows it.
        kind: ``timer``, ``queue`` or ``http``.
        source: the setting that holds the schedule, the queue, or method and path.
        anonymous: whether it is an HTTP function that asks for no function key.
        purpose: the first paragraph of its docstring.
    """

    name: str
    kind: str
    source: str
    anonymous: bool
    purpose: str


def functions(file: Path) -> tuple[Function, ...]:
    """Return the functions of an app in the order of its file.

    Args:
        file: the app's ``function_app.py``.

    Raises:
        ValueError: a trigger is declared in a way that is not read here.
    """
    nodes = ast.parse(file.read_text()).body
    return tuple(found for node in nodes if isinstance(node, ast.FunctionDef) for found in _triggered(node))


def _triggered(node: ast.FunctionDef) -> Iterator[Function]:
    for decorator in node.decorator_list:
        if isinstance(decorator, ast.Call) and isinstance(decorator.func, ast.Attribute):
            kind = _KINDS[decorator.func.attr]
            options = {option.arg: option.value for option in decorator.keywords}
            purpose = " ".join((ast.get_docstring(node) or "").partition("\n\n")[0].split())
            yield Function(node.name, kind, _source(kind, decorator, options), _anonymous(options), purpose)


def _anonymous(options: dict[str | None, ast.expr]) -> bool:
    return "auth_level" in options and ast.unparse(options["auth_level"]).endswith(".ANONYMOUS")


def _source(kind: str, decorator: ast.Call, options: dict[str | None, ast.expr]) -> str:
    if kind == "timer":
        return _text(options["schedule"]).strip("%")
    if kind == "queue":
        return _text(options["queue_name"])
    methods = ", ".join(ast.literal_eval(options["methods"])) if "methods" in options else "any method"
    return f"{methods} /api/{_text(decorator.args[0])}"


def _text(node: ast.expr) -> str:
    """A queue's name stands there as text or as a name of ``shared.domain.events.messages``."""
    if isinstance(node, ast.Name):
        return str(getattr(messages, node.id))
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return node.value
    raise ValueError(f"line {node.lineno}: expected a text or a name of shared.domain.events.messages")

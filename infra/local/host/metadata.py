"""The app's own trigger metadata, read as Microsoft's worker reads it, with ``%SETTING%`` expanded.

Binding names and fields are those of ``azure.functions.decorators``; the expansion follows
https://learn.microsoft.com/azure/azure-functions/functions-bindings-expressions-patterns#binding-expressions---app-settings.
"""

from __future__ import annotations

import importlib
import inspect
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import NoneType
from typing import Any, get_type_hints

import azure.functions as func

_SETTING = re.compile(r"%([^%]+)%")
_TRIGGERS = ("queueTrigger", "timerTrigger", "httpTrigger")


class AppError(Exception):
    """The app cannot be loaded or holds what this host cannot run; the message lists everything that is wrong."""


@dataclass(frozen=True)
class Function:
    """One function of the app.

    Attributes:
        name: as the portal shows it.
        kind: ``queueTrigger``, ``timerTrigger`` or ``httpTrigger``.
        argument: name of the parameter that receives the trigger's value.
        trigger: the trigger binding's fields, by their names in function.json, settings expanded.
        call: the user's function.
        wants_context: whether it also takes ``context``.
    """

    name: str
    kind: str
    argument: str
    trigger: Mapping[str, Any]
    call: Callable[..., Any]
    wants_context: bool


def load_app(target: str) -> func.FunctionApp:
    """Import ``module:variable`` and return the ``FunctionApp``; ``AppError`` when it is none."""
    module, _, variable = target.partition(":")
    app = getattr(importlib.import_module(module), variable or "app", None)
    if not isinstance(app, func.FunctionApp):
        raise AppError(f"{target} is not an azure.functions.FunctionApp")
    return app


def read_functions(app: func.FunctionApp, settings: Mapping[str, str]) -> list[Function]:
    """Return every function of the app.

    Arguments:
        app: the app to index.
        settings: app settings, for ``%NAME%`` in bindings.

    Raises:
        AppError: settings are missing, or a binding or an async function is met, which this host does not run.
    """
    functions, problems = [], []
    for built in app.get_functions():
        try:
            functions.append(_read(built, settings))
        except AppError as error:
            problems.append(str(error))
    if problems:
        raise AppError("\n".join(problems))
    return functions


def enabled(functions: list[Function], settings: Mapping[str, str]) -> list[Function]:
    """Return the functions that are not switched off by ``AzureWebJobs.<name>.Disabled``.

    https://learn.microsoft.com/azure/azure-functions/disable-function
    """
    off = {"true", "1"}
    return [one for one in functions if settings.get(f"AzureWebJobs.{one.name}.Disabled", "").lower() not in off]


def _read(built: Any, settings: Mapping[str, str]) -> Function:
    name = built.get_function_name()
    trigger = built.get_trigger().get_dict_repr()
    call = built.get_user_function()
    kind = str(trigger["type"])
    _refuse_unsupported(name, kind, call, [binding.get_dict_repr() for binding in built.get_bindings()])
    parameters = inspect.signature(call).parameters
    if trigger["name"] not in parameters:
        # The worker refuses the same when it loads the function.
        raise AppError(f"{name}: the trigger's argument {trigger['name']!r} is not a parameter of the function")
    expanded = {key: _expand(value, settings, f"{name}: {key}") for key, value in trigger.items()}
    return Function(name, kind, str(trigger["name"]), expanded, call, "context" in parameters)


def _refuse_unsupported(name: str, kind: str, call: Callable[..., Any], bindings: list[dict[str, Any]]) -> None:
    if kind not in _TRIGGERS:
        raise AppError(f"{name}: trigger {kind} is not among {', '.join(_TRIGGERS)}")
    if inspect.iscoroutinefunction(call):
        raise AppError(f"{name}: async functions are not run by this host")
    others = [str(binding["type"]) for binding in bindings if binding["type"] not in (*_TRIGGERS, "http")]
    if others:
        raise AppError(f"{name}: bindings not served by this host: {', '.join(others)}")
    if kind == "httpTrigger" and get_type_hints(call).get("return") is NoneType:
        # The worker does not load such a function, and then the real host finds no function of the app at all.
        raise AppError(f"{name}: an HTTP function must not be annotated as returning None")


def _expand(value: Any, settings: Mapping[str, str], place: str) -> Any:
    if not isinstance(value, str):
        return value
    missing = [name for name in _SETTING.findall(value) if name not in settings]
    if missing:
        raise AppError(f"{place}: app settings missing: {', '.join(missing)}")
    return _SETTING.sub(lambda match: settings[match[1]], value)

"""Which HTTP function a request is for.

Route templates are those of the Functions host (ASP.NET): case does not matter, literal segments win over parameters.
Of parameters only the plain form ``{name}`` is served; constraints and optional ones are refused when the app loads.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import unquote

from infra.local.host.metadata import AppError, Function

_PARAMETER = re.compile(r"\{([A-Za-z_][A-Za-z0-9_]*)\}")


@dataclass(frozen=True)
class Route:
    """One function's address: the pattern of its path, its methods (upper case), how many segments are parameters."""

    function: Function
    pattern: re.Pattern[str]
    methods: frozenset[str]
    parameters: int


@dataclass(frozen=True)
class Match:
    """The function a request is for, and the values of its route's parameters."""

    function: Function
    parameters: Mapping[str, str]


class Router:
    """All HTTP functions of the app."""

    def __init__(self, functions: list[Function], prefix: str):
        """Read the routes of ``functions``; ``AppError`` for a template this host does not serve."""
        routes = [_route(function, prefix) for function in functions]
        self._routes = sorted(routes, key=lambda route: route.parameters)

    def match(self, method: str, path: str) -> Match | None:
        """Return the function for a request, or ``None``.

        A known path with another method is ``None`` too: the real host answers 404 there, not 405
        (Azure/azure-functions-host issue 10098).
        """
        for route in self._routes:
            found = route.pattern.fullmatch(path)
            if found and method in route.methods:
                return Match(route.function, {name: unquote(value) for name, value in found.groupdict().items()})
        return None


def _route(function: Function, prefix: str) -> Route:
    template = str(function.trigger.get("route") or function.name).strip("/")
    segments = [segment for segment in (*prefix.split("/"), *template.split("/")) if segment]
    pattern = "/" + "/".join(_segment(segment, function.name) for segment in segments) + "/?"
    methods = function.trigger.get("methods") or ("GET", "POST")
    names = frozenset(str(getattr(method, "value", method)).upper() for method in methods)
    parameters = sum("{" in segment for segment in segments)
    return Route(function, re.compile(pattern, re.IGNORECASE), names, parameters)


def _segment(segment: str, function_name: str) -> str:
    if found := _PARAMETER.fullmatch(segment):
        return f"(?P<{found[1]}>[^/]+)"
    if "{" in segment or "*" in segment:
        raise AppError(f"{function_name}: route segment {segment!r} is not served by this host; use {{name}}")
    return re.escape(segment)

"""Which HTTP function a request is for.

Route templates are those of the Functions host (ASP.NET): case does not matter. Where two fit, the function whose name
comes first in the alphabet answers, literal segments or not (``FunctionMetadataManager`` of Azure/azure-functions-host
sorts them). Of parameters only the plain form ``{name}`` is served, and ``{*name}`` at the end, which takes the rest
with its slashes, or nothing; others are refused when the app loads.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import unquote

from infra.local.host.metadata import AppError, Function

_PARAMETER = re.compile(r"\{([A-Za-z_][A-Za-z0-9_]*)\}")
_REST = re.compile(r"\{\*([A-Za-z_][A-Za-z0-9_]*)\}")
_SLASH = re.compile("(%2F)", re.IGNORECASE)


@dataclass(frozen=True)
class Route:
    """One function's address: the pattern of its path, and its methods (upper case); no methods are all of them."""

    function: Function
    pattern: re.Pattern[str]
    methods: frozenset[str]


@dataclass(frozen=True)
class Match:
    """The function a request is for, and the values of its route's parameters."""

    function: Function
    parameters: Mapping[str, str]


class Router:
    """All HTTP functions of the app."""

    def __init__(self, functions: list[Function], prefix: str):
        """Read the routes of ``functions``; ``AppError`` for a template this host does not serve."""
        by_name = sorted(functions, key=lambda function: function.name.upper())  # StringComparer.OrdinalIgnoreCase
        self._routes = [_route(function, prefix) for function in by_name]

    def match(self, method: str, path: str) -> Match | None:
        """Return the function for a request, or ``None``; the path is decoded as ``decoded_path`` does it.

        A known path with another method is ``None`` too: the real host answers 404 there, not 405
        (Azure/azure-functions-host issue 10098).
        """
        for route in self._routes:
            found = route.pattern.fullmatch(path)
            if found and (method in route.methods or not route.methods):
                return Match(route.function, {name: value for name, value in found.groupdict().items() if value})
        return None


def decoded_path(target: str) -> str:
    """Return the path of a request's target with its escapes decoded but for ``%2F``, as ASP.NET does it."""
    pieces = _SLASH.split(target.partition("?")[0])
    return "".join(piece if _SLASH.fullmatch(piece) else unquote(piece) for piece in pieces)


def _route(function: Function, prefix: str) -> Route:
    template = str(function.trigger.get("route") or function.name).strip("/")
    segments = [segment for segment in (*prefix.split("/"), *template.split("/")) if segment]
    rest = _REST.fullmatch(segments[-1])
    plain = "".join(f"/{_segment(segment, function.name)}" for segment in (segments[:-1] if rest else segments))
    pattern = f"{plain}(?:/(?P<{rest[1]}>.*))?" if rest else f"{plain}/?"
    methods = function.trigger.get("methods") or ()
    names = frozenset(str(getattr(method, "value", method)).upper() for method in methods)
    return Route(function, re.compile(pattern, re.IGNORECASE | re.DOTALL), names)


def _segment(segment: str, function_name: str) -> str:
    if found := _PARAMETER.fullmatch(segment):
        return f"(?P<{found[1]}>[^/]+)"
    if "{" in segment or "*" in segment:
        raise AppError(f"{function_name}: route segment {segment!r} is not served by this host; use {{name}}")
    return re.escape(segment)

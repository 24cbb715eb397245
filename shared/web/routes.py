"""The table of the HTTP API: every address with its method, its types, and who may ask for it.

One function of the Functions host takes every request below ``/api`` that no other function takes, and this table
decides. The host itself maps routes in the alphabetical order of functions' names, and answers 404 to another method:
docs/decisions/0025. The API's document is made of the same table: docs/decisions/0047.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

import msgspec

from shared.web.acting_routes import ACTING_ROUTES
from shared.web.housekeeping_routes import HOUSEKEEPING_ROUTES
from shared.web.notice_routes import NOTICE_ROUTES
from shared.web.parameters import PARAMETERS as PARAMETERS  # noqa: PLC0414  part of the table
from shared.web.reading_routes import READING_ROUTES
from shared.web.route import ACTING as ACTING  # noqa: PLC0414
from shared.web.route import AGREEING as AGREEING  # noqa: PLC0414
from shared.web.route import READING as READING  # noqa: PLC0414
from shared.web.route import WRITING as WRITING  # noqa: PLC0414
from shared.web.route import Method as Method  # noqa: PLC0414
from shared.web.route import Route as Route  # noqa: PLC0414
from shared.web.wave_routes import WAVE_ROUTES

ROUTES = (*READING_ROUTES, *ACTING_ROUTES, *NOTICE_ROUTES, *HOUSEKEEPING_ROUTES, *WAVE_ROUTES)

# No longer than the host takes a URL.
_LONGEST_PATH = 4096
_PARAMETER = re.compile(r"\{([a-z_]+)\}")


class Found(msgspec.Struct, frozen=True):
    """A route that a request is for, and the values of its parameters."""

    route: Route
    parameters: Mapping[str, str]


class Absent(msgspec.Struct, frozen=True):
    """No route is what a request is for.

    Attributes:
        methods: what the path could be asked with; empty where there is no such path.
    """

    methods: tuple[str, ...] = ()


def find(method: str, path: str, routes: tuple[Route, ...] = ROUTES) -> Found | Absent:
    """Return the route that a request is for.

    Args:
        method: of the request.
        path: what follows ``/api/``, decoded once but for ``%2F``, as the Functions host hands it over. Case does not
            matter where the table has words, and one slash may stand at the end.
        routes: the table.

    Returns:
        The route. Where two fit, a word counts before a parameter.

    Raises:
        InvalidReference: a parameter is not of its type.
    """
    fitting = [found for found in (_fit(route, _segments(path)) for route in routes) if found]
    wanted = [found for found in fitting if found.route.method.value == method]
    if not wanted:
        return Absent(tuple(sorted({found.route.method.value for found in fitting})))
    best = min(wanted, key=lambda found: [bool(_PARAMETER.fullmatch(part)) for part in found.route.path.split("/")])
    for name, value in best.parameters.items():
        PARAMETERS[name].read(value)
    return best


def _segments(path: str) -> list[str]:
    return path.removesuffix("/").split("/") if len(path) <= _LONGEST_PATH else []


def _fit(route: Route, segments: list[str]) -> Found | None:
    parts = route.path.split("/")
    if len(parts) != len(segments):
        return None
    parameters = {}
    for part, segment in zip(parts, segments, strict=True):
        if segment and (name := _PARAMETER.fullmatch(part)):
            parameters[name[1]] = segment
        elif part != segment.lower():
            return None
    return Found(route, parameters)

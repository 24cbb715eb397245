"""One front: a table of routes, each request counted by kind and subject to the faults asked for."""

from __future__ import annotations

import logging
import socket
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, NoReturn

import requests
from werkzeug.exceptions import HTTPException
from werkzeug.routing import Map, Rule
from werkzeug.wrappers import Request, Response

from infra.local.emulator.counting import Counts
from infra.local.emulator.faults import Fault, Faults
from infra.local.emulator.throttle import EARLY
from infra.local.emulator.wire import arm_error

LOG = logging.getLogger(__name__)
_ACTIONS = ("status", "slow", "drop", "lose-answer")


@dataclass(frozen=True)
class Route:
    """One kind of request.

    Attributes:
        method: the HTTP method; where HEAD and GET differ, HEAD stands before GET in the table.
        pattern: a werkzeug URL pattern; its variables become keyword arguments of the handler.
        kind: what the request is counted as.
        handler: called with the request and the pattern's variables.
        action: what a role has to permit, below ``Microsoft.ContainerRegistry/registries/``; empty where none is asked.
    """

    method: str
    pattern: str
    kind: str
    handler: Callable[..., Response]
    action: str = ""


Guard = Callable[[Request, Route], Response | None]
Dress = Callable[[Request, Response], None]


def _unknown(request: Request) -> Response:
    return arm_error(404, "NotFound", f"Nothing is served at {request.method} {request.path}.")


class Front:
    """A WSGI application made of routes.

    Args:
        name: the front's name, as in the topology and in counts and faults.
        routes: the requests it knows.
        counts: told of every request, known or not.
        faults: asked before every request is handled.
        guard: answers in the handler's place where it returns a response; used for authentication.
        unknown: answers what no route is for.
        dress: gives every answer, and none that a fault has given, what they have in common.
    """

    def __init__(
        self,
        name: str,
        routes: Iterable[Route],
        counts: Counts,
        faults: Faults,
        *,
        guard: Guard | None = None,
        unknown: Callable[[Request], Response] = _unknown,
        dress: Dress = lambda *_: None,
    ) -> None:
        self.name = name
        self._counts = counts
        self._faults = faults
        self._guard = guard
        self._unknown = unknown
        self._dress = dress
        rules = [Rule(route.pattern, endpoint=route, methods=[route.method]) for route in routes]
        self._map = Map(rules, strict_slashes=False, merge_slashes=False)

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        """Answer one request (PEP 3333)."""
        request = Request(environ)
        return self._answer(request)(environ, start_response)

    def _answer(self, request: Request) -> Response:
        try:
            route, arguments = self._map.bind_to_environ(request.environ).match()
        except HTTPException:
            self._counts.add(self.name, f"{request.method} unknown")
            return self._dressed(request, self._unknown(request))
        self._counts.add(self.name, route.kind)
        fault = self._faults.take(self.name, route.kind, request.path, _ACTIONS)
        if fault is not None and (answer := _faulty(request, fault)):
            return answer
        answer = self._dressed(request, self._handle(request, route, arguments))
        if answer.status_code == 429:
            self._counts.refused(self.name, route.kind, early=request.environ.get(EARLY, False))
        if fault is not None and fault.action == "lose-answer":
            _drop(request)
        return answer

    def _dressed(self, request: Request, response: Response) -> Response:
        self._dress(request, response)
        return response

    def _handle(self, request: Request, route: Route, arguments: Mapping[str, Any]) -> Response:
        try:
            refusal = self._guard(request, route) if self._guard else None
            return refusal or route.handler(request, **arguments)
        except HTTPException as refused:
            return Response.force_type(refused.get_response(request.environ), request.environ)
        except requests.ConnectionError:
            LOG.exception("%s %s: a registry behind the front does not answer", self.name, request.path)
            return arm_error(502, "BadGateway", "The registry behind this front does not answer.")


def _faulty(request: Request, fault: Fault) -> Response | None:
    """Play the fault meant for this request; ``None`` if it is to be handled after all."""
    if fault.action == "slow":
        time.sleep(fault.seconds)
    if fault.action == "drop":
        _drop(request)
    return fault.response() if fault.action == "status" else None


def _drop(request: Request) -> NoReturn:
    request.environ["werkzeug.socket"].shutdown(socket.SHUT_RDWR)
    raise ConnectionAbortedError("dropped on request")

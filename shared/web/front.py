"""The door of the HTTP API: who asks, what for, and whether they may; then the handler of that route."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager

import azure.functions as func

from shared.domain.access.callers import Caller, Role
from shared.domain.links import Links
from shared.errors import MalformedRequest
from shared.web.answers import answered, guarded, problem
from shared.web.asked import Asked, Handler
from shared.web.callers import KEY_HEADER
from shared.web.finishing import finished
from shared.web.problems import Problem
from shared.web.repeats import Repeats
from shared.web.routes import READING, ROUTES, Absent, Method, Route, find
from shared.web.signing_in import is_to_be_read, to_sign_in, way_back

# While nobody has said where people reach the app.
_PATHS = Links()
_CHALLENGE = {"WWW-Authenticate": f'ApiKey realm="Tidegate", header="{KEY_HEADER}"'}
_NO_ROLE = "{} has no role of Tidegate: reader, approver or operator"
_MISSING_ROLE = "the role {} is needed here; {} has {}"


class Front:
    """Serves every request that no other function of the app takes.

    Args:
        handlers: what serves each route of the table, by its name.
        identify: tells who asks, or raises ``MalformedRequest``.
        acting: opens the span of a request that changes something.
        request_id: makes the id of a request.
        links: say where people reach the app.
        repeats: does what names itself once; ``None`` does everything as often as it is asked for.
        sign_in: whether people sign in.

    Raises:
        ValueError: a route has no handler, or a handler no route.
    """

    def __init__(
        self,
        handlers: Mapping[str, Handler],
        identify: Callable[[func.HttpRequest], Caller],
        acting: Callable[[str], AbstractContextManager[None]],
        request_id: Callable[[], str],
        links: Links = _PATHS,
        repeats: Repeats | None = None,
        *,
        sign_in: bool = False,
    ) -> None:
        if odd := {route.name for route in ROUTES} ^ handlers.keys():
            raise ValueError(f"the table of routes and what serves it differ: {', '.join(sorted(odd))}")
        self._handlers = handlers
        self._identify = identify
        self._acting = acting
        self._request_id = request_id
        self._links = links
        self._repeats = repeats
        self._sign_in = sign_in

    def serve(self, request: func.HttpRequest) -> func.HttpResponse:
        """Answer a request; who is nobody learns nothing of what there is."""
        answer = guarded(lambda: answered(lambda: self._let_in(request)), self._request_id)
        return finished(request, answer, self._links)

    def _let_in(self, request: func.HttpRequest) -> func.HttpResponse:
        try:
            caller = self._identify(request)
        except MalformedRequest as error:
            sent_on = self._sign_in and error.status == 401 and is_to_be_read(request)
            return to_sign_in(way_back(request)) if sent_on else _not_let_in(error)
        if not caller.roles:
            return problem(_NO_ROLE.format(caller.name), 403, kind=Problem.NO_ROLE)
        found = find(request.method, request.route_params.get("path") or "")
        if isinstance(found, Absent):
            return _absent(found)
        if not caller.roles & found.route.roles:
            told = _MISSING_ROLE.format(_named(found.route.roles), caller.name, _named(caller.roles))
            return problem(told, 403, kind=Problem.NO_ROLE)
        asked = Asked(request, found.parameters, caller)
        handler = self._handlers[found.route.name]
        if found.route.method is Method.GET:
            return handler(asked)
        with self._acting(found.route.name):
            return answered(lambda: self._once(asked, found.route, handler))

    def _once(self, asked: Asked, route: Route, handler: Handler) -> func.HttpResponse:
        """What changes nothing is done as often as it is asked for."""
        if self._repeats is None or route.roles == READING:
            return handler(asked)
        return self._repeats.serve(asked, route.name, lambda: answered(lambda: handler(asked)))


def _not_let_in(error: MalformedRequest) -> func.HttpResponse:
    """Of those who are known, only whom a page of another site has sent here is not let in."""
    kind = Problem.OTHER_SITE if error.status == 403 else None
    return problem(str(error), error.status, kind=kind, headers=_CHALLENGE if error.status == 401 else {})


def _absent(absent: Absent) -> func.HttpResponse:
    if not absent.methods:
        return problem("there is no such address", 404, kind=Problem.NO_ADDRESS)
    allowed = ", ".join(absent.methods)
    return problem(f"this address takes {allowed}", 405, headers={"Allow": allowed})


def _named(roles: frozenset[Role]) -> str:
    return " or ".join(sorted(role.value for role in roles))

"""The host's HTTP side: function routes, and the two admin addresses one needs to run timers by hand.

Status codes are those of Azure/azure-functions-host: 404 for an unknown path or method, 401 for a missing or wrong
key, 403 at an admin address for a function's key, 413 past the body limit, 500 for a function that fails or
returns nothing.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

from werkzeug.exceptions import RequestEntityTooLarge
from werkzeug.wrappers import Request, Response

from infra.local.host.invoke import Invoker, Outcome
from infra.local.host.keys import Keys
from infra.local.host.metadata import Function
from infra.local.host.routes import Router, decoded_path
from infra.local.host.sign_in import as_signed_in
from infra.local.host.values import http_parts, http_value, queue_text_value, timer_value

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIEnvironment

MAX_BODY_BYTES = 104_857_600  # ScriptConstants.DefaultMaxRequestBodySize
_BY_HAND = "This function was programmatically called via the host APIs."
_log = logging.getLogger("host.http")
_ADMIN = "/admin/functions/"


class HttpSide:
    """The WSGI application around an app's functions."""

    def __init__(
        self, functions: list[Function], prefix: str, keys: Keys, invoker: Invoker, settings: Mapping[str, str]
    ):
        """Serve ``functions`` below the route prefix, guarded by ``keys``, run by ``invoker``."""
        self._settings = settings
        self._router = Router([function for function in functions if function.kind == "httpTrigger"], prefix)
        self._by_name = {function.name.lower(): function for function in functions}
        self._keys = keys
        self._invoker = invoker

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Answer one request (PEP 3333)."""
        return self.response(environ)(environ, start_response)

    def response(self, environ: WSGIEnvironment) -> Response:
        """Return the answer to one request."""
        request = Request(as_signed_in(environ, self._settings))
        request.max_content_length = MAX_BODY_BYTES
        try:
            return self._answer(request)
        except RequestEntityTooLarge:
            return Response(status=413)

    def _answer(self, request: Request) -> Response:
        if request.path.lower().startswith("/admin/"):
            return self._admin(request) if self._keys.allow(request, "admin") else self._refused(request)
        match = self._router.match(request.method, decoded_path(request.environ["REQUEST_URI"]))
        if match is None:
            return Response(status=404)
        level = match.function.trigger.get("authLevel") or "function"
        if not self._keys.allow(request, str(getattr(level, "value", level))):
            return Response(status=401)
        value = http_value(request, match.parameters)
        return _respond(self._invoker.submit(match.function, value, _BY_HAND).result())

    def _refused(self, request: Request) -> Response:
        """Answer who may not go there: 403 says that the key is known, and opens functions alone."""
        return Response(status=403 if self._keys.allow(request, "function") else 401)

    def _admin(self, request: Request) -> Response:
        path = request.path.lower()
        if request.method == "GET" and path == "/admin/host/status":
            return _json(200, {"id": "local", "state": "Running", "version": "local"})
        if request.method == "POST" and path.startswith(_ADMIN):
            return self._invoke_by_hand(request, path.removeprefix(_ADMIN))
        return Response(status=404)

    def _invoke_by_hand(self, request: Request, name: str) -> Response:
        """Run a timer or queue function now; https://learn.microsoft.com/azure/azure-functions/functions-manually-run-non-http."""
        function = self._by_name.get(name)
        if function is None:
            return Response(status=404)
        if not request.is_json:
            return Response(status=415)
        body = request.get_json(silent=True)
        if not isinstance(body, dict) or function.kind == "httpTrigger":
            return _json(400, {"error": 'expected a timer or queue function and a JSON body such as {"input": ""}'})
        is_timer = function.kind == "timerTrigger"
        value = timer_value(False, None) if is_timer else queue_text_value(str(body.get("input", "")))
        self._invoker.submit(function, value, _BY_HAND)
        return Response(status=202)


def _respond(outcome: Outcome) -> Response:
    if outcome.error is not None:
        return Response(status=500)
    try:
        status, headers, body = http_parts(outcome.value)
    except NotImplementedError:
        _log.exception("an HTTP function returned neither an HttpResponse nor a text")
        return Response(status=500)
    return Response(body, status=status, headers=headers)


def _json(status: int, document: dict[str, str]) -> Response:
    return Response(json.dumps(document), status=status, content_type="application/json")

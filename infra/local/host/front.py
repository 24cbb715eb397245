"""The HTTP side of a scaled host: hands requests to an instance of the right group, and shows what was counted."""

from __future__ import annotations

import json
import threading
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING

from werkzeug.exceptions import RequestEntityTooLarge
from werkzeug.wrappers import Request, Response

from infra.local.host.fleet import Fleet
from infra.local.host.http import MAX_BODY_BYTES
from infra.local.host.keys import Keys
from infra.local.host.scaling import HTTP_GROUP, ScaleGroup

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIEnvironment

# https://learn.microsoft.com/azure/azure-functions/functions-scale#timeout: what a load balancer waits for.
_LONGEST_ANSWER = 230.0
_COUNTS, _STATUS, _BY_HAND = "/admin/local/counts", "/admin/host/status", "/admin/functions/"


class Front:
    """The WSGI application in front of all instances.

    Args:
        groups: of the app.
        keys: the app's; the host's own addresses are opened by the master key.
        fleet: whose instances answer.
        http_concurrency: how many requests one takes at once.
        counts: what is shown at ``/admin/local/counts``.
    """

    def __init__(
        self,
        groups: list[ScaleGroup],
        keys: Keys,
        fleet: Fleet,
        http_concurrency: int,
        counts: Callable[[], Mapping[str, object]],
    ) -> None:
        self._groups = {function.name.lower(): group.name for group in groups for function in group.functions}
        self._keys = keys
        self._fleet = fleet
        self._each = http_concurrency
        self._counts = counts
        self._asking: Counter[str] = Counter()
        self._lock = threading.Lock()

    def asking(self, group: str) -> int:
        """Return how many requests wait for a group or are under way in it."""
        return self._asking[group]

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Answer one request (PEP 3333)."""
        request = Request(environ)
        request.max_content_length = MAX_BODY_BYTES
        try:
            return self._answer(request)(environ, start_response)
        except RequestEntityTooLarge:
            return Response(status=413)(environ, start_response)

    def _answer(self, request: Request) -> Response:
        path = request.path.lower()
        if request.method == "GET" and path in (_COUNTS, _STATUS) and self._keys.allow(request, "admin"):
            return _json(self._counts() if path == _COUNTS else {"id": "local", "state": "Running", "version": "local"})
        by_hand = self._groups.get(path.removeprefix(_BY_HAND)) if path.startswith(_BY_HAND) else None
        return self._handed_on(request, by_hand or HTTP_GROUP)

    def _handed_on(self, request: Request, group: str) -> Response:
        if group not in self._groups.values():
            return Response(status=404)
        texts = {name: value for name, value in request.environ.items() if isinstance(value, str)}
        body = request.get_data()
        with self._asked(group):
            answer = self._fleet.ask(group, texts, body, self._each, _LONGEST_ANSWER)
        return Response(answer.body, answer.status, answer.headers) if answer else Response(status=502)

    @contextmanager
    def _asked(self, group: str) -> Iterator[None]:
        with self._lock:
            self._asking[group] += 1
        try:
            yield
        finally:
            with self._lock:
                self._asking[group] -= 1


def _json(document: Mapping[str, object]) -> Response:
    return Response(json.dumps(document), content_type="application/json")

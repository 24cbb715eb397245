"""The door of the pages: who asks, and whether they may; a failure is a page, too, with an id to be asked for by."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from typing import Any
from urllib.parse import urlsplit

import azure.functions as func
import msgspec

from shared.domain.access.callers import Caller
from shared.domain.links import Links
from shared.errors import MalformedRequest, ServiceError
from shared.web.answers import REQUEST_ID, answered, guarded, problem
from shared.web.asked import Asked, Handler
from shared.web.pages.environment import HEADERS, Writer
from shared.web.pages.table import PAGES
from shared.web.routes import Absent, Method, find
from shared.web.signing_in import is_nobody, to_sign_in

log = logging.getLogger("tidegate.web")

_PROBLEM = "application/problem+json"


class Failure(msgspec.Struct, frozen=True):
    """Why a page cannot be shown.

    Attributes:
        status: of the answer.
        title: what that is called.
        detail: for people.
        request_id: under which the log has it.
    """

    status: int
    title: str
    detail: str
    request_id: str


class PageFront:
    """Serves every request for a page.

    Args:
        handlers: what serves each page of the table, by its name.
        identify: tells who asks, or raises ``MalformedRequest``.
        acting: opens the span of a request that changes something.
        writer: writes pages.
        request_id: makes the id of a request.
        sign_in: whether people sign in.

    Raises:
        ValueError: a page has no handler, or a handler no page.
    """

    def __init__(
        self,
        handlers: Mapping[str, Handler],
        identify: Callable[[func.HttpRequest], Caller],
        acting: Callable[[str], AbstractContextManager[None]],
        writer: Writer,
        request_id: Callable[[], str],
        *,
        sign_in: bool,
    ) -> None:
        if odd := {page.name for page in PAGES} ^ handlers.keys():
            raise ValueError(f"the table of pages and what serves it differ: {', '.join(sorted(odd))}")
        self._handlers = handlers
        self._identify = identify
        self._acting = acting
        self._writer = writer
        self._request_id = request_id
        self._sign_in = sign_in

    def serve(self, request: func.HttpRequest) -> func.HttpResponse:
        """Answer a request; who is nobody is asked to sign in, and learns nothing of what there is."""
        try:
            caller = self._identify(request)
        except MalformedRequest as error:
            if error.status == 401 and self._sign_in and is_nobody(request):
                return to_sign_in(_way_back(request), Links().now(), {**HEADERS, "Cache-Control": "no-store"})
            return self._failed(problem(str(error), error.status), None)
        except ServiceError as error:
            return self._failed(_unavailable(error), None)
        return self._shown(lambda: self._let_in(request, caller), caller)

    def _let_in(self, request: func.HttpRequest, caller: Caller) -> func.HttpResponse:
        if not caller.roles:
            return problem(f"{caller.name} has no role of Tidegate: reader, approver or operator", 403)
        found = find(request.method, request.route_params.get("path") or "", PAGES)
        if isinstance(found, Absent):
            return _absent(found)
        if not caller.roles & found.route.roles:
            wanted = " or ".join(sorted(role.value for role in found.route.roles))
            return problem(f"the role {wanted} is needed here; {caller.name} does not have it", 403)
        asked = Asked(request, found.parameters, caller)
        handler = self._handlers[found.route.name]
        if found.route.method is Method.GET:
            return handler(asked)
        with self._acting(f"page {found.route.name}"):
            return answered(lambda: handler(asked))

    def _shown(self, serve: Callable[[], func.HttpResponse], caller: Caller) -> func.HttpResponse:
        answer = guarded(lambda: answered(serve), self._request_id)
        return self._failed(answer, caller) if answer.mimetype == _PROBLEM else answer

    def _failed(self, answer: func.HttpResponse, caller: Caller | None) -> func.HttpResponse:
        """Every problem of the API is a page here."""
        told = _PROBLEMS.decode(answer.get_body())
        request_id = str(told.get("request_id") or self._request_id())
        log.info("page %s: %s %s", request_id, answer.status_code, told.get("detail", ""))
        failure = Failure(answer.status_code, str(told.get("title", "")), str(told.get("detail", "")), request_id)
        page = self._writer.page("failure", failure, caller, status=answer.status_code)
        for name, value in {**dict(answer.headers), REQUEST_ID: request_id}.items():
            if name.lower() in {"allow", "retry-after", REQUEST_ID.lower()}:
                page.headers[name] = value
        return page


_PROBLEMS = msgspec.json.Decoder(dict[str, Any])


def _unavailable(error: ServiceError) -> func.HttpResponse:
    """Without the keys nobody can be known; that is no refusal."""
    log.warning("who asks cannot be told now: %s", error)
    return problem(str(error), 503 if error.temporary else 502)


def _way_back(request: func.HttpRequest) -> str:
    """A path of our own pages, whatever host and address the request claims."""
    asked, start = urlsplit(request.url), Links().now()
    ours = asked.path == start or asked.path.startswith(f"{start}/")
    if not ours or request.method != "GET":
        return start
    return f"{asked.path}?{asked.query}" if asked.query else f"{asked.path}"


def _absent(absent: Absent) -> func.HttpResponse:
    if not absent.methods:
        return problem("there is no such page", 404)
    allowed = ", ".join(absent.methods)
    return problem(f"this page takes {allowed}", 405, headers={"Allow": allowed})

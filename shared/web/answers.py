"""HTTP answers: JSON, and problems as RFC 9457 tells them."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any
from urllib.parse import urlencode, urlsplit

import azure.functions as func
import msgspec

from shared.domain.links import Links
from shared.errors import InvalidReference, MalformedRequest, ServiceError, TidegateError, WatchListError
from shared.web.problems import Problem, usual_of

log = logging.getLogger("tidegate.web")

REQUEST_ID = "X-Request-Id"
_RETRY_AFTER_SECONDS = 30
_DEFECT = "this is a defect of Tidegate, and not of the request; the app's log has it under the request's id, {}"
_ASK_LATER = frozenset({Problem.TOO_MANY, Problem.NOT_NOW, Problem.STILL_RUNNING})


class ProblemAnswer(func.HttpResponse):
    """A problem, whose type is an address: a path alone until it is said where people reach the app.

    Args:
        content: its members.
        headers: of the answer.
    """

    def __init__(self, content: Mapping[str, Any], headers: Mapping[str, str]) -> None:
        self._content = content
        super().__init__(
            msgspec.json.encode(content),
            status_code=content["status"],
            mimetype="application/problem+json",
            headers=dict(headers),
        )

    def reached_by(self, links: Links) -> ProblemAnswer:
        """Return the same with its type's whole address."""
        return ProblemAnswer({**self._content, "type": links.of(self._content["type"])}, self.headers)


def json_answer(content: object, status: int = 200) -> func.HttpResponse:
    """Return any plain object or record as JSON."""
    return func.HttpResponse(msgspec.json.encode(content), status_code=status, mimetype="application/json")


def part_answer(content: object, request: func.HttpRequest, after: str) -> func.HttpResponse:
    """Return a part of a list, with a link to the next one where there is one (RFC 8288).

    Args:
        content: the part; it says ``next`` itself.
        request: that asked for it; the link asks for the same.
        after: where to go on; empty if there are no more.
    """
    answer = json_answer(content)
    if after:
        query = urlencode({**request.params, "after": after})
        answer.headers["Link"] = f'<{urlsplit(request.url).path}?{query}>; rel="next"'
    return answer


def problem(
    detail: str,
    status: int,
    *,
    kind: Problem | None = None,
    headers: Mapping[str, str] = MappingProxyType({}),
    **more: object,
) -> ProblemAnswer:
    """Return a problem (https://www.rfc-editor.org/rfc/rfc9457).

    Args:
        detail: for people.
        status: of the answer.
        kind: its type; that which the status usually means unless it is said.
        headers: of the answer, besides those that every problem has.
        more: members of its own.
    """
    of = kind or usual_of(status)
    content = {"type": of.path, "title": of.explained.title, "status": status, "detail": detail, **more}
    waits = {"Retry-After": str(_RETRY_AFTER_SECONDS)} if of in _ASK_LATER else {}
    return ProblemAnswer(content, {**waits, **headers})


def answered(serve: Callable[[], func.HttpResponse]) -> func.HttpResponse:
    """Serve a request, and turn what Tidegate raises on purpose into the status it means."""
    try:
        return serve()
    except MalformedRequest as error:
        return problem(str(error), error.status)
    except InvalidReference as error:
        return problem(str(error), 400)
    except WatchListError as error:
        return problem(str(error), 409, kind=Problem.LIST_NOT_VALID, problems=list(error.problems))
    except TidegateError as error:
        log.exception("the request could not be served")
        return problem(str(error), _status(error))


def guarded(serve: Callable[[], func.HttpResponse], request_id: Callable[[], str]) -> func.HttpResponse:
    """Serve a request, and answer also where something fails in a way that nobody foresaw.

    Who asked learns that it failed and under which id the log has it; what failed, the log alone is told: its text may
    be anything, also a secret.

    Args:
        serve: serves it.
        request_id: makes the id.
    """
    try:
        return serve()
    except Exception:
        known_as = request_id()
        log.exception("request %s could not be served; this is a defect", known_as)
        headers = {REQUEST_ID: known_as}
        return problem(_DEFECT.format(known_as), 500, kind=Problem.DEFECT, headers=headers, request_id=known_as)


def _status(error: TidegateError) -> int:
    """What another system will not do for us is its refusal, 502, and no defect of ours."""
    if error.temporary:
        return 503
    return 502 if isinstance(error, ServiceError) else 500

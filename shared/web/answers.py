"""HTTP answers: JSON, and problems as RFC 9457 tells them."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from http import HTTPStatus
from types import MappingProxyType

import azure.functions as func
import msgspec

from shared.errors import InvalidReference, MalformedRequest, ServiceError, TidegateError, WatchListError

log = logging.getLogger("tidegate.web")

_RETRY_AFTER_SECONDS = 30
_ASK_LATER = frozenset({HTTPStatus.TOO_MANY_REQUESTS, HTTPStatus.SERVICE_UNAVAILABLE})


def json_answer(content: object, status: int = 200) -> func.HttpResponse:
    """Return any plain object or record as JSON."""
    return func.HttpResponse(msgspec.json.encode(content), status_code=status, mimetype="application/json")


def problem(
    detail: str, status: int, *, headers: Mapping[str, str] = MappingProxyType({}), **more: object
) -> func.HttpResponse:
    """Return a problem (https://www.rfc-editor.org/rfc/rfc9457).

    Args:
        detail: for people.
        status: of the answer.
        headers: of the answer, besides those that every problem has.
        more: members of its own.
    """
    content = {"type": "about:blank", "title": HTTPStatus(status).phrase, "status": status, "detail": detail, **more}
    waits = {"Retry-After": str(_RETRY_AFTER_SECONDS)} if status in _ASK_LATER else {}
    return func.HttpResponse(
        msgspec.json.encode(content),
        status_code=status,
        mimetype="application/problem+json",
        headers={**waits, **headers},
    )


def answered(serve: Callable[[], func.HttpResponse]) -> func.HttpResponse:
    """Serve a request, and turn what Tidegate raises on purpose into the status it means."""
    try:
        return serve()
    except MalformedRequest as error:
        return problem(str(error), error.status)
    except InvalidReference as error:
        return problem(str(error), 400)
    except WatchListError as error:
        return problem(str(error), 409)
    except TidegateError as error:
        log.exception("the request could not be served")
        return problem(str(error), _status(error))


def _status(error: TidegateError) -> int:
    """What another system will not do for us is its refusal, 502, and no defect of ours."""
    if error.temporary:
        return 503
    return 502 if isinstance(error, ServiceError) else 500

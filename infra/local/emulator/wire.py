"""The shapes that many answers share: JSON, ARM's and the registries' error documents, timestamps."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from werkzeug.exceptions import abort
from werkzeug.wrappers import Request, Response

DISALLOWED = (
    "The operation is disallowed on this registry, repository or image. View troubleshooting steps at "
    "https://aka.ms/acr/faq/#why-does-my-pull-or-push-request-fail-with-disallowed-operation"
)


def timestamp(seconds: float) -> str:
    """Return epoch ``seconds`` as the UTC ISO 8601 text that Azure and Docker Hub both write."""
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def offset_time(seconds: float) -> str:
    """Return epoch ``seconds`` as ARM's resources write them: seven digits without the last zeros, and ``+00:00``."""
    digits = datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%S.%f0").rstrip("0").rstrip(".")
    return f"{digits}+00:00"


def whole_second(seconds: float) -> str:
    """Return epoch ``seconds`` as a run's ``lastUpdatedTime`` writes them."""
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%S+00:00")


def json_reply(body: object, status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    """Return ``body`` as a JSON response."""
    return Response(json.dumps(body), status, dict(headers or {}), content_type="application/json; charset=utf-8")


def nothing(status: int, headers: Mapping[str, str] | None = None) -> Response:
    """Return a response without a body, and so without a type of one."""
    response = Response(status=status, headers=dict(headers or {}))
    del response.headers["Content-Type"]
    return response


def arm_error(status: int, code: str, message: str) -> Response:
    """Return ARM's error document (ARM RPC v1.0, "Error response content")."""
    return json_reply({"error": {"code": code, "message": message}}, status)


def provider_error(status: int, code: str, message: str) -> Response:
    """Return an error as the registries' resource provider words it: ARM's document, and a status beside it."""
    return json_reply({"error": {"code": code, "message": message}, "status": "Failed"}, status)


def registry_error(status: int, code: str, message: str, **detail: object) -> Response:
    """Return a registry's error document (OCI distribution spec 1.1, "Error Codes"), with ``detail`` if it is given."""
    return json_reply({"errors": [{"code": code, "message": message, **detail}]}, status)


def disallowed() -> Response:
    """Return what ACR answers when a lock forbids the operation."""
    return registry_error(405, "REGISTRY_DISALLOWED_OPERATION", DISALLOWED, detail={})


def unknown_operation() -> Response:
    """Return what ACR answers where it has no route."""
    return registry_error(404, "OPERATION_UNKNOWN", "The specified operation does not exist")


def json_object(request: Request) -> dict[str, Any]:
    """Return the request's body as a JSON object; refuse anything else with ARM's 400."""
    body = request.get_json(force=True, silent=True)
    if not isinstance(body, dict):
        abort(arm_error(400, "InvalidRequestContent", "The request content is not a JSON object."))
    return body

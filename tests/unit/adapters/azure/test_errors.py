"""Every error of the Azure SDKs becomes one of ours, and shows nothing secret."""

from __future__ import annotations

import inspect
import json
from json import JSONDecodeError
from types import SimpleNamespace
from typing import Any

import pytest
from azure.core import exceptions as azure
from azure.identity import CredentialUnavailableError

from shared.adapters.azure.errors import azure_error, azure_errors
from shared.adapters.azure.import_errors import look_errors, start_errors
from shared.errors import NotFound, OperationFailed, RateLimited, Refused, ServiceError, Unavailable

pytestmark = pytest.mark.unit

SECRET = "https://account.blob.core.windows.net/x?sv=1&sig=S3CRET"
CLASSES = sorted(
    (kind for _, kind in inspect.getmembers(azure, inspect.isclass)
     if issubclass(kind, Exception) and kind.__module__ == "azure.core.exceptions"),
    key=lambda kind: kind.__name__,
)  # fmt: skip


def answered(status: int, code: str = "", message: str = "", headers: dict[str, str] | None = None) -> Any:
    """Return an answer as the SDKs' errors hold it."""
    body = json.dumps({"error": {"code": code, "message": message}}) if code else ""
    return SimpleNamespace(
        status_code=status, reason="Reason", headers=headers or {}, text=lambda: body, request="GET /"
    )


def http_error(status: int, code: str = "", message: str = "", headers: dict[str, str] | None = None) -> Any:
    """Return the SDKs' error for an answer."""
    return azure.HttpResponseError(response=answered(status, code, message, headers))


def made(kind: type[Exception]) -> Exception:
    """Return an error of a class, as little as it needs."""
    if kind in (azure.StreamConsumedError, azure.StreamClosedError):
        return kind(SimpleNamespace(request=SECRET))
    if kind is azure.ResponseNotReadError:
        return kind(SimpleNamespace(request=SECRET))
    if kind is azure.TooManyRedirectsError:
        return kind([])
    if kind is azure.ODataV4Error:
        return kind(answered(400, "Bad", SECRET))
    return kind(SECRET)


EXPECTED = {
    azure.ODataV4Error: Refused,
    azure.ResourceNotFoundError: NotFound,
    azure.SerializationError: Refused,
}


@pytest.mark.parametrize("kind", CLASSES)
def test_every_class_is_translated_and_nothing_secret_is_shown(kind: type[Exception]) -> None:
    with pytest.raises(EXPECTED.get(kind, Unavailable)) as error, azure_errors("doing it", "A Role"):
        raise made(kind)
    assert "S3CRET" not in str(error.value)
    assert error.value.__suppress_context__, "a traceback would show the text of the SDK's error"


@pytest.mark.parametrize(
    ("status", "kind"),
    [(400, Refused), (401, Refused), (403, Refused), (404, NotFound), (405, Refused), (408, Unavailable),
     (409, Unavailable), (412, Refused), (429, RateLimited), (500, Unavailable), (502, Unavailable),
     (503, Unavailable), (504, Unavailable)],
)  # fmt: skip
def test_every_status_has_a_meaning(status: int, kind: type[ServiceError]) -> None:
    error = azure_error(http_error(status, "ItsCode", "because"), "doing it", "A Role")
    assert type(error) is kind
    assert error.code == "ItsCode"
    assert "doing it: because" in str(error)


def test_a_missing_role_is_named() -> None:
    assert "'A Role'" in str(azure_error(http_error(403, "AuthorizationFailed", "no"), "doing it", "A Role"))


def test_what_the_service_asks_to_wait_is_kept() -> None:
    assert azure_error(http_error(429, "X", "y", {"Retry-After": "12"}), "doing it", "").retry_after == 12


def test_an_identity_without_a_token_is_an_outage_and_says_what_to_check() -> None:
    error = azure_error(CredentialUnavailableError("no endpoint"), "doing it", "")
    assert isinstance(error, Unavailable)
    assert "managed identity" in str(error)


def test_an_answer_that_is_no_json_is_no_answer() -> None:
    with pytest.raises(Unavailable), azure_errors("doing it", ""):
        raise JSONDecodeError("Expecting value", "", 0)


IMPORT_ERRORS = [
    (400, "InvalidParameters", "An error occurred when getting manifest. StatusCode: 429, Reason: Too Many Requests, "
     'Details: {"errors":[{"code":"TOOMANYREQUESTS"}]}', RateLimited),
    (400, "InvalidParameters", "You have reached your unauthenticated pull rate limit.", RateLimited),
    (400, "InvalidParameters", "toomanyrequests: retry later", RateLimited),
    (400, "InvalidParameters", "An error occurred when getting manifest. StatusCode: 404, Reason: Not Found", NotFound),
    (400, "InvalidParameters", "MANIFEST_UNKNOWN: manifest unknown", NotFound),
    (400, "InvalidParameters", "StatusCode: 401, Reason: Unauthorized", Refused),
    (400, "InvalidParameters", "StatusCode: 403, Reason: Forbidden", Refused),
    (400, "InvalidParameters", "requested access to the resource is denied", Refused),
    (400, "InvalidParameters", "StatusCode: 503, Reason: Service Unavailable", Unavailable),
    (400, "InvalidParameters", "Error copying blobs.", Unavailable),
    (400, "InvalidParameters", "The import names no target.", Refused),
    (409, "Conflict", "another operation is in progress", Unavailable),
]  # fmt: skip


@pytest.mark.parametrize(("status", "code", "message", "kind"), IMPORT_ERRORS)
def test_what_the_source_answered_decides(status: int, code: str, message: str, kind: type[ServiceError]) -> None:
    with pytest.raises(kind) as error, start_errors("importing"):
        raise http_error(status, code, message)
    assert type(error.value) is kind


@pytest.mark.parametrize(("status", "code", "message", "kind"), IMPORT_ERRORS)
def test_an_import_that_ended_badly_is_told_with_its_cause(
    status: int, code: str, message: str, kind: type[ServiceError]
) -> None:
    with pytest.raises(OperationFailed) as error, look_errors("looking"):
        raise http_error(status, code, message)
    assert error.value.temporary is kind.temporary


@pytest.mark.parametrize(
    ("status", "kind"),
    [(401, Refused), (403, Refused), (404, NotFound), (408, Unavailable), (429, RateLimited), (500, Unavailable)],
)
def test_a_look_that_could_not_be_made_says_nothing_about_the_import(status: int, kind: type[ServiceError]) -> None:
    with pytest.raises(kind) as error, look_errors("looking"):
        raise http_error(status, "TooManyRequests", "Too many requests")
    assert not isinstance(error.value, OperationFailed)


def test_a_failure_that_came_with_status_200_is_a_failure_that_may_pass() -> None:
    with pytest.raises(OperationFailed) as error, look_errors("looking"):
        raise http_error(200, "InternalError", "something broke")
    assert error.value.temporary


def test_a_connection_that_broke_during_a_look_says_nothing_about_the_import() -> None:
    with pytest.raises(Unavailable), look_errors("looking"):
        raise azure.ServiceResponseError("reset by peer")

"""What the text of a failed import means, and whether another import may succeed."""

from __future__ import annotations

import pytest
from azure.core import exceptions as azure

from shared.adapters.azure.import_errors import look_errors, start_errors
from shared.errors import (
    NotFound,
    NotPermitted,
    OperationFailed,
    RateLimited,
    Refused,
    ServiceError,
    Unavailable,
    Unexplained,
)
from tests.unit.adapters.azure.test_errors import http_error

pytestmark = pytest.mark.unit

# What Resource Manager writes before the reason: more than is ever shown.
PREFIX = (
    "Operation registries-0a1b2c3d-4e5f-11ef-8a9b-0c1d2e3f4a5b failed. Resource /subscriptions/11111111-2222-3333-4444-"
    "555555555555/resourceGroups/rg-a-platform-team-with-a-long-name-and-its-region-westeurope-production/providers/"
    "Microsoft.ContainerRegistry/registries/contosostagingregistrywithalongnamewestus "
)
MANIFEST = '{"schemaVersion": 2, "config": {"digest": "sha256:' + "0" * 64 + '"}, "layers": [' + "{}, " * 100 + "{}]}"

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
    (400, "InvalidParameters", "Unexpected response status code", Unavailable),
    (400, "InvalidParameters", "Unexpected length of body", Unavailable),
    (400, "InvalidParameters", "The remote server may not be RFC 7233 compliant", Refused),
    (400, "InvalidParameters", "The number of manifests exceeds the limit of 50", Refused),
    (400, "InvalidParameters", "An image of more than 50 manifests cannot be imported", Refused),
    (400, "InvalidParameters", f"Unable to find manifest digest Repo: a/b Tag: 1 Manifest: {MANIFEST}", NotFound),
    (400, "InvalidParameters", 'Invalid message Unauthorized Unauthorized {"errors":[{"code":"UNAUTHORIZED",'
     '"message":"Access to the requested resource is not authorized"}]}', Refused),
    (401, "Unauthorized", '{"errors":[{"code":"UNAUTHORIZED","message":"authentication required"}]}', Refused),
    (403, "Forbidden", '{\\"errors\\":[{\\"code\\":\\"DENIED\\",\\"message\\":\\"no\\"}]}', Refused),
    (404, "NotFound", '{"errors":[{"code":"NAME_UNKNOWN","message":"repository name not known"}]}', NotFound),
    (429, "TooManyRequests", '{"errors":[{"code":"TOOMANYREQUESTS","message":"slow down"}]}', RateLimited),
]  # fmt: skip


@pytest.mark.parametrize(("status", "code", "message", "kind"), IMPORT_ERRORS)
def test_what_the_source_answered_decides(status: int, code: str, message: str, kind: type[ServiceError]) -> None:
    with pytest.raises(kind) as error, start_errors("importing"):
        raise http_error(status, code, message)
    assert type(error.value) is kind


@pytest.mark.parametrize(("status", "code", "message", "kind"), IMPORT_ERRORS)
def test_what_stands_before_the_reason_hides_it_from_nobody(
    status: int, code: str, message: str, kind: type[ServiceError]
) -> None:
    with pytest.raises(OperationFailed) as error, look_errors("looking"):
        raise http_error(status, code, PREFIX + message)
    assert type(error.value.cause) is kind
    assert message[:80].replace("\\", "") in str(error.value).replace("\\", ""), "people read the reason"
    assert "subscriptions" not in str(error.value)


@pytest.mark.parametrize(("status", "code", "message", "kind"), IMPORT_ERRORS)
def test_an_import_that_ended_badly_is_told_with_its_cause(
    status: int, code: str, message: str, kind: type[ServiceError]
) -> None:
    with pytest.raises(OperationFailed) as error, look_errors("looking"):
        raise http_error(status, code, message)
    assert error.value.temporary is kind.temporary


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (401, NotPermitted),
        (403, NotPermitted),
        (404, NotFound),
        (408, Unavailable),
        (429, RateLimited),
        (500, Unavailable),
    ],
)
def test_a_look_that_could_not_be_made_says_nothing_about_the_import(status: int, kind: type[ServiceError]) -> None:
    with pytest.raises(kind) as error, look_errors("looking"):
        raise http_error(status, "TooManyRequests", "Too many requests")
    assert not isinstance(error.value, OperationFailed)


@pytest.mark.parametrize("status", [400, 401, 403, 404, 409, 429, 500])
@pytest.mark.parametrize("reason", ["The widget is wedged.", MANIFEST])
def test_an_operation_that_failed_for_a_reason_nobody_knows_is_worth_a_few_tries(status: int, reason: str) -> None:
    with pytest.raises(OperationFailed) as error, look_errors("looking"):
        raise http_error(status, "Conflict", PREFIX + reason)
    assert type(error.value.cause) is Unexplained
    assert reason[:40] in str(error.value)


def test_a_limit_that_is_not_about_manifests_is_none_of_them() -> None:
    with pytest.raises(OperationFailed) as error, look_errors("looking"):
        raise http_error(400, "InvalidParameters", PREFIX + "The time limit was exceeded while reading manifests.")
    assert type(error.value.cause) is Unexplained


def test_a_request_that_arm_does_not_accept_is_refused() -> None:
    with pytest.raises(Refused), start_errors("importing"):
        raise http_error(400, "InvalidParameters", "The import names no target.")


def test_a_tag_that_another_import_is_busy_with_is_asked_for_again() -> None:
    with pytest.raises(Unavailable), start_errors("importing"):
        raise http_error(409, "Conflict", "another operation is in progress")


def test_a_failure_that_came_with_status_200_is_a_failure_that_may_pass() -> None:
    with pytest.raises(OperationFailed) as error, look_errors("looking"):
        raise http_error(200, "InternalError", "something broke")
    assert error.value.temporary


def test_a_connection_that_broke_during_a_look_says_nothing_about_the_import() -> None:
    with pytest.raises(Unavailable), look_errors("looking"):
        raise azure.ServiceResponseError("reset by peer")

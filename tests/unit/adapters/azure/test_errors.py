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
from shared.errors import NotFound, NotPermitted, RateLimited, Refused, ServiceError, Unavailable

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
    [(400, Refused), (401, NotPermitted), (403, NotPermitted), (404, NotFound), (405, Refused), (408, Unavailable),
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


def test_a_missing_role_may_have_been_given_just_now() -> None:
    error = azure_error(http_error(403, "AuthorizationFailed", "no"), "doing it", "A Role")
    assert error.temporary
    assert "takes up to ten minutes to work" in str(error)


def test_a_right_that_is_missing_on_another_resource_is_named_with_that_resource() -> None:
    scope = "/subscriptions/11111111-2222-3333-4444-555555555555/resourceGroups/{group}/providers/{kind}/{name}"
    asked = scope.format(group="platform", kind="Microsoft.ContainerRegistry/registries", name="contosobase")
    lacking = scope.format(group="staging", kind="Microsoft.ContainerRegistry/registries", name="contosostaging")
    sentence = (
        "The client '11111111-2222-3333-4444-555555555555' with object id '66666666-7777-8888-9999-000000000000' has "
        f"permission to perform action 'Microsoft.ContainerRegistry/registries/importImage/action' on scope '{asked}'; "
        f"however, it does not have permission to perform action(s) 'Microsoft.ContainerRegistry/registries/pull/read' "
        f"on the linked scope(s) '{lacking}' (respectively) or the linked scope(s) are invalid."
    )
    error = azure_error(http_error(403, "LinkedAuthorizationFailed", sentence), "importing a as b", "A Role")
    assert isinstance(error, NotPermitted)
    assert "lacks 'Microsoft.ContainerRegistry/registries/pull/read' on contosostaging" in str(error)
    assert f"the role 'A Role' on {lacking}" in str(error)
    assert "contosobase" not in str(error), "that registry is in order"
    assert len(str(error)) < 600, "a record keeps no more"

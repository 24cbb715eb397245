"""Errors of the storage SDKs: every one is translated, and none carries a secret out."""

from __future__ import annotations

import inspect
import traceback
from types import ModuleType, SimpleNamespace
from typing import Any

import azure.core.exceptions
import azure.data.tables
import azure.identity
import azure.storage.blob
import azure.storage.queue
import pytest
from azure.core.exceptions import AzureError, HttpResponseError, ServiceRequestError

from shared.adapters.storage.account import StorageAccount
from shared.adapters.storage.blobs import Container, EvidenceBlobs
from shared.adapters.storage.errors import translate, translated
from shared.adapters.storage.queues import Queues
from shared.adapters.storage.tables import Row, Table
from shared.domain.events.messages import ListTasks
from shared.errors import (
    ConfigurationError,
    Conflict,
    NotFound,
    RateLimited,
    Refused,
    ServiceError,
    TidegateError,
    Unavailable,
)
from shared.storage_settings import Storage
from tests.contract.azurite import ACCOUNT, connection_string
from tests.contract.conftest import no_credential

pytestmark = pytest.mark.contract

MAPPED: dict[str, type[TidegateError]] = {
    "AzureError": ServiceError,
    "ServiceRequestError": Unavailable,
    "ServiceResponseError": Unavailable,
    "ServiceRequestTimeoutError": Unavailable,
    "ServiceResponseTimeoutError": Unavailable,
    "HttpResponseError": Unavailable,
    "DecodeError": Unavailable,
    "IncompleteReadError": Unavailable,
    "ResourceExistsError": Conflict,
    "ResourceNotFoundError": NotFound,
    "ClientAuthenticationError": Unavailable,
    "ResourceModifiedError": Conflict,
    "ResourceNotModifiedError": Refused,
    "TooManyRedirectsError": Refused,
    "ODataV4Error": Unavailable,
    "StreamConsumedError": ServiceError,
    "StreamClosedError": ServiceError,
    "ResponseNotReadError": ServiceError,
    "SerializationError": ServiceError,
    "DeserializationError": ServiceError,
    # Of the SDKs themselves.
    "TableTransactionError": Unavailable,
    "RequestTooLargeError": Unavailable,
    "PartialBatchErrorException": Unavailable,
    "CredentialUnavailableError": Unavailable,
    "AuthenticationRequiredError": Unavailable,
}
MODULES = (azure.core.exceptions, azure.data.tables, azure.storage.blob, azure.storage.queue, azure.identity)


def errors_of(module: ModuleType) -> list[type[Exception]]:
    """Return the exceptions a module offers."""
    return [kind for _, kind in inspect.getmembers(module, inspect.isclass) if issubclass(kind, Exception)]


KINDS = sorted({kind for module in MODULES for kind in errors_of(module)}, key=lambda kind: kind.__name__)


def without_response(kind: type[Exception]) -> Exception:
    """Make an error as if nothing had been answered, without running what its class asks for."""
    error = kind.__new__(kind)
    Exception.__init__(error, "sig=secret")
    return error


def answered(status: int, code: str = "", headers: dict[str, str] | None = None) -> HttpResponseError:
    """Make the error of an answer."""
    response: Any = SimpleNamespace(status_code=status, reason="because", headers=headers or {}, text=lambda: "secret")
    error = HttpResponseError("secret", response=response)
    error.error_code = code  # type: ignore[attr-defined]
    return error


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
def test_every_error_of_the_sdks_is_mapped(kind: type[Exception]) -> None:
    assert type(translate(without_response(kind), "reading")) is MAPPED[kind.__name__]


def test_every_azure_error_there_is_is_among_those_that_are_caught() -> None:
    caught = (AzureError, azure.core.exceptions.SerializationError, azure.core.exceptions.DeserializationError)
    assert [kind for kind in KINDS if not issubclass(kind, caught)] == []


@pytest.mark.parametrize(
    ("status", "code", "expected"),
    [
        (400, "InvalidInput", Refused),
        (401, "NoAuthenticationInformation", Refused),
        (403, "AuthorizationPermissionMismatch", Refused),
        (404, "TableNotFound", NotFound),
        (408, "", Unavailable),
        (409, "EntityAlreadyExists", Conflict),
        (409, "TableBeingDeleted", Unavailable),
        (412, "UpdateConditionNotSatisfied", Conflict),
        (413, "RequestBodyTooLarge", Refused),
        (429, "TooManyRequests", RateLimited),
        (500, "InternalError", Unavailable),
        (500, "OperationTimedOut", Unavailable),
        (503, "ServerBusy", RateLimited),
    ],
)
def test_an_answer_is_judged_by_its_status(status: int, code: str, expected: type[TidegateError]) -> None:
    error = translate(answered(status, code), "reading row a")
    assert type(error) is expected
    assert str(error).startswith("reading row a: ")
    assert code in str(error)
    assert "secret" not in str(error)


def test_how_long_the_account_asks_to_wait_is_kept() -> None:
    assert translate(answered(503, "ServerBusy", {"Retry-After": "7"}), "reading").retry_after == 7
    assert translate(answered(503, "ServerBusy", {"Retry-After": "soon"}), "reading").retry_after is None


def test_a_translated_error_shows_nothing_of_the_one_it_came_from() -> None:
    with pytest.raises(Unavailable) as raised, translated("reading row a"):
        raise ServiceRequestError("https://account.test/?sig=secret")
    assert "secret" not in "".join(traceback.format_exception(raised.value))


WRONG_KEY = "d3Jvbmcga2V5IHRoYXQgaXMgYSBzZWNyZXQgYWxsIHRoZSBzYW1l"
LOOK = ListTasks(v=1, registry="r", step=1)
CALLS = [
    pytest.param(lambda account: Table(account, "things").find("p", "k"), id="find"),
    pytest.param(lambda account: Table(account, "things").insert(Row("p", "k", "{}")), id="insert"),
    pytest.param(lambda account: Table(account, "things").write_together((), Row("p", "k", "{}"), ""), id="together"),
    pytest.param(lambda account: list(Table(account, "things").select("PartitionKey eq @p", {"p": "p"})), id="select"),
    pytest.param(lambda account: Table(account, "things").delete("p", "k", "e"), id="delete"),
    pytest.param(lambda account: Table(account, "things").replace(Row("p", "k", "{}"), "e"), id="replace"),
    pytest.param(lambda account: Queues(account).send(LOOK), id="send"),
    pytest.param(lambda account: Container(account, "config").read("images.yaml", 100), id="read"),
    pytest.param(lambda account: list(Container(account, "config").under("gates/")), id="under"),
    pytest.param(lambda account: EvidenceBlobs(account).keep("c", "run.log", b""), id="keep"),
]


@pytest.mark.parametrize("call", CALLS)
def test_a_wrong_key_is_told_with_what_to_do_and_without_the_key(call: Any, azurite: dict[str, int]) -> None:
    account = StorageAccount(Storage(connection_string=connection_string(azurite, WRONG_KEY)), no_credential)
    with pytest.raises(Refused, match="check the key in the connection string") as raised:
        call(account)
    shown = "".join(traceback.format_exception(raised.value))
    assert WRONG_KEY not in shown
    assert "SharedKey" not in shown


@pytest.mark.parametrize("call", CALLS)
def test_an_account_that_does_not_answer_is_unavailable_and_its_sas_token_stays_secret(
    call: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("shared.adapters.storage.account.RETRIES", 0)
    addresses = ";".join(f"{kind}Endpoint=http://127.0.0.1:9/{ACCOUNT}" for kind in ("Blob", "Queue", "Table"))
    sas = "sv=2022-11-02&ss=bqt&srt=sco&sp=rw&se=2099-01-01T00:00:00Z&sig=c2VjcmV0"
    account = StorageAccount(
        Storage(connection_string=f"{addresses};SharedAccessSignature={sas};AccountName={ACCOUNT}"), no_credential
    )
    with pytest.raises(Unavailable, match="gave no answer") as raised:
        call(account)
    assert "c2VjcmV0" not in "".join(traceback.format_exception(raised.value))


@pytest.mark.parametrize("text", ["nonsense", "AccountName=a;AccountKey", "AccountKey=c2VjcmV0"])
@pytest.mark.parametrize("call", CALLS)
def test_what_is_no_connection_string_is_told_without_repeating_it(call: Any, text: str) -> None:
    with pytest.raises(ConfigurationError, match="AzureWebJobsStorage cannot be used") as raised:
        call(StorageAccount(Storage(connection_string=text), no_credential))
    assert text not in "".join(traceback.format_exception(raised.value, limit=0))

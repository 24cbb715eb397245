"""What an import is on the wire, and what becomes of it when the other side fails."""

from __future__ import annotations

import time

import pytest

from infra.local.topology import BASE, STAGING
from shared.domain.references import DOCKER_HUB, Digest, Repository, Tag
from shared.errors import NotFound, NotPermitted, OperationFailed, RateLimited, ServiceError, Unavailable
from shared.ports import ImportSource
from tests.contract.registry_fixtures import HUB_TOKEN, Outside, emulator, outside, word
from tests.contract.registry_sites import RegistrySite, acr, registry_site
from tests.twin.images import push_image

__all__ = ["emulator", "outside", "word"]
pytestmark = pytest.mark.contract

TAG = Tag("22")


@pytest.fixture
def pushed(outside: Outside, word: str) -> ImportSource:
    """An image on Docker Hub."""
    digest = push_image(outside.topology, "docker_hub", f"library/{word}:{TAG}", "text")
    return ImportSource(Repository(DOCKER_HUB, f"library/{word}"), Digest(digest))


@pytest.fixture
def site(outside: Outside) -> RegistrySite:
    """Staging and base."""
    return registry_site(outside)


def test_an_import_is_one_request_each_look_another_and_reading_back_four(
    outside: Outside, site: RegistrySite, pushed: ImportSource, word: str
) -> None:
    outside.control("POST", "/settings", {"import_seconds": 0.5})
    operation = site.staging.start_import(pushed, word, TAG)
    assert outside.counts("arm") == {"importImage": 1}
    assert (operation.done, operation.retry_after) == (False, 1.0)
    assert site.staging.look_at_import(operation.token).done is False
    assert outside.counts("arm") == {"importImage": 1, "poll operation": 1}
    site.finish(site.staging, operation)
    outside.forget_counts()
    assert site.staging.digest(word, TAG) == pushed.digest
    assert sum(outside.counts("staging").values()) == 4


def test_another_process_can_look_at_an_import(outside: Outside, pushed: ImportSource, word: str) -> None:
    operation = acr(outside, STAGING, "staging").start_import(pushed, word, TAG)
    other = acr(outside, STAGING, "staging")
    RegistrySite(None, other, other).finish(other, operation)  # type: ignore[arg-type]
    assert other.digest(word, TAG) == pushed.digest


def test_an_import_that_arm_forgot_is_not_found(
    outside: Outside, site: RegistrySite, pushed: ImportSource, word: str
) -> None:
    operation = site.staging.start_import(pushed, word, TAG)
    outside.fault("arm", "status", kind="poll operation", status=404)
    with pytest.raises(NotFound):
        site.staging.look_at_import(operation.token)


@pytest.mark.parametrize(
    ("code", "message", "cause", "temporary"),
    [
        ("InvalidParameters", "Error copying blobs", "broke off", True),
        ("InvalidParameters", "StatusCode: 429, Reason: Too Many Requests, TOOMANYREQUESTS", "fewer requests", True),
        ("InvalidParameters", "StatusCode: 404, MANIFEST_UNKNOWN", "does not hold it", False),
        ("InvalidParameters", "StatusCode: 401, Reason: Unauthorized", "check the account", False),
        ("Conflict", "another operation is under way", "another operation", True),
        ("OperationDisallowed", "The tag is locked", "locked", True),
    ],
)
def test_an_import_that_failed_says_why_and_whether_another_may_succeed(
    outside: Outside, site: RegistrySite, pushed: ImportSource, word: str, code: str, message: str, cause: str, *,
    temporary: bool,
) -> None:  # fmt: skip
    outside.fault("arm", "fail-operation", kind="importImage", code=code, message=message)
    operation = site.staging.start_import(pushed, word, TAG)
    with pytest.raises(OperationFailed, match=cause) as failed:
        site.finish(site.staging, operation)
    assert failed.value.temporary is temporary


@pytest.mark.parametrize("status", [401, 403, 429, 500, 503])
def test_a_look_that_cannot_be_made_does_not_say_that_the_import_failed(
    outside: Outside, site: RegistrySite, pushed: ImportSource, word: str, status: int
) -> None:
    operation = site.staging.start_import(pushed, word, TAG)
    outside.fault("arm", "status", kind="poll operation", status=status, times=3)
    with pytest.raises(ServiceError) as error:
        site.staging.look_at_import(operation.token)
    assert not isinstance(error.value, OperationFailed | NotFound)
    outside.control("DELETE", "/faults")
    site.finish(site.staging, operation)


def test_arm_that_asks_to_wait_is_not_waited_for(outside: Outside, pushed: ImportSource, word: str) -> None:
    body = '{"error":{"code":"TooManyRequests","message":"Number of requests exceeded the limit"}}'
    outside.fault("arm", "status", kind="importImage", status=429, headers={"Retry-After": "30"}, body=body)
    began = time.monotonic()
    with pytest.raises(RateLimited) as limited:
        acr(outside, STAGING, "staging").start_import(pushed, word, TAG)
    assert limited.value.retry_after == 30
    assert time.monotonic() - began < 10
    assert outside.counts("arm") == {"importImage": 1}


@pytest.mark.parametrize("status", [403, 429, 500, 502])
def test_an_answer_that_is_no_json_does_not_escape_translation(
    outside: Outside, site: RegistrySite, pushed: ImportSource, word: str, status: int
) -> None:
    outside.fault("arm", "status", kind="importImage", status=status, body="<html>proxy</html>")
    with pytest.raises(Unavailable):
        site.staging.start_import(pushed, word, TAG)


def test_a_missing_role_is_named(outside: Outside, site: RegistrySite, pushed: ImportSource, word: str) -> None:
    body = '{"error":{"code":"AuthorizationFailed","message":"The client does not have authorization"}}'
    outside.fault("arm", "status", kind="importImage", status=403, body=body)
    with pytest.raises(NotPermitted, match="Data Importer") as refused:
        site.base.start_import(pushed, word, TAG)
    assert refused.value.code == "AuthorizationFailed"


def test_a_registry_that_does_not_answer_when_read_back_is_unavailable(
    outside: Outside, site: RegistrySite, word: str
) -> None:
    outside.fault("staging", "status", status=503)
    with pytest.raises(Unavailable):
        site.staging.digest(word, TAG)


def test_what_an_import_left_is_read_from_the_registry_and_not_believed(
    outside: Outside, site: RegistrySite, pushed: ImportSource, word: str
) -> None:
    site.stage(pushed, word, TAG)
    other = push_image(outside.topology, "staging", f"{word}:{TAG}", "somebody else's")
    assert site.staging.digest(word, TAG) == other != pushed.digest


def test_an_identity_that_gives_no_token_is_an_outage(
    outside: Outside, pushed: ImportSource, word: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("IDENTITY_HEADER", "wrong")
    with pytest.raises(Unavailable, match="managed identity"):
        acr(outside, BASE, "base").start_import(pushed, word, TAG)


def test_no_secret_of_docker_hub_is_in_a_continuation_token(
    site: RegistrySite, pushed: ImportSource, word: str
) -> None:
    from azure.core.polling._utils import _decode_continuation_token  # noqa: PLC0415

    token = site.staging.start_import(pushed, word, TAG).token
    shown = str(_decode_continuation_token(token))
    assert pushed.repository.path not in shown, "the request's body is not in the token"
    assert HUB_TOKEN not in shown
    assert "uthorization" not in shown

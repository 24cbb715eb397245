"""Keys and routes of the product under Microsoft's host."""

from __future__ import annotations

import pytest

from infra.local.twin.api_key import api_key
from tests.host.conftest import needs_keys
from tests.host.product import Product


@pytest.mark.parametrize("key", [None, "", "wrong"])
@pytest.mark.parametrize("call", ["GET candidates", "GET images/node/tags", "POST check", "GET no/such", "PUT check"])
def test_nobody_calls_without_an_identity(product: Product, call: str, key: str | None) -> None:
    method, path = call.split()
    answer = product.ask(method, f"/api/{path}", headers={"x-api-key": key} if key is not None else {})
    assert (answer.status_code, answer.headers["Content-Type"]) == (401, "application/problem+json")


@needs_keys
@pytest.mark.parametrize("key", [None, "", "wrong"])
def test_the_webhook_is_closed_without_the_function_key(product: Product, key: str | None) -> None:
    assert product.ask("POST", "/api/webhooks/acr", key).status_code == 401


def test_a_header_that_names_who_signed_in_is_forged_here_and_refused(product: Product) -> None:
    forged = {"X-MS-CLIENT-PRINCIPAL": "eyJhdXRoX3R5cCI6ImFhZCIsImNsYWltcyI6W119"}
    assert product.ask("GET", "/api/candidates", headers={**forged, **_key(product)}).status_code == 401


@needs_keys
def test_the_function_key_does_not_open_the_hosts_own_addresses(product: Product) -> None:
    assert product.ask("GET", "/admin/functions", product.twin.topology.function_key).status_code == 403


def test_everybody_may_ask_whether_the_app_is_up(product: Product) -> None:
    answer = product.ask("GET", "/api/health")
    assert (answer.status_code, answer.json()) == (200, {"status": "ok"})


@pytest.mark.parametrize("path", ["/API/Candidates", "/api/candidates/"])
def test_an_address_is_known_in_any_case_and_with_a_slash_at_its_end(product: Product, path: str) -> None:
    assert product.ask("GET", path, headers=_key(product)).json().keys() == {"candidates"}


@pytest.mark.parametrize(
    ("call", "status"),
    [
        ("HEAD candidates", 405),
        ("OPTIONS candidates", 405),
        ("DELETE candidates", 405),
        ("PUT check", 405),
        ("GET check", 405),
        ("POST health", 404),
        ("GET nothing", 404),
        ("GET candidates//", 404),
        ("GET ", 404),
    ],
)
def test_another_method_or_path_is_told_by_the_products_own_table(product: Product, call: str, status: int) -> None:
    method, path = call.split(" ")
    answer = product.ask(method, f"/api/{path}", headers=_key(product))
    assert answer.status_code == status
    assert answer.headers.get("Allow") == ({"check": "POST", "candidates": "GET"}[path] if status == 405 else None)


def test_a_path_segment_reaches_the_product_which_explains_what_is_wrong_with_it(product: Product) -> None:
    for segment, shown in (("no~such", "no~such"), ("a%2Fb", "a%2Fb"), ("a%20b", "a b")):
        answer = product.ask("GET", f"/api/candidates/{segment}", headers=_key(product))
        assert (answer.status_code, answer.headers["Content-Type"]) == (400, "application/problem+json")
        assert shown in answer.json()["detail"]


def _key(product: Product) -> dict[str, str]:
    return {"x-api-key": api_key(product.twin.topology)}

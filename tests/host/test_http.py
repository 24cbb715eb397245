"""Keys and routes of the product under Microsoft's host."""

from __future__ import annotations

import pytest

from tests.host.conftest import needs_keys
from tests.host.product import Product


@needs_keys
@pytest.mark.parametrize("key", [None, "", "wrong"])
@pytest.mark.parametrize("call", ["GET candidates", "GET images/node/tags", "POST check", "POST webhooks/acr"])
def test_nobody_calls_without_the_key(product: Product, call: str, key: str | None) -> None:
    method, path = call.split()
    assert product.ask(method, f"/api/{path}", key).status_code == 401


def test_the_key_is_taken_from_the_header_and_from_the_query(product: Product) -> None:
    key = product.twin.topology.function_key
    assert product.ask("GET", "/api/candidates", key).status_code == 200
    assert product.ask("GET", f"/api/candidates?code={key}").status_code == 200


@needs_keys
def test_the_function_key_does_not_open_the_hosts_own_addresses(product: Product) -> None:
    assert product.ask("GET", "/admin/functions", product.twin.topology.function_key).status_code == 403


def test_everybody_may_ask_whether_the_app_is_up(product: Product) -> None:
    answer = product.ask("GET", "/api/health")
    assert (answer.status_code, answer.json()) == (200, {"status": "ok"})


@pytest.mark.parametrize("path", ["/API/Candidates", "/api/candidates/"])
def test_an_address_is_known_in_any_case_and_with_a_slash_at_its_end(product: Product, path: str) -> None:
    assert product.ask("GET", path, product.twin.topology.function_key).json().keys() == {"candidates"}


@pytest.mark.parametrize("call", ["HEAD health", "PUT check", "GET check", "GET nothing"])
def test_another_method_or_path_is_not_found(product: Product, call: str) -> None:
    method, path = call.split()
    assert product.ask(method, f"/api/{path}", product.twin.topology.function_key).status_code == 404


def test_a_path_segment_reaches_the_product_which_explains_what_is_wrong_with_it(product: Product) -> None:
    answer = product.ask("GET", "/api/candidates/no~such", product.twin.topology.function_key)
    assert (answer.status_code, answer.headers["Content-Type"]) == (400, "application/problem+json")
    assert "no~such" in answer.json()["detail"]

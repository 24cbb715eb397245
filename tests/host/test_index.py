"""What Microsoft's host finds in the app as it would be deployed."""

from __future__ import annotations

import pytest

from tests.host.product import Product
from tests.runtime.expected import HTTP, HTTP_ANSWER, TRIGGERS


def test_every_function_is_indexed_under_its_name_and_no_other(product: Product) -> None:
    assert sorted(product.functions()) == sorted(TRIGGERS)


@pytest.mark.parametrize("name", TRIGGERS)
def test_a_function_has_the_trigger_that_the_app_declares(product: Product, name: str) -> None:
    bindings = product.functions()[name]["config"]["bindings"]
    assert bindings == [TRIGGERS[name], *([HTTP_ANSWER] if name in HTTP else [])]


def test_no_function_is_switched_off_where_the_registry_calls_the_app(product: Product) -> None:
    off = {name for name, function in product.functions().items() if function["isDisabled"]}
    assert off == set()


def test_no_function_is_left_out(product: Product) -> None:
    assert "failed indexing" not in product.log()

"""What people decide is told at every kind of destination, by the product's own parts and real adapters."""

from __future__ import annotations

import pytest
import requests

from infra.local.receivers.receivers import destination_settings
from shared.adapters.notify.senders import DestinationSenders
from shared.domain.promotion.said import Said
from shared.domain.promotion.target import target_id
from shared.domain.references import Tag
from shared.outside_for_people import utc_now
from tests.integration.conftest import Product

pytestmark = pytest.mark.integration

# Of mail there are two destinations: one for each way in which TLS begins.
ONE_OF_EACH = {"slack": 1, "teams": 1, "webhook": 1, "mail": 2}


@pytest.fixture
def told(product: Product) -> Product:
    """The product with a destination of each kind."""
    product.configure(settings=destination_settings(product.twin.topology))
    # What is signed has to be fresh, and the product's own time is another.
    product.parts.__dict__["senders"] = DestinationSenders(product.parts.settings.destinations, utc_now)
    requests.delete(f"{product.twin.topology.http('control')}/received", timeout=9)
    return product


def received(product: Product) -> list[dict[str, object]]:
    """What the receivers got."""
    found: list[dict[str, object]] = requests.get(f"{product.twin.topology.http('control')}/received", timeout=9).json()
    return found


def by_front(messages: list[dict[str, object]]) -> dict[str, int]:
    """How many each receiver got."""
    fronts = [str(message["front"]) for message in messages]
    return {front: fronts.count(front) for front in fronts}


def test_a_pin_is_told_once_at_every_destination_and_shown_there(told: Product) -> None:
    told.update("one")
    target = target_id(told.parts.target_book.registry, told.target, Tag("1"))
    told.parts.actor.pin(target, None, None, Said("ada", "not before <!channel> monday", told.clock()))
    told.settle()
    pinned = [message for message in received(told) if "inned" in str(message["body"])]
    assert by_front(pinned) == ONE_OF_EACH
    assert [message["why"] for message in pinned if not message["shown"]] == []
    assert not [call for message in pinned for call in message["calls"] if "!channel" in call]  # type: ignore[attr-defined]


def test_a_destination_is_tried_and_says_what_it_answered(told: Product) -> None:
    acts = told.parts.notifying.acts(told.parts.activity)
    tried = {name: acts.test(name, "ada", told.clock()) for name in told.parts.senders.names}
    assert [name for name, one in tried.items() if not one.sent] == []
    assert (tried["slack"].said, tried["teams"].status, tried["webhook"].status) == ("ok", 202, 204)
    assert by_front(received(told)) == ONE_OF_EACH

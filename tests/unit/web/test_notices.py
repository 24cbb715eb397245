"""What the HTTP API says of destinations and notices."""

from __future__ import annotations

from typing import Any

import azure.functions as func
import msgspec
import pytest

from shared.domain.access.callers import Caller, Kind, Role
from shared.errors import MalformedRequest
from shared.web.asked import Asked
from shared.web.notices import Notices
from tests.doubles.world import World
from tests.unit.flows.told_people import CHAT, HOUR, notice, tell, watched

pytestmark = pytest.mark.unit

ADA = Caller(Kind.PERSON, "ada@t", "ada", frozenset({Role.OPERATOR}))


def served(world: World) -> Notices:
    """What serves them."""
    told = world.notifying
    return Notices(lister=lambda: told.lister, acts=lambda: told.acts(world.activity), clock=world.clock)


def asked(body: object = None, params: dict[str, str] | None = None, **parameters: str) -> Asked:
    """A request."""
    raw = msgspec.json.encode(body) if body is not None else b""
    return Asked(func.HttpRequest("GET", "/api/x", params=params or {}, body=raw), parameters, ADA)


def content(answer: func.HttpResponse) -> Any:
    """What an answer says."""
    assert answer.status_code == 200
    return msgspec.json.decode(answer.get_body())


def test_destinations_tell_how_they_fare() -> None:
    world = watched()
    tell(world, [notice(1)])
    first = content(served(world).destinations(asked()))["destinations"][0]
    assert (first["name"], first["pending"], first["broken"], first["suppressed"]) == (CHAT, 0, None, [])
    assert set(first["kinds"]) == {"blocked"}


def test_where_there_is_no_destination_none_is_listed() -> None:
    world = World()
    assert content(served(world).destinations(asked())) == {"destinations": []}
    assert content(served(world).notices(asked())) == {"notices": []}


def test_notices_are_listed_by_destination_and_state() -> None:
    world = watched()
    tell(world, [notice(1), notice(2, "promoted")])
    found = content(served(world).notices(asked(params={"state": "pending", "destination": CHAT})))["notices"]
    assert [(one["kind"], one["deliveries"][0]["state"]) for one in found] == [("promoted", "pending")]
    with pytest.raises(MalformedRequest, match="none of pending, sent"):
        served(world).notices(asked(params={"state": "nonsense"}))


def test_a_destination_is_tried_and_muted_and_a_notice_sent_once_more() -> None:
    world = watched()
    tell(world, [notice(1)])
    api = served(world)
    assert content(api.test(asked(destination=CHAT)))["sent"] is True
    until = world.clock() + HOUR
    body = {"until": until, "why": "planned work"}
    muted = content(api.mute(asked(body, destination=CHAT)))["muted"]
    assert muted["by"].startswith("ada")
    resent = content(api.resend(asked({"destination": CHAT, "why": "lost"}, notice=notice(1).key)))
    assert resent["state"] == "pending"


@pytest.mark.parametrize("body", [{}, {"until": "soon", "why": "x"}, {"until": "2026-01-01T00:00:00", "why": "x"}])
def test_a_body_that_says_something_else_is_refused(body: object) -> None:
    with pytest.raises(MalformedRequest, match="the body is not an object"):
        served(watched()).mute(asked(body, destination=CHAT))

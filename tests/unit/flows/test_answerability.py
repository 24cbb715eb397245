"""What nobody could approve is told before anything waits for it: in the log, as a trouble, and to who asks."""

from __future__ import annotations

import json
from types import SimpleNamespace

import pytest

from shared import serving
from shared.domain.access.api_keys import new_key
from shared.domain.access.callers import Caller, Kind, Role
from shared.domain.watching.troubles import Kind as TroubleKind
from shared.errors import Unavailable
from shared.flows.tell_troubles import SURVEY_EVERY
from shared.web.asked import Asked
from tests.doubles.paged import parts_of, request_for
from tests.doubles.world import World

pytestmark = pytest.mark.unit

ENTRY = """
  - name: {0}
    source: docker.io/library/{0}
    tags: [22-alpine]
    target: base/{0}
    policy: people
"""
POLICIES = "policies: {{people: {{approval: {{machines: [{0}]}}}}}}\nimages:"
LINE = "nobody-could-approve: policy:people: "


def listed(machines: str = "", *names: str) -> bytes:
    """A list with a policy that asks for an approval, and some entries."""
    return (POLICIES.format(machines) + "".join(map(ENTRY.format, names or ("node",)))).encode()


def closed(watch_list: bytes) -> World:
    """A world in which nobody signs in."""
    world = World(watch_list)
    world.sign_in = False
    world.start()
    return world


def survey(world: World) -> list[str]:
    """Survey what is wrong, and return what lasts of this kind."""
    world.clock.advance(SURVEY_EVERY)
    world.teller.survey()
    return [one.trouble.detail for one in world.lasting if one.trouble.kind is TroubleKind.NOBODY_APPROVES]


def logged(caplog: pytest.LogCaptureFixture) -> int:
    """How often it was logged by who looks for it; the trouble's own line is one more, when it begins."""
    return sum(record.getMessage().startswith(LINE) for record in caplog.records)


def test_it_is_a_trouble_that_names_policy_entries_reason_and_what_to_do() -> None:
    world = closed(listed("", "node", "python", "go", "rust"))
    [told] = survey(world)
    assert told == (
        "nobody could approve what comes by the policy people: it asks for 1 approvals, nobody signs in here, and 0 of "
        "its machines can agree. Let people sign in, or name keys with the role approver among the approval's "
        "`machines`. It holds for node, python, go and 1 more"
    )
    assert [one.name for one in world.activity.of("policy:people", 9)] == ["nobody-could-approve"]


def test_it_is_in_the_log_once_for_each_start_and_each_change_and_not_for_each_survey(
    caplog: pytest.LogCaptureFixture,
) -> None:
    world = closed(listed())
    survey(world)
    survey(world)
    assert logged(caplog) == 2
    world.start()
    survey(world)
    survey(world)
    assert logged(caplog) == 3
    world.configuration.text = listed("", "node", "python")
    survey(world)
    survey(world)
    assert logged(caplog) == 4


def test_it_is_over_when_a_key_that_the_policy_names_has_the_role() -> None:
    world = closed(listed())
    key, _ = new_key("deploy", Role.APPROVER, world.clock(), ())
    world.configuration.text = listed(key.id)
    [told] = survey(world)
    assert f"{key.id} among its `machines` is no key with the role approver" in told
    world.api_keys.add(key)
    assert survey(world) == []
    assert [one.name for one in world.activity.of("policy:people", 9)] == [
        "nobody-could-approve-over",
        "nobody-could-approve",
    ]


@pytest.mark.parametrize("sign_in", [True, False])
def test_keys_are_not_read_where_they_decide_nothing(sign_in: bool) -> None:
    world = World() if not sign_in else World(listed())
    world.sign_in = sign_in
    world.start()
    world.api_keys.fail("every", Unavailable("the storage account does not answer"))
    assert survey(world) == []


def test_who_asks_is_told_what_is_so_now() -> None:
    world = closed(listed())
    serve = serving._reading(parts_of(world, sign_in=False))["readiness"]
    asked = Asked(request_for("readiness"), {}, Caller(Kind.KEY, "k", "reader", frozenset({Role.READER})))
    told = json.loads(serve(asked).get_body())
    assert (told["ready"], told["entries"]) == (False, 1)
    assert [(one["kind"], one["about"], one["images"]) for one in told["wrong"]] == [
        ("nobody-could-approve", "policy:people", ["node"])
    ]
    key, _ = new_key("deploy", Role.APPROVER, world.clock(), ())
    world.api_keys.add(key)
    world.configuration.text = listed(key.id)
    assert json.loads(serve(asked).get_body()) == {"ready": True, "entries": 1, "wrong": []}


def test_a_list_that_is_not_in_force_is_told_with_it() -> None:
    world = closed(listed())
    world.watch_lists.in_force()
    world.configuration.text = b"images: [{name: 1}]"
    serve = serving._reading(parts_of(world))["readiness"]
    told = json.loads(serve(SimpleNamespace()).get_body())  # type: ignore[arg-type]
    assert [one["kind"] for one in told["wrong"]] == ["watch-list-invalid", "nobody-could-approve"]

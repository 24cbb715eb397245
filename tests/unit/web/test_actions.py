"""The addresses about targets: what they show, what acts, and what is refused, by which name."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

import azure.functions as func
import pytest
from msgspec.structs import replace

from shared.domain.access.callers import Caller, Kind, Role
from shared.domain.references import Tag
from shared.errors import Unavailable
from shared.web.actions import Actions
from shared.web.answers import answered
from shared.web.asked import Asked
from shared.web.targets import listed_rulings, listed_targets, one_target
from tests.doubles.world import BASE, NODE, ONE, TAG, TARGET, THREE, TWO, World

pytestmark = pytest.mark.unit

ID = f"{BASE}~base~node~22-alpine"
WHO = {"why": "it broke the shop"}
ADA, BOB = (Caller(Kind.PERSON, f"{name}@tenant", name, frozenset({Role.APPROVER})) for name in ("ada", "bob"))
SAID = {**WHO, "by": ADA.said}
ACTING = [
    ("roll_back", {"target": ID}, {}),
    ("pin", {"target": ID}, {}),
    ("unpin", {"target": ID}, {}),
    ("promote", {"target": ID}, {"digest": THREE}),
    ("block", {"digest": TWO}, {}),
    ("release", {"digest": TWO}, {}),
    ("hold", {"image": "node"}, {}),
    ("resume", {"image": "node"}, {}),
]
NAMES = [name for name, _, _ in ACTING]


@pytest.fixture
def world() -> World:
    """A world whose tag was promoted twice."""
    made = World()
    for digest in (ONE, TWO):
        made.push(digest)
        made.check()
        made.settle()
    return made


def acting(world: World) -> Actions:
    """Return what serves the addresses that act."""
    return Actions(
        actor=lambda: world.actor,
        ruler=lambda: world.ruler,
        targets=lambda: world.targets,
        listed=lambda name: world.watch_lists.in_force().named(name) is not None,
        clock=world.clock,
    )


def request(body: object = b"", params: Mapping[str, str] = {}) -> func.HttpRequest:
    """Return a request as the Functions host hands it over."""
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    return func.HttpRequest("POST", "https://localhost/api", params=params, body=content)


def post(
    world: World, name: str, route: Mapping[str, str], body: object, caller: Caller = ADA
) -> tuple[int, dict[str, Any]]:
    """Ask an address that acts; return the status and the body."""
    serve = getattr(acting(world), name)
    answer = answered(lambda: serve(Asked(request(body), route, caller)))
    return answer.status_code, json.loads(answer.get_body())


def shown(world: World, target: str = ID) -> dict[str, Any]:
    """Ask for one target."""
    answer = answered(lambda: one_target(target, targets=world.targets, sources=world.sources, activity=world.activity))
    content: dict[str, Any] = json.loads(answer.get_body())
    assert answer.status_code == 200, content
    return content


def listed(world: World, **params: str) -> tuple[int, dict[str, Any]]:
    """Ask for the list of targets."""
    answer = answered(lambda: listed_targets(request(params=params), world.targets, BASE))
    return answer.status_code, json.loads(answer.get_body())


def rulings(world: World) -> dict[str, Any]:
    """Ask for what is blocked and held."""
    content: dict[str, Any] = json.loads(listed_rulings(world.rulings).get_body())
    return content


# The decision that was seen.


@pytest.mark.parametrize("name", ["roll_back", "pin", "promote"])
def test_who_names_a_decision_that_is_not_in_force_is_answered_409_with_what_is(world: World, name: str) -> None:
    world.push(THREE)
    number, digest = world.target().number, THREE if name == "promote" else ONE
    body = {**WHO, "digest": digest, "number": number - 1}
    status, content = post(world, name, {"target": ID}, body)
    assert (status, content["reason"]) == (409, "moved-on")
    assert (content["target"]["number"], content["target"]["wanted"]) == (number, TWO)
    assert post(world, name, {"target": ID}, {**body, "number": number})[0] == 200


# Bodies.


@pytest.mark.parametrize(
    ("body", "status", "detail"),
    [
        (b"", 400, "the body is not an object"),
        (b"\xff", 400, "the body is not an object"),
        (b"[" * 4000, 400, "the body is not an object"),
        (b"x" * 5000, 413, "the body has 5000 bytes"),
        ({}, 400, "`why`"),
        ({"why": 7}, 400, "$.why"),
        ({**WHO, "by": "ada"}, 400, "unknown field `by`"),
        ({**WHO, "why": ""}, 400, "why: it says nothing"),
        ({**WHO, "why": "one\nline"}, 400, "why: it holds what cannot be printed"),
        ({**WHO, "why": "a" * 501}, 400, "$.why"),
        ({**WHO, "when": "now"}, 400, "unknown field `when`"),
    ],
    ids=lambda part: str(part)[:24],
)
@pytest.mark.parametrize(("name", "route", "more"), ACTING, ids=NAMES)
def test_a_body_that_is_not_what_it_should_be_names_the_field(
    world: World, name: str, route: dict[str, str], more: dict[str, str], body: object, status: int, detail: str
) -> None:
    sent = {**body, **more} if isinstance(body, dict) else body
    found, problem = post(world, name, route, sent)
    assert (found, world.target().number) == (status, 2)
    assert detail in problem["detail"]


@pytest.mark.parametrize(
    ("name", "more", "detail"),
    [
        ("roll_back", {"digest": "latest"}, "digest: "),
        ("roll_back", {"until": "2026-01-01T00:00:00Z"}, "unknown field `until`"),
        ("pin", {"digest": ""}, "digest: "),
        ("pin", {"until": "tomorrow"}, "$.until"),
        ("pin", {"until": "2027-01-01T00:00:00"}, "$.until"),
        ("pin", {"until": "9999-12-31T23:59:59-10:00"}, "until: it is outside"),
        ("unpin", {"digest": ONE}, "unknown field `digest`"),
        ("promote", {}, "`digest`"),
        ("promote", {"digest": "sha256:1"}, "digest: "),
    ],
)
def test_what_an_action_is_told_besides_is_read_strictly(
    world: World, name: str, more: dict[str, str], detail: str
) -> None:
    status, problem = post(world, name, {"target": ID}, {**WHO, **more})
    assert status == 400
    assert detail in problem["detail"]


@pytest.mark.parametrize("digest", ["", "node", "sha256:xyz", "../secrets"])
@pytest.mark.parametrize("name", ["block", "release"])
def test_what_is_no_digest_cannot_be_blocked(world: World, name: str, digest: str) -> None:
    status, problem = post(world, name, {"digest": digest}, WHO)
    assert (status, problem["detail"][:8]) == (400, "digest: ")


@pytest.mark.parametrize(
    ("name", "route", "status"),
    [
        ("roll_back", {"target": f"{BASE}~base~python~3"}, 404),
        ("pin", {"target": "nonsense"}, 400),
        ("release", {"digest": THREE}, 404),
        ("hold", {"image": "python"}, 404),
        ("resume", {"image": "node"}, 404),
    ],
)
def test_what_is_not_there_is_not_found(world: World, name: str, route: dict[str, str], status: int) -> None:
    found, problem = post(world, name, route, WHO)
    assert found == status
    assert problem["detail"]


# Acting.


def test_a_rollback_is_answered_with_what_is_wanted_from_then_on_and_the_same_when_it_is_repeated(world: World) -> None:
    first = post(world, "roll_back", {"target": ID}, WHO)
    world.pass_time(timedelta(minutes=1))
    assert post(world, "roll_back", {"target": ID}, WHO, BOB) == first
    status, target = first
    assert (status, target["wanted"], target["why"], target["number"]) == (200, ONE, "rolled-back", 3)
    assert target["chosen"]["said"].items() >= SAID.items()
    world.settle()
    assert world.base.tags[TARGET, TAG] == ONE


def test_a_pin_has_its_date_in_utc(world: World) -> None:
    status, target = post(world, "pin", {"target": ID}, {**WHO, "digest": ONE, "until": "2027-01-01T01:00:00+02:00"})
    assert (status, target["why"], target["pinned"]["until"]) == (200, "pinned", "2026-12-31T23:00:00Z")
    status, target = post(world, "unpin", {"target": ID}, WHO)
    assert (status, target["why"], target["pinned"]) == (200, "newest-that-passed", None)


@pytest.mark.parametrize(
    ("name", "more", "reason"),
    [
        ("roll_back", {"digest": THREE}, "never-promoted-here"),
        ("pin", {"digest": THREE}, "not-passed"),
        ("pin", {"until": "2020-01-01T00:00:00Z"}, "date-passed"),
        ("promote", {"digest": ONE}, "passed-its-gate"),
        ("promote", {"digest": THREE}, "cannot-be-had"),
    ],
)
def test_what_is_refused_has_a_name_a_sentence_and_the_state_that_is_in_the_way(
    world: World, name: str, more: dict[str, str], reason: str
) -> None:
    status, problem = post(world, name, {"target": ID}, {**WHO, **more})
    assert (status, problem["status"], problem["reason"]) == (409, 409, reason)
    assert problem["detail"]
    assert (problem["target"]["id"], problem["target"]["wanted"], problem["target"]["number"]) == (ID, TWO, 2)


def test_what_is_held_is_refused_and_the_hold_is_shown(world: World) -> None:
    assert post(world, "hold", {"image": "node"}, WHO)[0] == 200
    status, problem = post(world, "roll_back", {"target": ID}, WHO)
    assert (status, problem["reason"]) == (409, "held")
    assert problem["target"]["hold"]["by"] == ADA.said
    assert [one["image"] for one in rulings(world)["held"]] == ["node"]
    assert post(world, "resume", {"image": "node"}, WHO)[1]["in_force"] is False
    assert rulings(world)["held"] == []


def test_a_block_is_answered_with_the_targets_it_was_told_to(world: World) -> None:
    status, ruled = post(world, "block", {"digest": TWO}, WHO)
    assert (status, ruled["kind"], ruled["subject"], ruled["in_force"], ruled["count"]) == (200, "block", TWO, True, 1)
    assert [(one["id"], one["wanted"]) for one in ruled["targets"]] == [(ID, ONE)]
    assert post(world, "block", {"digest": TWO}, WHO, BOB)[1]["said"]["by"] == ADA.said
    (blocked,) = rulings(world)["blocked"]
    assert (blocked["digest"], blocked["by"], blocked["why"]) == (TWO, ADA.said, "it broke the shop")


def test_whoever_takes_a_digest_against_its_gate_is_shown_for_ever(world: World) -> None:
    world.hub.push(NODE, Tag("hotfix"), THREE)
    fresh = replace(BOB, signed_in_at=world.clock())
    grants = replace(ADA, signed_in_at=world.clock())
    status, target = post(world, "promote", {"target": ID}, {**WHO, "digest": THREE}, fresh)
    assert (status, target["became"], target["wanted"], target["override"]["digest"]) == (200, "asked", TWO, THREE)
    status, problem = post(world, "promote", {"target": ID}, {**WHO, "digest": THREE}, fresh)
    assert (status, problem["reason"]) == (409, "own-request")
    world.pass_time(timedelta(seconds=1))
    status, problem = post(world, "promote", {"target": ID}, {**WHO, "digest": THREE}, ADA)
    assert (status, problem["reason"]) == (403, "may-not-grant")
    status, target = post(world, "promote", {"target": ID}, {**WHO, "digest": THREE}, grants)
    assert (status, target["became"], target["override"]) == (200, "granted", None)
    assert (target["why"], target["against_gate"]["by"]) == ("against-its-gate", ADA.said)
    assert target["forced"][0]["asked"]["by"] == BOB.said
    world.settle()
    post(world, "roll_back", {"target": ID}, WHO)
    world.settle()
    found = shown(world)
    assert found["against_gate"] is None
    former = {one["digest"]: one["against_gate"] for one in found["previous"]}
    assert former[THREE] == {**SAID, "at": former[THREE]["at"]}
    assert [line["name"] for line in found["activity"]] == [
        "rolled-back",
        "promoted-against-its-gate",
        "override-asked",
    ]


def test_an_action_that_storage_does_not_take_is_to_be_asked_for_again(world: World) -> None:
    world.activity.fail("append", Unavailable("the storage account does not answer"))
    assert post(world, "roll_back", {"target": ID}, WHO)[0] == 503
    assert world.target().number == 2


# Showing.


def test_a_target_is_shown_with_its_decision_and_who_still_has_what_it_bore_before(world: World) -> None:
    found = shown(world)
    assert (found["wanted"], found["why"], found["number"], found["reached"]) == (TWO, "newest-that-passed", 2, True)
    assert (found["seen"], found["foreign"], found["origin"]["image"]) == (TWO, False, "node")
    (former,) = found["previous"]
    assert (former["digest"], former["can_be_had_from"], former["blocked"]) == (ONE, "base", False)
    world.base.purge(TARGET, ONE)
    world.staging.purge(TARGET, ONE)
    assert shown(world)["previous"][0]["can_be_had_from"] == "upstream"
    world.hub.purge(NODE, ONE)
    assert shown(world)["previous"][0]["can_be_had_from"] == "nowhere"
    world.hub.trouble(NODE, Unavailable("503"))
    assert shown(world)["previous"][0]["can_be_had_from"] == "unknown"


def test_targets_are_listed_a_part_at_a_time(world: World) -> None:
    for tag in ("20", "21", "23"):
        record = world.target()
        world.targets.insert(type(record)(registry=BASE, repository=TARGET, tag=Tag(tag), origin=record.origin))
    ids, after = [], ""
    for size in (3, 1):
        status, part = listed(world, limit="3", after=after)
        assert (status, len(part["targets"])) == (200, size)
        ids += [one["id"] for one in part["targets"]]
        after = part.get("next", "")
    assert after == ""
    assert ids == [f"{BASE}~base~node~{tag}" for tag in ("20", "21", "22-alpine", "23")]
    assert listed(world, repository="base/none") == (200, {"targets": []})
    assert len(listed(world, limit="4")[1]["targets"]) == 4
    assert "next" not in listed(world, limit="4")[1]


@pytest.mark.parametrize(
    ("params", "detail"),
    [
        ({"limit": "0"}, "limit: 0 is not from 1 to 500"),
        ({"limit": "501"}, "limit: 501 is not"),
        ({"limit": "-1"}, "limit: '-1' is no number"),
        ({"limit": "9" * 5000}, "is no number"),
        ({"limit": "many"}, "limit: 'many' is no number"),
        ({"after": "nonsense"}, "is not a target's id"),
        ({"repository": "Base/Node"}, "repository names are lower case"),
    ],
    ids=lambda part: str(part)[:30],
)
def test_a_list_of_what_there_cannot_be_is_refused(world: World, params: dict[str, str], detail: str) -> None:
    status, problem = listed(world, **params)
    assert status == 400
    assert detail in problem["detail"]


def test_a_target_that_is_not_there_is_not_found_and_what_is_no_id_is_refused(world: World) -> None:
    for target, status in ((f"{BASE}~base~python~3", 404), ("nonsense", 400)):
        answer = answered(
            lambda target=target: one_target(
                target, targets=world.targets, sources=world.sources, activity=world.activity
            )
        )
        assert answer.status_code == status

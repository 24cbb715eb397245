"""A builder tells how a build ended: it is believed by its signature alone, about one attempt, once."""

from __future__ import annotations

import base64
from datetime import timedelta
from typing import Any

import azure.functions as func
import msgspec
import pytest

from shared.domain.dispatch.builds import new_dispatch
from shared.domain.dispatch.signing import signed
from shared.domain.promotion.rebuilds import BuilderKind, Rebuild, RebuildStatus
from shared.errors import MalformedRequest
from shared.flows.take_outcome import OutcomeTaker
from shared.web.outcome import rebuild_outcome
from tests.doubles.dispatchers import InMemoryDispatcher
from tests.doubles.world import TAG, TARGET, TWO, Died, World

pytestmark = pytest.mark.unit

KEY, NEWER, FOREIGN = (f"whsec_{base64.b64encode(bytes([number]) * 32).decode()}" for number in (1, 2, 3))
KEYS = {"builds": (NEWER, KEY), "others": (FOREIGN,)}
LINK = "https://ci.example/7"


def asked() -> tuple[World, Rebuild]:
    """Return a world in which somebody was asked for a build, and said that it takes it."""
    world = World()
    world.base.push(TARGET, TAG, TWO)
    world.builds_elsewhere(InMemoryDispatcher("builds", BuilderKind.EVENTS, tells=timedelta(hours=2)))
    world.start()
    rebuild = new_dispatch(BuilderKind.EVENTS, "builds", "shop", (TARGET, TAG, TWO), None, world.clock())
    world.rebuild_progress.insert(rebuild)
    world.rebuild_progress.wake(rebuild)
    world.step()
    return world, of(world, rebuild.id)


def of(world: World, rebuild_id: str) -> Rebuild:
    """Return the rebuild."""
    stored = world.rebuilds.get(rebuild_id)
    assert stored is not None
    return stored.record


def tell(
    world: World, rebuild_id: str, *, key: str = KEY, late: timedelta = timedelta(0), **said: Any
) -> func.HttpResponse:
    """Tell how an attempt ended."""
    content = {"rebuild": rebuild_id, "attempt": 1, "end": "built", **said}
    body = msgspec.json.encode({name: value for name, value in content.items() if value is not None})
    return post(world, rebuild_id, body, dict(signed((key,), "msg_1", world.clock() - late, body)))


def post(world: World, rebuild_id: str, body: bytes, headers: dict[str, str]) -> func.HttpResponse:
    """Post a body with headers."""
    request = func.HttpRequest(
        method="POST", url="/x", headers=headers, route_params={"rebuild": rebuild_id}, body=body
    )
    return rebuild_outcome(request, keys=KEYS, taker=lambda: OutcomeTaker(world.rebuild_progress), now=world.clock())


def refusal(*args: Any, **said: Any) -> int:
    """Return the status that an answer is refused with."""
    with pytest.raises(MalformedRequest) as refused:
        tell(*args, **said)
    return refused.value.status


@pytest.mark.parametrize(("end", "status"), [("built", RebuildStatus.SUCCEEDED), ("failed", RebuildStatus.FAILED)])
def test_an_answer_ends_the_attempt_and_is_marked_as_told(end: str, status: RebuildStatus) -> None:
    world, rebuild = asked()
    assert rebuild.status is RebuildStatus.ACCEPTED
    assert tell(world, rebuild.id, end=end, built_on=str(TWO), link=LINK).status_code == 200
    ended = of(world, rebuild.id)
    assert (ended.status, ended.told, ended.built_on, ended.link) == (status, True, TWO, LINK)
    world.settle()
    assert of(world, rebuild.id) == ended


def test_the_same_answer_twice_is_one_and_another_is_refused() -> None:
    world, rebuild = asked()
    tell(world, rebuild.id)
    ended = of(world, rebuild.id)
    assert msgspec.json.decode(tell(world, rebuild.id).get_body()) == {"result": "known"}
    assert refusal(world, rebuild.id, end="failed") == 409
    assert of(world, rebuild.id) == ended


def test_what_decided_nothing_is_asked_for_again_by_another_attempt_and_its_late_answers_are_refused() -> None:
    world, rebuild = asked()
    tell(world, rebuild.id, end="undecided")
    assert msgspec.json.decode(tell(world, rebuild.id, end="undecided").get_body()) == {"result": "known"}
    assert refusal(world, rebuild.id) == 409
    world.step()
    world.step()
    assert (of(world, rebuild.id).status, of(world, rebuild.id).runs) == (RebuildStatus.ACCEPTED, 2)
    assert refusal(world, rebuild.id, attempt=1) == 409
    assert tell(world, rebuild.id, attempt=2).status_code == 200


def test_an_answer_that_comes_after_its_time_ends_nothing() -> None:
    world, rebuild = asked()
    world.settle()
    assert of(world, rebuild.id).status is RebuildStatus.UNDECIDED
    assert refusal(world, rebuild.id) == 409


def test_an_answer_to_a_request_whose_own_answer_was_lost_ends_it() -> None:
    world, rebuild = asked()
    stored = world.rebuilds.get(rebuild.id)
    assert stored is not None
    world.rebuilds.replace(stored, msgspec.structs.replace(rebuild, status=RebuildStatus.ASKED))
    assert tell(world, rebuild.id).status_code == 200
    world.settle()
    assert of(world, rebuild.id).status is RebuildStatus.SUCCEEDED


@pytest.mark.parametrize("late", [timedelta(minutes=5, seconds=1), timedelta(minutes=-6), timedelta(days=999)])
def test_an_answer_of_another_time_is_not_believed(late: timedelta) -> None:
    world, rebuild = asked()
    assert refusal(world, rebuild.id, late=late) == 401
    assert of(world, rebuild.id) == rebuild


def test_either_of_two_keys_is_believed_and_that_of_another_builder_is_not() -> None:
    world, rebuild = asked()
    assert refusal(world, rebuild.id, key=FOREIGN) == 401
    assert tell(world, rebuild.id, key=NEWER).status_code == 200


@pytest.mark.parametrize(
    "headers",
    [{}, {"webhook-id": "a"}, {"webhook-id": "a", "webhook-timestamp": "x", "webhook-signature": "v1,"}],
)
def test_whoever_signs_nothing_learns_nothing(headers: dict[str, str]) -> None:
    world, rebuild = asked()
    for name in (rebuild.id, "dispatch-none~a~b", "tidegateapps~shop~b", "", "~"):
        with pytest.raises(MalformedRequest) as refused:
            post(world, name, b"{}", headers)
        assert refused.value.status == 401


@pytest.mark.parametrize(
    "said",
    [
        {"end": "succeeded"},
        {"attempt": "1"},
        {"more": 1},
        {"rebuild": "dispatch-builds~other~one"},
        {"built_on": "latest"},
        {"link": "javascript:alert(1)"},
        {"link": 'https://a"b'},
        {"end": None},
    ],
)
def test_what_is_no_answer_is_refused_in_words(said: dict[str, Any]) -> None:
    world, rebuild = asked()
    assert refusal(world, rebuild.id, **said) == 400
    assert of(world, rebuild.id) == rebuild


def test_a_body_that_is_too_large_is_refused_before_it_is_read() -> None:
    world, rebuild = asked()
    with pytest.raises(MalformedRequest) as refused:
        post(world, rebuild.id, b" " * 70_000, {})
    assert refused.value.status == 413


def test_a_rebuild_that_is_not_there_is_told_only_to_whoever_is_believed() -> None:
    world, rebuild = asked()
    missing = f"{rebuild.id[:-1]}x"
    assert refusal(world, missing, rebuild=missing) == 404
    assert refusal(world, missing, rebuild=missing, key=FOREIGN) == 401


def test_whoever_dies_around_the_write_leaves_an_answer_that_can_be_told_again() -> None:
    for moment in ("rebuilds.before:replace", "rebuilds.after:replace"):
        world, rebuild = asked()

        def die(at: str, world: World = world, moment: str = moment) -> None:
            if at == moment:
                world.hook = None
                raise Died

        world.hook = die
        with pytest.raises(Died):
            tell(world, rebuild.id)
        world.start()
        assert tell(world, rebuild.id).status_code == 200
        assert of(world, rebuild.id).status is RebuildStatus.SUCCEEDED


def test_an_answer_that_meets_a_look_at_the_same_moment_still_ends_the_attempt() -> None:
    world, rebuild = asked()

    def look(at: str) -> None:
        if at == "rebuilds.before:replace":
            world.hook = None
            stored = world.rebuilds.get(rebuild.id)
            assert stored is not None
            world.dispatching.look(stored)

    world.hook = look
    assert tell(world, rebuild.id).status_code == 200
    assert of(world, rebuild.id).status is RebuildStatus.SUCCEEDED

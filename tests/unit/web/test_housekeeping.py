"""What would be deleted is listed by the look that deletes, and nothing is deleted by asking."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import pytest

from shared.cli.exchange import Answer, Sent
from shared.domain.access.callers import Role
from shared.domain.housekeeping.reasons import Place
from shared.domain.housekeeping.task_runs import RUNS_STAY
from shared.domain.promotion.identity import short
from shared.domain.references import Digest
from shared.errors import Unavailable
from shared.flows import list_house
from shared.flows.keep_house import HouseKeeper
from shared.web import housekeeping
from tests.doubles.app import ADDRESS, AppInMemory
from tests.doubles.registries import digest_of
from tests.doubles.world import ONE, TARGET, TWO, World

pytestmark = pytest.mark.unit

OLD = [digest_of(f"old {number}") for number in range(9)]
NAME = f"tidegate-{7:032x}"


@pytest.fixture
def app() -> AppInMemory:
    """An app that promoted one digest after the other, with some old ones in staging."""
    world = World()
    for digest in (ONE, TWO):
        world.push(digest)
        world.check()
        world.settle()
    app = AppInMemory(world)
    for digest in (TWO, OLD[0], OLD[1]):
        staged(app, digest)
    app.house.base.push(TARGET, OLD[2], "mine", days=100)
    app.house.runs.ended = {NAME: app.world.clock() - RUNS_STAY}
    return app


def staged(app: AppInMemory, digest: Digest) -> None:
    """Have a digest in staging for long."""
    app.house.staging.push(TARGET, digest, f"22-{short(digest)}", days=100)


def ask(app: AppInMemory, query: str = "", method: str = "GET", role: Role = Role.OPERATOR) -> Answer:
    """Ask the API."""
    headers = {"x-api-key": app.texts[role]}
    return app.send(Sent(method, f"{ADDRESS}/api/housekeeping{query}", headers, None, 5.0))


def sites(answer: Answer) -> dict[tuple[str, str], dict[str, Any]]:
    """The sites of an answer, by place and name."""
    assert answer.status == 200, answer.body
    return {(one["place"], one["name"]): one for one in json.loads(answer.body)["sites"]}


def sweep(app: AppInMemory) -> None:
    """Have a round made."""
    HouseKeeper(app.house.looks(app.world), app.house.books, app.world.activity, lambda _: None).sweep()


def test_what_would_go_and_what_stays_is_told_with_why(app: AppInMemory) -> None:
    found = sites(ask(app))
    of_staging = found["staging", TARGET]
    tags = {one: [f"22-{short(one)}"] for one in (TWO, OLD[0], OLD[1])}
    assert sorted(of_staging["goes"], key=lambda one: one["what"]) == [
        {"what": one, "why": "ended", "tags": tags[one], "tag": None} for one in sorted((OLD[0], OLD[1]))
    ]
    assert of_staging["stays"] == [{"digest": TWO, "why": "decided", "tags": tags[TWO], "by": None}]
    assert (of_staging["going"], of_staging["staying"]) == ({"ended": 2}, {"decided": 1})
    assert found["base", TARGET]["staying"] == {"tagged": 1}
    assert found["task-runs", "tidegatestaging"]["goes"][0]["what"] == NAME


def test_asking_deletes_nothing_and_what_is_listed_is_what_goes(app: AppInMemory) -> None:
    listed = {one["what"] for site in sites(ask(app)).values() for one in site["goes"]}
    before = app.house.staging.held(TARGET) | app.house.base.held(TARGET) | app.house.runs.ended.keys()
    assert listed <= before
    assert len(before) == 5
    sweep(app)
    after = app.house.staging.held(TARGET) | app.house.base.held(TARGET) | app.house.runs.ended.keys()
    assert before - after == listed


def test_where_it_is_switched_off_it_is_told_what_would_be(app: AppInMemory) -> None:
    app.house.places = frozenset({Place.BASE})
    answer = ask(app)
    assert json.loads(answer.body)["clears"] == ["base"]
    assert {place: one["clears"] for (place, _), one in sites(answer).items()} == {
        "staging": False,
        "base": True,
        "task-runs": False,
    }
    assert sites(answer)["staging", TARGET]["going"] == {"ended": 2}


def test_a_repository_that_is_locked_as_a_whole_is_listed_as_such(app: AppInMemory) -> None:
    app.house.staging.locked.add(TARGET)
    found = sites(ask(app))["staging", TARGET]
    assert (found["goes"], found["staying"]) == ([], {"decided": 1, "locked": 2})


def test_one_place_and_one_name_can_be_asked_for(app: AppInMemory) -> None:
    assert sites(ask(app, "?place=base")).keys() == {("base", TARGET)}
    assert sites(ask(app, f"?place=staging&name={TARGET}")).keys() == {("staging", TARGET)}
    assert sites(ask(app, "?name=nobody")) == {}
    assert ask(app, "?place=elsewhere").status == 400


def test_sites_come_in_parts(app: AppInMemory) -> None:
    found, after = list[tuple[str, str]](), ""
    for _ in range(3):
        answer = ask(app, f"?limit=1&after={after}")
        found += sites(answer)
        after = json.loads(answer.body).get("next", "")
    assert found == [("staging", TARGET), ("base", TARGET), ("task-runs", "tidegatestaging")]
    assert after == ""


def test_a_repository_that_is_too_large_for_one_answer_is_read_on_by_the_next(
    app: AppInMemory, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(list_house, "MOST_REQUESTS", 4)
    answers = [json.loads(ask(app, "?place=staging").body)]
    while after := answers[-1].get("next"):
        answers.append(json.loads(ask(app, f"?place=staging&after={after.replace('?', '%3F')}").body))
    assert [one["sites"][0]["unread"] for one in answers] == [1, 0]
    assert [one["sites"][0]["going"] for one in answers] == [{}, {"ended": 2}]
    assert app.house.staging.asked["links"] == 3


def test_of_a_repository_that_is_too_large_to_be_listed_at_all_that_is_told(
    app: AppInMemory, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(list_house, "MOST_REQUESTS", 2)
    app.house.staging.page = 1
    answer = ask(app)
    assert "too much" in sites(answer)["staging", TARGET]["trouble"]
    after = json.loads(answer.body)["next"]
    assert sites(ask(app, f"?after={after}")).keys() >= {("base", TARGET)}


def test_of_what_cannot_be_read_it_is_told_why_and_nothing_would_go(app: AppInMemory) -> None:
    app.house.staging.fail("tags", Unavailable("the registry did not answer"))
    found = sites(ask(app))
    assert found["staging", TARGET]["trouble"] == "the registry did not answer"
    assert found["staging", TARGET]["goes"] == []
    assert found["base", TARGET]["trouble"] is None


def test_of_much_the_first_is_shown_and_the_rest_is_counted(app: AppInMemory, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(housekeeping, "MOST_SHOWN", 1)
    found = sites(ask(app))["staging", TARGET]
    assert (len(found["goes"]), found["going"]) == (1, {"ended": 2})


def test_who_asks_for_a_round_gets_it_with_the_next_sweep(app: AppInMemory) -> None:
    sweep(app)
    staged(app, OLD[3])
    app.world.clock.advance(timedelta(minutes=1))
    sweep(app)
    assert OLD[3] in app.house.staging.held(TARGET)
    answer = ask(app, method="POST")
    assert (answer.status, json.loads(answer.body)["deleted"]) == (202, {"ended": 2, "run-ended": 1})
    sweep(app)
    assert OLD[3] not in app.house.staging.held(TARGET)


@pytest.mark.parametrize("role", [Role.READER, Role.APPROVER])
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_only_operators_ask(app: AppInMemory, role: Role, method: str) -> None:
    assert ask(app, method=method, role=role).status == 403

"""Waves over the API: they are listed and shown, and people say of them what counts once."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import msgspec
import pytest

from shared.cli.exchange import Answer, Sent
from shared.domain.access.callers import Role
from shared.domain.promotion.said import Said
from shared.domain.waves.states import WaveState
from shared.domain.waves.way_back import Grounds, Scanned
from shared.wave_ports import StoredWave
from tests.doubles.app import ADDRESS, AppInMemory
from tests.doubles.world import ONE, THREE, TWO
from tests.unit.flows.waving import BLOG, CANARY, RESTORE, SHOP, Waving, asking

pytestmark = pytest.mark.unit

HOUR = timedelta(hours=1)
ID = "tidegatebase~base~node~22-alpine~2"


class Asking:
    """An app in memory that is asked with a key of a role."""

    def __init__(self, world: Waving) -> None:
        self.world = world
        self.app = AppInMemory(world)
        self.role = Role.OPERATOR

    def ask(self, path: str, body: dict[str, Any] | None = None, **headers: str) -> Answer:
        """Return what is answered."""
        method, sent = ("GET", None) if body is None else ("POST", json.dumps(body).encode())
        known = {"x-api-key": self.app.texts[self.role], "content-type": "application/json", **headers}
        return self.app.send(Sent(method, f"{ADDRESS}/api/{path}", known, sent, 30.0))

    def told(self, path: str, body: dict[str, Any] | None = None, status: int = 200, **headers: str) -> dict[str, Any]:
        """Return the document that is answered."""
        answer = self.ask(path, body, **headers)
        assert answer.status == status, answer.body
        found: dict[str, Any] = json.loads(answer.body)
        return found

    def says(self, word: str, why: str = "I looked at it", status: int = 200, **more: Any) -> dict[str, Any]:
        """Return what is answered to a word of the wave."""
        self.world.pass_time(timedelta(seconds=1))
        return self.told(f"waves/{ID}/{word}", {"why": why, **more}, status)


def held(on_failure: str = "hold") -> Asking:
    """A wave that waits for a person, as its canary failed."""
    world = Waving(asking(on_failure))
    world.fails(CANARY)
    world.promote(TWO, HOUR)
    return Asking(world)


def stored(world: Waving) -> StoredWave:
    """The wave as it is to be changed."""
    found = world.waves.get(ID)
    assert found is not None
    return found


def test_a_wave_is_listed_with_where_it_is_and_why() -> None:
    (line,) = held().told("waves")["waves"]
    assert (line["id"], line["state"], line["reason"]) == (ID, "held", "canary-failed")
    assert line["because"] == "a canary failed on it"
    assert (line["members"], line["canaries"]) == ({"waiting": 2, "failed": 1}, 1)
    assert (line["digest"], line["former"], line["image"]) == (TWO, ONE, "node")
    assert line["held_until"]


def test_waves_are_listed_of_one_state_and_of_one_repository_and_in_parts() -> None:
    asked = held()
    asked.world.promote(THREE, HOUR)
    every = asked.told("waves")["waves"]
    assert [one["number"] for one in every] == [2, 3]
    assert [one["number"] for one in asked.told("waves?state=superseded")["waves"]] == [2]
    assert asked.told("waves?state=held")["waves"] == []
    assert asked.told("waves?repository=base/other")["waves"] == []
    assert len(asked.told("waves?repository=base/node")["waves"]) == 2
    first = asked.told("waves?limit=1")
    assert [one["number"] for one in first["waves"]] == [2]
    assert [one["number"] for one in asked.told(f"waves?limit=1&after={first['next']}")["waves"]] == [3]


def test_what_cannot_be_asked_for_is_refused_and_what_is_not_there_is_absent() -> None:
    asked = held()
    assert asked.ask("waves?state=nonsense").status == 400
    assert asked.ask("waves?after=nonsense").status == 400
    assert asked.ask("waves/nonsense").status == 400
    assert asked.ask("waves/tidegatebase~base~node~22-alpine~9").status == 404
    assert asked.ask("waves/tidegatebase~base~node~22-alpine~9/cancel", {"why": "x"}).status == 404
    assert asked.ask("waves/otherbase~base~node~22-alpine~2/cancel", {"why": "x"}).status == 404


def test_a_wave_is_shown_with_its_canaries_first_their_results_and_their_logs() -> None:
    asked = held()
    shown = asked.told(f"waves/{ID}")
    first = shown["members"][0]
    assert (first["target"], first["canary"], first["state"]) == (f"acr:tidegateapps/{CANARY}", True, "failed")
    assert [one["attempt"] for one in first["results"]] == [1, 2]
    last = first["results"][-1]
    assert (last["kind"], last["built_on"], last["how"], last["says"]) == (
        "build",
        TWO,
        "tag-before-and-after",
        "failed",
    )
    for one in first["results"]:
        log = asked.ask(f"rebuilds/{one['log']['rebuild']}/evidence/{one['log']['evidence']}")
        assert (log.status, log.body) == (200, b"canary broke")
        assert log.headers["content-disposition"].startswith("attachment")


def test_a_log_that_is_not_kept_or_of_no_rebuild_is_absent() -> None:
    asked = held()
    log = asked.told(f"waves/{ID}")["members"][0]["results"][0]["log"]
    assert asked.ask(f"rebuilds/{log['rebuild']}/evidence/rebuild-9.log").status == 404
    assert asked.ask(f"rebuilds/tidegateapps~shop~{'0' * 32}/evidence/rebuild-1.log").status == 404
    assert asked.ask("rebuilds/nonsense/evidence/rebuild-1.log").status == 400


def test_rebuilds_tell_who_decided_their_end_and_how_it_is_known_what_they_were_built_on() -> None:
    asked = held()
    asked.says("continue")
    asked.world.run_for(HOUR)
    found = [one for one in asked.told("rebuilds")["rebuilds"] if one["base_digest"] == TWO]
    told = {(one["task"], one["ended_by"], one["built_on"], one["how"]) for one in found}
    assert told == {
        (CANARY, "build", TWO, "tag-before-and-after"),
        (SHOP, "build", TWO, "tag-before-and-after"),
        (BLOG, "build", TWO, "tag-before-and-after"),
    }
    assert {one["wave"] for one in found} == {ID}


def test_who_continues_has_the_others_rebuilt_and_stands_there_with_the_reason() -> None:
    asked = held()
    said = asked.says("continue", "the canary itself is broken")
    assert said["wave"]["spoken"]["word"] == "continue"
    assert said["wave"]["spoken"]["said"]["why"] == "the canary itself is broken"
    asked.world.run_for(HOUR)
    assert asked.world.state() == (WaveState.DONE_WITH_FAILURES, "some-not-built")
    assert {asked.world.built_on(name) for name in (SHOP, BLOG)} == {TWO}
    (line,) = asked.world.activity.of(f"wave:{ID}", 10)
    assert line.name == "wave-told-to-continue"
    assert "the canary itself is broken" in line.detail


def test_who_restores_has_the_tag_go_back() -> None:
    asked = held()
    asked.says("restore")
    asked.world.run_for(HOUR)
    assert asked.world.state() == (WaveState.RESTORED, "went-back")
    assert asked.world.target().wanted == ONE


def test_who_cancels_has_nobody_else_rebuilt_and_the_tag_stays() -> None:
    asked = held()
    asked.says("cancel")
    asked.world.run_for(HOUR)
    assert asked.world.state() == (WaveState.CANCELLED, "told-to-cancel")
    assert (asked.world.target().wanted, asked.world.runs_of(SHOP)) == (TWO, 0)


def test_the_first_word_counts_and_the_second_one_hears_whose_it_was() -> None:
    asked = held()
    asked.says("cancel", "not today")
    refused = asked.says("restore", status=409)
    assert refused["reason"] == "said-before"
    assert "not today" in refused["detail"]


def test_the_same_word_once_more_changes_nothing_and_is_answered_the_same() -> None:
    asked = held()
    first = asked.says("cancel", "not today")
    assert asked.says("cancel", "never") == first
    asked.world.run_for(HOUR)
    assert asked.says("cancel")["wave"]["spoken"] == first["wave"]["spoken"]
    assert len(asked.world.activity.of(f"wave:{ID}", 10)) == 1


def test_what_goes_on_by_a_persons_word_can_still_be_cancelled() -> None:
    world = Waving(asking(wave=1))
    world.fails(CANARY)
    world.promote(TWO, HOUR)
    asked = Asking(world)
    asked.says("continue")
    world.rolling.conductor.look(stored(world))
    assert world.state()[0] is WaveState.ROLLING
    assert asked.says("cancel")["wave"]["spoken"]["word"] == "cancel"
    world.run_for(HOUR)
    assert world.state() == (WaveState.CANCELLED, "told-to-cancel")


def test_where_nobody_is_waited_for_there_is_nothing_to_continue() -> None:
    asked = held()
    waits = stored(asked.world)
    asked.world.waves.replace(waits, msgspec.structs.replace(waits.record, state=WaveState.CANARIES))
    assert asked.says("continue", status=409)["reason"] == "not-held"


def test_of_a_wave_that_is_over_nobody_says_anything_any_more() -> None:
    world = Waving()
    world.promote(TWO, HOUR)
    asked = Asking(world)
    assert asked.says("cancel", status=409)["reason"] == "wave-over"
    assert world.activity.of(f"wave:{ID}", 10) == ()


def test_a_word_for_another_decision_than_is_in_force_does_not_count() -> None:
    asked = held()
    assert asked.says("restore", status=409, number=1)["reason"] == "moved-on"
    asked.world.actor.roll_back(asked.world.target().id, ONE, Said("ada", "it broke", asked.world.clock()))
    assert asked.says("continue", status=409, number=2)["reason"] == "moved-on"


def test_a_tag_that_cannot_go_back_is_said_to_be_so_at_once() -> None:
    asked = held()
    asked.world.ruler.block(ONE, Said("ada", "it is bad", asked.world.clock()))
    refused = asked.says("restore", status=409)
    assert refused["reason"] == "cannot-go-back"
    assert "blocked" in refused["detail"]


def test_who_may_only_read_says_nothing_and_nobody_speaks_without_a_reason() -> None:
    asked = held()
    asked.role = Role.READER
    asked.says("cancel", status=403)
    asked.role = Role.APPROVER
    asked.says("cancel", why=" ", status=400)
    assert asked.ask(f"waves/{ID}/cancel", {}).status == 400
    assert asked.world.wave().spoken is None


def test_a_request_that_names_itself_is_done_once_and_answered_again() -> None:
    asked = held()
    body = {"why": "as the runbook says", "number": 2}
    first = asked.ask(f"waves/{ID}/cancel", body, **{"idempotency-key": "one"})
    again = asked.ask(f"waves/{ID}/cancel", body, **{"idempotency-key": "one"})
    assert (first.status, first.body) == (again.status, again.body) == (200, first.body)
    assert len(asked.world.activity.of(f"wave:{ID}", 10)) == 1


def test_a_hold_by_its_entrys_wish_to_go_back_says_what_speaks_against_it() -> None:
    world = Waving(asking(RESTORE))
    world.fails(CANARY)
    world.grounds.grounds = Grounds(Scanned.UNKNOWN, there=True)
    world.promote(TWO, HOUR)
    (line,) = Asking(world).told("waves")["waves"]
    assert line["reason"] == "not-scanned"
    because = "a canary failed, and the tag does not go back: it is not known what the digest before has"
    assert line["because"] == because

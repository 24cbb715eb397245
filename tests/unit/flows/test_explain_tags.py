"""GET /api/images/{name}/tags: every upstream tag of an entry, with the reason why it is taken or left."""

from __future__ import annotations

import json
import time
from datetime import timedelta
from typing import Any

import azure.functions as func
import pytest

from shared.adapters.upstream.upstreams import any_registry
from shared.domain.references import Repository, Tag, parse_repository
from shared.domain.watching.budget import Budget, Learned, Refusal
from shared.errors import NotFound, Unavailable
from shared.gate_reading import checked_gate
from shared.ports import Upstream
from shared.registry_accounts import Account
from shared.rules.gate_runs import GateRuns
from shared.rules.ledger import Ledger
from shared.watch_list_yaml import parse_watch_list
from shared.web.answers import answered
from shared.web.images import explain_tags
from tests.doubles.gates import GATE_FILES
from tests.doubles.registries import digest_of
from tests.doubles.scripted_http import ScriptedHttp, wire
from tests.doubles.steps import STEPS_FILES
from tests.doubles.storage import (
    MIDDAY,
    InMemoryBudgets,
    InMemoryConfiguration,
    InMemoryObservations,
    InMemoryTargets,
    SettableClock,
)
from tests.doubles.upstreams import InMemoryUpstream
from tests.doubles.world import World

__all__ = ["wire"]
pytestmark = pytest.mark.unit

GHCR = "ghcr.io"
TOOL = parse_repository(f"{GHCR}/acme/tool")
WATCH_LIST = b"""
images:
  - name: tool
    source: ghcr.io/acme/tool
    target: base/tool
    tags:
      - {tag: stable, as: current}
      - {semver: ">=1 <3", newest: 2, exclude: ["1.9.*"]}
      - {glob: "edge-*"}
"""
REASONS = {
    "stable": "exact",
    "2.1.0": "in-range",
    "v2.0.3": "in-range",
    "v2.1.0": "spelt-twice",
    "2.1": "floating",
    "1.0.0": "not-among-newest",
    "1.9.4": "excluded",
    "2.2.0-rc.1": "prerelease",
    "2.1.0-debug": "other-flavour",
    "3.0.0": "out-of-range",
    "20240923": "out-of-range",
    "edge-nightly": "glob",
    "current": "not-a-version",
    "sha-1a2b3c4": "not-a-version",
}


class Site:
    """Whatever the function asks.

    Attributes:
        upstream: the registry.
        observations: what is known.
        budgets: what is left of limits.
        ledger: over these.
    """

    def __init__(self) -> None:
        self.upstream = InMemoryUpstream()
        self.observations = InMemoryObservations()
        self.budgets = InMemoryBudgets()
        self.ledger = Ledger(self.budgets, SettableClock())
        for tag in REASONS:
            self.upstream.push(TOOL, Tag(tag), digest_of(tag))

    def ask(self, name: str = "tool", upstream: Upstream | None = None) -> func.HttpResponse:
        """Call the function as the Functions host does."""
        return answered(
            lambda: explain_tags(
                name,
                watch_list=parse_watch_list(WATCH_LIST),
                upstream=lambda registry: {GHCR: upstream or self.upstream}[registry],
                observations=self.observations,
                ledger=self.ledger,
                standings=lambda _: {},
                trusts=lambda gate: gate is not None,
            )
        )


def content(answer: func.HttpResponse, status: int = 200) -> dict[str, Any]:
    """Return an answer's body."""
    found: dict[str, Any] = json.loads(answer.get_body())
    assert answer.status_code == status, found
    assert answer.mimetype == ("application/json" if status < 400 else "application/problem+json")
    return found


def lines(answer: func.HttpResponse) -> dict[str, dict[str, Any]]:
    """Return what is told of each tag."""
    return {line["tag"]: line for line in content(answer)["tags"]}


# Reasons.


def test_the_entrys_gate_is_told_and_whether_it_trusts_the_image() -> None:
    told = content(Site().ask())
    assert (told["gate"], told["trusts_image"]) == (None, False)


def test_a_gate_with_steps_of_its_own_trusts_the_image_and_no_other_does() -> None:
    gates = {"node": GATE_FILES, "shop": STEPS_FILES}
    runs = GateRuns(InMemoryConfiguration(gates=gates), InMemoryTargets(), "base", "base.azurecr.io", checked_gate, {})
    assert [runs.trusts(gate) for gate in ("node", "shop", "gone", None)] == [False, True, False, False]


def test_every_tag_is_told_with_the_reason_why_it_is_taken_or_left() -> None:
    told = lines(Site().ask())
    assert {tag: line["reason"] for tag, line in told.items()} == REASONS


def test_a_tag_that_is_taken_is_told_with_the_place_it_goes_to_and_no_other_has_one() -> None:
    told = lines(Site().ask())
    assert {tag: line["target"] for tag, line in told.items() if line["target"]} == {
        "stable": "base/tool:current",
        "2.1.0": "base/tool:2.1.0",
        "v2.0.3": "base/tool:v2.0.3",
        "edge-nightly": "base/tool:edge-nightly",
    }


def test_an_exact_tag_that_is_not_upstream_is_told_to_be_wanted_and_not_listed() -> None:
    site = Site()
    site.upstream.delete(TOOL, Tag("stable"))
    told = lines(site.ask())
    assert (told["stable"]["reason"], told["stable"]["listed"]) == ("exact", False)
    assert told["2.1.0"]["listed"]


def test_a_tag_is_told_with_what_is_known_of_it_and_the_repository_with_its_last_trouble() -> None:
    world = World(WATCH_LIST)
    world.ghcr.push(TOOL, Tag("stable"), digest_of("stable"))
    world.check()
    world.settle()
    world.ghcr.fail("tags", Unavailable("the registry is down"))
    world.pass_time(timedelta(hours=1))
    world.check()
    world.settle()
    site = Site()
    site.observations = world.observations
    found = content(site.ask())
    (stable,) = (line for line in found["tags"] if line["tag"] == "stable")
    assert stable["observation"]["digest"] == digest_of("stable")
    assert stable["observation"]["targets"] == ["base/tool:current"]
    assert (found["image"], found["source"]) == ("tool", str(TOOL))
    assert (found["state"]["failures"], found["state"]["trouble"]) == (1, "the registry is down")


# Bounds.


def test_one_question_makes_one_list_and_no_head() -> None:
    site = Site()
    site.ask()
    assert (site.upstream.listed.total(), site.upstream.asked.total()) == (1, 0)


def test_ten_thousand_tags_are_explained_in_little_time() -> None:
    site = Site()
    for number in range(10_000):
        site.upstream.push(TOOL, Tag(f"1.{number // 100}.{number % 100}"), digest_of("same"))
    start = time.process_time()
    answer = site.ask()
    assert time.process_time() - start < 2
    assert len(lines(answer)) > 10_000


def test_a_look_at_the_tags_changes_nothing_that_is_known() -> None:
    site = Site()
    site.ask()
    assert not site.observations.of(TOOL).tags
    assert not site.observations.states()


# What goes wrong.


@pytest.mark.parametrize("name", ["", "other", "TOOL", "../tool"])
def test_an_entry_that_is_not_there_is_not_found(name: str) -> None:
    site = Site()
    assert content(site.ask(name), 404)["detail"] == f"the watch list has no entry named {name!r}"
    assert site.upstream.listed.total() == 0


def test_an_upstream_that_does_not_answer_is_to_be_asked_again() -> None:
    site = Site()
    site.upstream.fail("tags", Unavailable("ghcr.io: listing the tags: HTTP 503"))
    answer = site.ask()
    assert content(answer, 503)["detail"] == "ghcr.io: listing the tags: HTTP 503"
    assert int(answer.headers["Retry-After"]) > 0


def test_a_repository_that_is_private_or_renamed_is_told_as_such() -> None:
    site = Site()
    site.upstream.trouble(TOOL, NotFound("there is no such repository, or it is private"))
    assert "private" in content(site.ask(), 502)["detail"]


@pytest.mark.parametrize(
    "budget",
    [
        Budget(upstream=GHCR, limit=10, remaining=2, resets_at=MIDDAY + timedelta(hours=1)),
        Budget(upstream=GHCR, locked_until=MIDDAY + timedelta(hours=1)),
    ],
    ids=[refusal.value for refusal in (Refusal.SPENT, Refusal.LOCKED_OUT)],
)
def test_what_is_left_of_a_budget_is_kept_for_checks_and_imports(budget: Budget) -> None:
    site = Site()
    site.budgets.replace(site.budgets.get(GHCR), budget)
    assert "the budget of ghcr.io is short" in content(site.ask(), 503)["detail"]
    assert site.upstream.listed.total() == 0


def test_what_the_answer_says_of_limits_is_written_down_for_everybody() -> None:
    site = Site()
    site.ledger.learned(GHCR, Learned(limit=100, remaining=40, window=timedelta(hours=1)))
    site.ask()
    assert Ledger(site.budgets, SettableClock()).turns(GHCR)(50) == timedelta(hours=1)


def test_neither_a_password_nor_a_token_is_told_whatever_the_registry_answers(wire: ScriptedHttp) -> None:
    challenge = {"WWW-Authenticate": 'Bearer realm="https://ghcr.io/token?key=hidden",service="ghcr.io"'}
    wire.answer(401, challenge)
    wire.answer(401, challenge, {"details": "the-password of robot is wrong"})
    registry = any_registry(GHCR, Account("robot", "the-password"))
    answer = Site().ask(upstream=registry)
    assert "robot" in content(answer, 502)["detail"]
    assert b"the-password" not in answer.get_body()
    assert b"hidden" not in answer.get_body()


def test_the_registry_of_the_entry_is_asked_and_no_other() -> None:
    asked: list[Repository] = []

    class Listening(InMemoryUpstream):
        def tags(self, repository: Repository) -> tuple[Tag, ...]:
            asked.append(repository)
            return ()

    assert content(Site().ask(upstream=Listening()))["tags"] == [
        {
            "tag": "stable",
            "target": "base/tool:current",
            "reason": "exact",
            "listed": False,
            "observation": None,
            "standing": None,
        }
    ]
    assert asked == [TOOL]

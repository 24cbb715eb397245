"""Builds that are not ACR's, asked for by the product's own parts at the builders of the twin."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import azure.functions as func
import msgspec
import pytest
import requests
from standardwebhooks import Webhook

from infra.local.builders import events, github
from infra.local.builders.builders import app_settings
from infra.local.demo.watching import Watcher
from infra.local.emulator.assignments import APP
from infra.local.emulator.role_definitions import CRYPTO_USER
from infra.local.twin.twin import Twin
from shared.domain.promotion.rebuilds import Rebuild, RebuildStatus
from shared.domain.waves.states import MemberState, WaveState
from shared.domain.waves.wave import Wave
from shared.errors import MalformedRequest
from shared.flows.sweep import sweep_rebuilds
from shared.web.outcome import rebuild_outcome
from tests.integration.conftest import Product

pytestmark = pytest.mark.integration


class Died(BaseException):
    """The process is gone; nothing is able to handle that."""


class Elsewhere(Product):
    """A product whose image others are built on, by builders that are not ACR's; no gate tests it.

    GitHub believes a JWT of now alone, so its clock shows the time, and runs ahead only as far as pauses let it.
    """

    def __init__(self, twin: Twin) -> None:
        super().__init__(twin, f"it-{uuid4().hex[:8]}")
        self.workflow = f"github:contoso/{self.name}/build.yml@main"
        self.pipeline = f"pipelines:{self.name}/42@main"
        self.event = f"events:{self.name}"
        self.gate = None
        self.clock.now = datetime.now(UTC)
        self.configure(settings={**app_settings(twin.topology), "PUBLIC_URL": "https://tide.example"})

    @property
    def name(self) -> str:
        """The image's own part of its path."""
        return self.path.rpartition("/")[2]

    def list_them(self, *rebuilds: str, more: str = "") -> None:
        """Store a watch list whose entry names what is built elsewhere."""
        named = ", ".join(f'"{one}"' for one in rebuilds)
        entry = f"name: it, source: docker.io/{self.path}, tags: [1], target: {self.target}, rebuilds: [{named}]{more}"
        self.parts.configuration._container.write("images.yaml", f"images: [{{{entry}}}]".encode())  # type: ignore[attr-defined]

    def be(self, builder: str, **odd: Any) -> None:
        """Let a builder be odd."""
        requests.put(f"{self._control}/builds/{builder}", json={"looks": 1, **odd}, timeout=9).raise_for_status()

    def begun(self, builder: str) -> list[dict[str, Any]]:
        """Return what a builder has begun, oldest first."""
        found: list[dict[str, Any]] = requests.get(f"{self._control}/builds", timeout=9).json()[builder]
        return found

    def rebuild(self, target: str) -> Rebuild:
        """Return the only rebuild of what is built elsewhere."""
        found = [stored.record for stored in self.parts.rebuilds.current()]
        (one,) = [each for each in found if (each.target, each.base_repository) == (target, self.target)]
        return one

    def until(self, target: str, status: RebuildStatus) -> Rebuild:
        """Work on what is due, one after the other, until a rebuild has come so far."""
        for _ in range(200):
            self.step()
            if any(stored.record.base_repository == self.target for stored in self.parts.rebuilds.current()):
                rebuild = self.rebuild(target)
                if rebuild.status is status:
                    return rebuild
        raise AssertionError(f"{target} does not become {status.value}")

    def wave(self) -> Wave:
        """Return the wave of the second decision."""
        found = self.parts.rolling.book.waves.get(f"tidegatebase~{self.target.replace('/', '~')}~1~2")
        assert found is not None
        return found.record


@pytest.fixture
def elsewhere(twin: Twin) -> Iterator[Elsewhere]:
    """Builders that have begun nothing, and the App's key in the vault, which the product may sign with."""
    made = Elsewhere(twin)
    watcher = Watcher(twin.topology)
    made.given = made.emulated()["assignments"]
    watcher.vault("POST", f"keys/{github.KEY}/create", {"kty": "RSA"})
    watcher.give(APP, {CRYPTO_USER: f"{twin.topology.vault_id}/keys/{github.KEY}"})
    requests.delete(f"{twin.topology.http('control')}/builds", timeout=9)
    yield made
    made.emulate(assignments=made.given)
    requests.delete(f"{twin.topology.http('control')}/builds", timeout=9)


def test_a_dispatch_that_github_took_and_answered_by_a_502_makes_one_run(elsewhere: Elsewhere) -> None:
    elsewhere.list_them(elsewhere.workflow)
    elsewhere.update("release 1")
    assert elsewhere.begun("github") == []
    elsewhere.be("github", lost=1, hidden=2)
    pushed = elsewhere.update("release 2")
    rebuild, (build,) = elsewhere.rebuild(elsewhere.workflow), elsewhere.begun("github")
    assert (rebuild.status, rebuild.runs, rebuild.run_id) == (RebuildStatus.SUCCEEDED, 1, str(build["number"]))
    assert build["inputs"]["image"].endswith(f"/{elsewhere.target}:1@{pushed.digest}")
    counted = elsewhere.counts()
    assert counted["builders"]["POST token"] == 1
    assert counted["vault"]["sign"] == 1


def test_a_run_that_a_later_one_of_its_group_cancelled_is_covered_by_it(elsewhere: Elsewhere) -> None:
    elsewhere.list_them(elsewhere.workflow)
    elsewhere.update("release 1")
    elsewhere.be("github", group=True, looks=3)
    elsewhere.push("release 2")
    elsewhere.check()
    ours = elsewhere.until(elsewhere.workflow, RebuildStatus.RUNNING).live_run
    url = f"{elsewhere.twin.topology.https('builders')}{github.PREFIX}/repos/contoso/{elsewhere.name}"
    head = {"Authorization": f"Bearer {github.TOKEN}"}
    somebody = requests.post(
        f"{url}/actions/workflows/build.yml/dispatches", json={"ref": "main"}, headers=head, timeout=9
    )
    assert somebody.status_code == 204
    elsewhere.settle()
    first, later = elsewhere.begun("github")
    rebuild = elsewhere.rebuild(elsewhere.workflow)
    assert (str(first["number"]), first["end"]) == (ours, "cancelled")
    assert (rebuild.status, rebuild.run_id, rebuild.runs) == (RebuildStatus.SUCCEEDED, str(later["number"]), 1)


def told(product: Elsewhere, event: dict[str, Any], name: str, end: str = "built") -> func.HttpResponse:
    """Tell an end as the app's address takes it, in a message of a name of its own."""
    body = msgspec.json.encode({"rebuild": event["rebuild"], "attempt": event["attempt"], "end": end})
    headers = {
        "Webhook-Id": name,
        "Webhook-Timestamp": str(int(product.clock().timestamp())),
        "Webhook-Signature": Webhook(events.ANSWER).sign(name, product.clock(), body.decode()),
    }
    where = {"rebuild": event["rebuild"]}
    request = func.HttpRequest(method="POST", url=event["answer"], headers=headers, route_params=where, body=body)
    keys = {one.name: one.options.get("answer", ()) for one in product.parts.settings.builders}
    return rebuild_outcome(request, keys=keys, taker=lambda: product.parts.outcome_taker, now=product.clock())


def test_an_event_that_is_answered_twice_by_two_ids_is_counted_once(elsewhere: Elsewhere) -> None:
    elsewhere.list_them(elsewhere.event)
    elsewhere.update("release 1")
    elsewhere.be("events", lost=1)
    elsewhere.push("release 2")
    elsewhere.check()
    elsewhere.until(elsewhere.event, RebuildStatus.ACCEPTED)
    (build,) = elsewhere.begun("events")
    answers = [msgspec.json.decode(told(elsewhere, build["inputs"], name).get_body()) for name in ("one", "two")]
    assert [one["result"] for one in answers] == ["ends", "known"]
    with pytest.raises(MalformedRequest, match="the first answer counts"):
        told(elsewhere, build["inputs"], "three", "failed")
    elsewhere.settle()
    rebuild = elsewhere.rebuild(elsewhere.event)
    assert (rebuild.status, rebuild.told, rebuild.runs) == (RebuildStatus.SUCCEEDED, True, 1)
    assert len(elsewhere.begun("events")) == 1


def test_whoever_dies_before_the_post_has_it_asked_for_once_and_half_an_hour_later(
    elsewhere: Elsewhere, monkeypatch: pytest.MonkeyPatch
) -> None:
    pipeline = elsewhere.pipeline
    elsewhere.list_them(pipeline)
    elsewhere.update("release 1")
    elsewhere.push("release 2")
    elsewhere.check()
    with monkeypatch.context() as dying, pytest.raises(Died):
        dying.setattr(elsewhere.parts.dispatchers["pipelines"], "ask", die)
        elsewhere.until(pipeline, RebuildStatus.SUCCEEDED)
    first = elsewhere.rebuild(pipeline)
    assert (first.status, comes_back(elsewhere, 5)) == (RebuildStatus.ASKED, [])
    assert comes_back(elsewhere, 20) == []
    assert len(comes_back(elsewhere, 6)) == 1
    elsewhere.settle()
    rebuild, (build,) = elsewhere.rebuild(pipeline), elsewhere.begun("pipelines")
    assert (rebuild.status, rebuild.runs, rebuild.run_id) == (RebuildStatus.SUCCEEDED, 2, str(build["number"]))


def comes_back(product: Elsewhere, minutes: int) -> list[dict[str, Any]]:
    """Let somebody look when so many minutes have passed, and return what was begun by then."""
    product.clock.advance(timedelta(minutes=minutes))
    product.outbox.waiting.clear()
    sweep_rebuilds(product.parts.rebuild_progress, {})
    for _ in range(4):
        product.step()
    return product.begun("pipelines")


def die(*_: object) -> None:
    """Be gone."""
    raise Died


def test_a_canary_that_is_built_elsewhere_lets_what_others_build_follow(elsewhere: Elsewhere) -> None:
    rebuilding = f', rebuild: {{canary: ["{elsewhere.workflow}"], wave: 10, on_canary_failure: hold}}'
    elsewhere.list_them(elsewhere.workflow, elsewhere.pipeline, more=rebuilding)
    elsewhere.update("release 1")
    elsewhere.be("github", ends=["failure"])
    elsewhere.update("release 2")
    wave = elsewhere.wave()
    assert (wave.state, wave.reason.value) == (WaveState.DONE, "all-built")
    assert {one.target: one.state for one in wave.members} == {
        elsewhere.workflow: MemberState.BUILT,
        elsewhere.pipeline: MemberState.BUILT,
    }
    canary, other = elsewhere.begun("github"), elsewhere.begun("pipelines")
    assert [build["end"] for build in canary] == ["failure", "success"]
    assert len(other) == 1
    assert other[0]["made"] >= canary[-1]["made"]

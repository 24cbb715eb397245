"""A push into the base registry arrives through Event Grid's queue, on a twin whose webhooks are switched off."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest

from infra.local.demo.stage_set import APPLICATION, NODE_TARGET, StageSet
from infra.local.demo.watching import Watcher, eventually
from infra.local.twin.ports import free_base_port, new_topology
from infra.local.twin.twin import Twin

pytestmark = pytest.mark.e2e

_NEVER = "0 0 0 1 1 *"
# A signal that is newer than the kept listing of tasks is looked at once more in the next one, a minute later.
_NEXT_LISTING = 180
_TIMERS = tuple(
    f"{timer}_SCHEDULE"
    for timer in ("CHECK_DOCKER_HUB", "CHECK_MCR", "CHECK_OTHER_REGISTRIES", "LOOK_AT_BASE", "SWEEP")
)


class Told:
    """A twin on which an application is built on a base image, and Event Grid tells of pushes."""

    def __init__(self, twin: Twin) -> None:
        self.watcher = Watcher(twin.topology)
        self._set = StageSet(twin.topology, self.watcher)
        twin.start_host()
        self.push("release 1")
        self._set.add_application()

    def push(self, release: str) -> str:
        """Push an image into the base registry, as somebody may who is not Tidegate; return its digest."""
        return self._set.release("base", NODE_TARGET, "22-alpine", release)

    def application(self) -> str | None:
        """Return the digest of the application's image."""
        return self.watcher.digest("applications", APPLICATION, "latest")

    def runs(self) -> int:
        """Return how many runs there were, once no message waits."""
        eventually("no message waits", lambda: self.watcher.waiting("imports", "validations") == 0, _NEXT_LISTING)
        assert self.watcher.died("imports", "validations") == []
        return sum(operation["kind"] == "run" for operation in self.watcher.operations())


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Told]:
    topology = new_topology(tmp_path_factory.mktemp("twin"), free_base_port(), event_grid=True)
    with Twin(topology, dict.fromkeys(_TIMERS, _NEVER)) as twin:
        yield Told(twin)
        assert "Traceback" not in twin.log("host").read_text(), "no function broke off"


def test_a_push_into_the_base_registry_rebuilds_the_application_once_however_often_it_is_told(told: Told) -> None:
    built, runs = told.application(), told.runs()
    digest = told.push("release 2")
    eventually("the application's rebuild", lambda: told.application() != built, _NEXT_LISTING)
    assert told.runs() == runs + 1
    for _ in range(2):
        told.watcher.queue("imports").send_message(_in_event_grids_own_schema(digest))
    assert told.runs() == runs + 1


def test_no_address_takes_webhooks(told: Told) -> None:
    assert told.watcher.api("POST", "webhooks/acr", json={"action": "ping"}).status_code == 404


def _in_event_grids_own_schema(digest: str) -> str:
    data = {"action": "push", "target": {"repository": NODE_TARGET, "tag": "22-alpine", "digest": digest}}
    return json.dumps({"eventType": "Microsoft.ContainerRegistry.ImagePushed", "data": data})

"""One life of the product on the twin, told to a local ingestion endpoint: updates good and bad, and failures."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from json import dumps
from typing import Any

import pytest
import requests

from infra.local.demo.scenes import Scenes
from infra.local.demo.stage_set import NODE_TARGET
from infra.local.demo.watching import Watcher, eventually
from infra.local.ingestion.server import Ingestion
from infra.local.ingestion.tables import Row
from infra.local.twin.ports import free_base_port, new_topology
from infra.local.twin.settings import AZURITE_KEY
from infra.local.twin.twin import Twin

# As infra/modules/function-app.bicep sets them, so that what is seen here is what Azure gets.
AS_DEPLOYED = {
    "PYTHON_APPLICATIONINSIGHTS_ENABLE_TELEMETRY": "true",
    "OTEL_TRACES_SAMPLER": "always_on",
    "OTEL_PYTHON_DISABLED_INSTRUMENTATIONS": "azure_sdk,requests,urllib,urllib3",
    "OTEL_METRICS_EXPORTER": "none",
    "APPLICATIONINSIGHTS_OPENTELEMETRY_RESOURCE_METRIC_DISABLED": "true",
    "PYTHON_APPLICATIONINSIGHTS_LOGGER_NAME": "tidegate",
}
# Microsoft's own statistics and remote configuration have no place to go to from here.
_HERE = {
    "APPLICATIONINSIGHTS_STATSBEAT_DISABLED_ALL": "true",
    "APPLICATIONINSIGHTS_CONTROLPLANE_DISABLED": "true",
    "SWEEP_SCHEDULE": "*/2 * * * * *",
    "PYTHON_THREADPOOL_THREAD_COUNT": "32",
}


@dataclass(frozen=True)
class Told:
    """What arrived, once the host had ended.

    Attributes:
        rows: all of it.
        promoted: the digest of the good update.
        secrets: what must not be found in it.
    """

    rows: list[Row]
    promoted: str
    secrets: tuple[str, ...]

    def of(self, table: str) -> list[Row]:
        """Return the rows of one table."""
        return [row for row in self.rows if row.table == table]

    def names(self, table: str) -> set[str]:
        """Return every name in a table."""
        return {str(row.columns["name"]) for row in self.of(table)}


@pytest.fixture(scope="session")
def told(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Told]:
    """Two updates from the check to the rebuild or the rejection, a message that died and a function that broke off."""
    topology = new_topology(tmp_path_factory.mktemp("twin"), free_base_port())
    with Ingestion() as ingestion:
        settings = {**AS_DEPLOYED, **_HERE, "APPLICATIONINSIGHTS_CONNECTION_STRING": ingestion.connection_string}
        with Twin(topology, settings) as twin:
            scenes = Scenes(twin)
            scenes.prepare()
            twin.start_host()
            promoted = _live(scenes)
            assert "Traceback" not in twin.log("host").read_text(), "no function broke off"
            _survey(twin, ingestion)
            _lock_out(twin, Watcher(topology), ingestion)
            _break(twin, Watcher(topology), promoted)
            # Ending, the host sends what it still holds.
            twin.stop_host()
        secrets = (topology.webhook_secret, topology.function_key, topology.identity_header, AZURITE_KEY)
        yield Told(ingestion.rows(), promoted, secrets)


def _live(scenes: Scenes) -> str:
    watcher = scenes.watcher
    scenes.first_import()
    scenes.good_update()
    promoted = watcher.digest("base", NODE_TARGET, "22-alpine")
    assert promoted is not None
    scenes.bad_update()
    watcher.queue("imports-poison").send_message("not a message")
    queues = ("imports", "validations", "imports-poison")
    eventually("no work waits in any queue", lambda: watcher.waiting(*queues) == 0, seconds=180)
    return promoted


def _survey(twin: Twin, ingestion: Ingestion) -> None:
    """Start the host anew: the first sweep of a process surveys what is wrong, and what was rejected is so."""
    twin.stop_host()
    twin.start_host()

    def told() -> bool:
        return any(row.columns["name"] == "trouble" for row in ingestion.rows("customEvents"))

    eventually("the sweep tells what is wrong", told, seconds=60)


def _lock_out(twin: Twin, watcher: Watcher, ingestion: Ingestion) -> None:
    """Let Docker Hub's catalogue ask to be left alone for an hour, and ask for a check of what is in it."""
    fault = {"front": "docker_hub_api", "action": "status", "status": 429, "headers": {"Retry-After": "3600"}}
    _play(twin, fault)

    def state() -> dict[str, Any]:
        found: dict[str, Any] = watcher.api("GET", "images/node/tags").json()["state"]
        return found

    eventually("the check meets the lock", lambda: state().get("trouble"))
    watcher.api("POST", "check", json={"image": "node"}).raise_for_status()
    eventually("the next check is put off", lambda: state().get("deferred") == "locked-out")
    eventually("a sweep tells of the lock", lambda: _tells(ingestion, "tidegate.budget.locked"), seconds=30)


def _tells(ingestion: Ingestion, attribute: str) -> bool:
    return any(attribute in row.dimensions for row in ingestion.rows("dependencies"))


def _play(twin: Twin, fault: dict[str, Any]) -> None:
    requests.post(f"{twin.topology.http('control')}/faults", json=fault, timeout=9).raise_for_status()


def _break(twin: Twin, watcher: Watcher, digest: str) -> None:
    """Let a function break off: the base registry refuses once to tell what its tag points at."""
    body = dumps({"errors": [{"code": "UNSUPPORTED", "message": "not allowed to read the tag"}]})
    fault = {"front": "base", "action": "status", "status": 400, "path": "/_tags/22-alpine$", "body": body}
    _play(twin, fault)
    signal = {"kind": "base-moved", "v": 1, "repository": NODE_TARGET, "tag": "22-alpine", "digest": digest}
    watcher.queue("validations").send_message(dumps(signal))
    eventually("the function breaks off", lambda: "Traceback" in twin.log("host").read_text(), seconds=15)

"""What the base registry costs while it is as it should be, and how long a deleted tag of it stays away."""

from __future__ import annotations

import statistics
import time
from itertools import product
from pathlib import Path

import requests

from infra.local.demo.stage_set import StageSet
from infra.local.demo.watching import Watcher, eventually
from infra.local.twin.images import push_image
from infra.local.twin.ports import free_base_port, new_topology
from infra.local.twin.twin import Twin
from shared.rules.base_events import SOON
from tests.bench.table import Row
from tests.bench.updates import NO_TIMERS, Cost, cost_of

_REPOSITORIES, _TAGS_EACH = 10, 3
_DELETIONS = 3
_APART = "BASE_LISTINGS_APART_SECONDS"
_SETTINGS = {**NO_TIMERS, _APART: "4", "NEW_TAGS_A_CHECK": str(_REPOSITORIES * _TAGS_EACH)}
_QUEUES = ("imports", "validations")
_LONGEST_WORK = 180.0
# As the emulator counts the listing of a repository's tags; and who has no part in a round.
_LISTING, _NOT_ASKED = "GET tags", ("arm", "staging")
# No gate: what stands in the base registry is what is measured, not how it came there.
_WATCH_LIST = "images:\n" + "".join(
    f"  - {{name: n{number}, source: docker.io/library/n{number}, tags: [{', '.join(map(str, range(_TAGS_EACH)))}], "
    f"target: base/n{number}}}\n"
    for number in range(_REPOSITORIES)
)


class Ground:
    """A twin without timers, on which some repositories of the base registry were filled.

    Args:
        twin: up, with its host.
    """

    def __init__(self, twin: Twin) -> None:
        self.twin = twin
        self._watcher = Watcher(twin.topology)
        self._set = StageSet(twin.topology, self._watcher)
        container = self._watcher.container("config")
        container.create_container()
        container.upload_blob("images.yaml", _WATCH_LIST.encode())
        self._wanted = {
            (f"base/n{number}", str(tag)): self._release(number, tag)
            for number, tag in product(range(_REPOSITORIES), range(_TAGS_EACH))
        }
        self._fill()

    def run(self, timer: str) -> None:
        """Run a timer's function now, and wait until nothing is left of what it asked for."""
        topology = self.twin.topology
        url = f"{topology.http('host')}/admin/functions/{timer}"
        headers = {"x-functions-key": topology.master_key}
        requests.post(url, json={"input": ""}, headers=headers, timeout=9).raise_for_status()
        time.sleep(1)
        self._quiet()

    def listen(self) -> None:
        """Let the base registry tell of what is deleted, as the deployment does."""
        self._set.add_webhook()

    def away(self, number: int) -> float:
        """Delete the image under a repository's first tag; return the seconds until the tag bears it again."""
        repository, tag = f"base/n{number}", "0"
        digest = self._wanted[repository, tag]
        self._set.delete("base", repository, digest)
        began = time.monotonic()
        eventually("the tag is back", lambda: self._watcher.digest("base", repository, tag) == digest, 120, 0.05)
        return time.monotonic() - began

    def _release(self, number: int, tag: int) -> str:
        hub = self.twin.topology.http("backing_docker_hub")
        return push_image(hub, f"library/n{number}", str(tag), f"n{number} {tag}").digest

    def _fill(self) -> None:
        self._watcher.api("POST", "check").raise_for_status()
        eventually("the base registry is filled", self._is_full, seconds=_LONGEST_WORK)
        self._quiet()

    def _is_full(self) -> bool:
        return all(self._watcher.digest("base", *name) == digest for name, digest in self._wanted.items())

    def _quiet(self) -> None:
        eventually("all is quiet", lambda: self._watcher.waiting(*_QUEUES) == 0, seconds=_LONGEST_WORK)


def rows(folder: Path) -> list[Row]:
    """Measure and return the table's rows; ``folder`` is for the twin's state."""
    with Twin(new_topology(folder, free_base_port()), _SETTINGS) as twin:
        twin.start_host()
        ground = Ground(twin)
        # The first round after the filling still writes down what it sees.
        ground.run("look_at_base")
        cost = cost_of(twin, lambda: ground.run("look_at_base"), _REPOSITORIES)
        ground.listen()
        away = statistics.median(ground.away(number) for number in range(_DELETIONS))
    wait = f"{SOON.total_seconds():.0f} s"
    setting = f"{_APART}={_SETTINGS[_APART]}, told by the webhook; {wait} of it pass before the first look, on purpose"
    return [*_round_rows(cost), Row(f"from a deleted base tag to its return, {setting}", f"{away:.1f} s")]


def _round_rows(cost: Cost) -> list[Row]:
    what = f"a round where nothing differs, each of {_REPOSITORIES} repositories of {_TAGS_EACH} tags"
    base = cost.requests["base"]
    beside = [(kind, number) for kind, number in sorted(base.items()) if kind != _LISTING]
    return [
        Row(f"listings of the base registry, {what}", f"{base.get(_LISTING, 0):.1f}", "1"),
        *(Row(f"  beside it to base: {kind}", f"{number:.1f}") for kind, number in beside),
        *(Row(f"  requests to {front}", f"{sum(cost.requests[front].values()):.1f}", "0") for front in _NOT_ASKED),
        Row("  storage transactions", f"{sum(cost.storage.values()):.1f}"),
        *(Row(f"    {kind}", f"{number:.1f}") for kind, number in sorted(cost.storage.items())),
    ]

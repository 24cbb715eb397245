"""The scenes of builds that are not ACR's: what is asked for once is one build, however odd the answers are."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import requests

from infra.local.builders import github
from infra.local.builders.builders import app_settings
from infra.local.demo.stage_set import OnStage
from infra.local.demo.watching import eventually, expect
from infra.local.emulator.assignments import APP
from infra.local.emulator.role_definitions import CRYPTO_USER
from infra.local.topology import Topology
from infra.local.twin.twin import Twin

_SOURCE, _TARGET, _TAG = "library/api", "base/api", "1"
_WORKFLOW, _EVENT = "github:contoso/api/.github/workflows/build.yml@main", "events:api"
# Beside the list of those whose stage this is as well.
_FILE = "images/builders.yaml"
_LIST = f"""\
images:
  - name: api
    source: docker.io/library/api
    tags: [1]
    target: base/api
    referrers: 'off'
    rebuilds: ["{_WORKFLOW}", "{_EVENT}"]
"""
_SECONDS = 20


def builder_settings(topology: Topology) -> dict[str, str]:
    """Return the settings by which builds are asked for at the twin's builders, and where these tell how they ended."""
    return {**app_settings(topology), "PUBLIC_URL": topology.http("host")}


class BuilderScenes(OnStage):
    """The scenes, to be played in order on one twin.

    Args:
        twin: up; its host starts once all is prepared.
    """

    def __init__(self, twin: Twin) -> None:
        super().__init__(twin)
        self._digest = ""

    def prepare(self) -> None:
        """Put everything on the stage before the host starts: a release, the App's key, and who is asked for builds."""
        self._watcher.vault("POST", f"keys/{github.KEY}/create", {"kty": "RSA"})
        self._watcher.give(APP, {CRYPTO_USER: f"{self._topology.vault_id}/keys/{github.KEY}"})
        self._release("release 1")
        self._set.store(_FILE, _LIST)

    def lost_answer(self) -> None:
        """(af) GitHub takes a dispatch and answers 502: it is not sent again, and its one run is found and followed."""
        self._until_in_base()
        expect(self._begun("github") == [], "a first release has nobody build")
        self._be("github", lost=1)
        self._be("events", tells=2)
        self._release("release 2")
        self._until_in_base()
        rebuild = eventually(f"{_WORKFLOW} is built", lambda: self._built(_WORKFLOW))
        (build,) = self._begun("github")
        expect(rebuild["run_id"] == str(build["number"]), f"its one run was followed: {rebuild}")
        expect(rebuild["runs"] == 1, f"it was asked for once: {rebuild}")
        expect(build["inputs"]["image"].endswith(f"@{self._digest}"), f"the new digest was named: {build}")
        sent = self._watcher.counts()["builders"]["POST dispatch"]
        expect(sent == 1, f"one dispatch was sent, not {sent}")

    def told_twice(self) -> None:
        """(ag) Another builder takes an event and tells the end in two messages: it counts once, as that one's word."""
        rebuild = eventually(f"{_EVENT} is built", lambda: self._built(_EVENT))
        told = eventually("its end was told twice", lambda: (found := self._begun("told"))[1:] and found)
        expect([one["status"] for one in told] == [200, 200], f"both are taken: {told}")
        expect((rebuild["told"], rebuild["runs"]) == (True, 1), f"one attempt ended, by what was told: {rebuild}")
        expect(len(self._begun("events")) == 1, "one build was begun")

    def all(self) -> tuple[Callable[[], None], ...]:
        """Return the scenes in order."""
        return (self.lost_answer, self.told_twice)

    def _release(self, release: str) -> None:
        self._digest = self._set.release("docker_hub", _SOURCE, _TAG, release)

    def _until_in_base(self) -> None:
        what = f"{_TARGET}:{_TAG} is {self._digest} in the base registry"
        eventually(what, lambda: self._watcher.digest("base", _TARGET, _TAG) == self._digest)

    def _built(self, target: str) -> dict[str, Any] | None:
        """The rebuild of what is built elsewhere, once it has succeeded."""
        listed = self._watcher.api("GET", "rebuilds").json()["rebuilds"]
        return next((one for one in listed if (one["target"], one["status"]) == (target, "succeeded")), None)

    def _be(self, builder: str, **odd: int) -> None:
        url = f"{self._topology.http('control')}/builds/{builder}"
        requests.put(url, json=odd, timeout=_SECONDS).raise_for_status()

    def _begun(self, name: str) -> list[dict[str, Any]]:
        found: dict[str, Any] = requests.get(f"{self._topology.http('control')}/builds", timeout=_SECONDS).json()
        return list(found[name])

"""Lays the playground out on a running twin, and finds it as it was left when the twin comes up again."""

from __future__ import annotations

from collections.abc import Callable

from infra.local.builders.builders import dispatcher_settings
from infra.local.demo.stage_set import NODE_TARGET, UPSTREAM, StageSet
from infra.local.demo.watching import Watcher, eventually
from infra.local.receivers.receivers import destination_settings
from infra.local.topology import Topology
from infra.local.twin.settings import EVERY_TEN_SECONDS
from infra.local.twin.twin import Twin

_EVERY_FIVE_SECONDS = "*/5 * * * * *"
# People look on: a check every five seconds, where a deployment leaves fifteen minutes between two. It may run for days
# on a laptop, so not every second as in tests.
SETTINGS = {
    **{f"CHECK_{upstream}_SCHEDULE": _EVERY_FIVE_SECONDS for upstream in ("DOCKER_HUB", "MCR", "OTHER_REGISTRIES")},
    "SWEEP_SCHEDULE": _EVERY_FIVE_SECONDS,
    "LOOK_AT_BASE_SCHEDULE": EVERY_TEN_SECONDS,
    "PYTHON_THREADPOOL_THREAD_COUNT": "32",
}
# Who may sign in by the host's stand-in: two who may agree, as nobody grants what they asked for, and one who may
# not. None of them may write files of the configuration: what a gate's file says is run on this machine.
PEOPLE = ("ada:approver", "ben:approver", "eva:reader")
_TAG = "22-alpine"
_SECONDS = 180


def settings(topology: Topology, *, signs_in: bool) -> dict[str, str]:
    """Return the product's settings on the playground.

    Args:
        topology: of the twin.
        signs_in: whether people sign in: then somebody has to take off every request what says who they are, as the
            twin's own host does.
    """
    people = {"SIGN_IN_ENABLED": "true", "WEBSITE_AUTH_ENABLED": "True"} if signs_in else {}
    told = {"PUBLIC_URL": topology.http("host"), "NOTIFY_TEAMS": destination_settings(topology)["NOTIFY_TEAMS"]}
    return {**SETTINGS, **told, **people, **dispatcher_settings(topology), "INSTALLATION": "playground"}


class Playground:
    """The playground of one twin.

    Args:
        topology: of the twin.
        say: told what is waited for.
    """

    def __init__(self, topology: Topology, say: Callable[[str], None]) -> None:
        self._topology = topology
        self._say = say
        self._watcher = Watcher(topology)
        self._set = StageSet(topology, self._watcher)

    def lay_out(self, twin: Twin) -> None:
        """Lay everything out and start the host; what people changed the last time stays as they left it.

        The emulator forgets webhooks and tasks when it ends, so both are made each time.

        Raises:
            SceneFailed: the first promotion, or the application's build, did not come; the twin is up all the same.
            PartFailedError: the host did not start.
        """
        self._publish()
        if not self._topology.event_grid:
            self._set.add_webhook()
        if self._set.stored_list() is None:
            self._set.configure()
        twin.start_host()
        self._say(f"waiting until {NODE_TARGET}:{_TAG} has passed its gate and stands in the base registry")
        eventually("the first promotion", self._promoted, _SECONDS)
        self._say("building the application on it by its ACR task")
        self._set.add_application()

    def _publish(self) -> None:
        for part, repository, tag in UPSTREAM:
            if self._watcher.digest(part, repository, tag) is None:
                self._set.release(part, repository, tag, f"{tag} release 1")

    def _promoted(self) -> str | None:
        return self._watcher.digest("base", NODE_TARGET, _TAG)

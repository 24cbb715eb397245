"""A world whose entry asks for waves, to test with."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import timedelta

import msgspec

from shared.domain.gate.verdict import RunStatus
from shared.domain.promotion.rebuilds import ApplicationTask, BuilderKind, Dependency
from shared.domain.promotion.said import Canaried
from shared.domain.references import Digest, Tag
from shared.domain.waves.builders import task_id
from shared.domain.waves.states import MemberState, WaveState
from shared.domain.waves.wave import Wave
from tests.doubles.waves import BuildingRuns
from tests.doubles.world import BASE_SERVER, ONE, TAG, TARGET, TWO, WATCH_LIST, Died, World

APPS = "tidegateapps"
CANARY, SHOP, BLOG = "canary", "shop", "blog"
ALL = (CANARY, SHOP, BLOG)
HOLD, RESTORE, CONTINUE = "hold", "restore", "continue"


def asking(on_failure: str = HOLD, canary: str = f"[{APPS}/{CANARY}]", wave: int = 10) -> bytes:
    """Return a watch list whose entry asks for waves."""
    asked = f"    rebuild: {{canary: {canary}, wave: {wave}, on_canary_failure: {on_failure}}}\n"
    return WATCH_LIST + asked.encode()


def task(
    name: str, *others: tuple[str, str, Digest], own_trigger: bool = False, enabled: bool = True
) -> ApplicationTask:
    """Return a task that was last built on ``ONE``, and on others."""
    bases = (Dependency(BASE_SERVER, TARGET, TAG, ONE), *(Dependency(BASE_SERVER, *one) for one in others))
    return ApplicationTask(APPS, name, f"/tasks/{name}", enabled, own_trigger, bases)


class Waving(World):
    """A world with tasks whose base was promoted once, before any of them was built anew.

    Args:
        watch_list: YAML.
        tasks: by their names, or as they are.
        destinations: who is told.
    """

    def __init__(
        self,
        watch_list: bytes | None = None,
        tasks: Sequence[str | ApplicationTask] = ALL,
        destinations: Sequence[str] = (),
    ) -> None:
        super().__init__(watch_list or asking(), destinations=tuple(destinations))
        self.application_runs = BuildingRuns(self.base, self._moment("application_runs"))
        self.application_runs.application_tasks = tuple(
            one if isinstance(one, ApplicationTask) else task(one) for one in tasks
        )
        self.start()
        self.promote(ONE)

    def promote(self, digest: Digest, by: timedelta = timedelta(minutes=30), tag: Tag = TAG) -> None:
        """Let the upstream move, and a while pass."""
        self.pass_time(timedelta(minutes=5))
        self.push(digest, tag)
        self.do(self.check)
        self.run_for(by)

    def do(self, act: Callable[[], object]) -> None:
        """Do something, once more if the process died on the way: timers and people come again."""
        try:
            act()
        except Died:
            self.start()
            act()

    def fails(self, name: str, times: int = 2, status: RunStatus = RunStatus.FAILED) -> None:
        """Let the next runs of a task end badly."""
        self.application_runs.end(f"/tasks/{name}", *[status] * times, log=f"{name} broke")

    def wave(self, number: int = 2) -> Wave:
        """Return the wave of a decision."""
        found = self.waves.get(f"{self.target().id}~{number}")
        assert found is not None, f"decision {number} has no wave"
        return found.record

    def state(self, number: int = 2) -> tuple[WaveState, str]:
        """Return where the wave of a decision is, and why."""
        found = self.wave(number)
        return found.state, found.reason.value

    def member(self, name: str, number: int = 2) -> MemberState:
        """Return where a member of a wave is."""
        found = self.wave(number).member(task_id(APPS, name))
        assert found is not None, f"{name} is no member"
        return found.state

    def canaried(self) -> Canaried:
        """Return the only digest on which canaries failed."""
        (found,) = self.target().canaried
        return found

    def runs_of(self, name: str, digest: Digest = TWO) -> int:
        """Return how many runs of a task began when its base bore a digest."""
        runs = self.application_runs
        assert isinstance(runs, BuildingRuns)
        begun = [bases[TARGET, TAG] for key, bases in runs.bases_at_start if key == f"/tasks/{name}"]
        return begun.count(digest)

    def built_on(self, name: str) -> str:
        """Return what a task was last built on."""
        found = next(one for one in self.application_runs.application_tasks if one.name == name)
        return found.dependencies[0].digest


def built_elsewhere(world: Waving, link: str, number: int = 2) -> None:
    """Let the canary of a decision's wave be of one who builds elsewhere, and its runs have a page."""
    stored = world.waves.get(f"{world.target().id}~{number}")
    assert stored is not None
    first, *others = sorted(stored.record.members, key=lambda one: not one.canary)
    ended = (msgspec.structs.replace(one.ended, link=link, log="") for one in first.results)
    results = (msgspec.structs.replace(one, ended=told) for one, told in zip(first.results, ended, strict=True))
    kind, place = BuilderKind.GITHUB, "contoso/shop/build.yml@main"
    named = {"target": f"github:{place}", "registry": "github", "task": place, "kind": kind}
    moved = msgspec.structs.replace(first, results=tuple(results), **named)
    world.waves.replace(stored, msgspec.structs.replace(stored.record, members=(moved, *others)))

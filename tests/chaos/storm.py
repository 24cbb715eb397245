"""A storm from its beginning to the quiet after it: players by the plan, then nobody, then the facts."""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from infra.local.demo.record_scenes import record_settings
from infra.local.demo.watching import Watcher
from infra.local.topology import APPLICATIONS, Topology
from infra.local.twin.ports import new_topology
from infra.local.twin.settings import storage_connection_string
from infra.local.twin.twin import Twin
from tests.chaos.approvers import Approvers
from tests.chaos.beside import Beside
from tests.chaos.cast import PLACES, TRAVELLING, Place, first_image, host_of
from tests.chaos.found import Found
from tests.chaos.found_beside import FoundBeside
from tests.chaos.judge import Facts, Tag, Task
from tests.chaos.judge_beside import Lying
from tests.chaos.judge_waves import Rolled, Run
from tests.chaos.memory import Series
from tests.chaos.mischief import QUEUES, TRAVELLERS, Timed, plan
from tests.chaos.pace import PACE
from tests.chaos.people import People
from tests.chaos.players import Machines, Messages, Services, Storage, Upstreams
from tests.chaos.stage import built_on, prepare
from tests.chaos.tasks import BUILT_ON, MIDDLES, TASKS

_LONGEST_QUIET = 600.0
_LOOK = 2.0
# What died is work too: a sweep has to record it.
_WORK = (*QUEUES, *(f"{name}-poison" for name in QUEUES))
# Two looks in a row at which nothing is to be done: between two records something may be on its way.
_ENOUGH = 2
_BY_CATALOGUE = frozenset({"docker_hub", "mcr"})
# So few that some have to wait for their turn.
_REBUILDS_AT_ONCE = 4
# Of these a record that has ended is never taken up again; a target ends with each decision, and begins with the next.
_END_ONCE = frozenset({"candidate", "rebuild", "wave"})
# Azure's ten minutes, at the pace at which all else goes.
_INVISIBLE = 600.0


@dataclass(frozen=True)
class Settings:
    """How a storm is: see the arguments of ``python -m tests.chaos``.

    ``travels`` is whether anything lies beside images: names, signatures, records and locks.
    """

    seed: int
    seconds: float
    pace: float
    players: Collection[str]
    folder: Path
    travels: bool = True


def _product_settings(pace: float, connection: str) -> dict[str, str]:
    schedules = ("CHECK_DOCKER_HUB", "CHECK_MCR", "CHECK_OTHER_REGISTRIES")
    return {
        **{f"{name}_SCHEDULE": "*/10 * * * * *" for name in schedules},
        "SWEEP_SCHEDULE": "*/5 * * * * *",
        "LOOK_AT_BASE_SCHEDULE": "*/20 * * * * *",
        "BASE_LISTINGS_APART_SECONDS": "10",
        # All tags begin at once, and a return is believed at once: what waits on purpose would outlast a storm.
        "NEW_TAGS_A_CHECK": "1000",
        "SECOND_LOOK_MINUTES": "0",
        "REBUILDS_AT_ONCE": str(_REBUILDS_AT_ONCE),
        "PYTHON_THREADPOOL_THREAD_COUNT": "32",
        "AzureWebJobsStorage": connection,
        PACE: str(pace),
    }


class Storm:
    """One storm on a twin of its own; a context manager that takes it all down.

    Args:
        settings: how it is.
        say: tells people how it goes.
    """

    def __init__(self, settings: Settings, say: Callable[[str], None]) -> None:
        self._settings, self._say = settings, say
        topology = new_topology(settings.folder, application_tasks=tuple(TASKS), locks=settings.travels)
        self._topology: Topology = topology
        self._storage = Storage(topology)
        self._twin = Twin(
            topology,
            {**_product_settings(settings.pace, self._storage.connection), **self._record_settings()},
            in_memory=False,
            app="tests.chaos.app:app",
            host="own",
            host_options=(f"--invisible-seconds={max(_INVISIBLE / settings.pace, 5.0)}",),
            emulator="tests.chaos.emulator",
        )
        self.memory = Series(self._twin.host_pid)
        self._watcher = Watcher(topology)
        self._found = Found(storage_connection_string(topology), settings.pace)
        self._beside = Beside(topology, travels=settings.travels)
        self._upstreams, self._machines = Upstreams(topology, self._beside), Machines(self._twin)
        self._people = People(topology, self._watcher)
        self._found_beside = FoundBeside(topology, self._people, self._found.companions)
        self._services, self._messages = Services(topology), Messages(topology)
        self._approvers = Approvers(Watcher(topology))

    def __enter__(self) -> Storm:
        self._twin.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.memory.end()
        self._twin.stop()
        self._storage.close()

    def begin(self) -> None:
        """Prepare the stage, and start the host."""
        prepare(self._topology, self._watcher, self._upstreams, travels=self._settings.travels)
        self._people.sign_in()
        self._twin.start_host()
        self._approvers.sign_in()
        self.memory.begin()

    def rage(self) -> None:
        """Let every player do what the plan says, each in a thread of its own, and then make all well."""
        began, failed = time.monotonic(), list[BaseException]()
        acts = plan(self._settings.seed, self._settings.seconds)
        threads = [
            threading.Thread(target=_play, args=(acts[name], play, began, failed), name=name)
            for name, play in self._players().items()
            if name in self._settings.players and (self._settings.travels or name not in TRAVELLERS)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        time.sleep(max(0.0, began + self._settings.seconds - time.monotonic()))
        self._heal()
        if failed:
            raise failed[0]

    def _heal(self) -> None:
        """Host and Azurite are up: who stops them starts them again."""
        self._services.heal()
        self._storage.heal()
        self._people.heal()
        if "approvers" in self._settings.players:
            self._approvers.heal()

    def told(self) -> str:
        """Return what was done, for people."""
        moved, died, meddled = self._upstreams, self._machines, self._messages
        said, people, approvers = self._beside, self._people, self._approvers
        return (
            f"{moved.moves} tags moved and {moved.refused} that could not be, {died.kills} kills of the host, "
            f"{died.restarts} restarts of Azurite, {meddled.copied} messages copied, {meddled.held} held back, "
            f"{meddled.junk} of junk, and {meddled.refused} times no queue to meddle with; beside images "
            f"{said.early} signatures and SBOMs, and {said.late} late ones; {people.locks} locks by people, of which "
            f"{people.opened} were opened, {people.undone} of ours undone, and {people.refused} times no answer; "
            f"{approvers.heard} words of waves that counted, {approvers.declined} that did not, and "
            f"{approvers.refused} times no answer"
        )

    def quiet(self) -> float:
        """Wait until nothing is to be done any more; return how long it took, in seconds.

        Ten minutes at most, counted from when more had ended than ever before: a slow machine may need longer for what
        there is to do, and where all waits for nothing, nothing ends.
        """
        began = since = time.monotonic()
        idle, ended, told = 0, 0, ""
        while idle < _ENOUGH and time.monotonic() - since < _LONGEST_QUIET:
            time.sleep(_LOOK)
            left, now_ended = self._left()
            idle = 0 if left else idle + 1
            if now_ended > ended:
                since, ended = time.monotonic(), now_ended
            if left != told:
                told = left
                self._say(f"  {time.monotonic() - began:4.0f} s: {left or 'nothing is left to be done'}")
        return time.monotonic() - began

    def facts(self) -> Facts:
        """Return what is to be judged."""
        wanted, stories = self._found.wanted(), self._found.stories()
        lying = self._lying(wanted)
        return Facts(
            now=datetime.now(UTC),
            longest=self._found.longest,
            grace=self._found.grace,
            tags=tuple(
                self._tag(place, wanted.get(place.target, ""), stories.get(place.target, ())) for place in PLACES
            ),
            tasks=tuple(Task(name, built) for name, built in built_on(self._watcher).items()),
            records=self._found.records(self._people.held()),
            rebuilds=self._found.rebuilds(),
            runs=self._runs(),
            lying=lying,
            touched=tuple(self._people.touched),
            rolled=self._rolled(),
            middles={name: self._watcher.digest("applications", *name.split(":")) or "" for name in MIDDLES},
            roots=MIDDLES,
        )

    def _rolled(self) -> Rolled:
        continued = frozenset(self._approvers.continued)
        return Rolled(self._found.waves(), self._found.decided(), continued, _REBUILDS_AT_ONCE)

    def _lying(self, wanted: Mapping[str, str]) -> tuple[Lying, ...]:
        """What lies beside what a tag bears as was decided; of a tag that people lock, it may bear something else."""
        if not self._settings.travels:
            return ()
        bears = {place: self._upstreams.base(place) for place in TRAVELLING}
        decided = {place: digest for place, digest in bears.items() if digest and digest == wanted.get(place.target)}
        return self._found_beside.lying(decided, self._signing_keys())

    def _signing_keys(self) -> tuple[bytes, ...]:
        return tuple(one["pem"].encode() for one in self._watcher.api("GET", "signing-keys").json()["keys"])

    def _record_settings(self) -> dict[str, str]:
        return record_settings(self._topology) if self._settings.travels else {}

    def _tag(self, place: Place, wanted: str, story: tuple[str, ...]) -> Tag:
        return Tag(
            name=place.target,
            upstream=self._upstreams.bears(place),
            bore=frozenset(self._upstreams.bore[place]),
            base=self._upstreams.base(place),
            wanted=wanted,
            before=first_image(place).digest if place in BUILT_ON else "",
            locked=place.target in self._people.held(),
            story=story,
        )

    def _players(self) -> dict[str, Callable[[Any], None]]:
        return {
            "upstreams": self._upstreams.play,
            "machines": self._machines.play,
            "services": self._services.play,
            "storage": self._storage.play,
            "messages": self._messages.play,
            "signers": self._beside.play,
            "people": self._people.play,
            "approvers": self._approvers.play,
        }

    def _left(self) -> tuple[str, int]:
        """What is to be done, by kind: records, messages, upstreams not looked at since; and how much has ended."""
        records = self._found.records(self._people.held())
        left = Counter(record.kind for record in records if not record.ended)
        # One wakes for each that is tried daily, which in a storm is every few seconds.
        left["message"] = max(0, self._watcher.waiting(*_WORK) - self._found.tried_daily())
        if not left.total():
            left["move to be noticed"] = self._unnoticed()
            left["referrer to come"] = sum(len(one.missing) for one in self._lying(self._found.wanted()))
        told = ", ".join(
            f"{number} {name}{'s' * (number > 1 and not name.endswith('s'))}" for name, number in left.items() if number
        )
        return told, sum(record.ended for record in records if record.kind in _END_ONCE)

    def _unnoticed(self) -> int:
        other = self._topology.address("other")
        names = {place: f"{host_of(place.part, other)}/{place.repository}" for place in PLACES}
        seen = self._found.noticed(sorted(set(names.values())))
        return sum(self._is_unnoticed(place, seen.get((name, place.tag))) for place, name in names.items())

    def _is_unnoticed(self, place: Place, seen: str | None) -> bool:
        """What is gone shows only in a list of all tags, for which catalogues are asked once a day."""
        bears = self._upstreams.bears(place)
        return seen != bears and (bears is not None or place.part not in _BY_CATALOGUE)

    def _runs(self) -> tuple[Run, ...]:
        prefix = f"{self._topology.address('base')}/"
        return tuple(
            Run(
                registry=one["registry"],
                id=one["run_id"],
                name=one["name"],
                task=one["task"] or "",
                status=one["status"],
                bases={name.removeprefix(prefix): digest for name, digest in one["bases"].items()},
                asked=one["created"],
                started=one["started"] or 0.0,
                finished=one["finished"] or 0.0,
            )
            for one in self._watcher.runs()
            if one["registry"] == APPLICATIONS or one["name"]
        )


def _play(acts: tuple[Timed, ...], play: Callable[[Any], None], began: float, failed: list[BaseException]) -> None:
    """An act that is late is played at once: none is left out. What breaks a player ends it, and is told."""
    try:
        for timed in acts:
            time.sleep(max(0.0, began + timed.at - time.monotonic()))
            play(timed.act)
    except Exception as error:  # noqa: BLE001 - raised again once all players have ended
        failed.append(error)

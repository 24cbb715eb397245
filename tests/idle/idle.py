"""Has a twin be idle: tags that do not move, timers as deployed, instances as Flex Consumption has them; and counts.

Once, everything that comes each quarter of an hour or more seldom comes at one moment. Before it lies time in which
nothing comes but what comes more often. A quarter of an hour is the time around that moment, and as much of the time
before it as makes it one.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import requests

from infra.local.demo.watching import SceneFailed
from infra.local.host.cores import can_be_shared
from infra.local.host.ncrontab import parse
from infra.local.ingestion.server import Ingestion
from infra.local.twin.parts import ROOT
from infra.local.twin.ports import free_base_port, new_topology
from infra.local.twin.twin import Twin
from tests.bench.deployed import deployed, telemetry_settings
from tests.idle.counts import Counts, added, scaled
from tests.idle.stage import TAGS_EACH, Stage
from tests.idle.window import Window

QUARTER = 900
_MINUTE = 60
_UPSTREAM_SECONDS = 0.1
# A host that starts wakes every timer once, and its instances go after some forty seconds.
_SETTLED = 90
# Instances are woken a dozen seconds ahead of a timer's run.
_AHEAD = 20
_LONGEST_CHECK = 15
_EXAMPLE = ROOT / "local.settings.json.example"
# Microsoft's own statistics and remote configuration have no place to go to from here.
_HERE = {
    "APPLICATIONINSIGHTS_STATSBEAT_DISABLED_ALL": "true",
    "APPLICATIONINSIGHTS_CONTROLPLANE_DISABLED": "true",
}
# Until the first look at all tags begins, and how often there is another: such a look takes minutes here.
_TO_START, _PREPARING_MINUTES = timedelta(seconds=40), 10
# What an update is reckoned with.
IMPORT_SECONDS, GATE_SECONDS = 20.0, 90.0
_AT_AZURES_PACE = {
    "import_seconds": IMPORT_SECONDS,
    "imports_played": True,
    "run_seconds": GATE_SECONDS,
    "runs_played": True,
    "short_retry_after": None,
}


@dataclass(frozen=True)
class Asked:
    """What is to be idle.

    Attributes:
        tags: watched ones, five to a repository.
        seconds: of the time before all is checked; a multiple of ``period``.
        updates: how many tags move afterwards, one after the other.
    """

    tags: int
    seconds: int
    updates: int = 0


@dataclass(frozen=True)
class Idle:
    """What was counted.

    Attributes:
        plain_seconds, plain: before everything was checked.
        check_seconds, check: while it was.
        update: of one update; ``None`` where none was asked for.
        cores: an instance's share of a core; 0 where this machine lets us set none.
    """

    plain_seconds: int
    plain: Counts
    check_seconds: int
    check: Counts
    update: Counts | None
    cores: float

    @property
    def times_plain(self) -> float:
        """How many times the time before the check makes, with the check, a quarter of an hour."""
        return (QUARTER - self.check_seconds) / self.plain_seconds

    @property
    def quarter(self) -> Counts:
        """What a quarter of an hour counts."""
        return added(self.check, scaled(self.plain, self.times_plain))


def idle(asked: Asked, folder: Path, say: Callable[[str], None]) -> Idle:
    """Have a twin be idle and count; ``folder`` is for its state."""
    with _settled(asked, folder, say) as (twin, ingestion, stage, checked):
        return _Counting(twin, ingestion, stage, say).count(asked, checked)


@contextmanager
def _settled(
    asked: Asked, folder: Path, say: Callable[[str], None]
) -> Iterator[tuple[Twin, Ingestion, Stage, datetime]]:
    """Yield a twin on which every tag is adopted, and the moment at which all will be checked."""
    topology = new_topology(folder, free_base_port())
    with Ingestion() as ingestion, Twin(topology, host="own") as twin:
        stage = Stage(topology, asked.tags // TAGS_EACH)
        stage.prepare()
        twin.change_host(_preparing(), ())
        twin.start_host()
        stage.adopted()
        say(f"{asked.tags} tags are adopted")
        twin.stop_host()
        stage.add_webhook()
        _slow_upstream(twin)
        checked = datetime.now(UTC).replace(microsecond=0) + timedelta(seconds=_SETTLED + asked.seconds + _AHEAD)
        told = {**telemetry_settings(), **_HERE, "APPLICATIONINSIGHTS_CONNECTION_STRING": ingestion.connection_string}
        twin.change_host({**deployed_schedules(checked), **told}, ("--scale", "flex", "--cores", f"{_cores():g}"))
        twin.start_host()
        yield twin, ingestion, stage, checked


class _Counting:
    def __init__(self, twin: Twin, ingestion: Ingestion, stage: Stage, say: Callable[[str], None]) -> None:
        self._twin, self._ingestion, self._stage, self._say = twin, ingestion, stage, say
        self._usual: set[str] = set()

    def count(self, asked: Asked, checked: datetime) -> Idle:
        ahead = checked - timedelta(seconds=_AHEAD)
        _sleep_until(ahead - timedelta(seconds=asked.seconds))
        before = self._window()
        _sleep_until(ahead)
        plain, around = before.counted(), self._window()
        self._usual = {*plain["starts"], *around.groups()}
        self._say(f"counted {asked.seconds} s; now all is checked")
        check_seconds = self._until_quiet(around, plain)
        check = around.counted()
        return Idle(asked.seconds, plain, check_seconds, check, self._update(asked, plain), _cores())

    def _update(self, asked: Asked, plain: Counts) -> Counts | None:
        """Return what one update costs: what is counted meanwhile, less what the time costs anyway."""
        if not asked.updates:
            return None
        self._stage.watcher.set(**_AT_AZURES_PACE)
        window, seconds = self._window(), 0
        for number in range(asked.updates):
            self._stage.update(number)
            seconds = self._until_quiet(window, plain)
            self._say(f"update {number + 1} is done")
        anyway = scaled(plain, -seconds / asked.seconds)
        return scaled(_not_below_nothing(added(window.counted(), anyway)), 1 / asked.updates)

    def _until_quiet(self, window: Window, plain: Counts) -> int:
        """Wait for as many whole minutes as it takes until nothing goes on but what went on before; return seconds."""
        asked = window.asked()
        for minute in range(self._passed(window) + 1, self._passed(window) + 1 + _LONGEST_CHECK):
            time.sleep(max(0.0, window.began + minute * _MINUTE - time.monotonic()))
            before, asked = asked, window.asked()
            if _same(before, asked, plain) and window.groups() <= self._usual:
                return minute * _MINUTE
        raise SceneFailed(f"after {_LONGEST_CHECK} minutes there still was work")

    def _window(self) -> Window:
        return Window(self._twin, self._ingestion)

    @staticmethod
    def _passed(window: Window) -> int:
        return int((time.monotonic() - window.began) // _MINUTE)


def _cores() -> float:
    return deployed().cores if can_be_shared() else 0.0


def deployed_schedules(checked: datetime) -> dict[str, str]:
    """Return schedules as they are deployed, but of what comes each quarter of an hour or more seldom: once, then."""
    values: dict[str, str] = json.loads(_EXAMPLE.read_text())["Values"]
    once = f"{checked.second} {checked.minute} {checked.hour} * * *"
    schedules = {name: text for name, text in values.items() if name.endswith("_SCHEDULE") and text}
    return {name: once if _gap(text) >= QUARTER else text for name, text in schedules.items()}


def period() -> int:
    """Return the seconds after which all has come that comes more often than each quarter of an hour."""
    gaps = {_gap(text) for text in deployed_schedules(datetime.now(UTC)).values()}
    return max((gap for gap in gaps if gap < QUARTER), default=_MINUTE)


def _gap(schedule: str) -> int:
    times = parse(schedule)
    first = times.next_after(datetime.now(UTC))
    return round((times.next_after(first) - first).total_seconds())


def _preparing() -> dict[str, str]:
    first = datetime.now(UTC) + _TO_START
    often = f"{first.second} {first.minute % _PREPARING_MINUTES}/{_PREPARING_MINUTES} * * * *"
    names = deployed_schedules(first)
    return {**dict.fromkeys(names, often), "NEW_TAGS_A_CHECK": "10000", "PYTHON_THREADPOOL_THREAD_COUNT": "32"}


def _slow_upstream(twin: Twin) -> None:
    """Have Docker Hub answer as from afar, so that durations mean something."""
    for front in ("docker_hub_api", "docker_hub_registry", "docker_hub_auth"):
        fault = {"front": front, "action": "slow", "seconds": _UPSTREAM_SECONDS, "times": None}
        requests.post(f"{twin.topology.http('control')}/faults", json=fault, timeout=9).raise_for_status()


def _same(before: dict[str, float], after: dict[str, float], plain: Counts) -> bool:
    """Whether nobody was asked but whom somebody asks all the time."""
    return all(number == before.get(front) for front, number in after.items() if front not in plain["asked"])


def _not_below_nothing(counts: Counts) -> Counts:
    return {
        subject: {kind: number for kind, number in kinds.items() if number > 0} for subject, kinds in counts.items()
    }


def _sleep_until(moment: datetime) -> None:
    time.sleep(max(0.0, (moment - datetime.now(UTC)).total_seconds()))

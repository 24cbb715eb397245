"""The instances of a scaled host: started, listened to, drained, killed, and what of it is counted."""

from __future__ import annotations

import itertools
import logging
import random
import threading
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable
from concurrent.futures import Future

from infra.local.host.counts import Counts
from infra.local.host.instance_messages import Answer, Ask, Drain, FromInstance, ToInstance
from infra.local.host.member import ChildProcess, InstanceGone, Line, Member
from infra.local.host.scale_options import ScaleOptions
from infra.local.host.scaling import Seen, to_drain

_log = logging.getLogger("host.scale")


# Starts a process for an instance of this name and group, which serves after so many seconds.
Starter = Callable[[str, str, float], tuple[ChildProcess, Line]]


class Fleet:
    """All instances of an app.

    Args:
        starter: starts one.
        options: how long starts and drains take, and when an instance is idle.
        counts: where all is counted.
    """

    def __init__(self, starter: Starter, options: ScaleOptions, counts: Counts) -> None:
        self._starter = starter
        self._options = options
        self._counts = counts
        self._draw = random.Random(options.seed)  # noqa: S311  a simulation that can be repeated
        self._numbers: Counter[str] = Counter()
        self._asks = itertools.count()
        self._members: list[Member] = []
        self._over_since: dict[str, float] = {}
        self._busy: defaultdict[str, float] = defaultdict(float)
        self._billed: defaultdict[str, float] = defaultdict(float)
        self._changed = threading.Condition()

    def living(self, group: str | None = None) -> list[Member]:
        """Return the instances of a group, or all, those that go among them."""
        return [member for member in self._members if group in (None, member.group)]

    def staying(self, group: str) -> list[Member]:
        """Return the instances of a group that are not to go."""
        return [member for member in self.living(group) if not member.draining]

    def serves(self, group: str) -> bool:
        """Whether a group has an instance that is ready and stays."""
        return any(member.ready for member in self.staying(group))

    def resize(self, group: str, granted: int, now: float) -> None:
        """Come closer to what a group may have: start what lacks, drain what has long been too much."""
        with self._changed:
            staying = self.staying(group)
            room = self._options.most_instances - len(self._members)
            for _ in range(min(granted - len(staying), room)):
                self._start(group, now)
            seen = [Seen(member.name, member.idle_seconds(now)) for member in staying]
            names = to_drain(seen, granted, self._over_seconds(group, granted, now), self._options.idle_seconds)
            for member in staying:
                if member.name in names:
                    self._drain(member, now + self._draw.uniform(*self._options.drain_seconds))

    def kill_overdue(self, now: float) -> None:
        """Kill the instances whose calls have had their time to end."""
        for member in self.living():
            if member.killed_at <= now:
                member.process.kill()

    def ask(self, group: str, environ: dict[str, str], body: bytes, each: int, seconds: float) -> Answer | None:
        """Have an instance of a group answer a request; ``None`` where none was there in time, or it was killed.

        Arguments:
            group: whose instance.
            environ, body: the request.
            each: how many requests an instance takes at once.
            seconds: how long the request may wait for an instance, and then again for its answer.
        """
        ask = Ask(next(self._asks), environ, body)
        with self._changed:
            self._changed.wait_for(lambda: self._free(group, each) is not None, seconds)
            member = self._free(group, each)
            if member is None:
                return None
            answer = member.asked[ask.number] = Future[Answer]()
        self._tell(member, ask)
        try:
            return answer.result(seconds)
        except (TimeoutError, InstanceGone):
            return None

    def stop(self, seconds: float) -> bool:
        """Drain all, kill what is left after ``seconds``, and return whether nothing had to be."""
        deadline = time.monotonic() + seconds
        with self._changed:
            for member in self.living():
                self._drain(member, deadline)
            self.kill_overdue(time.monotonic())
            ended = self._changed.wait_for(lambda: not self._members, seconds)
        for member in self.living():
            member.process.kill()
        with self._changed:
            self._changed.wait_for(lambda: not self._members, seconds)
        return ended

    def shown(self, now: float) -> dict[str, object]:
        """Return the instances there are, and what all of them were busy and are billed for up to now."""
        with self._changed:
            busy, billed = self._busy.copy(), self._billed.copy()
            for member in self._members:
                busy[member.group] += member.meter.busy(now)
                billed[member.group] += member.meter.billed(now)
            instances = [_shown(member) for member in self._members]
        return {
            "busy_seconds": {group: round(seconds, 3) for group, seconds in busy.items()},
            "billed_seconds": {group: round(seconds, 1) for group, seconds in billed.items()},
            "gb_seconds": round(sum(billed.values()) * self._options.memory_mb / 1024, 3),
            "instances": instances,
        }

    def _over_seconds(self, group: str, granted: int, now: float) -> float:
        if len(self.staying(group)) <= granted:
            self._over_since.pop(group, None)
            return 0.0
        return now - self._over_since.setdefault(group, now)

    def _free(self, group: str, each: int) -> Member | None:
        free = [one for one in self.staying(group) if one.ready and len(one.asked) < each]
        return min(free, key=lambda one: len(one.asked), default=None)

    def _start(self, group: str, now: float) -> None:
        self._numbers[group] += 1
        name = f"{group}-{self._numbers[group]}"
        process, line = self._starter(name, group, now + self._draw.uniform(*self._options.start_seconds))
        member = Member(name, group, process, line)
        self._members.append(member)
        self._counts.add("starts", group)
        self._counts.at_once(group, len(self.living(group)))
        self._counts.at_once("all", len(self._members))
        threading.Thread(target=self._listen, args=(member,), name=name, daemon=True).start()
        _log.info("instance %s starts, process %s", name, process.pid)

    def _drain(self, member: Member, killed_at: float) -> None:
        if not member.draining:
            _log.info("instance %s is drained, with %d calls under way", member.name, member.meter.running)
            self._tell(member, Drain())
        # One that only starts has nothing to end.
        member.killed_at = min(member.killed_at, killed_at) if member.ready else 0.0

    def _tell(self, member: Member, message: ToInstance) -> None:
        """Say it; an instance that is gone is seen by who listens to it."""
        with member.telling:
            try:
                member.line.send(message)
            except OSError as error:
                _log.debug("instance %s cannot be told: %s", member.name, error)

    def _listen(self, member: Member) -> None:
        for message in _heard(member.line):
            with self._changed:
                member.take(message, self._counts)
                self._changed.notify_all()
        member.process.kill()
        member.process.join()
        with self._changed:
            self._let_go(member, time.monotonic())
            self._changed.notify_all()

    def _let_go(self, member: Member, now: float) -> None:
        aborted = member.gone(now, self._counts)
        self._busy[member.group] += member.meter.busy(now)
        self._billed[member.group] += member.meter.billed(now)
        self._members.remove(member)
        _log.info("instance %s is gone, with %d calls aborted", member.name, aborted)


def _heard(line: Line) -> Iterable[FromInstance]:
    """Yield what an instance says until it is gone."""
    while True:
        try:
            yield line.recv()
        except (EOFError, OSError):
            return


def _shown(member: Member) -> dict[str, object]:
    return {"name": member.name, "group": member.group, "pid": member.process.pid, "state": member.state}

"""Those who build elsewhere, in memory: with the odd answers that the real ones give."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from datetime import timedelta

import msgspec

from shared.dispatch_ports import Off
from shared.domain.dispatch.builds import Asked, End, Found, Outcome, Sent
from shared.domain.promotion.rebuilds import BuilderKind
from shared.errors import Unavailable
from tests.doubles.scripted import Scripted
from tests.doubles.storage import Hook, SettableClock


class Build(msgspec.Struct):
    """A build that was begun.

    Attributes:
        run: its id.
        asked: by what.
        looks: after how many more looks it has ended.
        hidden: for how many more searches it is not listed yet.
        end: how it ends, and the word for that.
        covered_by: of a cancelled one.
    """

    run: str
    asked: Asked
    looks: int
    hidden: int = 0
    end: tuple[End, str] = (End.BUILT, "success")
    covered_by: str = ""


class InMemoryDispatcher(Scripted):
    """The port ``Dispatcher``.

    Args:
        name: as the settings name it.
        kind: what it is.
        tells: for how long it is waited for that it tells the end; ``None`` if it is looked at.

    Attributes:
        builds: all that were begun, by whoever asked.
        posted: every correlation that was posted, in order.
        looks: after how many looks a build has ended.
        hidden: for how many searches a new build is not listed.
        begins: how many builds one request begins.
        says_runs: whether answers name the build.
        loses: how many of the next answers are lost, after the request was taken.
        ends: how the next builds end; ``success`` once there are no more.
        before_begun: happens before each build begins.
    """

    def __init__(
        self,
        name: str = "github",
        kind: BuilderKind = BuilderKind.GITHUB,
        *,
        tells: timedelta | None = None,
        before_call: Hook | None = None,
    ) -> None:
        super().__init__(before_call)
        self.name, self.kind, self.tells = name, kind, tells
        self.repeats = kind is BuilderKind.EVENTS
        self.fingerprint = "one"
        self.builds: list[Build] = []
        self.posted: list[str] = []
        self.looks, self.hidden, self.begins, self.loses = 2, 0, 1, 0
        self.says_runs = kind is not BuilderKind.EVENTS
        self.ends: list[tuple[End, str]] = []
        self.before_begun: Callable[[], None] = lambda: None
        self.clock = SettableClock()
        self._numbers = itertools.count(101)

    def ask(self, asked: Asked) -> Sent:
        """See the port."""
        with self._changing("ask"):
            self.before_begun()
            self.posted.append(asked.correlation)
            begun = [] if self._knows(asked) else [self._begin(asked) for _ in range(self.begins)]
        if self.loses:
            self.loses -= 1
            raise Unavailable("HTTP 502 Bad Gateway", code="502")
        return Sent(begun[0].run, f"https://builds.example/{begun[0].run}") if begun and self.says_runs else Sent()

    def _knows(self, asked: Asked) -> bool:
        """Who takes repeated requests begins one build for all of them."""
        return self.repeats and any(one.asked.correlation == asked.correlation for one in self.builds)

    def _begin(self, asked: Asked) -> Build:
        end = self.ends.pop(0) if self.ends else (End.BUILT, "success")
        build = Build(str(next(self._numbers)), asked, self.looks, self.hidden, end)
        self.builds.append(build)
        return build

    def find(self, asked: Asked) -> tuple[Found, ...]:
        """See the port."""
        self._raise_scripted("find")
        found = []
        for build in self.builds:
            if build.asked.correlation == asked.correlation:
                build.hidden -= 1
                found += [Found(build.run, f"https://builds.example/{build.run}")] if build.hidden < 0 else []
        return tuple(reversed(found))

    def follow(self, asked: Asked, run: str) -> Outcome | None:  # noqa: ARG002  it knows its builds by their ids
        """See the port."""
        self._raise_scripted("follow")
        build = next((one for one in self.builds if one.run == run), None)
        if build is None:
            return None
        build.looks -= 1
        if build.looks >= 0:
            return Outcome(None, "in_progress")
        return Outcome(*build.end, f"https://builds.example/{run}", build.covered_by)


class InMemorySwitches(Scripted):
    """The port ``Switches``."""

    def __init__(self, before_call: Hook | None = None) -> None:
        super().__init__(before_call)
        self._off: dict[str, Off] = {}

    def off(self, name: str, fingerprint: str) -> Off | None:
        """See the port."""
        self._raise_scripted("off")
        off = self._off.get(name)
        return off if off is not None and off.fingerprint == fingerprint else None

    def switch_off(self, off: Off) -> None:
        """See the port."""
        with self._changing("switch_off"):
            if self.off(off.name, off.fingerprint) is None:
                self._off[off.name] = off

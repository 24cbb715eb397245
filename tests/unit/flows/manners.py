"""In which manners a story is told: with deaths after its writes, with messages late and twice, with stale reads."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import timedelta
from enum import Enum
from zlib import crc32

import pytest

from tests.doubles.world import Died, World

LATE, AGAIN = timedelta(minutes=2), timedelta(minutes=7)


class Manner(Enum):
    """What else goes wrong while a story is told."""

    DIES = "a death after each write"  # told once for each write: the process dies right after it
    TWICE_AND_LATE = "late and twice"  # every message comes minutes late, and later once more
    STALE = "stale reads"  # each first answer after a change is that from before it: of registries, tasks and waves


in_every_manner = pytest.mark.parametrize("manner", Manner, ids=lambda manner: manner.value)


class Telling:
    """A story while it is told.

    Args:
        world: in which.
        mischief: is done after a write.
        at: after which write, of those from ``begins`` on; ``0`` for none.

    Attributes:
        writes: how many there were so far.
        watch: is called at every moment.
    """

    def __init__(self, world: World, mischief: Callable[[World], None], at: int) -> None:
        self.world = world
        self.writes = 0
        self.done = False
        self.watch: Callable[[str], None] = lambda _: None
        self._mischief = mischief
        self._at = at
        self._begun = False
        self._when: Callable[[], bool] = lambda: True
        self._of: tuple[str, ...] = ("",)

    def begins(self, when: Callable[[], bool] = lambda: True, of: tuple[str, ...] = ("",)) -> None:
        """From here on things go wrong, once something is so: what was before only leads to it.

        Args:
            when: tells whether it is so.
            of: the parts of the world whose writes count; else those of all.
        """
        self._when, self._of = when, of
        self.world.hook = self._moment

    def do(self, act: Callable[[], object]) -> None:
        """Let a timer do something; the process that dies of it is started again, and the timer comes again."""
        try:
            act()
        except Died:
            self.world.start()
            act()

    def _moment(self, moment: str) -> None:
        self.watch(moment)
        self._begun = self._begun or self._when()
        if ".after:" not in moment or not self._begun or not moment.startswith(self._of):
            return
        self.writes += 1
        if self.writes == self._at and not self.done:
            self.done = True
            self._mischief(self.world)


Story = Callable[[Telling], None]


def die(_: World) -> None:
    """The process dies."""
    raise Died


def after_each_write(
    make: Callable[[], World],
    story: Story,
    mischief: Callable[[World], None] = die,
    most: int | None = None,
) -> Iterator[World]:
    """Tell a story once for each of its writes, with some mischief right after that, and return how it ended.

    Args:
        make: gives the world.
        story: what happens.
        mischief: what goes wrong.
        most: how often it is told at most; then after every so manyth write, from one on that differs by story.
    """
    whole = Telling(make(), mischief, 0)
    story(whole)
    assert whole.writes > 0, "nothing is written in this story"
    apart = -(-whole.writes // (most or whole.writes))
    first = 1 + crc32(story.__qualname__.encode()) % apart
    for at in range(first, whole.writes + 1, apart):
        telling = Telling(make(), mischief, at)
        story(telling)
        assert telling.done
        yield ended(telling)


def told(manner: Manner, make: Callable[[], World], story: Story, most: int | None = None) -> Iterator[World]:
    """Tell a story in a manner, and return how it ended each time; see ``after_each_write``."""
    if manner is Manner.DIES:
        yield from after_each_write(make, story, most=most)
        return
    world = make()
    if manner is Manner.TWICE_AND_LATE:
        world.outbox.late, world.outbox.again = LATE, AGAIN
    else:
        lag(world, lags=True)
    telling = Telling(world, die, 0)
    story(telling)
    yield ended(telling)


def ended(telling: Telling) -> World:
    """Return the world of a story that is over, in which nothing goes wrong any more."""
    world = telling.world
    world.hook = None
    lag(world, lags=False)
    return world


def lag(world: World, *, lags: bool) -> None:
    """Let what can lag in a world do so, or not any more."""
    for one in (world.base, world.staging, world.waves, world.application_runs):
        if hasattr(one, "lags"):
            one.lags = lags

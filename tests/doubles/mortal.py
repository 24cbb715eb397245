"""A world whose process dies at one of its moments, wherever tests ask what that leaves behind."""

from __future__ import annotations

from collections.abc import Callable

from tests.doubles.world import Died, World


class Mortal:
    """A world whose process dies once, at one of its moments, and is started again by whoever comes next.

    Args:
        dies_at: the number of the moment; ``0`` for never.
        world: the world.

    Attributes:
        moments: how many there were so far.
        names: what each was.
    """

    def __init__(self, dies_at: int, world: World) -> None:
        self.moments = 0
        self.names: list[str] = []
        self.world = world
        self._dies_at = dies_at

    def begin(self) -> None:
        """Count moments from here on."""
        self.world.hook = self.moment

    def do(self, act: Callable[[], object]) -> None:
        """Do something, once more if the process died on the way: messages come again, and so do timers."""
        try:
            act()
        except Died:
            self.world.start()
            act()

    def moment(self, name: str) -> None:
        """Come to a moment."""
        self.moments += 1
        self.names.append(name)
        if self.moments == self._dies_at:
            raise Died

"""The current rebuilds of a registry as they were read once, with what was decided since."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from shared.domain.promotion.rebuilds import Rebuild


class Around:
    """What is around some rebuilds, whatever they are asked about: read at most once.

    Args:
        read: reads them.
    """

    def __init__(self, read: Callable[[], Mapping[str, Rebuild]]) -> None:
        self._read = read
        self._found: dict[str, Rebuild] | None = None

    def of(self, rebuild: Rebuild) -> tuple[Rebuild, ...]:
        """Return all but one; what cannot be read is tried again for the next one."""
        if self._found is None:
            self._found = dict(self._read())
        return tuple(one for one in self._found.values() if one.id != rebuild.id)

    def note(self, rebuild: Rebuild) -> None:
        """Note what one is from now on."""
        if self._found is not None:
            self._found[rebuild.id] = rebuild

"""What was made, so that all of it is deleted again, whatever happens meanwhile."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field


@dataclass
class Made:
    """What probes made, in order.

    Attributes:
        left: what could not be deleted, each with the reason.
    """

    left: list[str] = field(default_factory=list)
    _undo: list[tuple[str, Callable[[], None]]] = field(default_factory=list)
    _names: set[str] = field(default_factory=set)

    def note(self, what: str, undo: Callable[[], None]) -> None:
        """Remember something just before it is made; noting it twice is noting it once.

        Args:
            what: as a person finds it in the portal.
            undo: deletes it; no harm if it is not there. What it raises is reported.
        """
        if what not in self._names:
            self._names.add(what)
            self._undo.append((what, undo))

    def clean(self, tell: Callable[[str], None]) -> None:
        """Delete everything, the latest first; what fails does not hold up the rest."""
        while self._undo:
            what, undo = self._undo.pop()
            try:
                undo()
                tell(f"deleted {what}")
            except Exception as error:  # noqa: BLE001  whatever it is, the rest is to be deleted too
                self.left.append(f"{what}: {type(error).__name__}: {error}")

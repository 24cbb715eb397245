"""Writes of several threads to one partition, sent together: what comes while one is under way waits for its answer.

Databases call it group commit. Nobody waits for company: a write that finds nothing under way goes at once, alone.
Those that come meanwhile stand in line, and the first of them sends what fits into one transaction. Each sends once
and then hands over, so no thread works on for others, and none is kept for it.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import TYPE_CHECKING

from shared.adapters.storage.group_transaction import Write, send_together, what_fits

if TYPE_CHECKING:
    from azure.data.tables import TableClient

# A transaction takes some milliseconds. Who stands in line for so long goes alone: what is under way may be waiting for
# an answer that never comes.
PATIENCE_SECONDS = 5.0


class _Place:
    """A write's place in the line.

    Attributes:
        write: the write.
        called: set when it is its turn, or when another has sent it.
        group: what it sends, itself first; empty for one that sends nothing.
    """

    __slots__ = ("called", "group", "write")

    def __init__(self, write: Write) -> None:
        self.write = write
        self.called = threading.Event()
        self.group: tuple[_Place, ...] = ()


class GroupedWrites:
    """Makes the writes of one table.

    Args:
        client: gives the table's client.
    """

    def __init__(self, client: Callable[[], TableClient]) -> None:
        self._client = client
        self._lock = threading.Lock()
        # Those that wait, by partition; there is a line only while something is under way.
        self._lines: dict[str, list[_Place]] = {}

    def make(self, partition: str, write: Write) -> str:
        """Make a write, with others if something is under way in its partition.

        Args:
            partition: its PartitionKey.
            write: not made yet.

        Returns:
            The row's new ETag, empty for one that was deleted.

        Raises:
            TidegateError: it could not be made, or may not have been; what a request of its own would have raised.
        """
        place = _Place(write)
        try:
            self._await_turn(partition, place)
            if len(place.group) > 1:
                send_together(self._client(), [one.write for one in place.group])
            elif place.group:
                return write.alone()
        finally:
            self._hand_over(partition, place)
        return write.result()

    def _await_turn(self, partition: str, place: _Place) -> None:
        with self._lock:
            line = self._lines.get(partition)
            if line is None:
                self._lines[partition] = []
                place.group = (place,)
                return
            line.append(place)
        if place.called.wait(PATIENCE_SECONDS):
            return
        with self._lock:
            if place in line:
                line.remove(place)
                return
        place.called.wait()  # it is being sent, and that ends

    def _hand_over(self, partition: str, place: _Place) -> None:
        """Call those who were sent, and the next who sends; whatever became of what was sent."""
        with self._lock:
            line = self._lines.get(partition)
            if line and place in line:  # it was interrupted
                line.remove(place)
            if not place.group:
                return
            called, place.group = [*place.group, *self._next(partition)], ()
        for one in called:
            one.called.set()

    def _next(self, partition: str) -> tuple[_Place, ...]:
        """Return who sends next, if anybody waits."""
        line = self._lines[partition]
        if not line:
            del self._lines[partition]
            return ()
        fitting = {id(write) for write in what_fits(one.write for one in line)}
        group = tuple(one for one in line if id(one.write) in fitting)
        for one in group:
            line.remove(one)
        group[0].group = group
        return group[:1]

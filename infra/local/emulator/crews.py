"""Works that are done side by side, so many at once, in the order in which they came."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future

Work = Callable[[], None]


class Crew:
    """Does works in threads of their own. Unlike an executor's, its size may change, and what waits has no thread.

    Args:
        name: of the threads.
        size: how many works at once, asked whenever a work comes or ends.
    """

    def __init__(self, name: str, size: Callable[[], int]) -> None:
        self._name = name
        self._size = size
        self._lock = threading.Lock()
        self._waiting: deque[tuple[Work, Future[None]]] = deque()
        self._at_work: set[threading.Thread] = set()
        self._closed = False

    def submit(self, work: Work) -> Future[None]:
        """Have a work done, now or when its turn comes; never, and it counts as cancelled, after ``close``."""
        future: Future[None] = Future()
        with self._lock:
            self._waiting.append((work, future))
        self._go_on()
        return future

    def close(self) -> list[threading.Thread]:
        """Begin nothing more; return the threads that are still at work."""
        with self._lock:
            self._closed = True
            self._drop()
            return list(self._at_work)

    def _drop(self) -> None:
        while self._waiting:
            self._waiting.popleft()[1].cancel()

    def _go_on(self) -> None:
        with self._lock:
            if self._closed:
                self._drop()
            while self._waiting and len(self._at_work) < self._size():
                thread = threading.Thread(target=self._do, args=self._waiting.popleft(), name=self._name, daemon=True)
                self._at_work.add(thread)
                thread.start()

    def _do(self, work: Work, future: Future[None]) -> None:
        try:
            work()
        except Exception as error:  # noqa: BLE001 - told to whoever asks the future
            future.set_exception(error)
        else:
            future.set_result(None)
        with self._lock:
            self._at_work.discard(threading.current_thread())
        self._go_on()

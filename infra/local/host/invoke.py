"""Runs the app's functions on a thread pool and says of each that it ran, as the real host's log does."""

from __future__ import annotations

import logging
import os
import threading
import time
import uuid
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any

from infra.local.host.metadata import Function

_log = logging.getLogger("host.function")


@dataclass(frozen=True)
class Outcome:
    """How one invocation ended: what the function returned, or the exception it let go."""

    value: Any = None
    error: Exception | None = None


class Invoker:
    """The pool that every function of the app shares.

    Sync functions of a Python worker run on ``PYTHON_THREADPOOL_THREAD_COUNT`` threads
    (https://learn.microsoft.com/azure/azure-functions/python-scale-performance-reference).
    """

    def __init__(
        self,
        began: Callable[[str], None] = lambda _: None,
        ended: Callable[[str, bool], None] = lambda _name, _failed: None,
    ) -> None:
        """Make the pool; ``began`` and ``ended`` are told a function's name, ``ended`` also whether it failed."""
        self._began, self._ended = began, ended
        count = os.environ.get("PYTHON_THREADPOOL_THREAD_COUNT")
        # Left out, the worker leaves the number to Python's executor too.
        self._pool = ThreadPoolExecutor(int(count) if count else None, thread_name_prefix="function")
        self._lock = threading.Lock()
        self._running = 0

    def submit(self, function: Function, value: Any, reason: str) -> Future[Outcome]:
        """Queue one invocation.

        Arguments:
            function: what to run.
            value: the trigger's value, decoded.
            reason: why it runs, for the log.

        Returns:
            The outcome to come; a function's exception is in it, never raised.
        """
        with self._lock:
            self._running += 1
        self._began(function.name)
        future = self._pool.submit(self._run, function, value, reason)
        future.add_done_callback(lambda done: self._finished(function.name, done))
        return future

    @property
    def running(self) -> int:
        """How many invocations are queued or under way."""
        return self._running

    def close(self, seconds: float) -> bool:
        """Wait up to ``seconds`` for what runs; return whether all of it ended. Nothing may be submitted after."""
        deadline = time.monotonic() + seconds
        while self._running and time.monotonic() < deadline:
            time.sleep(0.02)
        self._pool.shutdown(wait=False, cancel_futures=True)
        return self._running == 0

    def _finished(self, name: str, done: Future[Outcome]) -> None:
        with self._lock:
            self._running -= 1
        self._ended(name, done.cancelled() or done.result().error is not None)

    def _run(self, function: Function, value: Any, reason: str) -> Outcome:
        invocation = str(uuid.uuid4())
        _log.info("Executing 'Functions.%s' (Reason='%s', Id=%s)", function.name, reason, invocation)
        started = time.monotonic()
        outcome = _call(function, value, invocation)
        milliseconds = round((time.monotonic() - started) * 1000)
        ending = "Failed" if outcome.error else "Succeeded"
        level = logging.ERROR if outcome.error else logging.INFO
        _log.log(
            level,
            "Executed 'Functions.%s' (%s, Id=%s, Duration=%dms)",
            function.name,
            ending,
            invocation,
            milliseconds,
            exc_info=outcome.error,
        )
        return outcome


def _call(function: Function, value: Any, invocation: str) -> Outcome:
    arguments = {function.argument: value}
    if function.wants_context:
        arguments["context"] = SimpleNamespace(invocation_id=invocation, function_name=function.name)
    try:
        return Outcome(value=function.call(**arguments))
    except Exception as error:  # noqa: BLE001  whatever a function raises is a failed invocation, not a failed host
        return Outcome(error=error)

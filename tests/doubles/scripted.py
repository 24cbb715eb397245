"""What every double shares: errors to be raised by appointment, and a hook where a test lets the process die."""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from shared.errors import TidegateError


class Scripted:
    """Base of the doubles.

    Args:
        before_call: told ``before:<method>`` and ``after:<method>`` around every call that changes something; what it
            raises ends the call there, as the death of the process would.
    """

    def __init__(self, before_call: Callable[[str], None] | None = None) -> None:
        self.before_call = before_call
        self._errors: defaultdict[str, deque[TidegateError]] = defaultdict(deque)

    def fail(self, method: str, *errors: TidegateError) -> None:
        """Let the next calls of a method raise these errors, one each, in this order."""
        if not callable(getattr(self, method, None)):
            raise AttributeError(f"{type(self).__name__} has no method {method!r}")
        self._errors[method].extend(errors)

    def mend(self) -> None:
        """Let no call raise any more what was appointed."""
        self._errors.clear()

    def _raise_scripted(self, method: str) -> None:
        if self._errors[method]:
            raise self._errors[method].popleft()

    @contextmanager
    def _changing(self, method: str) -> Iterator[None]:
        """Wrap a call that changes something; nothing has changed yet when its scripted error is raised."""
        self._tell(f"before:{method}")
        self._raise_scripted(method)
        yield
        self._tell(f"after:{method}")

    def _tell(self, moment: str) -> None:
        if self.before_call is not None:
            self.before_call(moment)

"""The keys of forms as this process knows them: made once for each month by whoever needs one first."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable

from shared.access_ports import FormKeys
from shared.domain.access.callers import Caller
from shared.domain.access.form_tokens import (
    Believed,
    FormKey,
    believed,
    form_token,
    key_number,
    new_form_key,
    number_at,
)
from shared.errors import Unavailable
from shared.ports import Clock


class FormTokens:
    """Makes tokens of forms, and tells which are believed: those of this month's key and of the last one's.

    Both methods raise ``ServiceError`` where the keys cannot be read; then nothing is believed.

    Args:
        keys: gives the place where they are kept.
        clock: tells the time.
    """

    def __init__(self, keys: Callable[[], FormKeys], clock: Clock) -> None:
        self._keys = keys
        self._clock = clock
        self._lock = threading.Lock()
        self._known: dict[int, FormKey] = {}

    def make(self, caller: Caller, about: Iterable[str]) -> str:
        """Return the token of a form that a person is shown; see ``form_token``."""
        now = self._clock()
        return form_token(self._current(number_at(now)), caller, about, now)

    def believed(self, token: str, caller: Caller, about: Iterable[str]) -> Believed:
        """Tell whether a form that a person sent is one that was shown to that person; see ``form_tokens.believed``."""
        now, number = self._clock(), key_number(token)
        current = number_at(now)
        key = self._found(number) if number in {current, current - 1, current + 1} else None
        return believed(token, key, caller, about, now)

    def _current(self, number: int) -> FormKey:
        """Of two who make it at once one is first, and both go by that one's."""
        found = self._found(number)
        if found is None:
            self._keys().add(new_form_key(number))
            found = self._found(number)
        if found is None:
            raise Unavailable("the key of forms that was made just now is not there; load the page again")
        return found

    def _found(self, number: int | None) -> FormKey | None:
        if number is None:
            return None
        with self._lock:
            if number not in self._known:
                key = self._keys().get(number)
                self._known = {known: one for known, one in self._known.items() if known >= number - 1}
                if key is not None:
                    self._known[number] = key
            return self._known.get(number)

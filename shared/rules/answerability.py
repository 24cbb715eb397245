"""Whether what policies ask of people can be answered by anybody; if not, it is told before a digest waits for it."""

from __future__ import annotations

import logging
from collections.abc import Callable

from shared.access_ports import ApiKeys
from shared.domain.promotion.answerable import Unanswerable, asks_people, unanswerable
from shared.domain.watching.troubles import Kind, Trouble
from shared.domain.watching.watch_list import WatchList

log = logging.getLogger("tidegate.troubles")

_MOST_NAMED = 3


class Answerability:
    """Knows the policies whose approval nobody could give.

    Args:
        watch_list: gives the list in force.
        keys: gives the place where API keys are kept; asked for only where they decide.
        sign_in: whether people and applications can sign in.
    """

    def __init__(self, watch_list: Callable[[], WatchList], keys: Callable[[], ApiKeys], *, sign_in: bool) -> None:
        self._watch_list = watch_list
        self._keys = keys
        self._sign_in = sign_in
        self._logged: tuple[Trouble, ...] = ()

    def now(self) -> tuple[Trouble, ...]:
        """Return what is so now.

        Raises:
            ServiceError: the storage account did not answer.
            WatchListError: there is no list.
        """
        if self._sign_in:
            return ()
        watch_list = self._watch_list()
        if not asks_people(watch_list):
            return ()
        keys = (stored.key for stored in self._keys().every())
        return tuple(map(_told, unanswerable(watch_list, keys, sign_in=self._sign_in)))

    def logged(self) -> tuple[Trouble, ...]:
        """Return the same; each process has it in its log once, and again when it changes. See ``now``."""
        found = self.now()
        if found != self._logged:
            for one in found:
                log.warning("%s: %s: %s", one.kind.value, one.about, one.detail)
            self._logged = found
        return found


def _told(one: Unanswerable) -> Trouble:
    """The reason, with what to do, comes before names: what is too long is cut."""
    rest = len(one.images) - _MOST_NAMED
    names = ", ".join(one.images[:_MOST_NAMED]) + (f" and {rest} more" if rest > 0 else "")
    detail = f"nobody could approve what comes by the policy {one.policy}: {one.why}. It holds for {names}"
    return Trouble(kind=Kind.NOBODY_APPROVES, about=f"policy:{one.policy}", detail=detail, images=one.images)

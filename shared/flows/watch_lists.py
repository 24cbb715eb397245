"""Which watch list is in force: the stored one, or the last good one while that is missing, not valid or held."""

from __future__ import annotations

import logging
from collections.abc import Callable

from shared.configuration_ports import Configuration, ListSource
from shared.domain.watching.removals import is_too_much, removed
from shared.domain.watching.troubles import Kind
from shared.domain.watching.watch_list import WatchList
from shared.domain.watching.weakened import weakened
from shared.errors import WatchListError
from shared.ports import Activity, Event
from shared.rules.trouble_finding import NotTaken

log = logging.getLogger("tidegate.watch_list")

SUBJECT = "watch-list"
_MAIN = "images.yaml"
_MOST_TOLD = 20
_NEVER_STORED = "no watch list was ever stored: nothing is watched until the blob config/images.yaml is"
_NOTHING = WatchList(images=[])


def _untold(watch_list: WatchList) -> None:
    """Nobody listens."""


class WatchLists:
    """Reads the watch list, and remembers what it has read: an unchanged list is neither parsed nor told again.

    While the last good list stays in force, it is asked for each time, too: another instance may have taken a list
    meanwhile, and both have to go by the same one.

    Args:
        configuration: where the list is stored.
        activity: where it is recorded that a list was not taken.
        parse: reads a list's text, and its other files after it; raises ``WatchListError``.
        removal_percent: the share of the entries in force that a new list may remove without saying so.
        told: is given the list in force whenever it was read.
    """

    def __init__(
        self,
        configuration: Configuration,
        activity: Activity,
        parse: Callable[..., WatchList],
        removal_percent: int,
        told: Callable[[WatchList], None] = _untold,
    ) -> None:
        self._configuration = configuration
        self._activity = activity
        self._parse = parse
        self._removal_percent = removal_percent
        self._in_force_told = told
        self._taken: tuple[str, WatchList] | None = None
        self._read: dict[str, WatchList | WatchListError] = {}
        self._told: Event | None = None
        self._told_nothing = False

    @property
    def not_taken(self) -> NotTaken | None:
        """Why the stored list was not taken when the list in force was last asked for; ``None`` if it was."""
        if self._told is not None:
            return NotTaken(Kind(self._told.name), self._told.detail, self._told.at)
        return NotTaken(Kind.LIST_MISSING, _NEVER_STORED) if self._told_nothing else None

    def in_force(self) -> WatchList:
        """Return the watch list to go by; it is empty where none was ever stored.

        Raises:
            WatchListError: the stored list is not valid and there never was a valid one.
            ServiceError: the storage account did not answer.
        """
        found = self._in_force()
        self._in_force_told(found)
        return found

    def _in_force(self) -> WatchList:
        stored = self._configuration.watch_list()
        if stored is not None and self._taken is not None and self._taken[0] == stored.version:
            self._told = None
            return self._taken[1]
        last_good = self._configuration.last_good()
        before = self._outcome(last_good) if last_good is not None else None
        if stored is None:
            return self._without(last_good, before)
        new = self._outcome(stored)
        if isinstance(new, WatchListError):
            self._tell(Event(SUBJECT, "watch-list-invalid", stored.modified, f"{stored.origin}: {new}"))
            return self._stay(before, new)
        if last_good is not None and isinstance(before, WatchList):
            lost = _lost(stored, last_good, before, new)
            if lost and new.removes != len(removed(before, new)):
                self._tell(Event(SUBJECT, "watch-list-missing", stored.modified, _lacking(lost)))
                return before
        if isinstance(before, WatchList) and is_too_much(before, new, self._removal_percent):
            self._tell(Event(SUBJECT, "watch-list-held", stored.modified, self._held(stored, before, new)))
            return before
        if isinstance(before, WatchList) and before is not new:
            self._tell_weakened(stored, weakened(before, new))
        return self._take(stored, new)

    def _outcome(self, source: ListSource) -> WatchList | WatchListError:
        """Read a list once; two are remembered, the stored one and the last good one."""
        if source.version not in self._read:
            try:
                outcome: WatchList | WatchListError = self._parse(source.text, *source.more)
            except WatchListError as error:
                outcome = error
            self._read = {**dict(list(self._read.items())[-1:]), source.version: outcome}
            return outcome
        return self._read[source.version]

    def _take(self, stored: ListSource, new: WatchList) -> WatchList:
        self._configuration.keep_last_good(stored)
        self._taken, self._told, self._told_nothing = (stored.version, new), None, False
        log.info("%s is in force: %d entries", stored.origin, len(new.images))
        return new

    def _tell_weakened(self, stored: ListSource, less: dict[str, tuple[str, ...]]) -> None:
        """It is taken, as whoever writes the list may; that it overrides what was in force is told before it does."""
        if not less:
            return
        told = [f"{name}: {'; '.join(each)}" for name, each in sorted(less.items())]
        more = f" and {len(told) - _MOST_TOLD} more" if len(told) > _MOST_TOLD else ""
        detail = f"{stored.origin} asks for less than the list in force. {'. '.join(told[:_MOST_TOLD])}{more}"
        self._activity.append(Event(SUBJECT, "policy-weakened", stored.modified, detail))
        log.warning("%s", detail)

    def _without(self, last_good: ListSource | None, before: WatchList | WatchListError | None) -> WatchList:
        """Who deletes the list has not said that nothing is to be watched any more."""
        if last_good is None:
            if not self._told_nothing:
                log.warning(_NEVER_STORED)
            self._told, self._told_nothing = None, True
            return _NOTHING
        detail = "the blob config/images.yaml is not there; the last good list stays in force until one is uploaded"
        self._tell(Event(SUBJECT, "watch-list-missing", last_good.modified, detail))
        return self._stay(before, WatchListError((f"{last_good.origin} cannot be read any more",)))

    def _stay(self, before: WatchList | WatchListError | None, error: WatchListError) -> WatchList:
        if isinstance(before, WatchList):
            return before
        raise before or error

    def _held(self, stored: ListSource, before: WatchList, new: WatchList) -> str:
        gone = [image.name for image in removed(before, new)]
        names = ", ".join(gone[:_MOST_TOLD]) + (" and more" if len(gone) > _MOST_TOLD else "")
        return (
            f"{stored.origin} is held, and the last good list stays in force: it lacks {len(gone)} of "
            f"{len(before.images)} entries, more than {self._removal_percent} %: {names}. If they are meant to go, add "
            f"the line 'removes: {len(gone)}' at the top of the list and upload it again"
        )

    def _tell(self, event: Event) -> None:
        """The event bears the time at which a list was stored, so every instance that finds it adds one line."""
        if event != self._told:
            self._activity.append(event)
            log.error("%s: %s", event.name, event.detail)
            self._told = event


def _lost(stored: ListSource, last_good: ListSource, before: WatchList, new: WatchList) -> list[str]:
    """Return the files that are not there any more, and whose entries are nowhere else.

    Whose entries were whose is known from when all were read: a file alone may name policies of another.
    """
    there = {file.name for file in stored.more} | ({_MAIN} if last_good.lacks_main or not stored.lacks_main else set())
    first, lost = 0, list[str]()
    for name, count in zip((_MAIN, *(file.name for file in last_good.more)), before.entries, strict=False):
        own = WatchList(before.images[first : first + count])
        if name not in there and removed(own, new):
            lost.append(name)
        first += count
    return lost


def _lacking(lost: list[str]) -> str:
    names = ", ".join(f"config/{name}" for name in lost[:_MOST_TOLD])
    return (
        f"not there any more: {names}; the last good list stays in force, whole. Upload what is missing; to watch "
        "nothing of it, upload it with 'images: []'"
    )

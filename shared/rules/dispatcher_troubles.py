"""What keeps those who build elsewhere from being asked: the settings do not name them, or they want it no more."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from shared.dispatch_ports import Dispatchers, Switches
from shared.domain.watching.troubles import Kind, Trouble
from shared.domain.watching.watch_list import WatchList
from shared.rules.dispatch_asking import setting_of
from shared.rules.elsewhere import Elsewhere

_MOST_NAMED = 10


class DispatcherTroubles:
    """Finds it.

    Args:
        elsewhere: knows what the watch list says is built elsewhere.
        watch_list: gives the list in force.
        dispatchers: gives those of the settings.
        switches: gives which of them said that they want to be asked nothing more.
    """

    def __init__(
        self,
        elsewhere: Elsewhere,
        watch_list: Callable[[], WatchList],
        dispatchers: Callable[[], Dispatchers],
        switches: Callable[[], Switches],
    ) -> None:
        self._elsewhere = elsewhere
        self._watch_list = watch_list
        self._dispatchers = dispatchers
        self._switches = switches

    def unnamed(self) -> tuple[Trouble, ...]:
        """Return those that the watch list names and the settings do not; nobody is asked.

        Raises:
            ServiceError, WatchListError: which list is in force cannot be read.
        """
        return tuple(_unnamed(*one) for one in sorted(self._elsewhere.unknown(self._watch_list()).items()))

    def now(self) -> tuple[Trouble, ...]:
        """Return the same, and those that are off: a transaction for each that the list names.

        Raises:
            ServiceError: the storage account did not answer, or which list is in force cannot be read.
        """
        return (*self.unnamed(), *self._off())

    def _off(self) -> Iterator[Trouble]:
        entries = self._elsewhere.asked(self._watch_list())
        for name, images in sorted(entries.items()):
            dispatcher = self._dispatchers().get(name)
            off = self._switches().off(name, dispatcher.fingerprint) if dispatcher is not None else None
            if off is not None:
                kind, about = Kind.DISPATCHER_OFF, f"dispatcher:{name}"
                yield Trouble(kind=kind, about=about, detail=off.why, images=images, since=off.at)


def _unnamed(name: str, images: tuple[str, ...]) -> Trouble:
    rest = len(images) - _MOST_NAMED
    told = ", ".join(images[:_MOST_NAMED]) + (f" and {rest} more" if rest > 0 else "")
    detail = f"rebuilds name {name}, and there is no setting {setting_of(name)}, so that nobody is asked: {told}"
    return Trouble(kind=Kind.DISPATCHER_NOT_SET, about=f"dispatcher:{name}", detail=detail, images=images)

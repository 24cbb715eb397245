"""One file of the watch list, read together with the others as they are stored."""

from __future__ import annotations

from collections.abc import Callable

from shared.configuration_ports import Configuration
from shared.domain.watching.watch_list import ListFile, WatchList

_MAIN = "images.yaml"
_EMPTY = b"images: []\n"


def merged(configuration: Configuration, parse: Callable[..., WatchList], name: str, content: bytes) -> WatchList:
    """Return the list as it would be with another content of one file.

    Args:
        configuration: the stored list.
        parse: reads a list's text, and its other files after it.
        name: of the file.
        content: what it would hold.

    Raises:
        WatchListError: it is not valid, by itself or with the other files.
        ServiceError: the storage account failed.
    """
    stored = configuration.watch_list()
    more = {file.name: file for file in stored.more} if stored is not None else {}
    main = stored.text if stored is not None and not stored.lacks_main else _EMPTY
    if name == _MAIN:
        main = content
    else:
        more[name] = ListFile(name, content)
    return parse(main, *(more[each] for each in sorted(more)))

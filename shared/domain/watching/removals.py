"""What a new watch list leaves out of the one in force, and whether that is so much that somebody has to mean it."""

from __future__ import annotations

from shared.domain.watching.watch_list import Image, WatchList

# So many entries may go at once from any list: a small one is edited freely.
FREELY_REMOVED = 5


def removed(before: WatchList, after: WatchList) -> tuple[Image, ...]:
    """Return the entries that a new list lacks: neither their name is in it, nor their way from source to target.

    Args:
        before: the list in force.
        after: the new one.
    """
    names = {image.name for image in after.images}
    ways = {(image.repository, image.target) for image in after.images}
    return tuple(
        image for image in before.images if image.name not in names and (image.repository, image.target) not in ways
    )


def is_too_much(before: WatchList, after: WatchList, percent: int) -> bool:
    """Whether a new list removes more at once than is taken without a word: more than five entries, and than a share.

    Args:
        before: the list in force.
        after: the new one; its ``removes`` is the word: the number of entries that it is meant to remove.
        percent: the share of the entries in force.
    """
    gone = len(removed(before, after))
    return gone > FREELY_REMOVED and gone * 100 > percent * len(before.images) and after.removes != gone

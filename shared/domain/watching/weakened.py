"""Which entries of a new watch list ask for less of what is promoted to the same tags than the list in force: pure."""

from __future__ import annotations

from collections.abc import Iterator

from shared.domain.policy.mode import Mode
from shared.domain.policy.policy import Policy
from shared.domain.policy.weakening import weakenings
from shared.domain.watching.selection import exact_tags
from shared.domain.watching.watch_list import Image, WatchList


def weakened(before: WatchList, after: WatchList) -> dict[str, tuple[str, ...]]:
    """Return what each entry asks for less, for people.

    An entry follows on that of its name, on one whose tag it writes now, and on one that has gone and wrote into its
    repository: whoever gives it another name weakens it all the same.

    Args:
        before: the list in force.
        after: the new one.
    """
    found = {}
    for image in after.base_images:
        policy = after.policy_of(image)
        less = [
            told
            for one in _former(before, after, image)
            for told in (*weakenings(before.policy_of(one), policy), *_unscanned(before.policy_of(one), one, image))
        ]
        if less:
            found[image.name] = tuple(dict.fromkeys(less))
    return found


def _unscanned(policy: Policy | None, former: Image, image: Image) -> Iterator[str]:
    """All platforms of an image are promoted, whichever of them its entry names."""
    scanned = policy is not None and policy.scan is not None and policy.scan.mode is not Mode.OFF
    if scanned and (left := sorted(set(former.platforms) - set(image.platforms))):
        yield f"platforms: {', '.join(left)} is not scanned any more"


def _former(before: WatchList, after: WatchList, image: Image) -> Iterator[Image]:
    names, tags = {one.name for one in after.images}, set(exact_tags(image.rules).values())
    for one in before.into(image.target):
        took = not tags.isdisjoint(exact_tags(one.rules).values())
        if one.name == image.name or one.name not in names or took:
            yield one
    same = before.named(image.name)
    if same is not None and not same.is_tool and same.target != image.target:
        yield same

"""The application tasks: what each is built on, whose it is, and what it pushes. Pure."""

from __future__ import annotations

from dataclasses import dataclass

from tests.chaos.cast import PLACES, Place
from tests.chaos.waving import EARLY, ROLLS

_TASKS = 12
# Of each repository with waves so many tags have tasks of their own.
_ROLLING_TAGS = ("1", "2")
_CHAINED = "team/dog"


@dataclass(frozen=True)
class Builds:
    """An application task.

    Attributes:
        bases: the tags of the base registry that it is built on.
        on: an image of the application registry that it is built on, as ``middle/dog:1``; empty for none.
        pushes: the image that it pushes there; empty for none that others are built on.
        owner: whose it is.
        own_trigger: whether its own base image trigger is on, so that ACR may be faster.
        brittle: whether it fails on digests that break builds.
    """

    bases: tuple[Place, ...] = ()
    on: str = ""
    pushes: str = ""
    owner: str = ""
    own_trigger: bool = False
    brittle: bool = False


ROLLING = tuple(place for place in PLACES if place.repository in ROLLS and place.tag in _ROLLING_TAGS)


def _name(place: Place) -> str:
    return f"{place.repository.rpartition('/')[2]}-{place.tag}"


def _plain() -> dict[str, Builds]:
    """Each on two tags, of any repository."""
    bases = {
        f"app-{number}": (PLACES[number * 5 % len(PLACES)], PLACES[(number * 7 + 3) % len(PLACES)])
        for number in range(_TASKS)
    }
    own = ("app-3", "app-7")
    return {name: Builds(on, owner=EARLY, own_trigger=name in own) for name, on in bases.items()}


def _rolling() -> dict[str, Builds]:
    """Of each tag one that goes first where it is named, another one, and one that is built on the next tag, too.

    Where it only counts how many go first, that may be any of them, and each is brittle.
    """
    found: dict[str, Builds] = {}
    for place, following in zip(ROLLING, (*ROLLING[2:], *ROLLING[:2]), strict=True):
        counted = ROLLS[place.repository].canary.isdigit()
        found[f"{_name(place)}-first"] = Builds((place,), owner=EARLY, brittle=True)
        found[f"{_name(place)}-second"] = Builds((place,), brittle=counted)
        found[f"{_name(place)}-both"] = Builds((place, following), own_trigger=place is ROLLING[0])
    return found


def _chained() -> dict[str, Builds]:
    """An image between, and what is built on that."""
    place = next(one for one in ROLLING if one.repository == _CHAINED)
    between = f"middle/{_name(place)}:1"
    return {
        f"{_name(place)}-middle": Builds((place,), pushes=between),
        f"{_name(place)}-end": Builds(on=between),
    }


TASKS = {**_plain(), **_rolling(), **_chained()}
BUILT_ON = tuple(sorted({place for task in TASKS.values() for place in task.bases}))
# The images between, and the tag that each is built on.
MIDDLES = {task.pushes: task.bases[0].target for task in TASKS.values() if task.pushes}

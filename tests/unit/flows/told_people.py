"""A world whose people are told, and what they were told."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from datetime import timedelta

import msgspec

from shared.domain.gate.verdict import RunStatus
from shared.domain.notices.delivery import State
from shared.domain.notices.notice import Notice
from shared.domain.notices.outgoing import Outgoing
from shared.domain.references import Digest
from shared.domain.watching.troubles import Kind
from tests.doubles.mortal import Mortal
from tests.doubles.notices import InMemorySender
from tests.doubles.registries import TEST_FAILED_LOG
from tests.doubles.storage import MIDDAY
from tests.doubles.world import World

QUARTER = timedelta(minutes=15)
HOUR = timedelta(hours=1)
DAY = timedelta(days=1)
CHAT, MAIL = "chat", "mail"


def watched(*destinations: str, watch_list: bytes | None = None) -> World:
    """A world with destinations."""
    more = {"watch_list": watch_list} if watch_list is not None else {}
    return World(destinations=destinations or (CHAT, MAIL), **more)


def arrives(world: World, digest: Digest, *, passes: bool = True) -> None:
    """Let a digest appear and come as far as it gets."""
    if not passes:
        world.staging_runs.end(digest, RunStatus.FAILED, log=TEST_FAILED_LOG)
    world.push(digest)
    world.check()
    settle(world)


def settle(world: World) -> None:
    """Deliver what is due within the next minute or two, and not what waits for longer."""
    end = world.clock.now + timedelta(minutes=2)
    while (due := world.outbox.next_due()) is not None and due <= end:
        world.step()


def chat(world: World, name: str = CHAT) -> InMemorySender:
    """One destination's sender."""
    return world.senders.of(name)


def got(world: World, name: str = CHAT) -> list[Outgoing]:
    """The messages that arrived at a destination."""
    return chat(world, name).got


def kinds(world: World, name: str = CHAT) -> list[str]:
    """The kinds of the messages that arrived at a destination, in order."""
    return [one.kind for one in got(world, name)]


def states(world: World, name: str = CHAT) -> Counter[State]:
    """What became of the deliveries to a destination."""
    return Counter(one.state for one in world.deliveries.records if one.destination == name)


def notice(number: int = 1, kind: str = "blocked", **fields: object) -> Notice:
    """A notice about one thing."""
    said = {"about": f"digest:{number}", "mark": str(number), "detail": f"number {number}", "cause": str(number)}
    return Notice(kind=kind, at=MIDDAY + timedelta(seconds=number), **{**said, **fields})


def trouble(number: int, **fields: object) -> Notice:
    """A notice of a trouble that has others of its cause."""
    return notice(number, Kind.CANDIDATE_REJECTED.value, **{"cause": "", "about": f"candidate:{number}", **fields})


def over(begun: Notice) -> Notice:
    """That a trouble is over."""
    return msgspec.structs.replace(begun, kind="solved", closes=begun.kind, at=begun.at + HOUR)


def tell(world: World, notices: Iterable[Notice]) -> None:
    """Put notices down, and send what is due."""
    world.notifying.book.tell(list(notices))
    settle(world)


def numbers(messages: Iterable[Outgoing]) -> list[str]:
    """The things that messages are about, each by its number, as often as it was told."""
    found: list[str] = []
    for one in messages:
        texts = [item.text for item in one.items] or [line.text for line in one.lines if line.label == "What"]
        found += texts
    return found


class MortalAt(Mortal):
    """Dies only where names of moments begin so, such as ``deliveries.``; whoever dies elsewhere is another test's.

    Args:
        dies_at: the number of the moment; ``0`` for never.
        world: the world.
        places: what those names begin with.
    """

    def __init__(self, dies_at: int, world: World, places: tuple[str, ...]) -> None:
        super().__init__(dies_at, world)
        self._places = places

    def moment(self, name: str) -> None:
        """Come to a moment, if it is one of these."""
        if name.startswith(self._places):
            super().moment(name)

"""What will be done to the twin, and when: a pure function of the seed. Only the timing of what follows differs."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any, Literal

from infra.local.topology import STAGING
from tests.chaos.cast import LOCKABLE, PLACES, TRAVELLING, Place
from tests.chaos.tasks import BUILT_ON, ROLLING

QUEUES = ("imports", "validations")
_AZURE = ("arm", "staging", "base", "identity", "vault")
_UPSTREAMS = ("docker_hub_auth", "docker_hub_registry", "docker_hub_api", "mcr", "other")
# Kinds of requests that are worth more attention than the rest of their front.
_KINDS = {
    "arm": (
        *("importImage", "poll operation", "put taskRun", "get taskRun", "get run", "list runs"),
        *("listLogSasUrl", "list tasks"),
    ),
    "staging": ("GET tag", "POST token", "POST exchange", "GET manifest", "PUT manifest"),
    "base": ("GET tag", "POST token", "POST exchange", "GET referrers", "GET manifest", "PATCH tag", "PATCH manifest"),
    "mcr": ("GET referrers", "GET manifest"),
    "vault": ("sign", "GET key versions"),
}
_THERE_AT_FIRST = tuple(place for place in LOCKABLE if place in BUILT_ON)
_LOCKED_BY_US = tuple(place for place in TRAVELLING if "stable" in place.asked.lock)
# So many of the moves are of tags with a wave.
_TO_ROLL = 0.4
_STATUSES = (429, 500, 502, 503, 504)
_SAID_OF_IMPORTS = (
    "An error occurred when getting manifest. StatusCode: 429, Reason: Too Many Requests",
    "An error occurred when getting manifest. StatusCode: 503, Reason: Service Unavailable",
    "The operation failed because it was asked to.",
)
_JUNK = (
    "",
    "not a message",
    "{}",
    '{"v": 99, "kind": "candidate", "candidate": "x", "step": 1}',
    '{"v": 1, "kind": "candidate", "candidate": "base~nowhere~1~00000000000000000000000000000000", "step": 1}',
    '{"v": 1, "kind": "target", "target": "tidegatebase~base~nowhere~1", "step": 7}',
    '{"v": 1, "kind": "rebuild", "rebuild": "tidegateapps~nobody~00000000000000000000000000000000", "step": 1}',
    '{"v": 1, "kind": "check", "repositories": ["docker.io/library/nowhere"]}',
    "AAAA////" * 100,
)


@dataclass(frozen=True)
class Moves:
    """Tags of one repository are moved to a release; ``back``: to what they bore before; ``away``: they vanish."""

    places: tuple[Place, ...]
    release: str = ""
    how: Literal["on", "back", "away"] = "on"


@dataclass(frozen=True)
class Dies:
    """The host is killed, or Azurite restarted, or the one while the other is; and stays away for some seconds."""

    what: Literal["host", "storage", "both"]
    seconds: float


@dataclass(frozen=True)
class Ails:
    """A fault of the emulator, as its control port takes it."""

    fault: dict[str, Any] = field(hash=False)


@dataclass(frozen=True)
class Chokes:
    """One service of the storage account fails a share of its requests for some seconds."""

    service: Literal["blob", "queue", "table"]
    how: Literal["busy", "reset", "silent", "unheard"]
    share: float
    seconds: float


@dataclass(frozen=True)
class Meddles:
    """Messages of a queue are sent once more, held back for some seconds, or joined by one that is none."""

    queue: str
    how: Literal["copy", "delay", "junk"]
    seconds: int = 0
    text: str = ""


@dataclass(frozen=True)
class Signs:
    """Something is said of what a tag bears upstream by now; ``deep``: and that is signed once more."""

    place: Place
    words: str
    deep: bool = False


@dataclass(frozen=True)
class Locks:
    """People lock a tag of the base registry, or its repository, or open what they locked first, or what we locked."""

    place: Place
    how: Literal["lock", "lock repository", "open", "undo"]


@dataclass(frozen=True)
class Speaks:
    """Somebody says a word of a wave: of one that waits for people, or of any that is not over; ``which`` of them."""

    word: Literal["continue", "restore", "cancel"]
    of: Literal["held", "any"]
    which: float


Act = Moves | Dies | Ails | Chokes | Meddles | Signs | Locks | Speaks
PLAYERS = ("upstreams", "machines", "services", "storage", "messages", "signers", "people", "approvers")
# Who plays only where something lies beside images.
TRAVELLERS = frozenset({"signers", "people"})


@dataclass(frozen=True)
class Timed:
    """An act and when it is due, in seconds after the storm began."""

    at: float
    act: Act


def plan(seed: int, seconds: float) -> dict[str, tuple[Timed, ...]]:
    """Return what each player does.

    Args:
        seed: the same seed is the same plan.
        seconds: how long the storm lasts; a longer one begins as a shorter one of the same seed does.

    Returns:
        Acts by player, in the order of their time.
    """
    drawn: dict[str, tuple[float, Callable[[random.Random, int], Act]]] = {
        "upstreams": (1.2, _moves),
        "machines": (16.0, _dies),
        "services": (1.3, _ails),
        "storage": (9.0, _chokes),
        "messages": (1.5, _meddles),
        "signers": (2.5, _signs),
        "people": (4.0, _locks),
        "approvers": (6.0, _speaks),
    }
    return {player: tuple(_drawn(f"{seed} {player}", seconds, *how)) for player, how in drawn.items()}


def _drawn(seed: str, seconds: float, every: float, act: Callable[[random.Random, int], Act]) -> Iterator[Timed]:
    """Draw acts that are some seconds apart, more or less."""
    draw = random.Random(seed)  # noqa: S311 - to be repeated, not to be secret
    at, number = draw.uniform(0, every), 0
    while at < seconds:
        yield Timed(at, act(draw, number))
        at, number = at + draw.uniform(0.2, 1.8) * every, number + 1


def _moves(draw: random.Random, number: int) -> Moves:
    place = draw.choice(ROLLING if draw.random() < _TO_ROLL else PLACES)
    chance = draw.random()
    if chance < 0.08:
        return Moves((place,), how="away")
    if chance < 0.30:
        return Moves((place,), how="back")
    siblings = [one for one in PLACES if one.repository == place.repository]
    places = tuple(draw.sample(siblings, 3)) if chance < 0.38 else (place,)
    return Moves(places, f"release {number}")


def _dies(draw: random.Random, _: int) -> Dies:
    what = draw.choices(("host", "storage", "both"), (6, 2, 1))[0]
    return Dies(what, draw.uniform(0, 3))  # type: ignore[arg-type]


def _ails(draw: random.Random, _: int) -> Ails:
    chance = draw.random()
    if chance < 0.12:
        action, often = draw.choice(("lost-webhook", "repeat-webhook")), draw.randint(1, 4)
        return Ails({"front": "base", "kind": "webhook", "action": action, "times": often})
    if chance < 0.22:
        code = draw.choice(("Timeout", "Canceled", "Error", "Failed"))
        # A gate that fails without a word has decided nothing; a build that fails has failed, and is not repeated.
        path = f"^{STAGING}/" if code == "Failed" else ""
        return Ails({"front": "arm", "kind": "run", "action": "fail-operation", "code": code, "path": path})
    if chance < 0.32:
        message = draw.choice(_SAID_OF_IMPORTS)
        return Ails({"front": "arm", "kind": "importImage", "action": "fail-operation", "message": message})
    return Ails(_request_fault(draw))


def _request_fault(draw: random.Random) -> dict[str, Any]:
    front = draw.choice(_AZURE if draw.random() < 0.7 else _UPSTREAMS)
    kinds = _KINDS.get(front, ())
    kind = draw.choice(kinds) if kinds and draw.random() < 0.7 else ""
    # Now and then a front is out for good, until as many requests have met it.
    often = draw.randint(20, 40) if draw.random() < 0.08 else draw.randint(1, 5)
    # What nobody meets is over at some time: else what is asked for seldom is out for good, and moves nothing any more.
    how: dict[str, Any] = {"front": front, "kind": kind, "times": often, "lasts": round(draw.uniform(5, 40))}
    action = draw.choices(("status", "slow", "drop", "lose-answer"), (5, 1, 2, 2))[0]
    if action == "slow":
        how |= {"seconds": round(draw.uniform(1, 25), 1), "times": min(often, 3)}
    if action == "status":
        how |= {"status": draw.choice(_STATUSES), "headers": {"Retry-After": str(draw.randint(1, 3))}}
    return {"action": action, **how}


def _chokes(draw: random.Random, _: int) -> Chokes:
    service = draw.choice(("blob", "queue", "table", "table"))
    how = draw.choice(("busy", "busy", "reset", "silent", "unheard", "unheard"))
    return Chokes(service, how, round(draw.uniform(0.05, 0.6), 2), round(draw.uniform(1, 5), 1))  # type: ignore[arg-type]


def _meddles(draw: random.Random, _: int) -> Meddles:
    how = draw.choices(("copy", "delay", "junk"), (5, 3, 2))[0]
    text = draw.choice(_JUNK) if how == "junk" else ""
    return Meddles(draw.choice(QUEUES), how, draw.randint(0, 20), text)  # type: ignore[arg-type]


def _signs(draw: random.Random, number: int) -> Signs:
    return Signs(draw.choice(TRAVELLING), f"late {number}", draw.random() < 0.2)


def _locks(draw: random.Random, _: int) -> Locks:
    how = draw.choices(("lock", "lock repository", "open", "undo"), (4, 1, 4, 2))[0]
    theirs = _THERE_AT_FIRST if draw.random() < 0.6 else LOCKABLE
    places = _LOCKED_BY_US if how == "undo" else theirs
    return Locks(draw.choice(places), how)  # type: ignore[arg-type]


def _speaks(draw: random.Random, _: int) -> Speaks:
    word = draw.choice(("continue", "restore", "cancel"))
    of = "held" if draw.random() < 0.8 else "any"
    return Speaks(word, of, draw.random())  # type: ignore[arg-type]

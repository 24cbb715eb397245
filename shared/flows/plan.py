"""Ask for checks of upstream repositories by messages: a timer only plans, so that checks scale out over instances.

Where an upstream's budget is too short for all at once, the least recently checked go first, and the messages are
spread over the windows in which their turn comes.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Container, Iterable, Iterator
from datetime import UTC, datetime, timedelta

from shared.domain.events.messages import MOST_REPOSITORIES, CheckRepositories
from shared.domain.references import Repository
from shared.domain.watching.questions import CATALOGUES
from shared.domain.watching.watch_list import Image, WatchList
from shared.errors import MalformedRequest
from shared.ports import Clock, Observations, Outbox
from shared.rules.ledger import Ledger

# Ten seconds of work where an answer takes a tenth of one. Each message is told of, so those of very many requests are
# larger: as many as two instances work on at once, and none of more than half a minute.
REQUESTS_A_MESSAGE, MOST_REQUESTS = 100, 250
_AT_ONCE = 48
# Where a budget is short, messages wait for their turns, and small ones wait no longer than they must.
_REQUESTS_IN_TURN = 20
_PATTERNS_COST = 10
# Who has no turn before the next timer is checked at once all the same, so as to be seen as put off.
_LONGEST_WAIT = timedelta(minutes=10)
_NO_WAIT = timedelta(0)
_NEVER = datetime.min.replace(tzinfo=UTC)


class Planner:
    """Plans checks.

    Args:
        outbox: sends the messages.
        observations: tells which repositories were checked least recently.
        ledger: tells whether an upstream's budget is short.
        clock: tells when somebody asked.
    """

    def __init__(self, outbox: Outbox, observations: Observations, ledger: Ledger, clock: Clock) -> None:
        self._outbox = outbox
        self._observations = observations
        self._ledger = ledger
        self._clock = clock

    def plan(self, images: Iterable[Image], *, traceparent: str, image: str = "") -> tuple[Repository, ...]:
        """Send the messages for some entries of the watch list.

        Args:
            images: the entries.
            traceparent: trace context of whoever asks.
            image: the entry's name if it was asked for by hand.

        Returns:
            The repositories that will be checked, each once; where a budget is short, the least recently checked first.
        """
        asked_at = self._clock() if image else None
        costs: dict[Repository, int] = {}
        for entry in images:
            costs[entry.repository] = costs.get(entry.repository, 0) + _cost(entry)
        turns = self._turns(costs)
        # What is known of neighbours comes by one read.
        ordered = self._in_order(costs) if turns else tuple(sorted(costs, key=str))
        for host in ("", *turns):
            before, size = 0, _REQUESTS_IN_TURN if host else _size(sum(costs.values()))
            for batch in _batches(tuple(one for one in ordered if _group(one, turns) == host), costs, size):
                before += sum(costs[repository] for repository in batch)
                wait = turns[host](before - 1) if host else _NO_WAIT
                names = tuple(str(repository) for repository in batch)
                message = CheckRepositories(
                    v=1, repositories=names, image=image, asked_at=asked_at, traceparent=traceparent
                )
                self._outbox.send(message, wait if wait <= _LONGEST_WAIT else _NO_WAIT)
        return ordered

    def plan_by_hand(self, watch_list: WatchList, *, image: str | None, traceparent: str) -> tuple[Repository, ...]:
        """Send the messages for one entry of the watch list, or for all, as somebody asked.

        Raises:
            MalformedRequest: 404, the watch list has no entry with that name.
        """
        if image is None:
            return self.plan(watch_list.images, traceparent=traceparent)
        entry = watch_list.named(image)
        if entry is None:
            raise MalformedRequest(f"image: the watch list has no entry named {image!r}", status=404)
        return self.plan((entry,), traceparent=traceparent, image=image)

    def _turns(self, costs: dict[Repository, int]) -> dict[str, Callable[[int], timedelta]]:
        """Return when whose turn comes, for each host whose budget is too short for all that is asked of it."""
        wanted: Counter[str] = Counter()
        for repository, cost in costs.items():
            wanted[_host(repository)] += cost
        turns = {host: self._ledger.turns(host) for host in wanted}
        return {host: turn for host, turn in turns.items() if turn(wanted[host] - 1)}

    def _in_order(self, costs: dict[Repository, int]) -> tuple[Repository, ...]:
        states = self._observations.states()
        checked = {repository: state.checked_at or _NEVER for repository, state in states.items()}
        return tuple(sorted(costs, key=lambda repository: checked.get(repository, _NEVER)))


def _cost(image: Image) -> int:
    """About how many requests an entry takes while nothing changes."""
    if image.repository.registry in CATALOGUES:
        return 1
    return len(image.wanted) + (_PATTERNS_COST if image.needs_listing else 0)


def _host(repository: Repository) -> str:
    """Return the host whose limit a repository's check counts against, most of all."""
    return CATALOGUES.get(repository.registry, repository.registry)


def _group(repository: Repository, short: Container[str]) -> str:
    """Return its host if that is short of budget: who has to wait for it shares no message with others."""
    host = _host(repository)
    return host if host in short else ""


def _size(requests: int) -> int:
    return min(max(REQUESTS_A_MESSAGE, -(-requests // _AT_ONCE)), MOST_REQUESTS)


def _batches(
    repositories: tuple[Repository, ...], costs: dict[Repository, int], size: int
) -> Iterator[list[Repository]]:
    batch: list[Repository] = []
    for repository in repositories:
        full = len(batch) == MOST_REPOSITORIES or sum(costs[one] for one in batch) >= size
        if batch and full:
            yield batch
            batch = []
        batch.append(repository)
    if batch:
        yield batch

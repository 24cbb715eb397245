"""What is done about each kind of message: one table, whichever queue a message waited in."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol

from shared.domain.events.event_grid import is_event, read_event
from shared.domain.events.messages import (
    BaseMoved,
    CheckRepositories,
    ListTasks,
    LookAtBase,
    LookAtCandidate,
    LookAtDue,
    LookAtRebuild,
    LookAtTarget,
    Message,
    RetryTargets,
    decode,
)
from shared.domain.events.registry_event import Told
from shared.flows.check import Checker
from shared.flows.find_dependants import DependantSearch
from shared.flows.list_tasks import TaskLister
from shared.flows.look_at_base import BaseComparer
from shared.flows.look_at_due import DueLooker
from shared.flows.retry import Retrier
from shared.rules.wake import Waker
from shared.telemetry.counts import checked
from shared.telemetry.spans import acting, consuming


class Workers(Protocol):
    """Those who work on messages. Each is made when it is first asked for."""

    @property
    def checker(self) -> Checker:
        """Looks at upstreams."""
        ...

    @property
    def comparer(self) -> BaseComparer:
        """Looks at the base registry."""
        ...

    @property
    def retrier(self) -> Retrier:
        """Tries again what failed."""
        ...

    @property
    def due_looker(self) -> DueLooker:
        """Looks at candidates, targets and rebuilds whose time has come."""
        ...

    @property
    def dependant_search(self) -> DependantSearch:
        """Finds what is built on a base."""
        ...

    @property
    def task_lister(self) -> TaskLister:
        """Lists the tasks of application registries."""
        ...

    @property
    def waker(self) -> Waker:
        """Wakes for what is due."""
        ...

    def told(self, event: Told) -> str:
        """Take what the base registry tells."""
        ...


def _check(workers: Workers, message: CheckRepositories) -> None:
    workers.checker.check(message)
    checked(message)


def _as_due(workers: Workers, _: Message) -> None:
    """Its record says when it is due; what was overdue when versions changed, the sweep wakes for."""


_DONE: dict[type[Any], Callable[[Workers, Any], None]] = {
    # about copies and registries
    CheckRepositories: _check,
    LookAtBase: lambda workers, message: workers.comparer.look(message),
    RetryTargets: lambda workers, message: workers.retrier.retry(message),
    # about copies or runs of ACR Tasks, as it says
    LookAtDue: lambda workers, message: workers.due_looker.look(message),
    # about runs of ACR Tasks
    ListTasks: lambda workers, message: workers.task_lister.take(message),
    BaseMoved: lambda workers, message: workers.dependant_search.take(message),
    # of earlier versions
    LookAtCandidate: _as_due,
    LookAtTarget: _as_due,
    LookAtRebuild: _as_due,
}


def take(workers: Workers, queue: str, body: bytes) -> None:
    """Work on what came through a queue: a message of ours, or an event that Event Grid put there.

    Args:
        workers: do the work.
        queue: the queue's name, for the trace.
        body: as it was received.

    Raises:
        MalformedMessage: it is neither; the host moves it to the poison queue.
    """
    if is_event(body):
        with acting("event"), workers.waker.gathered():
            workers.told(read_event(body))
        return
    with consuming(queue, decode(body)) as message:
        work_on(workers, message)


def work_on(workers: Workers, message: Message) -> None:
    """Do what a message asks for. Any message does the same in any queue."""
    with workers.waker.gathered():
        _DONE[type(message)](workers, message)

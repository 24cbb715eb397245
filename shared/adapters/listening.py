"""Who listens to what the app asks of others: one for all of the process, as connections are."""

from __future__ import annotations

from shared.call_ports import Call, Listener

_listeners: list[Listener] = []


def listen(listener: Listener) -> None:
    """Tell one of every request from now on, in place of whoever listened before.

    Args:
        listener: is told in the thread that asks, once it has its answer.
    """
    _listeners[:] = [listener]


def tell(call: Call) -> None:
    """Tell whoever listens of a request."""
    for listener in _listeners:
        listener(call)

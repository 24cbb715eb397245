"""A table of one partition whose transactions can be held up, refused and lost, for tests of what is sent together."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

from azure.core.exceptions import ServiceResponseError
from azure.data.tables import TableTransactionError

from shared.adapters.storage.group_transaction import Write
from shared.errors import Conflict

Answer = Callable[[Sequence[Any]], list[Mapping[str, Any]]]


class OneTable:
    """What of a ``TableClient`` transactions use, and requests for single rows beside it.

    Attributes:
        alone: the keys of writes that were made alone, in order.
        transactions: the keys in each transaction, in order.
        senders: the thread that sent each transaction.
        refused: keys whose write conflicts, wherever it is.
        answer: answers a transaction instead, if it is set; what it raises is the service's error.
        before_sending: called before a transaction leaves; may raise as the SDK does of what it cannot send.
    """

    def __init__(self) -> None:
        self.alone: list[str] = []
        self.transactions: list[list[str]] = []
        self.senders: list[str] = []
        self.refused: set[str] = set()
        self.answer: Answer | None = None
        self.before_sending: Callable[[Sequence[Any]], None] = lambda _: None

    def submit_transaction(
        self, operations: Sequence[Any], *, raw_request_hook: Callable[[object], None]
    ) -> list[Mapping[str, Any]]:
        """See ``TableClient.submit_transaction``."""
        self.before_sending(operations)
        raw_request_hook(None)
        keys = [operation[1]["RowKey"] for operation in operations]
        self.transactions.append(keys)
        self.senders.append(threading.current_thread().name)
        if self.answer is not None:
            return self.answer(operations)
        for number, one in enumerate(keys):
            if one in self.refused:
                raise refused(412, f"{number}:somebody else wrote it")
        return [{"etag": f"together {one}"} for one in keys]

    def write(self, key: str, record: str = "{}", before: Callable[[], None] = lambda: None) -> Write:
        """Return a write of a row; ``before`` is called when it is made alone."""
        entity = {"PartitionKey": "p", "RowKey": key, "record": record}
        return Write(key, f"writing {key}", ("update", entity, {}), partial(self._alone, key, before))

    def _alone(self, key: str, before: Callable[[], None]) -> str:
        before()
        self.alone.append(key)
        if key in self.refused:
            raise Conflict(f"{key} was written by somebody else")
        return f"alone {key}"


def refused(status: int, message: str) -> TableTransactionError:
    """Return the error of a transaction that the service answered with a status."""
    error = TableTransactionError(message=message)
    error.status_code = status
    return error


def lost(_: Sequence[Any]) -> list[Mapping[str, Any]]:
    """Answer as a connection does that breaks."""
    raise ServiceResponseError("Connection aborted.")

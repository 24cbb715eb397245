"""Several writes of one partition as one transaction: which fit into it, and what its answer means for each of them.

A transaction is made whole or not at all, so one write that cannot be made undoes all others. They are made again
without it, and it goes alone: what becomes of a write is never the fault of another.

Limits: https://learn.microsoft.com/rest/api/storageservices/performing-entity-group-transactions
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from shared.adapters.storage.errors import translate, unanswered
from shared.errors import RateLimited, TidegateError, Unavailable

if TYPE_CHECKING:
    from azure.data.tables import TableClient

MOST_TOGETHER = 100
# Of the 4 MiB that a transaction may have: addresses and headers of its parts are only roughly known.
MOST_BYTES = 3 * 1024 * 1024
_BYTES_AROUND = 4096
# Somebody else wrote one row, or two. Where more were written, each write by itself is sooner done.
_MOST_TRIES = 3
# What the service answers when it has done nothing because of what is in the transaction.
_ROLLED_BACK = frozenset({400, 404, 409, 412, 413})
_INDEX = re.compile(r"(\d+):")


class Write:
    """A write of one row, and what became of it.

    Args:
        key: the row's RowKey.
        asked: what it is for, as ``translated`` has it.
        operation: the write as a part of a transaction.
        alone: makes it by a request of its own.

    Attributes:
        outcome: after a transaction the row's new ETag, empty for one that was deleted, or the error; ``None`` if
            nothing was done and it is to go alone.
    """

    __slots__ = ("alone", "asked", "key", "operation", "outcome")

    def __init__(self, key: str, asked: str, operation: tuple[Any, ...], alone: Callable[[], str]) -> None:
        self.key = key
        self.asked = asked
        self.operation = operation
        self.alone = alone
        self.outcome: str | TidegateError | None = None

    def result(self) -> str:
        """Return the row's new ETag, once the write was in a transaction or was to be in one.

        Raises:
            TidegateError: it could not be made, or may not have been.
        """
        if self.outcome is None:
            return self.alone()
        if isinstance(self.outcome, TidegateError):
            raise self.outcome
        return self.outcome

    @property
    def most_bytes(self) -> int:
        """The bytes it has in a transaction, or somewhat more."""
        texts = (text for text in self.operation[1].values() if isinstance(text, str))
        return _BYTES_AROUND + sum(_most_bytes(text) for text in texts)


def what_fits(writes: Iterable[Write]) -> list[Write]:
    """Return those that go into one transaction, the first before all others; a row is in it once."""
    found: dict[str, Write] = {}
    room = MOST_BYTES
    for write in writes:
        size = write.most_bytes
        if write.key in found or (found and size > room):
            continue
        found[write.key] = write
        room -= size
        if len(found) == MOST_TOGETHER:
            break
    return list(found.values())


def send_together(client: TableClient, writes: Sequence[Write]) -> None:
    """Make writes of one partition, each of a row of its own, and set the outcome of each.

    Args:
        client: of their table.
        writes: at most what fits.
    """
    left = list(writes)
    for _ in range(_MOST_TRIES):
        in_the_way = _sent(client, left)
        if in_the_way is None:
            return
        del left[in_the_way]
        if len(left) < 2:
            return


def make_all(client: TableClient, writes: Sequence[Write]) -> list[str | TidegateError]:
    """Make many writes of one partition in as few transactions as there can be.

    Args:
        client: of their table.
        writes: any number.

    Returns:
        Of each its new ETag, empty for one that was deleted, or the error that is about it alone.

    Raises:
        Unavailable, RateLimited: the storage account itself gives no answer, so that nothing more is asked of it.
    """
    left, found = list(writes), dict[int, str | TidegateError]()
    while left:
        group = what_fits(left)
        left = [write for write in left if write not in group]
        if len(group) > 1:
            send_together(client, group)
        found |= {id(write): _made(write) for write in group}
    return [found[id(write)] for write in writes]


def _made(write: Write) -> str | TidegateError:
    try:
        return write.result()
    except (Unavailable, RateLimited):
        raise
    except TidegateError as error:
        return error


def _sent(client: TableClient, writes: Sequence[Write]) -> int | None:
    """Send one transaction; return which of its writes was in the way of all others, if there was one and it is known.

    The SDK sends what was not answered no second time, as it does with a single insertion: what is done and not known
    to be is not taken for somebody else's work.
    """
    from azure.core.exceptions import AzureError, DeserializationError, SerializationError  # noqa: PLC0415

    def leave(_: object) -> None:
        for write in writes:
            write.outcome = unanswered(write.asked)

    try:
        answers = client.submit_transaction([write.operation for write in writes], raw_request_hook=leave)
    except (AzureError, SerializationError, DeserializationError) as error:
        return _judged(error, writes)
    except (TypeError, ValueError):  # a row that cannot be sent, and goes alone as none has left, or no such answer
        return None
    if len(answers) == len(writes):
        _note(writes, answers)
    return None


def _note(writes: Sequence[Write], answers: Sequence[Mapping[str, Any]]) -> None:
    for write, answer in zip(writes, answers, strict=True):
        if "etag" in answer or write.operation[0] == "delete":
            write.outcome = str(answer.get("etag", ""))


def _judged(error: Exception, writes: Sequence[Write]) -> int | None:
    if getattr(error, "status_code", None) not in _ROLLED_BACK:
        for write in writes:
            write.outcome = translate(error, write.asked)
        return None
    for write in writes:
        write.outcome = None
    # The SDK's own ``index`` is 0 where the service named none.
    named = _INDEX.match(str(getattr(error, "message", "")))
    return int(named[1]) if named and int(named[1]) < len(writes) else None


def _most_bytes(text: str) -> int:
    """In JSON that is ASCII alone, of a text without control characters, which JSON in it has not."""
    return 2 * len(text) if text.isascii() else 3 * len(text.encode())

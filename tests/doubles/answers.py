"""Answers that are kept by idempotency keys, in a dictionary."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from itertools import count

from shared.answer_ports import StoredAnswer
from shared.domain.access.repeating import Kept
from shared.errors import Conflict
from tests.doubles.scripted import Scripted


class InMemoryAnswers(Scripted):
    """``KeptAnswers``. ``kept`` has every row, and ``calls`` how often anything was asked."""

    def __init__(self, before_call: Callable[[str], None] | None = None) -> None:
        super().__init__(before_call)
        self.kept: dict[str, StoredAnswer] = {}
        self.calls = 0

    def find(self, name: str) -> StoredAnswer | None:
        """See ``KeptAnswers.find``."""
        self._count()
        self._raise_scripted("find")
        return self.kept.get(name)

    def add(self, kept: Kept) -> StoredAnswer | None:
        """See ``KeptAnswers.add``."""
        self._count()
        with self._changing("add"):
            if kept.name in self.kept:
                return None
            return self._write(kept)

    def replace(self, stored: StoredAnswer, kept: Kept) -> StoredAnswer:
        """See ``KeptAnswers.replace``."""
        self._count()
        with self._changing("replace"):
            if self.kept.get(stored.kept.name) != stored:
                raise Conflict(stored.kept.name)
            return self._write(kept)

    def remove(self, stored: StoredAnswer) -> None:
        """See ``KeptAnswers.remove``."""
        self._count()
        with self._changing("remove"):
            known = self.kept.get(stored.kept.name)
            if known not in {None, stored}:
                raise Conflict(stored.kept.name)
            self.kept.pop(stored.kept.name, None)

    def put_away(self, before: datetime) -> None:
        """See ``KeptAnswers.put_away``."""
        self._count()
        with self._changing("put_away"):
            self.kept = {name: one for name, one in self.kept.items() if one.kept.at >= before}

    def _count(self) -> None:
        self.calls += 1

    def _write(self, kept: Kept) -> StoredAnswer:
        stored = StoredAnswer(kept, str(next(_ETAGS)))
        self.kept[kept.name] = stored
        return stored


_ETAGS = count(1)

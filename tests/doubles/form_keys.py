"""Keys of forms in a dictionary."""

from __future__ import annotations

from shared.domain.access.form_tokens import FormKey
from tests.doubles.storage import OneAtATime


class InMemoryFormKeys(OneAtATime):
    """The port ``FormKeys``."""

    def __init__(self) -> None:
        super().__init__(None)
        self.kept: dict[int, FormKey] = {}
        self.reads = 0

    def get(self, number: int) -> FormKey | None:
        """See ``FormKeys.get``."""
        self.reads += 1
        return self.kept.get(number)

    def add(self, key: FormKey) -> bool:
        """See ``FormKeys.add``."""
        with self._change("add"):
            return self.kept.setdefault(key.number, key) is key

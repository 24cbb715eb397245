"""What is asked of the places where keys are kept; see ``shared.ports`` for what holds for every port."""

from __future__ import annotations

from typing import Protocol

import msgspec

from shared.domain.access.api_keys import ApiKey
from shared.domain.access.form_tokens import FormKey


class StoredKey(msgspec.Struct, frozen=True):
    """A key as it was read, with the ETag that guards its replacement."""

    key: ApiKey
    etag: str


class ApiKeys(Protocol):
    """The API keys, those that were revoked too."""

    def every(self) -> tuple[StoredKey, ...]:
        """Return all of them, in the order of their ids."""
        ...

    def add(self, key: ApiKey) -> None:
        """Keep a key.

        Raises:
            Conflict: one with its id is there.
        """
        ...

    def replace(self, stored: StoredKey, key: ApiKey) -> None:
        """Replace a key that nobody changed since it was read.

        Raises:
            Conflict: somebody did.
        """
        ...


class FormKeys(Protocol):
    """The keys that the tokens of forms are made with, one for each month."""

    def get(self, number: int) -> FormKey | None:
        """Return the key of a month, or ``None``."""
        ...

    def add(self, key: FormKey) -> bool:
        """Keep the key of a month; return whether that was the first one, as the first one stays."""
        ...

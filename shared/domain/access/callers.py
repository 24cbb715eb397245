"""Who calls the HTTP API: a name that stands in records, and the roles that decide what may be asked for."""

from __future__ import annotations

from datetime import datetime
from enum import Enum

import msgspec


class Role(Enum):
    """What a caller may do; one does not hold another, so whoever is to do both has both."""

    READER = "reader"  # sees everything, and changes nothing
    APPROVER = "approver"  # decides about images: rolls back, pins, blocks, holds, takes one against its gate
    OPERATOR = "operator"  # runs the app, and does what an approver does


class Kind(Enum):
    """What kind of caller it is."""

    PERSON = "person"
    APPLICATION = "application"  # such as a managed identity
    KEY = "API key"


class Caller(msgspec.Struct, frozen=True):
    """Somebody whose identity was proven.

    Attributes:
        kind: person, application or API key.
        id: what stays when the name changes: object and tenant, or the key's id.
        name: as it was shown when the call was made.
        roles: what may be asked for; none of them, and nothing is answered.
        signed_in_at: when a person signed in, UTC; ``None`` if nobody said.
    """

    kind: Kind
    id: str
    name: str
    roles: frozenset[Role]
    signed_in_at: datetime | None = None

    @property
    def said(self) -> str:
        """How records name the caller: the name for people, with what cannot change hands."""
        return f"{self.name} ({self.kind.value} {self.id})"

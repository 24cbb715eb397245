"""The identity that reads a gate's secrets: one of its own, never the app's."""

from __future__ import annotations

import msgspec


class GateIdentity(msgspec.Struct, frozen=True, rename="camel"):
    """A user-assigned identity.

    Attributes:
        resource_id: its Azure resource id.
        client_id: its client id, by which a task names it.
    """

    resource_id: str
    client_id: str

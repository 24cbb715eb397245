"""The setting that says where what people decided is kept beside the app's account: a part of ``shared.config``."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Annotated
from urllib.parse import urlsplit

from msgspec import Meta

from shared.housekeeping_settings import HousekeepingSettings
from shared.storage_settings import Storage, storage_of

_NAME = re.compile(r"[a-z0-9]{3,24}")


class DecisionSettings(HousekeepingSettings, frozen=True, kw_only=True):
    """Where what people decided is kept once a day."""

    decisions_account: Annotated[
        str,
        Meta(
            description="Another storage account, by its name or the address of its blobs, in whose container "
            "`decisions` is kept once a day what people decided: pins, blocks, holds, approvals, waivers. An app that "
            "finds documents there, and an own account that never had one, writes nothing until one is imported. "
            "Default: they are in the app's own account alone, and lost with it.",
            extra={"secret": False},
        ),
    ] = ""

    @property
    def decisions_storage(self) -> Storage | None:
        """How that account is reached, by the app's identity; ``None`` if there is none."""
        named = self.decisions_account
        address = named if named.startswith("https://") else f"https://{named}.blob.core.windows.net"
        return Storage(blob_uri=address) if named else None


def decision_problems(values: Mapping[str, str], environment: Mapping[str, str]) -> list[str]:
    """Say what is wrong with the setting: it is no account, or the one with which the rest would be lost.

    Args:
        values: the settings' texts, by field.
        environment: settings by name, for where the app's own account is.
    """
    named = values["decisions_account"]
    if not named:
        return []
    host = _host(named)
    if not host:
        return ["DECISIONS_ACCOUNT must be the name of a storage account, or the https address of its blobs"]
    if host in _own_hosts(storage_of(environment)):
        return ["DECISIONS_ACCOUNT is the app's own storage account: what is kept there is lost with it"]
    return []


def _host(named: str) -> str:
    """Return where an account's blobs are; empty if it is none. By a query others would be let in, and not the app."""
    if not named.startswith("https://"):
        return f"{named}.blob.core.windows.net" if _NAME.fullmatch(named) else ""
    try:
        parts = urlsplit(named)
        plain = (parts.port is None or parts.port > 0) and parts.path in {"", "/"}
    except ValueError:
        return ""
    plain = plain and named.isascii() and named.isprintable() and not set("@?#\\ ") & set(named)
    return (parts.hostname or "").rstrip(".") if plain else ""


def _own_hosts(own: Storage | None) -> set[str]:
    """Return where the app's own blobs are, however that is said."""
    if own is None:
        return set()
    said = dict(own.said)
    named = (
        f"{said['AccountName']}.blob.{said.get('EndpointSuffix', 'core.windows.net')}" if "AccountName" in said else ""
    )
    hosts = (named.lower(), _host(own.blob_uri), _host(said.get("BlobEndpoint", "")))
    return {host for host in hosts if host}

"""The settings that say how rebuilds go on: a part of ``shared.config``."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta

from shared.record_settings import RecordSettings


def _setting(description: str) -> Meta:
    return Meta(description=description, extra={"secret": False})


class RebuildSettings(RecordSettings, frozen=True, kw_only=True):
    """How rebuilds go on."""

    rebuilds_at_once: Annotated[
        str,
        _setting("How many rebuilds run at once in a registry, and by each `DISPATCH_<NAME>`; the oldest comes first."),
    ] = "8"
    application_login_servers: Annotated[
        str,
        _setting(
            "Login servers of the registries of `APPLICATION_REGISTRY_IDS`, in their order, separated by commas: so it "
            "is known who builds on what a task pushes. Default: their names and `.azurecr.io`."
        ),
    ] = ""

    @property
    def most_rebuilds(self) -> int:
        """How many rebuilds run at once in an application registry, or by one who builds elsewhere."""
        return int(self.rebuilds_at_once)

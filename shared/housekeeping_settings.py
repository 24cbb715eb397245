"""The settings of housekeeping: where what nobody needs is deleted, and how much stays. They are part of ``config``."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Annotated

from msgspec import Meta

from shared.people_settings import PeopleSettings

_OFF = "off"
_WHERE = ("staging", "base")


def _setting(description: str) -> Meta:
    return Meta(description=description, extra={"secret": False})


class HousekeepingSettings(PeopleSettings, frozen=True, kw_only=True):
    """What is deleted, and what stays."""

    housekeeping: Annotated[
        str,
        _setting(
            "Where what nobody needs any more is deleted, once a day: `staging`, `base`, both with a comma, or `off`. "
            "The app needs the right to delete there. Names of runs that ended long ago go wherever it is not `off`."
        ),
    ] = "staging"
    staging_retention_days: Annotated[
        str, _setting("Days that what was written into the staging registry stays there at least; 1 to 3650.")
    ] = "30"
    unique_tags_kept: Annotated[
        str, _setting("How many of each tag's unique tags stay in the base registry, the latest; 1 to 1000.")
    ] = "10"

    @property
    def cleared(self) -> frozenset[str]:
        """Where something is deleted; empty for nowhere."""
        return frozenset(_words(self.housekeeping)) - {_OFF}

    @property
    def staging_stays(self) -> timedelta:
        """How long what was written into the staging registry stays there at least."""
        return timedelta(days=int(self.staging_retention_days))


def housekeeping_problems(values: Mapping[str, str]) -> list[str]:
    """Say what is wrong with these settings, beside their numbers: whoever misspells one means to delete less."""
    words = _words(values["housekeeping"])
    if not words or words == [_OFF] or (set(words) <= set(_WHERE) and len(set(words)) == len(words)):
        return []
    return ["HOUSEKEEPING must be staging, base, both of them with a comma, or off"]


def _words(text: str) -> list[str]:
    return [word.strip() for word in text.split(",")] if text.strip() else []

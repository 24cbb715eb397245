"""The settings by which people find an installation, and tell it from others. They are part of ``shared.config``."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Annotated

import msgspec
from msgspec import Meta

NOBODY_SIGNS_IN = (
    "Tidegate believes nobody who signs in: SIGN_IN_ENABLED is true, and the platform's WEBSITE_AUTH_ENABLED is not. "
    "Switch App Service authentication on, or the setting off; API keys work in either case"
)
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,39}")
# Pages lead to each other by paths from the root; and what else an address may hold, no chat makes a link of.
_ORIGIN = re.compile(r"https://(?:[A-Za-z0-9.-]+|\[[0-9A-Fa-f:.]+\])(?::[0-9]{1,5})?/?")


def _setting(description: str) -> Meta:
    return Meta(description=description, extra={"secret": False})


class PeopleSettings(msgspec.Struct, frozen=True, kw_only=True):
    """What links and titles are made of."""

    public_url: Annotated[
        str,
        _setting(
            "Where people reach the app, such as `https://tidegate.example.net`; links begin with it. Default: links "
            "are paths alone, which is of no use in a notice."
        ),
    ] = ""
    installation: Annotated[
        str,
        _setting(
            "Short name of this installation, such as `prod-weu`, in titles of pages and in notices: up to 40 letters, "
            "digits, `.`, `_` and `-`."
        ),
    ] = ""


def people_problems(values: Mapping[str, str]) -> list[str]:
    """Say which of these settings are wrong, beside what every address is asked."""
    problems = []
    name, address = values["installation"], values["public_url"]
    if name and not _NAME.fullmatch(name):
        problems.append(
            "INSTALLATION must be a short name such as prod-weu: up to 40 letters, digits, '.', '_' and '-'"
        )
    # Another beginning is told with those of all addresses.
    if address.startswith("https://") and not _ORIGIN.fullmatch(address):
        problems.append("PUBLIC_URL must be https:// and a host, without a path: pages are below /api/pages there")
    return problems

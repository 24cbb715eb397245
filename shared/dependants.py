"""Puts together what tells who is built on what; see ``shared.bootstrap``."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING

from shared.flows.built_outside import OutsideTeller
from shared.flows.impact import ImpactTeller
from shared.rules.claims import Claims
from shared.rules.impacts import Impacts
from shared.rules.instead import Instead

if TYPE_CHECKING:
    from shared.bootstrap import Parts


class Dependants:
    """Tells it, by what is kept of the application registries.

    Args:
        parts: what the flows are made of.
    """

    def __init__(self, parts: Parts) -> None:
        self._parts = parts

    @cached_property
    def impact(self) -> ImpactTeller:
        """Tells who would be rebuilt if a tag moved."""
        parts, settings = self._parts, self._parts.settings
        lists, base = parts.watch_lists.in_force, settings.base
        claims = Claims(parts.base, settings.base_server)
        where = (lists, base.name, settings.base_server, self.host, claims, lambda name: name in parts.dispatchers)
        return ImpactTeller(Impacts(parts.kept_listings, parts.rebuilds, parts.targets, *where))

    @cached_property
    def outside(self) -> OutsideTeller:
        """Tells which builds take images from outside."""
        parts, settings = self._parts, self._parts.settings
        hosts = [
            settings.base_server,
            settings.staging_server,
            *(self.host(one.name) for one in settings.applications),
        ]
        lists = parts.watch_lists.in_force
        instead = Instead(parts.targets, lists, settings.base.name, settings.base_server, hosts)
        return OutsideTeller(parts.kept_listings, instead)

    def host(self, registry: str) -> str:
        """Return the login server of an application registry."""
        return self._parts.settings.application_server(registry)

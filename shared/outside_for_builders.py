"""Those who build elsewhere than ACR Tasks, and by what they are asked; each adapter made once."""

from __future__ import annotations

from abc import ABC, abstractmethod
from functools import cached_property
from typing import TYPE_CHECKING

from shared.domain.links import Links
from shared.outside_for_people import OutsideForPeople

if TYPE_CHECKING:
    from collections.abc import Callable

    from shared.adapters.azure.clients import AzureClients
    from shared.dispatch_ports import Dispatchers, Switches


class OutsideForBuilders(OutsideForPeople, ABC):
    """What people are served from, and those who build elsewhere."""

    @cached_property
    @abstractmethod
    def _azure(self) -> AzureClients:
        """Clients of Azure, by which a vault is asked to sign."""

    @cached_property
    def dispatchers(self) -> Dispatchers:
        """Those who build elsewhere."""
        from shared.adapters.dispatch.dispatchers import Identities, SetDispatchers  # noqa: PLC0415

        identities = Identities(self._app_key, self._azure_token)
        return SetDispatchers(self.settings.builders, identities, Links(self.settings.public_url), self.clock)

    @cached_property
    def switches(self) -> Switches:
        """Which of them want to be asked nothing more."""
        from shared.adapters.storage.switches_table import SwitchesTable  # noqa: PLC0415

        return SwitchesTable(self._account)

    def _app_key(self, key: str) -> Callable[[bytes], bytes]:
        from shared.adapters.azure.app_key import AppKey  # noqa: PLC0415

        return AppKey(self._azure, key, self.settings.vault_audience).sign

    def _azure_token(self, resource: str) -> str:
        from shared.adapters.azure.tokens import identity_token  # noqa: PLC0415

        return identity_token(self._identity, resource)

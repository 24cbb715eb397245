"""All who build elsewhere, by their names; what one needs is loaded when it is first asked."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import datetime

from shared.dispatch_ports import Dispatcher
from shared.dispatch_settings import DispatcherKind, DispatcherSetting
from shared.domain.links import Links


class Identities:
    """By what dispatchers are asked.

    Args:
        sign: gives what signs digests by the key of an address in a vault.
        azure: gives a token of the app's identity for a resource.
    """

    def __init__(self, sign: Callable[[str], Callable[[bytes], bytes]], azure: Callable[[str], str]) -> None:
        self.sign = sign
        self.azure = azure


class SetDispatchers(Mapping[str, Dispatcher]):
    """Those that the settings name, and that can be asked.

    Args:
        settings: one of each; one whose reference to a vault was not followed is left out.
        identities: by what they are asked.
        links: where the app is reached.
        clock: tells the time.
    """

    def __init__(
        self,
        settings: Iterable[DispatcherSetting],
        identities: Identities,
        links: Links,
        clock: Callable[[], datetime],
    ) -> None:
        self._settings = {one.name: one for one in settings if one.kind is not DispatcherKind.UNKNOWN}
        self._identities = identities
        self._links = links
        self._clock = clock
        self._made: dict[str, Dispatcher] = {}

    def __getitem__(self, name: str) -> Dispatcher:
        setting = self._settings[name]
        if name not in self._made:
            self._made[name] = self._make(setting)
        return self._made[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._settings)

    def __len__(self) -> int:
        return len(self._settings)

    def _make(self, setting: DispatcherSetting) -> Dispatcher:
        if setting.kind is DispatcherKind.EVENTS:
            from shared.adapters.dispatch.cloud_events import CloudEvents  # noqa: PLC0415

            return CloudEvents(setting, self._links, self._clock)
        if setting.kind is DispatcherKind.PIPELINES:
            from shared.adapters.dispatch.pipelines import RESOURCE, AzurePipelines  # noqa: PLC0415

            return AzurePipelines(setting, lambda: self._identities.azure(RESOURCE))
        from shared.adapters.dispatch.github import GitHubActions  # noqa: PLC0415

        return GitHubActions(setting, self._token(setting), self._clock)

    def _token(self, setting: DispatcherSetting) -> Callable[[], str]:
        if setting.one("token"):
            return lambda: setting.one("token")
        from shared.adapters.dispatch.github_app import GitHubApp  # noqa: PLC0415

        return GitHubApp(setting, self._identities.sign(setting.one("key")), self._clock).token

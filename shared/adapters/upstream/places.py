"""Which places a registry may send us to: its own, wherever they are, and any that the whole world can reach."""

from __future__ import annotations

from urllib.parse import urlsplit

from shared.adapters.upstream.challenges import may_be_shown


class Within:
    """Tells the places that somebody chose for us from those that a registry names by itself.

    Args:
        registry: its host, and port if it has one, as the watch list has it.
        token_host: what the settings name as its token service; empty for none.
    """

    def __init__(self, registry: str, token_host: str = "") -> None:
        self._registry = registry
        self._own = f"https://{registry}/"
        self._token_host = token_host
        self._inside = False

    def covers(self, url: str) -> bool:
        """Whether an address is the registry's own, above or below it, or the settings' own token service.

        A registry that is itself within a private network may send us anywhere there: whoever runs it is inside.
        """
        if self._inside or url.startswith(self._own) or may_be_shown(self._registry, url):
            return True
        return bool(self._token_host) and urlsplit(url).hostname == self._token_host

    def is_inside(self) -> None:
        """Take note that the registry, by its own certificate, was found at an address that not everybody can reach."""
        self._inside = True

"""Where people find things: the addresses of pages, made in one place, so that no link is made by hand. Pure."""

from __future__ import annotations

import msgspec

_UNRESERVED = frozenset(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~")
_PAGES = "api/pages"


class Links(msgspec.Struct, frozen=True):
    """Addresses of pages, and of what the API shows beside them.

    Attributes:
        public_url: where people reach the app; empty for paths alone.
    """

    public_url: str = ""

    def of(self, path: str) -> str:
        """Return the address of a path of the app, as ``path_of`` makes them."""
        return f"{self.public_url.rstrip('/')}/{path.lstrip('/')}"

    def now(self) -> str:
        """Return the page of what is so now."""
        return self._page()

    def images(self) -> str:
        """Return the page of all entries of the watch list."""
        return self._page("images")

    def image(self, name: str) -> str:
        """Return the page of one entry."""
        return self._page("images", name)

    def candidate(self, candidate_id: str) -> str:
        """Return the page of one candidate."""
        return self._page("candidates", candidate_id)

    def target(self, target_id: str) -> str:
        """Return the page of one tag of the base registry."""
        return self._page("targets", target_id)

    def dependants(self) -> str:
        """Return the page of what is built upon the base registry."""
        return self._page("dependants")

    def impact(self, name: str) -> str:
        """Return the page of who would be rebuilt if the tags of an entry moved."""
        return self._page("images", name, "impact")

    def waves(self) -> str:
        """Return the page of the waves of rebuilds."""
        return self._page("waves")

    def wave(self, wave_id: str) -> str:
        """Return the page of one wave."""
        return self._page("waves", wave_id)

    def rebuild_log(self, rebuild_id: str, name: str) -> str:
        """Return the address of a log that is kept of a rebuild."""
        return self.of(path_of("api", "rebuilds", rebuild_id, "evidence", name))

    def approvals(self) -> str:
        """Return the page of what waits for people."""
        return self._page("approvals")

    def exposure(self) -> str:
        """Return the page of what is in use and would not be let in any more."""
        return self._page("exposure")

    def activity(self) -> str:
        """Return the page of what happened."""
        return self._page("activity")

    def system(self) -> str:
        """Return the page of how the app itself fares."""
        return self._page("system")

    def destination(self, name: str) -> str:
        """Return where the form is sent that tries a destination of notices."""
        return self._page("destinations", name)

    def file(self, name: str) -> str:
        """Return the page of a file of the configuration, by its name below ``config/``."""
        return self._page("config", name.replace("/", "~"))

    def problem(self, name: str) -> str:
        """Return the page of a problem's type, which is that type's name, too."""
        return self.of(path_of("api", "problems", name))

    def reference(self) -> str:
        """Return the page that describes the API."""
        return self.of(path_of("api", "reference"))

    def _page(self, *segments: str) -> str:
        return self.of(path_of(_PAGES, *segments))


def path_of(first: str, *segments: str) -> str:
    """Return a path of which only the first part may hold slashes; every other segment is percent-encoded."""
    return "/".join([first, *map(_encoded, segments)])


def _encoded(segment: str) -> str:
    octets = segment.encode("utf-8", "replace")
    return "".join(chr(octet) if octet in _UNRESERVED else f"%{octet:02X}" for octet in octets)

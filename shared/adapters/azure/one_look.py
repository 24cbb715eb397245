"""ARM's long-running operations, looked at once at a time instead of being waited for.

https://learn.microsoft.com/azure/azure-resource-manager/management/async-operations

Imports the SDK, so this module is itself imported only where an operation is started or looked at.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

from azure.core.polling.base_polling import OperationFailed
from azure.mgmt.core.polling.arm_polling import ARMPolling

from shared.adapters.retry_after import retry_after
from shared.errors import NotFound

_FAILED = frozenset({"failed", "canceled", "cancelled"})


class OneLook(ARMPolling):
    """A polling method that asks for the status at most once and never sleeps.

    Args:
        look: whether to ask at all; an operation just started is not asked about.
        home: ARM's address; other hosts are asked for nothing, for the token of the app goes along.
    """

    def __init__(self, *, look: bool, home: str = "https://management.azure.com") -> None:
        super().__init__()
        self._look = look
        self._home = home

    def _poll(self) -> None:
        """Stand in for the SDK's loop; its ``run`` turns ``OperationFailed`` into an error with the answer's body."""
        if self._look:
            self.update_status()
        if self.status().lower() in _FAILED or _says_failed(self._pipeline_response.http_response):
            raise OperationFailed("Operation failed or canceled")

    def request_status(self, status_link: str) -> Any:
        """Ask for the status at ARM and nowhere else: the link is a message's, and whoever fills a queue wrote that.

        Raises:
            NotFound: the link leads elsewhere; the import is begun again.
        """
        if not _is_within(status_link, self._home):
            raise NotFound("the continuation token of an import leads to another host than ARM's, and is not followed")
        return super().request_status(status_link)

    def _filter_headers_for_continuation_token(self, headers: Mapping[str, str]) -> dict[str, str]:
        """Keep the newest ``Location``: every answer brings a new one, signed anew, and nobody says how long one lasts.

        The SDK would keep the first one; this is the method that it leaves to be overridden.
        """
        newest = self._pipeline_response.http_response.headers
        return {
            name.lower(): value
            for answer in (headers, newest)
            for name, value in super(OneLook, self)._filter_headers_for_continuation_token(answer).items()
        }

    @property
    def retry_after(self) -> float | None:
        """Seconds that the latest answer asks to wait."""
        return retry_after(self._pipeline_response.http_response.headers)


def _is_within(link: str, home: str) -> bool:
    """Whether a link is relative, or leads to ARM's host or one below it, such as a region's, at the same port."""
    try:
        there, here = urlsplit(link), urlsplit(home)
        if not there.scheme and not there.netloc:
            return not link.startswith(("//", "\\"))
        host, own = there.hostname or "", here.hostname or ""
        same_port = (there.port or 443) == (here.port or 443)
    except ValueError:
        return False
    plain = "@" not in there.netloc and "\\" not in link
    return there.scheme == "https" and plain and same_port and (host == own or host.endswith(f".{own}"))


def _says_failed(response: Any) -> bool:
    """Whether a 200 at ``Location`` holds a failure: the SDK takes every 200 there for a success."""
    try:
        body = response.json()
    except ValueError:
        return False
    return isinstance(body, dict) and str(body.get("status", "")).lower() in _FAILED

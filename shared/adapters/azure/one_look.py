"""ARM's long-running operations, looked at once at a time instead of being waited for.

https://learn.microsoft.com/azure/azure-resource-manager/management/async-operations

Imports the SDK, so this module is itself imported only where an operation is started or looked at.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from azure.core.polling.base_polling import OperationFailed
from azure.mgmt.core.polling.arm_polling import ARMPolling

from shared.adapters.retry_after import retry_after

_FAILED = frozenset({"failed", "canceled", "cancelled"})


class OneLook(ARMPolling):
    """A polling method that asks for the status at most once and never sleeps.

    Args:
        look: whether to ask at all; an operation just started is not asked about.
    """

    def __init__(self, *, look: bool) -> None:
        super().__init__()
        self._look = look

    def _poll(self) -> None:
        """Stand in for the SDK's loop; its ``run`` turns ``OperationFailed`` into an error with the answer's body."""
        if self._look:
            self.update_status()
        if self.status().lower() in _FAILED or _says_failed(self._pipeline_response.http_response):
            raise OperationFailed("Operation failed or canceled")

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


def _says_failed(response: Any) -> bool:
    """Whether a 200 at ``Location`` holds a failure: the SDK takes every 200 there for a success."""
    try:
        body = response.json()
    except ValueError:
        return False
    return isinstance(body, dict) and str(body.get("status", "")).lower() in _FAILED

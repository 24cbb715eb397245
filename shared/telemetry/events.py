"""Events by name: log records that Azure Monitor files among the custom events.

https://learn.microsoft.com/azure/azure-monitor/app/opentelemetry-add-modify#send-custom-events
"""

from __future__ import annotations

import logging
from collections.abc import Mapping

log = logging.getLogger("tidegate.events")

# Application Insights keeps 8,192 characters of a property; nobody reads so many.
_DETAIL_KEPT = 600


def tell(name: str, attributes: Mapping[str, str | float], detail: str = "") -> None:
    """Tell that something happened.

    Args:
        name: what, by the name it has in the activity log or in a record's history.
        attributes: what it is about; the names become keys of ``customDimensions``.
        detail: for people; at most 600 characters are told.
    """
    named = {"microsoft.custom_event.name": name, **attributes, "tidegate.detail": detail[:_DETAIL_KEPT]}
    log.info(name, extra={key: value for key, value in named.items() if value != ""})

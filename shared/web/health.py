"""GET /api/health: whether the app has started. Anonymous, so it tells nothing else and asks nobody."""

from __future__ import annotations

import azure.functions as func

from shared.web.answers import json_answer


def health() -> func.HttpResponse:
    """Return 200: the settings were complete, or the app would not have started."""
    return json_answer({"status": "ok"})

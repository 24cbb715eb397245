"""The functions as the portal shows them, and the trigger each has, in the words of function.json.

https://learn.microsoft.com/azure/azure-functions/functions-bindings-storage-queue-trigger#configuration and its like
for timers and HTTP.
"""

from __future__ import annotations

from typing import Any

Binding = dict[str, Any]


def _timer(schedule: str) -> Binding:
    return {"direction": "IN", "type": "timerTrigger", "name": "timer", "schedule": schedule}


def _queue(name: str) -> Binding:
    return {
        "direction": "IN",
        "type": "queueTrigger",
        "name": "message",
        "queueName": name,
        "connection": "AzureWebJobsStorage",
    }


def _http(route: str, level: str, *methods: str) -> Binding:
    listed = {"methods": list(methods)} if methods else {}
    return {"direction": "IN", "type": "httpTrigger", "name": "req", **listed, "authLevel": level, "route": route}


TIMERS = {
    "check_docker_hub": _timer("%CHECK_DOCKER_HUB_SCHEDULE%"),
    "check_mcr": _timer("%CHECK_MCR_SCHEDULE%"),
    "check_other_registries": _timer("%CHECK_OTHER_REGISTRIES_SCHEDULE%"),
    "look_at_base": _timer("%LOOK_AT_BASE_SCHEDULE%"),
    "sweep": _timer("%SWEEP_SCHEDULE%"),
}
QUEUES = {
    "import_images": _queue("imports"),
    "validate_images": _queue("validations"),
}
# In the order in which the host maps them: the one that takes everything comes last.
HTTP = {
    "acr_webhook": _http("webhooks/acr", "FUNCTION", "POST"),
    "health": _http("health", "ANONYMOUS", "GET"),
    "rebuild_outcome": _http("rebuilds/{rebuild}/outcome", "ANONYMOUS", "POST"),
    "web": _http("{*path}", "ANONYMOUS"),
}
HTTP_ANSWER = {"direction": "OUT", "type": "http", "name": "$return"}
TRIGGERS = {**TIMERS, **QUEUES, **HTTP}

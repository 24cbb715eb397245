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


def _http(method: str, route: str, level: str = "FUNCTION") -> Binding:
    return {
        "direction": "IN",
        "type": "httpTrigger",
        "name": "req",
        "methods": [method],
        "authLevel": level,
        "route": route,
    }


TIMERS = {
    "check_docker_hub": _timer("%CHECK_DOCKER_HUB_SCHEDULE%"),
    "check_mcr": _timer("%CHECK_MCR_SCHEDULE%"),
    "check_other_registries": _timer("%CHECK_OTHER_REGISTRIES_SCHEDULE%"),
    "look_at_base": _timer("%LOOK_AT_BASE_SCHEDULE%"),
    "sweep": _timer("%SWEEP_SCHEDULE%"),
}
QUEUES = {
    "check_repositories": _queue("checks"),
    "import_candidate": _queue("imports"),
    "validate_candidate": _queue("validations"),
    "promote_candidate": _queue("promotions"),
    "rebuild_application": _queue("rebuilds"),
    "receive_push": _queue("pushes"),
}
POISON = {
    "poisoned_check": _queue("checks-poison"),
    "poisoned_import": _queue("imports-poison"),
    "poisoned_validation": _queue("validations-poison"),
    "poisoned_promotion": _queue("promotions-poison"),
    "poisoned_rebuild": _queue("rebuilds-poison"),
    "poisoned_push": _queue("pushes-poison"),
}
HTTP = {
    "acr_webhook": _http("POST", "webhooks/acr"),
    "check_now": _http("POST", "check"),
    "list_candidates": _http("GET", "candidates"),
    "explain_tags": _http("GET", "images/{name}/tags"),
    "get_candidate": _http("GET", "candidates/{id}"),
    "list_targets": _http("GET", "targets"),
    "get_target": _http("GET", "targets/{id}"),
    "list_rulings": _http("GET", "rulings"),
    "roll_back": _http("POST", "targets/{id}/rollback"),
    "pin": _http("POST", "targets/{id}/pin"),
    "unpin": _http("POST", "targets/{id}/unpin"),
    "promote_against_gate": _http("POST", "targets/{id}/promote"),
    "block_digest": _http("POST", "digests/{digest}/block"),
    "release_digest": _http("POST", "digests/{digest}/release"),
    "hold_image": _http("POST", "images/{name}/hold"),
    "resume_image": _http("POST", "images/{name}/resume"),
    "health": _http("GET", "health", level="ANONYMOUS"),
}
HTTP_ANSWER = {"direction": "OUT", "type": "http", "name": "$return"}
TRIGGERS = {**TIMERS, **QUEUES, **POISON, **HTTP}

"""Every trigger of Tidegate: read what came in, call one flow, return. The table of contents.

What follows what: timers and ``POST /api/check`` ask for checks; a check makes candidates; a candidate is imported,
validated and promoted; a promotion asks for rebuilds. So does the base registry, by its webhook or by Event Grid. What
is about registries waits in the queue of ``import_images``, what is about runs in that of ``validate_images``. And
``sweep`` wakes for what was left behind, and records what died.
"""

from __future__ import annotations

import azure.functions as func

from shared.bootstrap import Parts
from shared.config import starting_settings
from shared.domain.events.messages import IMPORTS, VALIDATIONS
from shared.domain.references import DOCKER_HUB, MCR
from shared.domain.watching.watch_list import Image
from shared.flows.sweep import sweep_candidates, sweep_each, sweep_rebuilds, sweep_scans, sweep_targets
from shared.serving import front
from shared.storage_settings import STORAGE
from shared.telemetry.counts import budgets_observed, observed
from shared.telemetry.spans import acting, current_traceparent, request_id
from shared.web import outcome, webhook
from shared.web.answers import answered, guarded
from shared.web.health import health as healthy
from shared.work import take

app = func.FunctionApp()
parts = Parts(starting_settings())
api = front(parts)


# Timers: they only plan.


def _plan(registry: str, images: tuple[Image, ...]) -> None:
    with acting(f"check {registry}"):
        parts.planner.plan(images, traceparent=current_traceparent())


@app.timer_trigger(arg_name="timer", schedule="%CHECK_DOCKER_HUB_SCHEDULE%")
def check_docker_hub(timer: func.TimerRequest) -> None:  # noqa: ARG001  the trigger's binding
    """Ask for a check of every watched repository on Docker Hub."""
    _plan(DOCKER_HUB, parts.watch_lists.in_force().of_registry(DOCKER_HUB))


@app.timer_trigger(arg_name="timer", schedule="%CHECK_MCR_SCHEDULE%")
def check_mcr(timer: func.TimerRequest) -> None:  # noqa: ARG001  the trigger's binding
    """Ask for a check of every watched repository on Microsoft's registry."""
    _plan(MCR, parts.watch_lists.in_force().of_registry(MCR))


@app.timer_trigger(arg_name="timer", schedule="%CHECK_OTHER_REGISTRIES_SCHEDULE%")
def check_other_registries(timer: func.TimerRequest) -> None:  # noqa: ARG001  the trigger's binding
    """Ask for a check of every watched repository in any other registry."""
    _plan("other registries", parts.watch_lists.in_force().elsewhere())


@app.timer_trigger(arg_name="timer", schedule="%LOOK_AT_BASE_SCHEDULE%")
def look_at_base(timer: func.TimerRequest) -> None:  # noqa: ARG001  the trigger's binding
    """Ask for a comparison of every repository of the base registry with what is wanted."""
    with acting("look at base"):
        parts.comparer.plan(current_traceparent())


@app.timer_trigger(arg_name="timer", schedule="%SWEEP_SCHEDULE%")
def sweep(timer: func.TimerRequest) -> None:  # noqa: ARG001  the trigger's binding
    """Record what died, wake for what was left behind, put away what ended long ago, and tell what is wrong."""
    with acting("sweep"), parts.waker.gathered():
        sweep_each(
            parts.dead_letter_reader.read,
            lambda: observed(
                sweep_candidates(parts.candidate_progress, parts.staging_runs, parts.heirs.succeed).waiting,
                parts.clock(),
            ),
            parts.ruler.finish,
            parts.tooling.sweep,
            lambda: sweep_targets(parts.target_book),
            lambda: sweep_scans(parts.scan_progress, parts.staging_runs),
            lambda: parts.notifying.sweep(parts.target_book, parts.rolling),
            lambda: sweep_rebuilds(parts.rebuild_progress, parts.application_runs),
            parts.comparison.compare,
            parts.rolling.sweep,
            parts.teller.survey,
            parts.travelling.sweep,
            parts.admitting.judge.decide,
            parts.admitting.standing.sweep,
            parts.evidence_keeper.sweep,
            parts.deciding.sweep,
            lambda: budgets_observed(parts.budgets.every(), parts.clock()),
            parts.housekeeping.sweep,
        )


# Queues: one look at one thing. What is done about each kind of message, the table in shared/work.py says.


@app.queue_trigger(arg_name="message", queue_name=IMPORTS, connection=STORAGE)
def import_images(message: func.QueueMessage) -> None:
    """Look at registries and copy between them: checks, imports, promotions, and what Event Grid tells of the base."""
    take(parts, IMPORTS, message.get_body())


@app.queue_trigger(arg_name="message", queue_name=VALIDATIONS, connection=STORAGE)
def validate_images(message: func.QueueMessage) -> None:
    """Follow runs of ACR Tasks: gates of candidates, and rebuilds of what is built on a base that moved."""
    take(parts, VALIDATIONS, message.get_body())


# HTTP.


@app.route("webhooks/acr", methods=["POST"], auth_level=func.AuthLevel.FUNCTION)
def acr_webhook(req: func.HttpRequest) -> func.HttpResponse:
    """Take an event of the base registry."""
    with acting("webhook"):
        return guarded(lambda: answered(lambda: _told_by_acr(req)), request_id)


def _told_by_acr(req: func.HttpRequest) -> func.HttpResponse:
    return webhook.acr_webhook(
        req,
        secret=parts.settings.webhook_secret,
        login_server=parts.settings.base_server,
        book=parts.target_book,
        outbox=parts.outbox,
        traceparent=current_traceparent(),
    )


@app.route("rebuilds/{rebuild}/outcome", methods=["POST"], auth_level=func.AuthLevel.ANONYMOUS)
def rebuild_outcome(req: func.HttpRequest) -> func.HttpResponse:
    """Take what a builder tells of a build, by its own signature."""
    with acting("outcome"):
        return guarded(lambda: answered(lambda: _told_by_builder(req)), request_id)


def _told_by_builder(req: func.HttpRequest) -> func.HttpResponse:
    keys = {one.name: one.options.get("answer", ()) for one in parts.settings.builders}
    return outcome.rebuild_outcome(req, keys=keys, taker=lambda: parts.outcome_taker, now=parts.clock())


@app.route("health", methods=["GET"], auth_level=func.AuthLevel.ANONYMOUS)
def health(req: func.HttpRequest) -> func.HttpResponse:  # noqa: ARG001  the trigger's binding
    """Say that the app has started."""
    return healthy()


# The host maps routes in the alphabetical order of functions' names: this one must come last.
@app.route("{*path}", auth_level=func.AuthLevel.ANONYMOUS)
def web(req: func.HttpRequest) -> func.HttpResponse:
    """Serve the HTTP API and the pages by their own tables of routes, to callers that they know themselves."""
    return api.serve(req)

"""Every trigger of Tidegate: read what came in, call one flow, return. The table of contents.

What follows what: timers and ``POST /api/check`` fill the queue of checks; a check makes candidates; a candidate goes
through ``import_candidate``, ``validate_candidate`` and ``promote_candidate``; a promotion asks for
``rebuild_application``. So does the base registry, by its webhook or by Event Grid. ``sweep`` takes up what was left
behind.
"""

from __future__ import annotations

import azure.functions as func

from shared.bootstrap import Parts
from shared.config import starting_settings
from shared.domain.events.event_grid import read_event
from shared.domain.events.messages import (
    CHECKS,
    PROMOTIONS,
    PUSHES,
    REBUILDS,
    BaseMoved,
    CheckRepositories,
    LookAtBase,
    LookAtCandidate,
    LookAtRebuild,
    LookAtTarget,
    RetryTargets,
    decode,
)
from shared.domain.references import DOCKER_HUB, MCR
from shared.domain.watching.watch_list import Image
from shared.flows import poisoned
from shared.flows.signal import signal
from shared.flows.sweep import sweep_candidates, sweep_each, sweep_rebuilds, sweep_targets
from shared.serving import front
from shared.storage_settings import STORAGE
from shared.telemetry.metrics import budgets_observed, checked, observed
from shared.telemetry.spans import acting, consuming, current_traceparent
from shared.web import webhook
from shared.web.answers import answered
from shared.web.health import health as healthy

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
    """Take up what was left behind, put away what ended long ago, and tell what is wrong."""
    with acting("sweep"):
        sweep_each(
            lambda: observed(
                sweep_candidates(parts.candidate_progress, parts.staging_runs, parts.heirs.succeed).waiting,
                parts.clock(),
            ),
            parts.ruler.finish,
            lambda: sweep_targets(parts.target_book),
            lambda: sweep_rebuilds(parts.rebuild_progress, parts.application_runs),
            parts.comparison.compare,
            parts.teller.survey,
            lambda: budgets_observed(parts.budgets.every(), parts.clock()),
        )


# Queues: one look at one thing.


@app.queue_trigger(arg_name="message", queue_name=CHECKS, connection=STORAGE)
def check_repositories(message: func.QueueMessage) -> None:
    """Look at tags of upstream repositories, for new digests, or of the base registry, or try again what failed."""
    with consuming(CHECKS, decode(message.get_body(), CheckRepositories, LookAtBase, RetryTargets)) as asked:
        if isinstance(asked, LookAtBase):
            parts.comparer.look(asked)
        elif isinstance(asked, RetryTargets):
            parts.retrier.retry(asked)
        else:
            parts.checker.check(asked)
            checked(asked)


@app.queue_trigger(arg_name="message", queue_name="imports", connection=STORAGE)
def import_candidate(message: func.QueueMessage) -> None:
    """Copy a candidate into the staging registry, and begin its gate once it is there."""
    with consuming("imports", decode(message.get_body(), LookAtCandidate)) as look:
        parts.stager.stage(look)


@app.queue_trigger(arg_name="message", queue_name="validations", connection=STORAGE)
def validate_candidate(message: func.QueueMessage) -> None:
    """Follow a candidate's gate, and begin its promotion once it has passed."""
    with consuming("validations", decode(message.get_body(), LookAtCandidate)) as look:
        parts.validator.validate(look)


@app.queue_trigger(arg_name="message", queue_name=PROMOTIONS, connection=STORAGE)
def promote_candidate(message: func.QueueMessage) -> None:
    """Let a target of the base registry decide on what passed, and bring its tag to what it says."""
    with consuming(PROMOTIONS, decode(message.get_body(), LookAtTarget, LookAtCandidate)) as look:
        if isinstance(look, LookAtTarget):
            parts.reconciler.look(look)
        else:
            parts.promoter.promote(look)


@app.queue_trigger(arg_name="message", queue_name=REBUILDS, connection=STORAGE)
def rebuild_application(message: func.QueueMessage) -> None:
    """Find what is built on a base that moved, or follow one rebuild."""
    with consuming(REBUILDS, decode(message.get_body(), BaseMoved, LookAtRebuild)) as asked:
        if isinstance(asked, BaseMoved):
            parts.dependant_search.take(asked)
        else:
            parts.rebuilder.look(asked)


@app.queue_trigger(arg_name="message", queue_name=PUSHES, connection=STORAGE)
def receive_push(message: func.QueueMessage) -> None:
    """Take an event of the base registry that Event Grid delivered."""
    with acting("event"):
        signal(
            read_event(message.get_body()),
            login_server=parts.settings.base_server,
            book=parts.target_book,
            outbox=parts.outbox,
            traceparent=current_traceparent(),
        )


# HTTP.


@app.route("webhooks/acr", methods=["POST"], auth_level=func.AuthLevel.FUNCTION)
def acr_webhook(req: func.HttpRequest) -> func.HttpResponse:
    """Take an event of the base registry."""
    with acting("webhook"):
        return answered(
            lambda: webhook.acr_webhook(
                req,
                secret=parts.settings.webhook_secret,
                login_server=parts.settings.base_server,
                book=parts.target_book,
                outbox=parts.outbox,
                traceparent=current_traceparent(),
            )
        )


@app.route("health", methods=["GET"], auth_level=func.AuthLevel.ANONYMOUS)
def health(req: func.HttpRequest) -> func.HttpResponse:  # noqa: ARG001  the trigger's binding
    """Say that the app has started."""
    return healthy()


# The host maps routes in the alphabetical order of functions' names: this one must come last.
@app.route("{*path}", auth_level=func.AuthLevel.ANONYMOUS)
def web(req: func.HttpRequest) -> func.HttpResponse:
    """Serve the HTTP API by its own table of routes, to callers that it knows itself."""
    return api.serve(req)


# Poison queues: what died there is recorded and reported, and nothing waits for it for ever.


def _record(queue: str, message: func.QueueMessage) -> str:
    text = message.get_body().decode(errors="replace")
    poisoned.record_poison(queue, text, activity=parts.activity, evidence=parts.evidence, clock=parts.clock)
    return text


@app.queue_trigger(arg_name="message", queue_name="checks-poison", connection=STORAGE)
def poisoned_check(message: func.QueueMessage) -> None:
    """Record a check that could not be made; the next schedule makes it again."""
    _record(CHECKS, message)


@app.queue_trigger(arg_name="message", queue_name="imports-poison", connection=STORAGE)
def poisoned_import(message: func.QueueMessage) -> None:
    """Record an import that broke off again and again, and try its candidate again later."""
    poisoned.put_off_candidate(_record("imports", message), parts.candidate_progress)


@app.queue_trigger(arg_name="message", queue_name="validations-poison", connection=STORAGE)
def poisoned_validation(message: func.QueueMessage) -> None:
    """Record a validation that broke off again and again, and try its candidate again later."""
    poisoned.put_off_candidate(_record("validations", message), parts.candidate_progress)


@app.queue_trigger(arg_name="message", queue_name="promotions-poison", connection=STORAGE)
def poisoned_promotion(message: func.QueueMessage) -> None:
    """Record a promotion that broke off again and again, and try its target or candidate again later."""
    text = _record(PROMOTIONS, message)
    poisoned.put_off_candidate(text, parts.candidate_progress)
    poisoned.put_off_target(text, parts.target_book)


@app.queue_trigger(arg_name="message", queue_name="rebuilds-poison", connection=STORAGE)
def poisoned_rebuild(message: func.QueueMessage) -> None:
    """Record a rebuild that broke off again and again, and try it again later."""
    poisoned.put_off_rebuilding(_record(REBUILDS, message), parts.rebuild_progress)


@app.queue_trigger(arg_name="message", queue_name="pushes-poison", connection=STORAGE)
def poisoned_push(message: func.QueueMessage) -> None:
    """Record an event that could not be read or handed on; a promotion's rebuilds do not depend on it."""
    _record(PUSHES, message)

"""Every trigger of Tidegate: read what came in, call one flow, return. The table of contents.

Timers and ``check_now`` fill the queue of checks; a check makes candidates; these go through ``import_candidate``,
``validate_candidate`` and ``promote_candidate``; a promotion asks for ``rebuild_application``, as does the registry.
"""

from __future__ import annotations

from collections.abc import Callable

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
    decode,
)
from shared.domain.references import DOCKER_HUB, MCR
from shared.domain.watching.watch_list import Image
from shared.flows import poisoned
from shared.flows.signal import signal
from shared.flows.sweep import sweep_candidates, sweep_each, sweep_rebuilds, sweep_targets
from shared.storage_settings import STORAGE
from shared.telemetry.metrics import budgets_observed, checked, observed
from shared.telemetry.spans import acting, consuming, current_traceparent
from shared.web import candidates, checks, webhook
from shared.web import health as health_page
from shared.web import images as images_page
from shared.web import targets as targets_page
from shared.web.actions import Actions
from shared.web.answers import answered

app = func.FunctionApp(http_auth_level=func.AuthLevel.FUNCTION)
parts = Parts(starting_settings())
actions = Actions(
    enabled=parts.settings.acts,
    actor=lambda: parts.actor,
    ruler=lambda: parts.ruler,
    targets=lambda: parts.targets,
    listed=lambda name: parts.watch_lists.in_force().named(name) is not None,
    clock=parts.clock,
)


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
    """Look at the tags of some upstream repositories, for new digests, or of the base registry, for what differs."""
    with consuming(CHECKS, decode(message.get_body(), CheckRepositories, LookAtBase)) as asked:
        if isinstance(asked, LookAtBase):
            parts.comparer.look(asked)
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


def _acting(name: str, serve: Callable[[], func.HttpResponse]) -> func.HttpResponse:
    with acting(name):
        return answered(serve)


@app.route("webhooks/acr", methods=["POST"])
def acr_webhook(req: func.HttpRequest) -> func.HttpResponse:
    """Take an event of the base registry."""
    return _acting(
        "webhook",
        lambda: webhook.acr_webhook(
            req,
            secret=parts.settings.webhook_secret,
            login_server=parts.settings.base_server,
            book=parts.target_book,
            outbox=parts.outbox,
            traceparent=current_traceparent(),
        ),
    )


@app.route("check", methods=["POST"])
def check_now(req: func.HttpRequest) -> func.HttpResponse:
    """Ask for a check of one entry of the watch list, or of all."""
    return _acting(
        "check by hand",
        lambda: checks.check_now(
            req, watch_list=parts.watch_lists.in_force(), planner=parts.planner, traceparent=current_traceparent()
        ),
    )


@app.route("images/{name}/tags", methods=["GET"])
def explain_tags(req: func.HttpRequest) -> func.HttpResponse:
    """Tell for every upstream tag of an entry whether it is taken, and why."""
    return answered(
        lambda: images_page.explain_tags(
            req,
            watch_list=parts.watch_lists.in_force(),
            upstream=parts.upstream,
            observations=parts.observations,
            ledger=parts.ledger,
        )
    )


@app.route("candidates", methods=["GET"])
def list_candidates(req: func.HttpRequest) -> func.HttpResponse:
    """List candidates."""
    return answered(lambda: candidates.list_candidates(req, parts.candidates, parts.targets, parts.settings.base.name))


@app.route("candidates/{id}", methods=["GET"])
def get_candidate(req: func.HttpRequest) -> func.HttpResponse:
    """Show one candidate."""
    return answered(lambda: candidates.get_candidate(req, parts.candidates))


@app.route("targets", methods=["GET"])
def list_targets(req: func.HttpRequest) -> func.HttpResponse:
    """List what the tags of the base registry should point at."""
    return answered(lambda: targets_page.listed_targets(req, parts.targets, parts.target_book.registry))


@app.route("targets/{id}", methods=["GET"])
def get_target(req: func.HttpRequest) -> func.HttpResponse:
    """Show one target, and who still has what it bore before."""
    return answered(
        lambda: targets_page.one_target(req, targets=parts.targets, sources=parts.sources, activity=parts.activity)
    )


@app.route("rulings", methods=["GET"])
def list_rulings(req: func.HttpRequest) -> func.HttpResponse:  # noqa: ARG001  the trigger's binding
    """List what is blocked and what is held."""
    return answered(lambda: targets_page.listed_rulings(parts.rulings))


# HTTP that acts, if it is switched on.


@app.route("targets/{id}/rollback", methods=["POST"])
def roll_back(req: func.HttpRequest) -> func.HttpResponse:
    """Let a target go back to a digest that it bore before."""
    return _acting("action", lambda: actions.roll_back(req))


@app.route("targets/{id}/pin", methods=["POST"])
def pin(req: func.HttpRequest) -> func.HttpResponse:
    """Pin a target to a digest."""
    return _acting("action", lambda: actions.pin(req))


@app.route("targets/{id}/unpin", methods=["POST"])
def unpin(req: func.HttpRequest) -> func.HttpResponse:
    """Let a target follow its source again."""
    return _acting("action", lambda: actions.unpin(req))


@app.route("targets/{id}/promote", methods=["POST"])
def promote_against_gate(req: func.HttpRequest) -> func.HttpResponse:
    """Let a target take a digest that has not passed its gate."""
    return _acting("action", lambda: actions.promote(req))


@app.route("digests/{digest}/block", methods=["POST"])
def block_digest(req: func.HttpRequest) -> func.HttpResponse:
    """Refuse a digest from now on, wherever it comes from."""
    return _acting("action", lambda: actions.block(req))


@app.route("digests/{digest}/release", methods=["POST"])
def release_digest(req: func.HttpRequest) -> func.HttpResponse:
    """Refuse a digest no more."""
    return _acting("action", lambda: actions.release(req))


@app.route("images/{name}/hold", methods=["POST"])
def hold_image(req: func.HttpRequest) -> func.HttpResponse:
    """Decide nothing any more for the targets of an entry."""
    return _acting("action", lambda: actions.hold(req))


@app.route("images/{name}/resume", methods=["POST"])
def resume_image(req: func.HttpRequest) -> func.HttpResponse:
    """Decide again for the targets of an entry."""
    return _acting("action", lambda: actions.resume(req))


@app.route("health", methods=["GET"], auth_level=func.AuthLevel.ANONYMOUS)
def health(req: func.HttpRequest) -> func.HttpResponse:  # noqa: ARG001  the trigger's binding
    """Say that the app has started."""
    return health_page.health()


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

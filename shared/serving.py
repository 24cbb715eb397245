"""What serves each route of the table, put together from the parts."""

from __future__ import annotations

from collections.abc import Mapping

from shared.bootstrap import Parts
from shared.domain.links import Links
from shared.rules.known_keys import KnownKeys
from shared.telemetry.spans import acting, current_traceparent, request_id
from shared.web import activity, candidates, checks, evidence, exposure, images, impact, rebuilds, retries, targets
from shared.web.actions import Actions
from shared.web.asked import Handler
from shared.web.callers import Callers
from shared.web.configuration import ConfigurationPages
from shared.web.consents import Consents
from shared.web.described import Described
from shared.web.doors import Door, Doors
from shared.web.front import Front
from shared.web.me import me
from shared.web.notices import Notices
from shared.web.previews import Previews
from shared.web.readiness import readiness
from shared.web.repeats import Repeats
from shared.web.waivers import Waivers, listed_waivers
from shared.web.waves import WavePages


def front(parts: Parts) -> Doors:
    """Return what serves the HTTP API and the pages; nothing outside is asked before the first request."""
    keys = KnownKeys(lambda: parts.api_keys, parts.clock)
    callers = Callers(keys, parts.clock, sign_in=parts.settings.sign_in)
    links = Links(parts.settings.public_url)
    described = Described(links, parts.settings.installation)
    handlers = {**_reading(parts), **_acting(parts), **_describing(described)}
    repeats = Repeats(lambda: parts.answers, parts.clock)
    api = Front(handlers, callers.identify, acting, request_id, links, repeats, sign_in=parts.settings.sign_in)

    def pages() -> Door:
        from shared.page_serving import Pages  # noqa: PLC0415

        return Pages(parts, callers.identify, _acting(parts)).front

    return Doors(api, pages, request_id)


def _describing(described: Described) -> Mapping[str, Handler]:
    return {
        "openapi": described.document,
        "reference": described.reference,
        "explain_problem": described.problem,
    }


def _reading(parts: Parts) -> Mapping[str, Handler]:
    return {**_about_images(parts), **_about_candidates(parts), **_about_targets(parts), **_about_the_whole(parts)}


def _about_images(parts: Parts) -> Mapping[str, Handler]:
    previews = Previews(lambda: parts.watch_lists, lambda: parts.admitting)
    return {
        "explain_tags": lambda asked: images.explain_tags(
            asked.parameters["image"],
            watch_list=parts.watch_lists.in_force(),
            upstream=parts.upstream,
            observations=parts.observations,
            ledger=parts.ledger,
            standings=parts.overview.tags,
            trusts=parts.gate_runs.trusts,
        ),
        "preview": previews.preview,
        "me": lambda asked: me(asked, installation=parts.settings.installation, at=parts.clock()),
        "readiness": lambda _: readiness(
            parts.watch_lists.in_force,
            lambda: parts.watch_lists.not_taken,
            parts.admitting.answerability,
            parts.rolling.unnamed,
        ),
        "list_images": lambda asked: images.list_images(
            asked.request, watch_list=parts.watch_lists.in_force(), overview=parts.overview
        ),
        "get_impact": lambda asked: impact.impact(
            asked.parameters["image"], asked.request, parts.dependants.impact, parts.watch_lists.in_force()
        ),
        "get_image": lambda asked: images.get_image(
            asked.parameters["image"], watch_list=parts.watch_lists.in_force(), overview=parts.overview
        ),
    }


def _about_candidates(parts: Parts) -> Mapping[str, Handler]:
    return {
        "list_candidates": lambda asked: candidates.list_candidates(
            asked.request, parts.candidates, parts.targets, parts.settings.base.name
        ),
        "get_candidate": lambda asked: candidates.get_candidate(
            asked.parameters["candidate"], parts.candidates, parts.dependants.impact.of_candidate
        ),
        "list_evidence": lambda asked: evidence.listed_evidence(
            asked.parameters["candidate"], parts.candidates, parts.evidence
        ),
        "get_evidence": lambda asked: evidence.one_piece(
            asked.parameters["candidate"], asked.parameters["evidence"], parts.candidates, parts.evidence
        ),
    }


def _about_targets(parts: Parts) -> Mapping[str, Handler]:
    return {
        "list_targets": lambda asked: targets.listed_targets(asked.request, parts.targets, parts.target_book.registry),
        "get_target": lambda asked: targets.one_target(
            asked.parameters["target"],
            targets=parts.targets,
            sources=parts.sources,
            activity=parts.activity,
            beside=parts.travelling.beside,
        ),
        "list_waivers": lambda asked: listed_waivers(asked.request, parts.targets, parts.target_book.registry),
        "list_destinations": _notices(parts).destinations,
        "list_notices": _notices(parts).notices,
        "list_rulings": lambda _: targets.listed_rulings(parts.rulings),
    }


def _about_the_whole(parts: Parts) -> Mapping[str, Handler]:
    return {
        "list_activity": lambda asked: activity.list_activity(asked.request, parts.activity, parts.clock),
        "list_rebuilds": lambda asked: rebuilds.list_rebuilds(asked.request, parts.rebuilds, parts.rolling.wave),
        "list_waves": _waves(parts).listed,
        "get_wave": _waves(parts).one,
        "get_rebuild_evidence": lambda asked: evidence.log_of_rebuild(
            asked.parameters["rebuild"], asked.parameters["evidence"], parts.rebuilds, parts.evidence
        ),
        "list_exposure": lambda asked: exposure.list_exposure(
            asked.request, parts.admitting.exposure_teller, parts.watch_lists.in_force()
        ),
        "list_builds": lambda asked: impact.builds(asked.request, parts.dependants.outside),
        "judge_dockerfile": lambda asked: impact.dockerfile(asked.request, parts.dependants.outside),
        "get_file": _configuration(parts).get,
        "validate_file": _configuration(parts).validate,
        "compare_file": _configuration(parts).diff,
        "export_decisions": parts.deciding.export,
        "list_signing_keys": parts.records.listed,
        "list_housekeeping": parts.housekeeping.listing,
    }


def _acting(parts: Parts) -> Mapping[str, Handler]:
    actions = Actions(
        actor=lambda: parts.actor,
        ruler=lambda: parts.ruler,
        targets=lambda: parts.targets,
        listed=lambda name: parts.watch_lists.in_force().named(name) is not None,
        clock=parts.clock,
        named=parts.travelling.named,
    )
    return {
        "check_now": lambda asked: checks.check_now(
            asked.request,
            watch_list=parts.watch_lists.in_force(),
            planner=parts.planner,
            traceparent=current_traceparent(),
        ),
        "retry": lambda asked: retries.retry(
            asked,
            retrier=parts.retrier,
            watch_list=parts.watch_lists.in_force(),
            clock=parts.clock,
            traceparent=current_traceparent(),
        ),
        "roll_back": actions.roll_back,
        "pin": actions.pin,
        "unpin": actions.unpin,
        "promote_against_gate": actions.promote,
        **_agreeing(parts),
        "test_destination": _notices(parts).test,
        "mute_destination": _notices(parts).mute,
        "resend_notice": _notices(parts).resend,
        "import_decisions": parts.deciding.bring_back,
        "ask_housekeeping": parts.housekeeping.ask,
        "continue_wave": _waves(parts).go_on,
        "restore_wave": _waves(parts).restore,
        "cancel_wave": _waves(parts).cancel,
        "put_file": _configuration(parts).put,
        "block_digest": actions.block,
        "release_digest": actions.release,
        "hold_image": actions.hold,
        "resume_image": actions.resume,
    }


def _agreeing(parts: Parts) -> Mapping[str, Handler]:
    consents = Consents(approver=lambda: parts.admitting.approver, targets=lambda: parts.targets, clock=parts.clock)
    waivers = Waivers(waiver=lambda: parts.admitting.waiver, targets=lambda: parts.targets, clock=parts.clock)
    return {
        "approve": consents.approve,
        "reject": consents.reject,
        "ask_waiver": waivers.ask,
        "grant_waiver": waivers.grant,
        "revoke_waiver": waivers.revoke,
    }


def _waves(parts: Parts) -> WavePages:
    return WavePages(lambda: parts.rolling.lister, lambda: parts.rolling.speaker(parts.activity), parts.clock)


def _notices(parts: Parts) -> Notices:
    return Notices(
        lister=lambda: parts.notifying.lister, acts=lambda: parts.notifying.acts(parts.activity), clock=parts.clock
    )


def _configuration(parts: Parts) -> ConfigurationPages:
    return ConfigurationPages(
        writer=lambda: parts.admitting.writer, comparer=lambda: parts.admitting.comparer, clock=parts.clock
    )

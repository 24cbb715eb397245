"""The part of the table of routes that changes something: what acts, and what writes files."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from msgspec import Meta

from shared.domain.access.callers import Role
from shared.domain.decisions.outcome import BroughtBack
from shared.domain.decisions.records import Decisions
from shared.web.acting_bodies import Naming, OnTarget, Pin, RollBack, Saying
from shared.web.actions import ShownRuling
from shared.web.checks import Check, CheckPlanned
from shared.web.configuration import WHY_HEADER, FileWritten
from shared.web.problems import Problem
from shared.web.retries import Retry, RetryAsked
from shared.web.route import ACTING, AGREEING, WRITING, Method, Route, Value
from shared.web.shown_targets import ShownTarget
from shared.web.waivers import WaiverAsked, WaiverNamed

_POST = Method.POST
_DIGEST = f"sha256:{'0' * 64}"
_WHY: Mapping[str, Any] = {"why": "as the runbook says"}
_SEEN: Mapping[str, Any] = {**_WHY, "number": 1}
_NAMING: Mapping[str, Any] = {**_SEEN, "digest": _DIGEST}
_WAIVED: Mapping[str, Any] = {**_NAMING, "id": "CVE-2026-0001", "package": "openssl"}
KEY = Value(
    "Idempotency-Key",
    "A name for this request, new for every new one, such as a UUID: repeated within a day, it is answered the same.",
    Annotated[str, Meta(pattern="^[!-~]{1,200}$")],
)


def _on_target(
    name: str,
    path: str,
    roles: frozenset[Role],
    purpose: str,
    body: type[Saying],
    example: Mapping[str, Any],
) -> Route:
    """Return a route that acts on one target, and answers with it."""
    problems = (Problem.DECLINED, Problem.NOT_ALLOWED)
    return Route(
        name,
        _POST,
        f"targets/{{target}}/{path}",
        roles,
        purpose,
        ShownTarget,
        headers=(KEY,),
        body=body,
        example=example,
        problems=problems,
    )


def _ruling(name: str, path: str, purpose: str) -> Route:
    """Return a route that says something of a digest or of an entry."""
    return Route(name, _POST, path, ACTING, purpose, ShownRuling, headers=(KEY,), body=Saying, example=_WHY)


ACTING_ROUTES = (
    Route(
        "check_now",
        _POST,
        "check",
        ACTING,
        "Ask for a check of one entry of the watch list, or of all.",
        CheckPlanned,
        status=202,
        headers=(KEY,),
        body=Check,
        example={},
        problems=(Problem.NOT_FOUND,),
    ),
    Route(
        "retry",
        _POST,
        "retry",
        ACTING,
        "Try again what failed, or was rejected.",
        RetryAsked,
        status=202,
        headers=(KEY,),
        body=Retry,
        example={**_WHY, "status": ["failed"]},
        problems=(Problem.NOT_FOUND,),
    ),
    _ruling("hold_image", "images/{image}/hold", "Decide nothing any more for an entry's targets."),
    _ruling("resume_image", "images/{image}/resume", "Decide again for an entry's targets."),
    _on_target("roll_back", "rollback", ACTING, "Go back to a digest that a target bore.", RollBack, _SEEN),
    _on_target("pin", "pin", ACTING, "Pin a target to a digest.", Pin, {**_SEEN, "until": "2099-12-31T00:00:00Z"}),
    _on_target("unpin", "unpin", ACTING, "Let a target follow its source again.", OnTarget, _SEEN),
    _on_target(
        "promote_against_gate",
        "promote",
        ACTING,
        "Ask that a target takes a digest that has not passed its gate, or grant what another one asked.",
        Naming,
        _NAMING,
    ),
    _on_target("approve", "approve", AGREEING, "Agree to a digest that waits for people.", Naming, _NAMING),
    _on_target("reject", "reject", AGREEING, "Refuse a digest that waits for people.", Naming, _NAMING),
    _on_target(
        "ask_waiver",
        "waivers/ask",
        ACTING,
        "Ask to waive a finding of a digest.",
        WaiverAsked,
        {**_WAIVED, "until": "2099-12-31"},
    ),
    _on_target("grant_waiver", "waivers/grant", AGREEING, "Grant a waiver that another asked.", WaiverNamed, _WAIVED),
    _on_target("revoke_waiver", "waivers/revoke", ACTING, "Take a waiver back.", WaiverNamed, _WAIVED),
    Route(
        "put_file",
        Method.PUT,
        "config/{file}",
        WRITING,
        "Write a file of the configuration in place of one.",
        FileWritten,
        headers=(
            Value("If-Match", "The ETag of the file that is replaced, as GET answered it.", str),
            Value("If-None-Match", "`*` for a file that is not there yet.", str),
            Value(WHY_HEADER, "The reason, which stands in the activity log.", str),
            KEY,
        ),
        body=bytes,
        problems=(Problem.NO_CONDITION, Problem.CHANGED, Problem.NOT_VALID),
    ),
    Route(
        "import_decisions",
        _POST,
        "decisions",
        WRITING,
        "Bring back what people decided, from a document.",
        BroughtBack,
        query=(
            Value(
                "dry_run", "`true` tells what would come of it, and writes nothing.", Literal["true", "false"], "true"
            ),
        ),
        headers=(KEY,),
        body=Decisions,
        example={"tidegate": 1, "registry": "tidegatebase", "exported_at": "2026-01-01T00:00:00Z"},
    ),
    _ruling("block_digest", "digests/{digest}/block", "Refuse a digest, wherever it comes from."),
    _ruling("release_digest", "digests/{digest}/release", "Refuse a digest no more."),
)

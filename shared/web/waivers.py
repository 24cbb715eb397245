"""GET /api/waivers, and what asks for, grants and revokes waivers of one tag's digests."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from datetime import datetime
from typing import Annotated

import azure.functions as func
import msgspec
from msgspec import Meta

from shared.domain.pages import newest_first
from shared.domain.promotion.consents import By
from shared.domain.references import Digest
from shared.domain.scan.waivers import end_of
from shared.errors import MalformedRequest
from shared.flows.waive import WaiverTaker
from shared.ports import Clock
from shared.target_ports import Targets
from shared.web.acting_bodies import DigestText, OnTarget, named_digest
from shared.web.actions import answer_of
from shared.web.answers import part_answer
from shared.web.asked import Asked
from shared.web.bodies import decoded, one_line
from shared.web.parts import Part, shown_as
from shared.web.queries import after_of, limit_of

_Text = Annotated[str, Meta(min_length=1, max_length=200)]


class WaiverNamed(OnTarget, kw_only=True):
    """A finding of a digest that is waived, or is no more.

    Attributes:
        digest: of what.
        id: of the vulnerability.
        package: its name, as the scanner reports it.
    """

    digest: DigestText
    id: _Text
    package: _Text


class WaiverAsked(WaiverNamed, kw_only=True):
    """A finding of a digest that is to be waived.

    Attributes:
        until: a day, which it still covers, or a time in RFC 3339.
    """

    until: _Text


class ShownWaiver(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True):
    """A finding that people waive for one tag, or ask to.

    Attributes:
        target: the tag's id.
        digest: of what.
        id: of the vulnerability.
        package: its name, as the scanner reports it.
        why: why.
        until: a day, which it still covers, or a time, at which it ends.
        asked: by whom it was asked for.
        asked_at: when, UTC.
        granted: by whom; absent while nobody has granted it.
        granted_at: when, UTC.
    """

    target: str
    digest: Digest
    id: str
    package: str
    why: str
    until: str
    asked: By
    asked_at: datetime
    granted: By | None = None
    granted_at: datetime | None = None


class WaiversPart(Part, frozen=True, omit_defaults=True, kw_only=True):
    """Some of what people waive for single tags, or ask to.

    Attributes:
        waivers: whether they have ended or not; what was asked for or granted last is first.
    """

    waivers: tuple[ShownWaiver, ...]


_BODY, _ASKING = msgspec.json.Decoder(WaiverNamed), msgspec.json.Decoder(WaiverAsked)


class Waivers:
    """Serves waivers of one tag's digests.

    Every method returns 200 with the target as it is from then on, or 409 with the reason by name (403 for
    ``may-not-grant``). It raises ``MalformedRequest`` (400, 404 or 413) or ``InvalidReference``.

    Args:
        waiver: takes what people say.
        targets: where targets are.
        clock: tells the time.
    """

    def __init__(self, *, waiver: Callable[[], WaiverTaker], targets: Callable[[], Targets], clock: Clock) -> None:
        self._waiver = waiver
        self._targets = targets
        self._clock = clock

    def ask(self, asked: Asked) -> func.HttpResponse:
        """Ask that the finding ``id`` in ``package`` of ``digest`` is waived ``until`` a day or a time."""
        body = decoded(asked.request.get_body(), _ASKING, WaiverAsked)
        until, target = _end(body.until), asked.parameters["target"]
        about = (named_digest(body.digest), one_line(body.id, "id"), one_line(body.package, "package"))
        said = (asked.caller, one_line(body.why, "why"), self._clock())
        return answer_of(target, self._waiver().ask(target, *about, until, *said, body.number), self._targets())

    def grant(self, asked: Asked) -> func.HttpResponse:
        """Grant what another one asked."""
        return self._of_two(asked, self._waiver().grant)

    def revoke(self, asked: Asked) -> func.HttpResponse:
        """Take back what was asked and granted."""
        return self._of_two(asked, self._waiver().revoke)

    def _of_two(self, asked: Asked, act: Callable[..., object]) -> func.HttpResponse:
        body = decoded(asked.request.get_body(), _BODY, WaiverNamed)
        target = asked.parameters["target"]
        about = (named_digest(body.digest), one_line(body.id, "id"), one_line(body.package, "package"))
        outcome = act(target, *about, asked.caller, one_line(body.why, "why"), self._clock(), body.number)
        return answer_of(target, outcome, self._targets())  # type: ignore[arg-type]


def listed_waivers(request: func.HttpRequest, targets: Targets, registry: str) -> func.HttpResponse:
    """List what people waive for single tags, or ask to, a part at a time.

    Args:
        request: may ask for at most so many (``limit``), and for those ``after`` a place.
        targets: where they are.
        registry: the base registry's name.

    Returns:
        200 with ``{"waivers": [...], "next": "<place to go on after>"}``; no ``next`` at the end.

    Raises:
        MalformedRequest, InvalidReference: a parameter is not what it should be.
    """
    after, limit = after_of(request), limit_of(request)
    every = (
        shown_as(ShownWaiver, one, target=stored.record.id)
        for stored in targets.every(registry)
        for one in stored.record.waived
    )
    found, more = newest_first(every, lambda one: one.granted_at or one.asked_at, _name_of, limit, after)
    return part_answer(WaiversPart(waivers=found, next=more), request, more)


def _name_of(waiver: ShownWaiver) -> str:
    """Vulnerabilities and packages have names that no cursor takes."""
    told = "\n".join((waiver.digest, waiver.id, waiver.package))
    return f"{waiver.target}.{hashlib.sha256(told.encode()).hexdigest()[:16]}"


def _end(until: str) -> str:
    try:
        end_of(until)
    except (ValueError, OverflowError):
        raise MalformedRequest(f"until: {until!r} is neither a day, 2026-12-31, nor a time in RFC 3339") from None
    return until

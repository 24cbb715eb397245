"""The addresses that act on one target, on a digest, or on an entry of the watch list, in the caller's name."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

import azure.functions as func
import msgspec
from msgspec import UNSET, UnsetType

from shared.domain.promotion.actions import Declined, Refusal
from shared.domain.promotion.overriding import Override, what_became
from shared.domain.promotion.rulings import Kind
from shared.domain.promotion.said import Said
from shared.domain.promotion.target import Target, parts_of_target
from shared.domain.references import Digest, Tag, parse_tag
from shared.errors import MalformedRequest
from shared.flows.act import Actor
from shared.flows.rule import Ruled, Ruler
from shared.ports import Clock
from shared.target_ports import Targets
from shared.web.acting_bodies import DECODERS, Naming, OnTarget, Pin, RollBack, Saying, named_digest
from shared.web.answers import json_answer, problem
from shared.web.asked import Asked
from shared.web.bodies import decoded, one_line, utc
from shared.web.parts import shown_as
from shared.web.shown_targets import ShownTarget, shown_target

_MOST_TARGETS_SHOWN = 500


class ShownRuling(msgspec.Struct, frozen=True):
    """What is said from now on of a digest or of an entry.

    Attributes:
        kind: what is said.
        subject: of which digest, or of the entry of which name.
        in_force: whether it is; ``false`` once it is taken back.
        said: who says so, why and when.
        targets: to whom it was told, as they are now; the first 500.
        count: how many those are in all.
    """

    kind: Kind
    subject: str
    in_force: bool
    said: Said
    targets: tuple[ShownTarget, ...]
    count: int


B = TypeVar("B", bound=Saying)


def _nobody_is_named(repository: str, name: Tag) -> Digest | None:
    """No digest keeps a name."""


class Actions:
    """Serves what acts.

    Every method returns 200 with what is so from then on, the same if it was so already; or 409 with the reason by
    name and the state that is in the way: ``moved-on`` for a body that names the ``number`` of a decision that is not
    in force any more. It raises ``MalformedRequest`` (400, 404 or 413) or ``InvalidReference``.

    Args:
        actor: acts on one target.
        ruler: says something of digests and entries.
        targets: where targets are.
        listed: whether the watch list in force has an entry of a name.
        named: gives the digest of a repository that keeps a name; ``None`` if none does.
        clock: tells the time.
    """

    def __init__(
        self,
        *,
        actor: Callable[[], Actor],
        ruler: Callable[[], Ruler],
        targets: Callable[[], Targets],
        listed: Callable[[str], bool],
        clock: Clock,
        named: Callable[[str, Tag], Digest | None] = _nobody_is_named,
    ) -> None:
        self._actor = actor
        self._ruler = ruler
        self._targets = targets
        self._listed = listed
        self._named = named
        self._clock = clock

    def roll_back(self, asked: Asked) -> func.HttpResponse:
        """Go back: the body says why, and may name a ``digest``."""
        body, said = self._read(asked, RollBack)
        target = asked.parameters["target"]
        digest = self._meant(target, body)
        return self._answer(target, self._actor().roll_back(target, digest, said, body.number))

    def pin(self, asked: Asked) -> func.HttpResponse:
        """Pin: the body may name a ``digest``, and a date ``until`` (RFC 3339)."""
        body, said = self._read(asked, Pin)
        target, until = asked.parameters["target"], utc(body.until, "until") if body.until else None
        digest = self._meant(target, body)
        return self._answer(target, self._actor().pin(target, digest, until, said, body.number))

    def unpin(self, asked: Asked) -> func.HttpResponse:
        """Unpin."""
        body, said = self._read(asked, OnTarget)
        target = asked.parameters["target"]
        return self._answer(target, self._actor().unpin(target, said, body.number))

    def promote(self, asked: Asked) -> func.HttpResponse:
        """Ask that a ``digest`` is taken against its gate, or grant what another one asked; the answer says which."""
        body, said = self._read(asked, Naming)
        target, digest = asked.parameters["target"], named_digest(body.digest)
        outcome = self._actor().promote(target, digest, asked.caller, said.why, said.at, body.number)
        became = what_became(outcome, digest) if isinstance(outcome, Target) else UNSET
        return answer_of(target, outcome, self._targets(), became)

    def block(self, asked: Asked) -> func.HttpResponse:
        """Block the digest in the route."""
        _, said = self._read(asked, Saying)
        return _ruled(self._ruler().block(named_digest(asked.parameters["digest"]), said))

    def release(self, asked: Asked) -> func.HttpResponse:
        """Release the digest in the route."""
        _, said = self._read(asked, Saying)
        return _ruled(self._ruler().release(named_digest(asked.parameters["digest"]), said))

    def hold(self, asked: Asked) -> func.HttpResponse:
        """Hold the entry in the route."""
        _, said = self._read(asked, Saying)
        name = asked.parameters["image"]
        return _ruled(self._ruler().hold(name, said, listed=self._listed(name)))

    def resume(self, asked: Asked) -> func.HttpResponse:
        """Resume the entry in the route."""
        _, said = self._read(asked, Saying)
        return _ruled(self._ruler().resume(asked.parameters["image"], said))

    def _meant(self, target: str, body: RollBack) -> Digest | None:
        """Return the digest that a body names, by itself or by the name that it keeps."""
        if body.unique_tag is None:
            return _digest(body.digest)
        if body.digest is not None:
            raise MalformedRequest("digest, unique_tag: name the digest, or the unique tag that it has, and not both")
        _, repository, _ = parts_of_target(target)
        found = self._named(repository, parse_tag(body.unique_tag))
        if found is None:
            raise MalformedRequest(f"unique_tag: no digest of {repository} was given the name {body.unique_tag}")
        return found

    def _read(self, asked: Asked, kind: type[B]) -> tuple[B, Said]:
        body: B = decoded(asked.request.get_body(), DECODERS[kind], kind)
        return body, Said(asked.caller.said, one_line(body.why, "why"), self._clock())

    def _answer(self, target: str, outcome: Target | Declined) -> func.HttpResponse:
        return answer_of(target, outcome, self._targets())


def answer_of(
    target: str, outcome: Target | Declined, targets: Targets, became: Override | UnsetType = UNSET
) -> func.HttpResponse:
    """Return 200 with what is so now, or 409 with the reason by name and the state that is in the way; 403 for rights.

    Args:
        target: its id.
        outcome: what an action led to.
        targets: where they are.
        became: what became of a wish for an override.
    """
    if isinstance(outcome, Target):
        return json_answer(msgspec.structs.replace(shown_target(outcome), became=became))
    stored = targets.get(target)
    now = shown_target(stored.record) if stored else None
    status = 403 if outcome.reason is Refusal.MAY_NOT_GRANT else 409
    return problem(outcome.detail, status, reason=outcome.reason.value, target=now)


def _ruled(ruled: Ruled) -> func.HttpResponse:
    ruling = ruled.ruling
    shown = tuple(map(shown_target, ruled.targets[:_MOST_TARGETS_SHOWN]))
    return json_answer(shown_as(ShownRuling, ruling, targets=shown, count=len(ruled.targets)))


def _digest(text: str | None) -> Digest | None:
    return None if text is None else named_digest(text)

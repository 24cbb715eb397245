"""What people do by a page: a form is a request of the API in other clothes, and comes to the very same handler.

So roles, refusals and what is asked of a text are those of the API. What a form has beside it is what a browser needs:
it is taken from our own page alone, from the person who was shown it, for the record and the decision that it showed.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import azure.functions as func
import msgspec

from shared.domain.access.callers import Caller
from shared.domain.links import Links
from shared.domain.promotion.actions import moved_on
from shared.domain.promotion.offering import Act
from shared.domain.promotion.target import Target
from shared.errors import MalformedRequest
from shared.rules.form_keys import FormTokens
from shared.target_ports import Targets
from shared.web.answers import problem
from shared.web.asked import Asked, Handler
from shared.web.pages.deeds import Deed, Deeds
from shared.web.pages.sent import believe, by_a_person_on_our_page, sent_fields
from shared.web.routes import ROUTES

_ROLES = {route.name: route.roles for route in ROUTES}
# What each act's body has; those that name no number are no decision over one tag, and are fenced here.
_NAMED = {
    Act.APPROVE: ("digest",),
    Act.REJECT: ("digest",),
    Act.ROLL_BACK: ("digest",),
    Act.PIN: ("digest",),
    Act.UNPIN: (),
    Act.OVERRIDE: ("digest",),
    Act.ASK_WAIVER: ("digest", "id", "package", "until"),
    Act.GRANT_WAIVER: ("digest", "id", "package"),
    Act.REVOKE_WAIVER: ("digest", "id", "package"),
}
_OF_MORE_TAGS = (Act.BLOCK, Act.RELEASE, Act.HOLD, Act.RESUME, Act.RETRY)


class Form(msgspec.Struct, frozen=True):
    """What was sent; every field is there once, and empty if it was not."""

    act: Act
    target: str
    number: int
    digest: str
    image: str
    id: str
    package: str
    until: str
    why: str
    token: str


def about(form_act: Act, target: str, number: int, digest: str, image: str, id: str, package: str) -> tuple[str, ...]:
    """Return what a form's token is bound to beside its person; what people type in is not."""
    asks = form_act is Act.ASK_WAIVER
    return (form_act.value, target, str(number), digest, image, "" if asks else id, "" if asks else package)


class Forms:
    """Takes forms.

    Args:
        acting: what serves each address of the API that acts, by its name.
        tokens: tells which forms are ours.
        targets: where targets are.
        deeds: leads to the page that says what was done.
    """

    def __init__(
        self, acting: Mapping[str, Handler], tokens: FormTokens, targets: Callable[[], Targets], deeds: Deeds
    ) -> None:
        self._acting = acting
        self._tokens = tokens
        self._targets = targets
        self._deeds = deeds

    def take(self, asked: Asked) -> func.HttpResponse:
        """Do what a form asks for.

        Returns:
            303 to the record's page; or the problem that the API answers.

        Raises:
            MalformedRequest: it is no form of ours (400, 413, 415), or is refused (403).
        """
        by_a_person_on_our_page(asked)
        form = read_form(asked.request, asked.parameters["target"])
        if not asked.caller.roles & _ROLES[form.act.value]:
            wanted = " or ".join(sorted(role.value for role in _ROLES[form.act.value]))
            raise MalformedRequest(f"this wants the role {wanted}, which {asked.caller.name} does not have", status=403)
        parts = about(form.act, form.target, form.number, form.digest, form.image, form.id, form.package)
        believe(self._tokens, form.token, asked.caller, parts)
        if form.act in _OF_MORE_TAGS and (late := self._late(form)):
            return late
        answer = self._acting[form.act.value](_as_asked(form, asked))
        return answer if answer.status_code >= 300 else self._done(form, asked.caller)

    def _done(self, form: Form, caller: Caller) -> func.HttpResponse:
        return self._deeds.led_to(Links().target(form.target), caller, Deed(form.act.value, form.target, form.digest))

    def _late(self, form: Form) -> func.HttpResponse | None:
        """What is said of a digest or an entry has no decision that fences it; the form shows one all the same."""
        stored = self._targets().get(form.target)
        if stored is None:
            raise MalformedRequest(f"there is no target {form.target!r}", status=404)
        target: Target = stored.record
        if target.number == form.number:
            return None
        declined = moved_on(target, form.number)
        return problem(declined.detail, 409, reason=declined.reason.value)


def read_form(request: func.HttpRequest, target: str) -> Form:
    """Read the form of an act.

    Raises:
        MalformedRequest: 400, 413 or 415.
    """
    fields = sent_fields(request, {one.name for one in msgspec.structs.fields(Form)} - {"target"})
    number = fields.get("number", "")
    if not (number.isascii() and number.isdigit() and len(number) <= 9):
        raise MalformedRequest("number: it is none")
    act = next((one for one in Act if one.value == fields.get("act")), None)
    if act is None:
        raise MalformedRequest("act: nobody can do that")
    texts = {name: fields.get(name, "") for name in ("digest", "image", "id", "package", "until", "why", "token")}
    return Form(act=act, target=target, number=int(number), **texts)


def _as_asked(form: Form, asked: Asked) -> Asked:
    """Return the request of the API that a form is."""
    body: dict[str, object] = {"why": form.why}
    if form.act in _NAMED:
        body |= {"number": form.number, **{name: getattr(form, name) for name in _NAMED[form.act]}}
    if form.act is Act.PIN and form.until:
        body["until"] = f"{form.until}T23:59:59Z"
    if form.act is Act.RETRY:
        body |= {"image": form.image, "status": ["failed", "rejected"]}
    request = func.HttpRequest("POST", asked.request.url, headers={}, body=msgspec.json.encode(body))
    parameters = {"target": form.target, "digest": form.digest, "image": form.image}
    return Asked(request, parameters, asked.caller)

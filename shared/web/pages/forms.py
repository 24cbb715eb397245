"""What people do by a page: a form is a request of the API in other clothes, and comes to the very same handler.

So roles, refusals and what is asked of a text are those of the API. What a form has beside it is what a browser needs:
it is taken from our own page alone, from the person who was shown it, for the record and the decision that it showed.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from urllib.parse import parse_qsl, urlsplit

import azure.functions as func
import msgspec

from shared.domain.access.callers import Caller, Kind
from shared.domain.access.form_tokens import Believed
from shared.domain.links import Links
from shared.domain.promotion.actions import moved_on
from shared.domain.promotion.offering import Act
from shared.domain.promotion.target import Target
from shared.errors import MalformedRequest
from shared.rules.form_keys import FormTokens
from shared.target_ports import Targets
from shared.web.answers import problem
from shared.web.asked import Asked, Handler
from shared.web.routes import ROUTES

LARGEST = 8 * 1024
_KIND = "application/x-www-form-urlencoded"
_MOST_FIELDS = 12
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
_FROM_ELSEWHERE = (
    "this form was not sent by our own page, as its browser tells, so nothing was done; load the page again"
)
_NOT_OURS = "this form was not made for you, or for something else than it was sent for; load the page again"
_TOO_OLD = "this form is older than some hours; load the page again, and look at what is so now"
_NO_PERSON = "pages are acted on by people who signed in; a key and an application act by the API"


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
    """

    def __init__(self, acting: Mapping[str, Handler], tokens: FormTokens, targets: Callable[[], Targets]) -> None:
        self._acting = acting
        self._tokens = tokens
        self._targets = targets

    def take(self, asked: Asked) -> func.HttpResponse:
        """Do what a form asks for.

        Returns:
            303 to the record's page; or the problem that the API answers.

        Raises:
            MalformedRequest: it is no form of ours (400, 413, 415), or is refused (403).
        """
        _from_our_page(asked.request)
        if asked.caller.kind is not Kind.PERSON:
            raise MalformedRequest(_NO_PERSON, status=403)
        form = read_form(asked.request, asked.parameters["target"])
        if not asked.caller.roles & _ROLES[form.act.value]:
            wanted = " or ".join(sorted(role.value for role in _ROLES[form.act.value]))
            raise MalformedRequest(f"this wants the role {wanted}, which {asked.caller.name} does not have", status=403)
        self._believe(form, asked.caller)
        if form.act in _OF_MORE_TAGS and (late := self._late(form)):
            return late
        answer = self._acting[form.act.value](_as_asked(form, asked))
        return _done(form) if answer.status_code < 300 else answer

    def _believe(self, form: Form, caller: Caller) -> None:
        parts = about(form.act, form.target, form.number, form.digest, form.image, form.id, form.package)
        found = self._tokens.believed(form.token, caller, parts)
        if found is not Believed.YES:
            raise MalformedRequest(_TOO_OLD if found is Believed.OLD else _NOT_OURS, status=403)

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


def _from_our_page(request: func.HttpRequest) -> None:
    """Unlike of the API's callers a form's browser has to say where it comes from: every one that is in use does.

    https://www.w3.org/TR/fetch-metadata/
    """
    site, origin = request.headers.get("sec-fetch-site"), request.headers.get("origin")
    ours = f"https://{urlsplit(request.url).netloc}"
    if not (site == "same-origin" if site is not None else origin == ours):
        raise MalformedRequest(_FROM_ELSEWHERE, status=403)


def read_form(request: func.HttpRequest, target: str) -> Form:
    """Read a form's fields: each once, none that is not known, all bounded.

    Raises:
        MalformedRequest: 400, 413 or 415.
    """
    kind, body = (request.headers.get("content-type") or "").partition(";")[0].strip().lower(), request.get_body()
    if kind != _KIND:
        raise MalformedRequest(f"a form is sent as {_KIND}", status=415)
    if len(body) > LARGEST:
        raise MalformedRequest(f"the form has {len(body)} bytes; at most {LARGEST} are read", status=413)
    fields = _fields(body)
    number = fields.get("number", "")
    if not (number.isascii() and number.isdigit() and len(number) <= 9):
        raise MalformedRequest("number: it is none")
    act = next((one for one in Act if one.value == fields.get("act")), None)
    if act is None:
        raise MalformedRequest("act: nobody can do that")
    texts = {name: fields.get(name, "") for name in ("digest", "image", "id", "package", "until", "why", "token")}
    return Form(act=act, target=target, number=int(number), **texts)


def _fields(body: bytes) -> Mapping[str, str]:
    try:
        pairs = parse_qsl(
            body.decode("ascii"),
            keep_blank_values=True,
            strict_parsing=True,
            errors="strict",
            max_num_fields=_MOST_FIELDS,
        )
    except ValueError:
        raise MalformedRequest("the form cannot be read") from None
    fields = dict(pairs)
    if len(fields) != len(pairs):
        raise MalformedRequest("the form has a field twice")
    known = {one.name for one in msgspec.structs.fields(Form)} - {"target"}
    if odd := fields.keys() - known:
        raise MalformedRequest(f"the form has a field that is not known: {sorted(odd)[0][:40]!r}")
    return fields


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


def _done(form: Form) -> func.HttpResponse:
    """What happened stands in the record's page, by the record: an address that says so would say it to anybody."""
    headers = {"Location": f"{Links().target(form.target)}#acts", "Cache-Control": "no-store"}
    return func.HttpResponse("", status_code=303, mimetype="text/plain", headers=headers)

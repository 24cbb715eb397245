"""What a browser sent as a form: from our own page alone, by a person, every field once and bounded."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Set
from urllib.parse import parse_qsl, urlsplit

import azure.functions as func

from shared.domain.access.callers import Caller, Kind, Role
from shared.domain.access.form_tokens import Believed
from shared.errors import MalformedRequest
from shared.rules.form_keys import FormTokens
from shared.web.asked import Asked

LARGEST = 8 * 1024
_KIND = "application/x-www-form-urlencoded"
_MOST_FIELDS = 12
_FROM_ELSEWHERE = (
    "this form was not sent by our own page, as its browser tells, so nothing was done; load the page again"
)
_NOT_OURS = "this form was not made for you, or for something else than it was sent for; load the page again"
_TOO_OLD = "this form is older than some hours; load the page again, and look at what is so now"
_NO_PERSON = "pages are acted on by people who signed in; a key and an application act by the API"


def by_a_person_on_our_page(asked: Asked) -> None:
    """Refuse what another page sent, or another caller than a person.

    Unlike of the API's callers a form's browser has to say where it comes from: every one that is in use does.
    https://www.w3.org/TR/fetch-metadata/

    Raises:
        MalformedRequest: 403.
    """
    request = asked.request
    site, origin = request.headers.get("sec-fetch-site"), request.headers.get("origin")
    ours = f"https://{urlsplit(request.url).netloc}"
    if not (site == "same-origin" if site is not None else origin == ours):
        raise MalformedRequest(_FROM_ELSEWHERE, status=403)
    if asked.caller.kind is not Kind.PERSON:
        raise MalformedRequest(_NO_PERSON, status=403)


def sent_fields(request: func.HttpRequest, known: Set[str], most: int = LARGEST) -> Mapping[str, str]:
    """Return a form's fields: each once, none that is not known, all bounded.

    Args:
        request: that was sent.
        known: the names of fields.
        most: bytes that all of it may have.

    Raises:
        MalformedRequest: 400, 413 or 415.
    """
    kind, body = (request.headers.get("content-type") or "").partition(";")[0].strip().lower(), request.get_body()
    if kind != _KIND:
        raise MalformedRequest(f"a form is sent as {_KIND}", status=415)
    if len(body) > most:
        raise MalformedRequest(f"the form has {len(body)} bytes; at most {most} are read", status=413)
    pairs = _pairs(body)
    fields = dict(pairs)
    if len(fields) != len(pairs):
        raise MalformedRequest("the form has a field twice")
    if odd := fields.keys() - known:
        raise MalformedRequest(f"the form has a field that is not known: {sorted(odd)[0][:40]!r}")
    return fields


def _pairs(body: bytes) -> list[tuple[str, str]]:
    try:
        return parse_qsl(
            body.decode("ascii"),
            keep_blank_values=True,
            strict_parsing=True,
            errors="strict",
            max_num_fields=_MOST_FIELDS,
        )
    except ValueError:
        raise MalformedRequest("the form cannot be read") from None


def token_for(tokens: FormTokens, caller: Caller, roles: Set[Role], about: Iterable[str]) -> str:
    """Return the token of a form that wants one of some roles; empty for who cannot send it.

    Raises:
        ServiceError: the keys of forms cannot be read.
    """
    return tokens.make(caller, about) if caller.kind is Kind.PERSON and caller.roles & roles else ""


def believe(tokens: FormTokens, token: str, caller: Caller, about: Iterable[str]) -> None:
    """Refuse a form that was not shown to this person, for this.

    Raises:
        MalformedRequest: 403.
        ServiceError: the keys of forms cannot be read.
    """
    found = tokens.believed(token, caller, about)
    if found is not Believed.YES:
        raise MalformedRequest(_TOO_OLD if found is Believed.OLD else _NOT_OURS, status=403)

"""Who may not agree tries to: by an old sign-in, a replay, a machine, a link, a forged header, or a second name."""

from __future__ import annotations

import json
from collections.abc import Mapping
from contextlib import nullcontext
from datetime import timedelta
from typing import Any

import azure.functions as func
import pytest

from shared.domain.access.callers import Role
from shared.domain.policy.policy import Policy
from shared.domain.policy.promoting import ApprovalCheck
from shared.domain.references import Digest
from shared.rules.known_keys import KnownKeys
from shared.web.answers import json_answer
from shared.web.asked import Asked, Handler
from shared.web.callers import Callers
from shared.web.consents import Consents
from shared.web.front import Front
from shared.web.routes import ROUTES
from tests.doubles.world import BASE, ONE, TAG, TARGET, TWO, World
from tests.unit.web.test_front import ADA, Door, principal

pytestmark = pytest.mark.unit

ID = f"{BASE}~base~node~22-alpine"
ASKED = Policy("asked", approval=ApprovalCheck())


class Site:
    """The API over a world in which a digest waits for people."""

    def __init__(self, policy: Policy = ASKED, *, sign_in: bool = True) -> None:
        self.world, self.door = World(), Door()
        self.world.says(policy)
        self.arrive(ONE)
        callers = Callers(KnownKeys(lambda: self.door, self.world.clock), self.world.clock, sign_in=sign_in)
        handlers: dict[str, Handler] = {one.name: _nothing for one in ROUTES}
        self.front = Front({**handlers, **self.acting()}, callers.identify, lambda _: nullcontext(), str)

    def acting(self) -> Mapping[str, Handler]:
        """What serves the routes that are attacked."""
        world = self.world
        consents = Consents(approver=lambda: world.approver, targets=lambda: world.targets, clock=world.clock)
        return {"approve": consents.approve, "reject": consents.reject}

    def arrive(self, digest: Digest) -> None:
        """Let a digest appear upstream and come as far as it gets by itself."""
        self.world.push(digest)
        self.world.check()
        self.world.settle()

    def signed_in(self, minutes: int = 10, *more: tuple[str, str], claim: str = "auth_time") -> dict[str, str]:
        """The header of an approver who signed in some minutes ago."""
        at = int((self.world.clock() - timedelta(minutes=minutes)).timestamp())
        return {"x-ms-client-principal": principal(*ADA, ("roles", "approver"), (claim, str(at)), *more)}

    def ask(
        self, headers: Mapping[str, str], act: str = "approve", digest: Digest = ONE, method: str = "POST", **body: Any
    ) -> tuple[int, dict[str, Any]]:
        """Ask as the Functions host does."""
        path = f"targets/{ID}/{act}"
        content = json.dumps({"digest": digest, "why": "it runs", **body}).encode()
        request = func.HttpRequest(
            method,
            f"https://tidegate.example/api/{path}",
            headers=dict(headers),
            route_params={"path": path},
            body=content,
        )
        answer = self.front.serve(request)
        self.world.settle()
        return answer.status_code, json.loads(answer.get_body())

    @property
    def is_promoted(self) -> bool:
        """Whether anything came to the tag."""
        return (TARGET, TAG) in self.world.base.tags


def _nothing(_: Asked) -> func.HttpResponse:
    return json_answer({})


def test_who_signed_in_a_moment_ago_agrees_so_that_the_attacks_were_attacks() -> None:
    for claim in ("auth_time", "iat"):
        site = Site()
        status, body = site.ask(site.signed_in(claim=claim))
        assert (status, body["wanted"]) == (200, ONE)
        assert site.is_promoted


@pytest.mark.parametrize("minutes", [61, 600, -6, -10_000])
def test_an_old_sign_in_does_not_count_and_is_told_what_to_do(minutes: int) -> None:
    site = Site()
    status, body = site.ask(site.signed_in(minutes))
    assert status == 403
    assert "sign in again" in body["detail"]
    assert not site.is_promoted


@pytest.mark.parametrize(
    "claims",
    [
        (),
        (("auth_time", ""),),
        (("auth_time", "soon"),),
        (("auth_time", "-1"),),
        (("auth_time", "1e9"),),
        (("auth_time", "٣"),),
        (("auth_time", "9" * 400),),
        (("auth_time", "1"), ("auth_time", "{now}")),
        (("auth_time", "1"), ("iat", "{now}")),
        (("auth_time", "x"), ("iat", "{now}")),
        (("nbf", "{now}"),),
        (("AUTH_TIME", "{now}"),),
    ],
    ids=str,
)
def test_a_time_that_is_none_or_is_said_twice_does_not_count(claims: tuple[tuple[str, str], ...]) -> None:
    site = Site()
    now = str(int(site.world.clock().timestamp()))
    told = tuple((typ, val.replace("{now}", now)) for typ, val in claims)
    header = principal(*ADA, ("roles", "approver"), *told)
    assert site.ask({"x-ms-client-principal": header})[0] == 403
    assert not site.is_promoted


def test_what_was_agreed_is_not_agreed_again_by_a_replay_after_a_newer_digest() -> None:
    site = Site(Policy("of-two", approval=ApprovalCheck(required=2)))
    replayed = site.signed_in()
    assert site.ask(replayed)[0] == 200
    site.arrive(TWO)
    status, body = site.ask(replayed)
    assert (status, body["reason"]) == (409, "superseded")
    assert site.world.target().consents == ()
    assert not site.is_promoted


def test_nobody_agrees_twice_under_two_names() -> None:
    site = Site(Policy("of-two", approval=ApprovalCheck(required=2)))
    for name in ("Ada", "Bob", "Eve"):
        claims = (("oid", "11-22"), ("tid", "33-44"), ("name", name), ("upn", name), ("roles", "approver"))
        at = str(int(site.world.clock().timestamp()))
        assert site.ask({"x-ms-client-principal": principal(*claims, ("auth_time", at))})[0] == 200
    assert len(site.world.target().consents) == 1
    assert not site.is_promoted


@pytest.mark.parametrize("role", Role)
def test_an_api_key_that_no_policy_names_agrees_to_nothing(role: Role) -> None:
    site = Site()
    status, body = site.ask({"x-api-key": site.door.texts[role]})
    assert status == 403
    assert "machines" in body["detail"] or "the role approver is needed" in body["detail"]
    assert not site.is_promoted


def test_an_application_that_shows_a_time_is_no_person() -> None:
    site = Site()
    status, body = site.ask(site.signed_in(1, ("idtyp", "app")))
    assert status == 403
    assert "is no person" in body["detail"]


@pytest.mark.parametrize("roles", [("reader",), ("operator",), ("reader", "operator"), ("Approver",), ()])
def test_no_other_role_agrees(roles: tuple[str, ...]) -> None:
    site = Site()
    at = str(int(site.world.clock().timestamp()))
    header = principal(*ADA, ("auth_time", at), *(("roles", role) for role in roles))
    assert site.ask({"x-ms-client-principal": header})[0] == 403
    assert not site.is_promoted


@pytest.mark.parametrize("method", ["GET", "HEAD", "PUT", "OPTIONS", "PATCH"])
def test_a_link_agrees_to_nothing(method: str) -> None:
    site = Site()
    assert site.ask(site.signed_in(), method=method)[0] == 405
    assert not site.is_promoted


@pytest.mark.parametrize("headers", [{"sec-fetch-site": "cross-site"}, {"origin": "https://evil.example"}])
def test_a_page_of_another_site_agrees_to_nothing(headers: dict[str, str]) -> None:
    site = Site()
    assert site.ask({**site.signed_in(), **headers})[0] == 403
    assert not site.is_promoted


def test_while_sign_in_is_off_no_header_makes_a_person() -> None:
    site = Site(sign_in=False)
    assert site.ask(site.signed_in())[0] == 401
    assert not site.is_promoted


@pytest.mark.parametrize("more", [{"by": "bob"}, {"at": "2020-01-01T00:00:00Z"}, {"digest": ""}, {"why": " "}])
def test_a_body_says_what_it_may_say(more: dict[str, str]) -> None:
    site = Site()
    assert site.ask(site.signed_in(), **more)[0] == 400
    assert not site.is_promoted

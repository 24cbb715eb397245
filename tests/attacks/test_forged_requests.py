"""A thousand forged requests: whatever is sent as an identity or a path, nobody gets in who is not known."""

from __future__ import annotations

import base64
import json
import random
from collections.abc import Callable

import pytest

from shared.domain.access.callers import Role
from shared.web.routes import ROUTES
from tests.unit.web.test_front import APPROVER, Door, principal
from tests.unit.web.test_routes import example

pytestmark = pytest.mark.unit

FORGED = 1000
_NAMES = ("x-ms-client-principal", "X-MS-CLIENT-PRINCIPAL", "X-Ms-Client-Principal", "x-MS-client-PRINCIPAL")
_KEYS = ("x-api-key", "X-API-KEY", "X-Api-Key")
Forgery = Callable[[random.Random, str], dict[str, str]]


def _junk(chance: random.Random, length: int = 80) -> str:
    return "".join(chr(chance.randrange(1, 0x2FF)) for _ in range(chance.randrange(length)))


def _broken(chance: random.Random, text: str) -> str:
    """A text with one thing wrong with it."""
    at = chance.randrange(len(text))
    other = chance.choice("!,%- \t\n\x00=*é")
    cut, doubled, mixed = text[:at], f"{text},{text}", text[:at] + other + text[at + 1 :]
    return chance.choice((cut, doubled, f"{text}, {text}", mixed, f" {other}{text}", f"{text}{other}", text[::-1]))


def _key(chance: random.Random, real: str) -> dict[str, str]:
    return {chance.choice(_KEYS): _broken(chance, real)}


def _other_key(chance: random.Random, real: str) -> dict[str, str]:
    known = real.split("_")[1]
    return {chance.choice(_KEYS): f"tidegate_{known}_{chance.getrandbits(256):064x}"}


def _elsewhere(chance: random.Random, real: str) -> dict[str, str]:
    """A real key where none is read."""
    name = chance.choice(("authorization", "x-functions-key", "cookie", "x_api_key", "x-api-key ", "x-ms-token"))
    return {name: chance.choice((real, f"Bearer {real}", f"x-api-key={real}"))}


def _principal(chance: random.Random, _: str) -> dict[str, str]:
    """One that App Service does not make: broken, too large, of another provider, or without what it must hold."""
    shapes = (
        _broken(chance, principal(*APPROVER)),
        principal(*APPROVER, ("groups", "g" * 40_000)),
        principal(*APPROVER, auth_typ=chance.choice(("", "AAD", "github", "aad "))),
        principal(*APPROVER, (chance.choice(("oid", "tid")), "other")),
        principal(*(claim for claim in APPROVER if claim[0] != chance.choice(("oid", "tid")))) + "=",
        base64.b64encode(json.dumps({"auth_typ": "aad", "claims": {"roles": "operator"}}).encode()).decode(),
        base64.b64encode(_junk(chance).encode()).decode() or "=",
        base64.b64encode(b"[" * chance.randrange(1, 15_000)).decode(),
        _junk(chance) + "\u00e9",
    )
    return {chance.choice(_NAMES): chance.choice(shapes)}


def _both(chance: random.Random, real: str) -> dict[str, str]:
    return {chance.choice(_NAMES): principal(*APPROVER), chance.choice(_KEYS): real}


def _neighbours(chance: random.Random, _: str) -> dict[str, str]:
    """The other headers of App Service, which name people and prove nothing."""
    names = ("x-ms-client-principal-id", "x-ms-client-principal-name", "x-ms-client-principal-idp", "x-ms-token-aad")
    return {name: _junk(chance) or "ada" for name in chance.sample(names, 2)}


_FORGERIES: tuple[Forgery, ...] = (_key, _other_key, _elsewhere, _principal, _both, _neighbours)
_TRICKS = ("{}", "./{}", "{}/", "{}//", "{}?code=x", "%2e/{}", "{}%00", "{};a", "../admin/{}", "health/../{}", "//{}")


def _asked(chance: random.Random) -> tuple[str, str]:
    route = chance.choice(ROUTES)
    method = chance.choice((route.method.value, "HEAD", "OPTIONS", "PUT", "get", "TRACE", ""))
    return method, chance.choice(_TRICKS).format(example(route))


@pytest.mark.parametrize("sign_in", [False, True])
def test_a_thousand_forged_requests_get_nowhere(sign_in: bool) -> None:
    door, chance = Door(sign_in=sign_in), random.Random(20260304)  # noqa: S311  the same attacks each time
    told = set()
    for number in range(FORGED):
        real = door.texts[chance.choice(tuple(Role))]
        forged = _FORGERIES[number % len(_FORGERIES)](chance, real)
        method, path = _asked(chance)
        answer = door.ask(method, path, forged)
        assert answer.status_code in {401, 429}, (number, forged, method, path)
        assert b"traceback" not in answer.get_body().lower()
        assert not [text for text in door.texts.values() if text in answer.get_body().decode()]
        told.add(answer.status_code)
    assert door.let_in == []
    assert told == {401, 429}


def test_a_header_that_names_somebody_is_refused_a_thousand_times_while_sign_in_is_off() -> None:
    door, chance = Door(), random.Random(7)  # noqa: S311
    for _ in range(FORGED):
        headers = {chance.choice(_NAMES): principal(*APPROVER)}
        assert door.status(headers, *_asked(chance)) in {401, 429}
    assert door.let_in == []


def test_the_same_door_lets_in_who_is_known_so_that_the_attacks_were_attacks() -> None:
    door = Door(sign_in=True)
    assert door.status({"X-API-KEY": door.texts[Role.READER]}) == 200
    assert door.status({"x-ms-client-principal": principal(*APPROVER)}) == 200

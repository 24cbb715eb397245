"""A thousand forged forms: none does anything, whatever is wrong with it and however much of it is right."""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping
from datetime import timedelta
from urllib.parse import urlencode

import azure.functions as func
import msgspec
import pytest

from shared import serving
from shared.domain.access.api_keys import ApiKey, new_key
from shared.domain.access.callers import Role
from shared.domain.policy.policy import Policy
from shared.domain.policy.promoting import ApprovalCheck
from shared.page_serving import Pages
from shared.rules.known_keys import KnownKeys
from shared.web.callers import Callers
from tests.doubles.filled_forms import FROM_OURS, forms_of
from tests.doubles.paged import parts_of, request_for
from tests.doubles.world import BASE, ONE, TWO, World
from tests.unit.web.test_front import principal

pytestmark = pytest.mark.unit

FORGED = 1000
ID = f"{BASE}~base~node~22-alpine"
OTHER = f"{BASE}~base~node~20-alpine"
ADDRESS = f"pages/targets/{ID}"


class Door:
    """The pages behind the door that tells who asks, with a tag that waits for people."""

    def __init__(self) -> None:
        self.world = World()
        for digest in (ONE, TWO):
            self.world.push(digest)
            self.world.check()
            self.world.settle()
            self.world.says(Policy("asked", approval=ApprovalCheck()))
        self.parts = parts_of(self.world)
        self.key, self.text = new_key("deploy", Role.APPROVER, self.world.clock(), ())
        keys = KnownKeys(lambda: self, self.world.clock)  # type: ignore[arg-type, return-value]
        callers = Callers(keys, self.world.clock, sign_in=True)
        self.front = Pages(self.parts, callers.identify, serving._acting(self.parts)).front
        self.ada, self.bob = self._header("ada"), self._header("bob")

    def every(self) -> tuple[object, ...]:
        """See ``ApiKeys.every``."""
        return (msgspec.defstruct("StoredKey", [("key", ApiKey), ("etag", str)])(self.key, ""),)

    def _header(self, name: str, minutes: int = 5) -> str:
        at = int((self.world.clock() - timedelta(minutes=minutes)).timestamp())
        claims = (("oid", name), ("tid", "33-44"), ("name", name), ("preferred_username", f"{name}@x.example"))
        return principal(*claims, ("roles", "approver"), ("auth_time", str(at)))

    def ask(self, path: str, method: str, headers: Mapping[str, str], body: bytes = b"") -> func.HttpResponse:
        """Ask as the Functions host does."""
        return self.front.serve(request_for(path, method, headers, body))

    def forms(self, who: str, target: str = ID) -> list[dict[str, str]]:
        """Return the forms that somebody is shown, with a reason filled in."""
        text = self.ask(f"pages/targets/{target}", "GET", {"x-ms-client-principal": who}).get_body().decode()
        return [{**fields, "why": "it runs in test"} for _, fields in forms_of(text)]

    def state(self) -> tuple[object, ...]:
        """Everything that an act could change, and the lines that would tell of one."""
        targets = tuple(stored.record for stored in self.world.targets.every(BASE))
        return targets, self.world.rulings.every(), len(self.world.activity.events)


class Sent(msgspec.Struct):
    """A form as it is sent: right, until something is made wrong with it."""

    fields: dict[str, str]
    headers: dict[str, str]
    method: str = "POST"
    path: str = ADDRESS
    body: bytes | None = None


Forgery = Callable[[random.Random, Door, Sent], None]


def _other_site(chance: random.Random, _: Door, sent: Sent) -> None:
    sent.headers["Sec-Fetch-Site"] = chance.choice(
        ("cross-site", "same-site", "none", "", "Same-Origin", "same-origin, cross-site", " same-origin")
    )


def _other_origin(chance: random.Random, _: Door, sent: Sent) -> None:
    del sent.headers["Sec-Fetch-Site"]
    evil = ("null", "", "http://tidegate.example", "https://tidegate.example.evil.example", "https://evil.example")
    sent.headers["Origin"] = chance.choice((*evil, "https://tidegate.example:8443", "https://TIDEGATE.example/"))


def _no_browser(_: random.Random, __: Door, sent: Sent) -> None:
    del sent.headers["Sec-Fetch-Site"], sent.headers["Origin"]


def _other_person(_: random.Random, door: Door, sent: Sent) -> None:
    sent.headers["x-ms-client-principal"] = door.bob


def _other_person_token(chance: random.Random, door: Door, sent: Sent) -> None:
    same = [one for one in door.forms(door.bob) if one["act"] == sent.fields["act"]]
    sent.fields["token"] = chance.choice(same)["token"]


def _key(chance: random.Random, door: Door, sent: Sent) -> None:
    """A key that is in force: alone, beside a person, or where none is read."""
    if chance.random() < 0.5:
        del sent.headers["x-ms-client-principal"]
    sent.headers["x-api-key"] = door.text


def _broken_principal(chance: random.Random, door: Door, sent: Sent) -> None:
    real = door.ada
    at = chance.randrange(len(real) - 2)
    sent.headers["x-ms-client-principal"] = chance.choice(
        (f"{real},{real}", f"{real}, {door.bob}", real[:at], real + "A" * 40_000, real[:at] + "!" + real[at + 1 :], "")
    )


def _broken_token(chance: random.Random, _: Door, sent: Sent) -> None:
    token = sent.fields["token"]
    at = chance.randrange(len(token))
    other = chance.choice([one for one in "0123456789abcdef.-" if one != token[at]])
    sent.fields["token"] = chance.choice((token[:at] + other + token[at + 1 :], token[:at], token * 2, "", "0.0." * 20))


def _other_act(chance: random.Random, door: Door, sent: Sent) -> None:
    """The token of another act, or of another digest, on the same page."""
    others = [one["token"] for one in door.forms(door.ada) if one["token"] != sent.fields["token"]]
    acts = {(one["act"], one["digest"]): one["token"] for one in door.forms(door.ada)}
    mine = acts[sent.fields["act"], sent.fields["digest"]]
    sent.fields["token"] = chance.choice([one for one in others if one != mine])


def _other_field(chance: random.Random, _: Door, sent: Sent) -> None:
    """Another digest, decision or entry than that of the form."""
    other = {"digest": "sha256:" + "d" * 64, "number": str(chance.randrange(2, 99)), "image": "golang"}
    field = chance.choice(tuple(other))
    sent.fields[field] = other[field]


def _other_record(_: random.Random, __: Door, sent: Sent) -> None:
    sent.path = f"pages/targets/{OTHER}"


def _stale(chance: random.Random, door: Door, sent: Sent) -> None:
    """A form of some hours ago."""
    now = door.world.clock.now
    door.world.clock.now = now - timedelta(hours=chance.randrange(9, 2000))
    sent.fields = next(one for one in door.forms(door._header("ada")) if one["act"] == sent.fields["act"])
    door.world.clock.now = now


def _reading(chance: random.Random, _: Door, sent: Sent) -> None:
    """A request that reads, or that no page takes: as a link, an image or a mail scanner makes it."""
    sent.method = chance.choice(("GET", "HEAD", "OPTIONS", "PUT", "DELETE", "PATCH"))
    sent.path = f"{ADDRESS}?{urlencode(sent.fields)}"


def _other_shape(chance: random.Random, _: Door, sent: Sent) -> None:
    """Doubled, oversized, of another kind, with what is not known, or no form at all."""
    text = urlencode(sent.fields)
    shapes = (
        f"{text}&act=pin",
        f"{text}&digest={sent.fields['digest']}",
        f"{text}&padding={'x' * 9000}",
        f"{text}&admin=yes",
        text.replace("&", ";"),
        f"{text}&why=%ff",
        "&".join(f"a{number}=b" for number in range(50)),
        "{}",
        "",
    )
    sent.body = chance.choice(shapes).encode()
    if chance.random() < 0.3:
        sent.body = text.encode()
        sent.headers["Content-Type"] = chance.choice(("text/plain", "application/json", "multipart/form-data", ""))


FORGERIES: tuple[Forgery, ...] = (
    _other_site,
    _other_origin,
    _no_browser,
    _other_person,
    _other_person_token,
    _key,
    _broken_principal,
    _broken_token,
    _other_act,
    _other_field,
    _other_record,
    _stale,
    _reading,
    _other_shape,
)


def _send(door: Door, sent: Sent) -> func.HttpResponse:
    body = sent.body if sent.body is not None else urlencode(sent.fields).encode()
    return door.ask(sent.path, sent.method, sent.headers, body)


def _right(door: Door, fields: Mapping[str, str]) -> Sent:
    return Sent(dict(fields), {**FROM_OURS, "x-ms-client-principal": door.ada})


def test_a_thousand_forged_forms_do_nothing() -> None:
    door, chance = Door(), random.Random(20260305)  # noqa: S311  the same attacks each time
    forms, before = door.forms(door.ada), door.state()
    assert {"approve", "reject", "pin", "block_digest", "hold_image"} <= {one["act"] for one in forms}
    told = set()
    for number in range(FORGED):
        forgery = FORGERIES[number % len(FORGERIES)]
        sent = _right(door, chance.choice(forms))
        forgery(chance, door, sent)
        answer = _send(door, sent)
        assert answer.status_code != 303, (forgery.__name__, sent)
        assert sent.method == "GET" or answer.status_code >= 400 or answer.status_code == 302, (forgery.__name__, sent)
        assert door.state() == before, (forgery.__name__, sent)
        assert b"traceback" not in answer.get_body().lower()
        told.add(answer.status_code)
    assert {302, 400, 401, 403, 405, 413, 415} & told >= {400, 401, 403, 405, 413, 415}


def test_a_form_that_was_right_is_refused_once_the_decision_has_moved_on() -> None:
    door = Door()
    forms = {one["act"]: one for one in door.forms(door.ada)}
    assert _send(door, _right(door, forms["approve"])).status_code == 303
    door.world.settle()
    before = door.state()
    statuses = {act: _send(door, _right(door, fields)).status_code for act, fields in forms.items()}
    again = statuses.pop("approve")
    assert again == 303, "what is so already is so"
    assert set(statuses.values()) == {409}, statuses
    assert door.state()[:2] == before[:2]


def test_the_same_form_does_what_it_says_where_nothing_is_forged_so_that_the_attacks_were_attacks() -> None:
    for act in ("approve", "reject", "pin", "block_digest", "hold_image"):
        door = Door()
        before = door.state()
        form = next(one for one in door.forms(door.ada) if one["act"] == act)
        assert _send(door, _right(door, form)).status_code == 303
        assert door.state() != before

"""One suite for whoever builds elsewhere: the double, and the adapters against builders as odd as the real ones.

A dispatcher tells apart what its caller has to: accepted, surely not begun, and perhaps begun.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Protocol
from unittest.mock import patch

import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa, utils
from standardwebhooks import Webhook

from infra.local.builders import events, github
from infra.local.builders.builders import Builders, dispatcher_settings
from infra.local.emulator.counting import Counts
from infra.local.emulator.faults import Faults
from infra.local.emulator.tls import server_context
from shared.adapters.dispatch.dispatchers import Identities, SetDispatchers
from shared.dispatch_ports import Dispatcher
from shared.dispatch_settings import dispatchers_of
from shared.domain.dispatch.answer import read_answer
from shared.domain.dispatch.builds import Asked, End
from shared.domain.links import Links
from shared.domain.promotion.rebuilds import BuilderKind
from shared.domain.references import Digest, Tag
from shared.errors import (
    InvalidReference,
    MalformedRequest,
    NotFound,
    NotPermitted,
    NotTaken,
    RateLimited,
    Refused,
    ServiceError,
    SwitchedOff,
    Unavailable,
)
from tests.doubles.dispatchers import InMemoryDispatcher
from tests.twin.processes import new_topology

pytestmark = pytest.mark.contract

SEARCHED = ("double", "github", "github-event", "pipelines")
ADAPTERS = ("github", "github-event", "pipelines", "events")
PLACES = {
    "double": "contoso/shop/build.yml@main",
    "github": "contoso/shop/.github/workflows/build.yml@main",
    "github-event": "contoso/shop!base-moved",
    "pipelines": "shop/42@main",
    "events": "shop",
}
# What each calls the ends of builds.
WORDS = {
    "github": {"failed": "failure", "cancelled": "cancelled", "late": "timed_out", "broken": "startup_failure"},
    "pipelines": {"failed": "failed", "cancelled": "canceled", "late": "canceled", "broken": "unknown"},
}
KEY = rsa.generate_private_key(65537, 2048)


class Side(Protocol):
    """A dispatcher, and whoever stands behind it."""

    dispatcher: Dispatcher

    def be(self, **odd: Any) -> None:
        """Let it be odd, by the names of ``Odd``."""
        ...

    def begun(self) -> int:
        """Tell how many builds were begun."""
        ...


class DoubleSide:
    """The double, which is odd by its own attributes."""

    def __init__(self) -> None:
        self.double = InMemoryDispatcher()
        self.dispatcher: Dispatcher = self.double
        self.be(looks=1)

    def be(self, **odd: Any) -> None:
        """See ``Side``."""
        self.double.loses = odd.get("lost", 0)
        self.double.says_runs = not odd.get("nameless")
        self.double.begins = 0 if odd.get("dropped") else 2 if odd.get("doubled") else 1
        self.double.hidden, self.double.looks = odd.get("hidden", 0), odd.get("looks", 1)
        ends = {"failure": (End.FAILED, "failure")}
        self.double.ends = [ends.get(word, (End.UNDECIDED, word)) for word in odd.get("ends", ())]
        if odd.get("limited"):
            self.double.fail("ask", RateLimited("later", retry_after=7))

    def begun(self) -> int:
        """See ``Side``."""
        return len(self.double.builds)


class RealSide:
    """An adapter with the twin's builder behind it."""

    def __init__(self, builders: Builders, dispatcher: Dispatcher, name: str) -> None:
        self.dispatcher = dispatcher
        self.builds = builders.builds[name]

    def be(self, **odd: Any) -> None:
        """See ``Side``."""
        self.builds.be({"looks": 1, **odd})

    def begun(self) -> int:
        """See ``Side``."""
        return len(self.builds.snapshot())


class Running:
    """The builders, and dispatchers that ask them."""

    def __init__(self, state: Path) -> None:
        self.topology = new_topology(state)
        self.faults, self.counts = Faults(), Counts()
        context = server_context(self.topology)
        self.builders = Builders(self.topology, context, self.counts, self.faults, lambda token: token == "entra")
        self.builders.github.believes = _believes

    def dispatchers(self, *, token: str = "entra", **settings: str) -> Mapping[str, Dispatcher]:  # noqa: S107
        """Return the dispatchers of the twin's settings, but for some."""
        given = dispatchers_of({**dispatcher_settings(self.topology), **settings})
        identities = Identities(lambda _: _signed, lambda _: token)
        return SetDispatchers(given, identities, Links("https://tide.example"), now)


def _signed(digest: bytes) -> bytes:
    return KEY.sign(digest, padding.PKCS1v15(), utils.Prehashed(hashes.SHA256()))


def _believes(signed: bytes, signature: bytes) -> bool:
    try:
        KEY.public_key().verify(signature, signed, padding.PKCS1v15(), hashes.SHA256())
    except InvalidSignature:
        return False
    return True


def now() -> datetime:
    """The time."""
    return datetime.now(UTC)


def asked(name: str, number: int = 1) -> Asked:
    """Return what is asked for."""
    return Asked(
        place=PLACES[name],
        correlation=f"tidegate-{number:032x}",
        rebuild="dispatch-events~1~2",
        attempt=1,
        image=f"base.example/base/node:22@sha256:{'a' * 64}",
        repository="base/node",
        tag=Tag("22"),
        digest=Digest(f"sha256:{'a' * 64}"),
        decision=3,
        asked_at=now(),
    )


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """The builders, once for all tests."""
    found = Running(tmp_path_factory.mktemp("builders"))
    found.builders.start()
    try:
        with patch.dict(os.environ, {"REQUESTS_CA_BUNDLE": str(found.topology.ca_bundle)}):
            yield found
    finally:
        found.builders.stop()


@pytest.fixture
def side(running: Running, name: str) -> Side:
    """One side as it is at the start."""
    running.builders.forget()
    running.faults.clear()
    if name == "double":
        return DoubleSide()
    front = "github" if name == "github-event" else name
    made = RealSide(running.builders, running.dispatchers()[front], front)
    made.be()
    return made


def run_of(side: Side, name: str) -> str:
    """Ask for a build and return its id."""
    sent = side.dispatcher.ask(asked(name))
    return sent.run or side.dispatcher.find(asked(name))[0].run


@pytest.mark.parametrize("name", SEARCHED)
def test_a_build_is_begun_once_followed_and_seen_to_its_end(side: Side, name: str) -> None:
    run = run_of(side, name)
    first = side.dispatcher.follow(asked(name), run)
    side.be(looks=0)
    second = side.dispatcher.follow(asked(name), run)
    assert first is not None
    assert second is not None
    assert (second.end, second.link.startswith("https://"), side.begun()) == (End.BUILT, True, 1)
    assert first.end in {None, End.BUILT}


@pytest.mark.parametrize("name", SEARCHED)
def test_what_was_accepted_and_answered_by_a_502_may_have_begun_and_is_found(side: Side, name: str) -> None:
    side.be(lost=1)
    with pytest.raises(Unavailable) as unclear:
        side.dispatcher.ask(asked(name))
    assert not isinstance(unclear.value, NotTaken)
    (found,) = side.dispatcher.find(asked(name))
    assert (side.dispatcher.follow(asked(name), found.run) is not None, side.begun()) == (True, 1)


@pytest.mark.parametrize("name", SEARCHED)
def test_what_names_no_build_is_accepted_and_found_once_it_is_listed(side: Side, name: str) -> None:
    side.be(nameless=1, hidden=1)
    assert side.dispatcher.ask(asked(name)).run == ""
    assert side.dispatcher.find(asked(name)) == ()
    assert len(side.dispatcher.find(asked(name))) == 1


@pytest.mark.parametrize("name", SEARCHED)
def test_a_build_of_another_correlation_is_never_found_however_well_it_fits(side: Side, name: str) -> None:
    side.dispatcher.ask(asked(name, 2))
    assert side.dispatcher.find(asked(name, 1)) == ()


@pytest.mark.parametrize("name", SEARCHED)
def test_both_of_two_builds_for_one_request_are_found(side: Side, name: str) -> None:
    side.be(doubled=1)
    side.dispatcher.ask(asked(name))
    assert len({found.run for found in side.dispatcher.find(asked(name))}) == 2


@pytest.mark.parametrize("name", SEARCHED)
def test_a_request_that_begins_nothing_is_found_nowhere(side: Side, name: str) -> None:
    side.be(dropped=1)
    assert side.dispatcher.ask(asked(name)).run == ""
    assert side.dispatcher.find(asked(name)) == ()


@pytest.mark.parametrize("name", SEARCHED)
def test_a_limit_is_a_clear_no_that_says_when_to_come_back(side: Side, name: str) -> None:
    side.be(limited=1)
    with pytest.raises(RateLimited) as refused:
        side.dispatcher.ask(asked(name))
    assert (refused.value.retry_after, side.begun()) == (7.0, 0)


@pytest.mark.parametrize("name", SEARCHED)
@pytest.mark.parametrize(
    ("kind", "end"),
    [("failed", End.FAILED), ("cancelled", End.UNDECIDED), ("late", End.UNDECIDED), ("broken", End.UNDECIDED)],
)
def test_only_a_failed_build_is_one(side: Side, name: str, kind: str, end: End) -> None:
    words = WORDS.get(name, WORDS["github"])
    side.be(looks=0, ends=[words[kind]])
    outcome = side.dispatcher.follow(asked(name), run_of(side, name))
    assert outcome is not None
    assert (outcome.end, outcome.words, outcome.covered_by) == (end, words[kind], "")


@pytest.mark.parametrize("name", SEARCHED)
@pytest.mark.parametrize("run", ["9", "..", "1/../../x", "x", ""])
def test_a_build_that_is_not_there_is_none_whatever_its_id_says(side: Side, name: str, run: str) -> None:
    assert side.dispatcher.follow(asked(name), run) is None


@pytest.mark.parametrize("name", ["github", "github-event", "pipelines"])
def test_a_build_that_a_concurrency_group_cancelled_is_covered_by_the_one_that_took_its_place(
    side: Side, name: str
) -> None:
    side.be(group=True, looks=9)
    run = run_of(side, name)
    later = side.dispatcher.ask(asked(name, 2)).run or side.dispatcher.find(asked(name, 2))[0].run
    outcome = side.dispatcher.follow(asked(name), run)
    assert outcome is not None
    assert (outcome.end, outcome.covered_by) == (End.UNDECIDED, later)


@pytest.mark.parametrize("name", ADAPTERS)
def test_an_answer_that_was_lost_on_its_way_may_be_one_of_a_build_that_began(
    running: Running, side: Side, name: str
) -> None:
    running.faults.add({"front": "builders", "action": "lose-answer"})
    with pytest.raises(Unavailable) as unclear:
        side.dispatcher.ask(asked(name))
    assert (isinstance(unclear.value, NotTaken), side.begun()) == (False, 1)


@pytest.mark.parametrize("name", ADAPTERS)
@pytest.mark.parametrize("status", [408, 500, 502, 503, 504])
def test_no_answer_of_a_server_that_fails_is_taken_for_a_no(
    running: Running, side: Side, name: str, status: int
) -> None:
    running.faults.add({"front": "builders", "action": "status", "status": status})
    with pytest.raises(Unavailable) as unclear:
        side.dispatcher.ask(asked(name))
    assert not isinstance(unclear.value, NotTaken)


@pytest.mark.parametrize("name", ADAPTERS)
@pytest.mark.parametrize("status", [301, 307, 400, 409, 422])
def test_a_clear_no_is_one_and_a_redirect_is_not_followed(running: Running, side: Side, name: str, status: int) -> None:
    where = {"Location": running.topology.https("builders") + github.PREFIX}
    running.faults.add({"front": "builders", "action": "status", "status": status, "headers": where})
    running.counts.reset()
    with pytest.raises(Refused):
        side.dispatcher.ask(asked(name))
    assert side.begun() == 0
    assert sum(running.counts.snapshot()["builders"].values()) == 1


@pytest.mark.parametrize("name", ["github", "pipelines", "events"])
def test_where_nobody_listens_nothing_was_sent(running: Running, name: str) -> None:
    nowhere = {f"DISPATCH_{name.upper()}": dispatcher_settings(running.topology)[f"DISPATCH_{name.upper()}"]}
    port = str(running.topology.port("builders"))
    moved = {setting: value.replace(f":{port}", ":1") for setting, value in nowhere.items()}
    with pytest.raises(NotTaken):
        running.dispatchers(**moved)[name].ask(asked(name))


@pytest.mark.parametrize("name", ["github", "github-event", "pipelines"])
@pytest.mark.parametrize("body", ["[]", "{", "<html></html>", '{"value": 1, "workflow_runs": 1}'])
def test_a_search_whose_answer_cannot_be_used_finds_nothing_out(
    running: Running, side: Side, name: str, body: str
) -> None:
    running.faults.add({"front": "builders", "action": "status", "status": 200, "body": body})
    with pytest.raises(Unavailable):
        side.dispatcher.find(asked(name))


@pytest.mark.parametrize(
    ("name", "place"),
    [
        ("github", "contoso/shop/../../user/build.yml@main"),
        ("github", "contoso/shop/build.yml@main?x=y"),
        ("github", "contoso/shop"),
        ("github", "contoso/../x/build.yml@main"),
        ("pipelines", "shop/42"),
        ("pipelines", "shop/../42@main"),
        ("pipelines", "shop/-1@main"),
        ("events", "../x"),
    ],
)
def test_what_is_no_place_is_asked_nowhere(running: Running, side: Side, place: str) -> None:
    running.counts.reset()
    strange = Asked(**{**{field: getattr(asked("events"), field) for field in Asked.__struct_fields__}, "place": place})
    with pytest.raises(InvalidReference):
        side.dispatcher.ask(strange)
    assert running.counts.snapshot().get("builders", {}) == {}


@pytest.mark.parametrize("name", ["github", "pipelines"])
def test_a_place_that_is_not_there_is_told_with_what_to_do(side: Side, name: str) -> None:
    place = {"github": "contoso/shop/other.yml@main", "pipelines": "shop/7@main"}[name]
    strange = Asked(**{**{field: getattr(asked(name), field) for field in Asked.__struct_fields__}, "place": place})
    with pytest.raises(NotFound, match="There is no such"):
        side.dispatcher.ask(strange)


# Identities.


def app_setting(running: Running, installation: str = github.INSTALLATION) -> str:
    """Return a setting of the twin's GitHub App."""
    app = f"app={github.APP} installation={installation} key=https://v.vault.azure.net/keys/github-app"
    return f"github:{running.topology.https('builders')}{github.PREFIX} {app}"


def test_an_app_whose_key_a_vault_holds_is_let_in_by_one_token_for_an_hour(running: Running) -> None:
    running.builders.forget()
    running.counts.reset()
    dispatcher = running.dispatchers(DISPATCH_GITHUB=app_setting(running))["github"]
    for number in (1, 2, 3):
        assert dispatcher.ask(asked("github", number)).run
    assert running.counts.snapshot()["builders"]["POST token"] == 1


def test_an_app_without_its_installation_began_nothing(running: Running) -> None:
    running.builders.forget()
    dispatcher = running.dispatchers(DISPATCH_GITHUB=app_setting(running, "1"))["github"]
    with pytest.raises(NotFound, match="installation="):
        dispatcher.ask(asked("github"))


@pytest.mark.parametrize("fault", [{"action": "status", "status": 502}, {"action": "lose-answer"}])
def test_a_token_that_nobody_answered_for_began_no_build(running: Running, fault: dict[str, Any]) -> None:
    running.builders.forget()
    running.faults.add({"front": "builders", "kind": "POST token", **fault})
    with pytest.raises(NotTaken):
        running.dispatchers(DISPATCH_GITHUB=app_setting(running))["github"].ask(asked("github"))


def test_whoever_is_no_user_of_the_organisation_is_told_so_and_not_that_it_was_accepted(running: Running) -> None:
    with pytest.raises(NotPermitted, match="user of the organisation"):
        running.dispatchers(token="other")["pipelines"].ask(asked("pipelines"))


def test_no_error_tells_a_token_or_a_key(running: Running) -> None:
    told = []
    for name in ("github", "pipelines", "events"):
        running.faults.add({"front": "builders", "action": "status", "status": 401, "body": f"{github.TOKEN} entra"})
        with pytest.raises(ServiceError) as refused:
            running.dispatchers(token="entra-token-0123456789")[name].ask(asked(name))
        told.append(str(refused.value))
    assert not [text for text in told if events.SEND in text or "entra-token-0123456789" in text]


# Events.


@pytest.mark.parametrize("name", ["events"])
def test_an_event_is_signed_bears_the_correlation_and_says_where_its_end_is_told(
    running: Running, side: Side, name: str
) -> None:
    assert side.dispatcher.ask(asked(name)).run == ""
    (event,) = running.builders.events.taken
    assert (event["id"], event["subject"], event["specversion"]) == (asked(name).correlation, "shop", "1.0")
    assert event["data"]["answer"] == "https://tide.example/api/rebuilds/dispatch-events~1~2/outcome"
    assert side.dispatcher.find(asked(name)) == ()


@pytest.mark.parametrize("name", ["events"])
def test_an_event_that_comes_again_is_the_same_one_and_one_build(running: Running, side: Side, name: str) -> None:
    side.be(lost=1)
    with pytest.raises(Unavailable):
        side.dispatcher.ask(asked(name))
    side.dispatcher.ask(asked(name))
    assert (len({event["id"] for event in running.builders.events.taken}), side.begun()) == (1, 1)


@pytest.mark.parametrize("name", ["events"])
def test_whoever_answers_410_wants_no_more(side: Side, name: str) -> None:
    side.be(gone=True)
    with pytest.raises(SwitchedOff):
        side.dispatcher.ask(asked(name))


@pytest.mark.parametrize("name", ["events"])
def test_what_the_standards_own_library_signs_is_believed_and_what_is_changed_is_not(
    running: Running, side: Side, name: str
) -> None:
    side.dispatcher.ask(asked(name))
    (event,) = running.builders.events.taken
    body = running.builders.events.answer(event, "built")
    signature = Webhook(events.ANSWER).sign("msg_1", now(), body.decode())
    headers = {
        "Webhook-Id": "msg_1",
        "Webhook-Timestamp": str(int(now().timestamp())),
        "Webhook-Signature": signature,
    }
    rebuild = event["data"]["rebuild"]
    assert read_answer(rebuild, (events.ANSWER,), headers, body, now()).end is End.BUILT
    for changed, moment in ((body.replace(b"built", b"faile"), now()), (body, now() + timedelta(minutes=6))):
        with pytest.raises(MalformedRequest) as refused:
            read_answer(rebuild, (events.ANSWER,), headers, changed, moment)
        assert refused.value.status == 401


def test_kinds_are_told_as_records_name_them(running: Running) -> None:
    assert {name: one.kind for name, one in running.dispatchers().items()} == {
        "events": BuilderKind.EVENTS,
        "github": BuilderKind.GITHUB,
        "pipelines": BuilderKind.PIPELINES,
    }

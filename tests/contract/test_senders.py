"""One suite for every sender, against receivers that refuse what the real services refuse.

A sender tells apart what its caller has to: taken, surely not taken, perhaps taken, and never.
"""

from __future__ import annotations

import email
import json
import logging
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from email.policy import default
from typing import Any

import pytest
from standardwebhooks import Webhook

from infra.local.receivers import mail, webhook
from shared.adapters import listening
from shared.adapters.notify.senders import DestinationSenders
from shared.call_ports import Call
from shared.domain.notices.outgoing import Outgoing
from shared.errors import NotFound, NotTaken, RateLimited, Refused, ServiceError, Unavailable
from shared.notify_settings import Service, destination_secrets, destinations_of
from tests.twin.receiver_fixtures import Receiving, receiving
from tests.unit.domain.notices.messages import DIGEST_OF, PAGE, hostile, largest, message

pytestmark = pytest.mark.contract

CHATS = ("slack", "teams", "webhook")
MAILS = ("mail", "mail-tls")
EVERY = (*CHATS, *MAILS)
NEWER = "whsec_bmV3ZXIgbmV3ZXIgbmV3ZXIgbmV3ZXIgbmV3ZXI="


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Receiving]:
    """The receivers, once for all tests."""
    with receiving(tmp_path_factory.mktemp("receivers")) as found:
        yield found


@pytest.fixture
def receivers(running: Receiving) -> Receiving:
    """The receivers as they are at the start."""
    running.forget()
    return running


def now() -> datetime:
    """The time."""
    return datetime.now(UTC)


def senders(receivers: Receiving, **changes: str) -> DestinationSenders:
    """The senders to the receivers, but for some settings."""
    return DestinationSenders(destinations_of({**receivers.settings, **changes}), now)


def front(name: str) -> str:
    """What a destination's receiver is called."""
    return "mail" if name in MAILS else name


def refusal(receivers: Receiving, name: str, told: Outgoing | None = None, **changes: str) -> ServiceError:
    """What a send is refused with."""
    with pytest.raises(ServiceError) as refused:
        senders(receivers, **changes).of(name).send(told or message())
    return refused.value


def text_of(name: str, body: str) -> str:
    """What people would read."""
    if name not in MAILS:
        return json.dumps(json.loads(body), ensure_ascii=False)
    parsed = email.message_from_string(body, policy=default)
    return f"{parsed['Subject']}\n{parsed.get_content()}"


@pytest.mark.parametrize("name", EVERY)
def test_a_message_arrives_and_is_shown_with_digest_and_page(receivers: Receiving, name: str) -> None:
    sent = senders(receivers).of(name).send(message())
    assert 200 <= sent.status < 300
    (kept,) = receivers.of(front(name))
    assert (kept.shown, kept.why) == (True, "")
    shown = text_of(name, kept.body)
    assert all(part in shown for part in ("prod-weu", "Approval needed: runtime 8", DIGEST_OF, PAGE))


@pytest.mark.parametrize("name", EVERY)
def test_the_largest_and_the_most_hostile_message_are_shown(receivers: Receiving, name: str) -> None:
    for told in (largest("promoted", again=True), hostile(), message(short=True)):
        senders(receivers).of(name).send(told)
    assert [kept.why for kept in receivers.of(front(name))] == ["", "", ""]
    ours = {f"{PAGE}|Open the page", f"{PAGE}|open"}
    assert {call for kept in receivers.of(front(name)) for call in kept.calls} <= ours


@pytest.mark.parametrize(
    ("status", "error"),
    [
        (400, Refused),
        (401, Refused),
        (403, Refused),
        (404, NotFound),
        (410, Refused),
        (413, Refused),
        (415, Refused),
        (302, Refused),
        (408, NotTaken),
        (425, NotTaken),
        (500, NotTaken),
        (503, NotTaken),
        (429, RateLimited),
        (502, Unavailable),
        (504, Unavailable),
    ],
)
@pytest.mark.parametrize("name", CHATS)
def test_each_status_is_told_apart_with_the_services_words(
    receivers: Receiving, name: str, status: int, error: type[ServiceError]
) -> None:
    headers = {"Retry-After": "30", "Location": receivers.topology.https("webhook") + webhook.PATH}
    receivers.play(front(name), "status", status=status, body="its own words", headers=headers)
    refused = refusal(receivers, name)
    assert type(refused) is error
    assert (refused.code, refused.retry_after) == (str(status), 30 if refused.temporary else None)
    assert "its own words" in str(refused)
    assert f"destination {name} (" in str(refused)
    assert receivers.of(front(name)) == []


@pytest.mark.parametrize("name", EVERY)
def test_an_answer_that_was_lost_is_not_clear(receivers: Receiving, name: str) -> None:
    kind = "message"
    receivers.play(front(name), "lose-answer", kind=kind)
    assert type(refusal(receivers, name)) is Unavailable
    assert len(receivers.of(front(name))) == 1


@pytest.mark.parametrize("name", EVERY)
def test_where_nobody_listens_nothing_was_sent(receivers: Receiving, name: str) -> None:
    setting = f"NOTIFY_{name.upper().replace('-', '_')}"
    port = receivers.topology.port(name.replace("-", "_"))
    dead = receivers.settings[setting].replace(f":{port}", f":{receivers.topology.port('host')}")
    assert type(refusal(receivers, name, **{setting: dead})) is NotTaken


@pytest.mark.parametrize("name", EVERY)
def test_a_server_that_cannot_prove_who_it_is_gets_nothing(
    receivers: Receiving, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", "/etc/ssl/certs/ca-certificates.crt")
    assert type(refusal(receivers, name)) is NotTaken
    assert receivers.of(front(name)) == []


def test_a_page_of_something_in_between_is_no_answer_of_slack_or_teams(receivers: Receiving) -> None:
    receivers.play("slack", "status", status=200, body="<html>please sign in</html>")
    assert type(refusal(receivers, "slack")) is Unavailable
    receivers.play("slack", "status", status=200, body='{"ok": false, "error": "not_authed"}')
    assert type(refusal(receivers, "slack")) is Refused
    page = {"Content-Type": "text/html"}
    receivers.play("teams", "status", status=200, body="<html>please sign in</html>", headers=page)
    assert type(refusal(receivers, "teams")) is Unavailable
    receivers.play("teams", "status", status=200, body="Webhook message delivery failed with error: 400")
    assert type(refusal(receivers, "teams")) is Refused


def test_an_event_is_signed_by_every_key_while_they_are_renewed(receivers: Receiving) -> None:
    address = receivers.settings["NOTIFY_WEBHOOK"].replace(" ", f" {NEWER} ")
    senders(receivers, NOTIFY_WEBHOOK=address).of("webhook").send(message())
    (kept,) = receivers.of("webhook")
    assert kept.shown
    for key in (webhook.SECRET, NEWER):
        assert Webhook(key).verify(kept.body, kept.headers)["id"] == kept.headers["webhook-id"] == "n-1"


def test_an_event_keeps_its_id_and_is_fresh_whenever_it_is_sent_again(receivers: Receiving) -> None:
    sender = senders(receivers).of("webhook")
    assert sender.takes_ids
    sender.send(message())
    sender.send(message(again=True))
    assert [kept.headers["webhook-id"] for kept in receivers.of("webhook")] == ["n-1", "n-1"]
    assert [json.loads(kept.body)["data"]["again"] for kept in receivers.of("webhook")] == [False, True]


def test_a_receiver_that_knows_another_key_is_told_apart(receivers: Receiving) -> None:
    address = receivers.settings["NOTIFY_WEBHOOK"].replace(webhook.SECRET, NEWER)
    refused = refusal(receivers, "webhook", NOTIFY_WEBHOOK=address)
    assert type(refused) is Refused
    assert "check the keys in NOTIFY_WEBHOOK" in str(refused)


MAIL_REPLIES = [
    ("AUTH", 535, Refused),
    ("AUTH", 454, NotTaken),
    ("MAIL", 452, NotTaken),
    ("MAIL", 550, Refused),
    ("RCPT", 550, None),
    ("RCPT", 450, NotTaken),
    ("DATA", 451, NotTaken),
    ("DATA", 554, Refused),
    ("message", 451, NotTaken),
    ("message", 552, Refused),
    ("connect", 421, NotTaken),
    ("EHLO", 421, NotTaken),
]


@pytest.mark.parametrize(("command", "code", "error"), MAIL_REPLIES)
def test_each_reply_of_a_mail_server_is_told_apart(
    receivers: Receiving, command: str, code: int, error: type[ServiceError] | None
) -> None:
    times = None if command == "AUTH" else 1
    receivers.play("mail", "status", kind=command, status=code, body="5.0.0 its own words", times=times)
    if error is None:
        sent = senders(receivers).of("mail-tls").send(message())
        assert "not to 1 of 2 people: 550 5.0.0 its own words" in sent.said
        assert receivers.of("mail")[0].headers["to"] == "security@example.net"
        return
    assert type(refusal(receivers, "mail-tls")) is error
    assert [kept for kept in receivers.of("mail") if kept.shown] == []


@pytest.mark.parametrize("command", ["connect", "EHLO", "AUTH", "MAIL", "RCPT", "DATA"])
def test_a_mail_server_that_hangs_up_before_the_mail_has_taken_nothing(receivers: Receiving, command: str) -> None:
    receivers.play("mail", "drop", kind=command)
    assert type(refusal(receivers, "mail")) is NotTaken
    assert receivers.of("mail") == []


def test_a_mail_has_an_id_that_stays_and_asks_for_no_answer(receivers: Receiving) -> None:
    senders(receivers).of("mail").send(message(title="Ünïcode " * 40))
    parsed = email.message_from_string(receivers.of("mail")[0].body, policy=default)
    assert parsed["Message-ID"] == "<n-1@example.net>"
    assert (parsed["Auto-Submitted"], parsed["To"]) == ("auto-generated", "platform@example.net, security@example.net")
    assert parsed["Subject"].startswith("[prod-weu] Ünïcode")
    assert set(parsed.keys()) <= {
        *("From", "To", "Subject", "Date", "Message-ID", "Auto-Submitted", "X-Auto-Response-Suppress"),
        *("Content-Type", "Content-Transfer-Encoding", "MIME-Version"),
    }


FAILURES = [("status", {"status": 400}), ("status", {"status": 503}), ("drop", {}), ("lose-answer", {})]


@pytest.mark.parametrize("name", EVERY)
@pytest.mark.parametrize(("action", "more"), FAILURES)
def test_no_secret_stands_in_what_a_failing_send_says_logs_or_tells(
    receivers: Receiving, name: str, action: str, more: dict[str, Any], caplog: pytest.LogCaptureFixture
) -> None:
    told: list[Call] = []
    before = list(listening._listeners)
    listening.listen(told.append)
    caplog.set_level(logging.DEBUG)
    secrets = destination_secrets(destinations_of(receivers.settings))
    said = " ".join(secrets)
    receivers.play(front(name), action, kind="" if name in CHATS else "MAIL", **{**more, "body": said})
    try:
        refused = refusal(receivers, name)
    finally:
        listening._listeners[:] = before
    assert refused.__cause__ is None
    whole = f"{refused} {refused.code} {caplog.text} {told}"
    assert [secret for secret in secrets if secret in whole] == []
    assert mail.PASSWORD not in whole
    assert "platform@example.net" not in whole


def test_whoever_answers_one_byte_at_a_time_holds_nobody_for_long(
    receivers: Receiving, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("shared.adapters.notify.posting._LONGEST", 1.0)
    monkeypatch.setattr("shared.adapters.notify.mail._LONGEST", 1.0)
    for name in ("slack", "mail"):
        receivers.play(front(name), "slow", kind="message", seconds=4)
        began = time.monotonic()
        assert type(refusal(receivers, name)) is Unavailable
        assert time.monotonic() - began < 3.5


def test_a_reference_to_a_vault_that_was_not_followed_is_refused_in_words(receivers: Receiving) -> None:
    found = senders(receivers, NOTIFY_OPS="@Microsoft.KeyVault(SecretUri=https://v.example/secrets/a)")
    assert found.names == ("mail", "mail-tls", "ops", "slack", "teams", "webhook")
    with pytest.raises(Refused, match="NOTIFY_OPS is a reference to a key vault that was not resolved"):
        found.of("ops").send(message())
    with pytest.raises(KeyError):
        found.of("nobody")


def apprise(receivers: Receiving, scheme: str) -> str:
    return (
        f"apprise:{scheme}://user:secret-of-many-letters@localhost:{receivers.topology.port('webhook')}{webhook.PATH}"
    )


def test_apprise_sends_over_tls_and_says_one_word(receivers: Receiving, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    receivers.play("webhook", "status", status=200)
    sent = senders(receivers, NOTIFY_OTHER=apprise(receivers, "jsons")).of("other").send(message())
    assert sent.said
    assert receivers.counts.snapshot() == {"webhook": {"message": 1}}
    receivers.play("webhook", "status", status=500)
    refused = refusal(receivers, "other", NOTIFY_OTHER=apprise(receivers, "jsons"))
    assert type(refused) is Unavailable
    assert "secret-of-many-letters" not in f"{refused} {caplog.text}"


def test_apprise_sends_nothing_without_tls_or_to_what_it_does_not_know(receivers: Receiving) -> None:
    assert "without TLS" in str(refusal(receivers, "other", NOTIFY_OTHER=apprise(receivers, "json")))
    assert "knows no such address" in str(refusal(receivers, "other", NOTIFY_OTHER="apprise:nonsense://a"))
    assert receivers.counts.snapshot() == {}


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_apprise_follows_no_redirect(receivers: Receiving, status: int) -> None:
    elsewhere = {"Location": receivers.topology.https("webhook") + webhook.PATH}
    receivers.play("webhook", "status", status=status, headers=elsewhere)
    assert type(refusal(receivers, "other", NOTIFY_OTHER=apprise(receivers, "jsons"))) is Unavailable
    assert receivers.counts.snapshot() == {"webhook": {"message": 1}}


def test_each_service_has_its_sender() -> None:
    assert {one.value for one in Service} == {*CHATS, "mail", "apprise", "unknown"}

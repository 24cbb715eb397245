"""The stand-ins for Slack, Teams, webhooks and mail refuse what the real services refuse, and keep what they get."""

from __future__ import annotations

import json
import smtplib
import ssl
from collections.abc import Iterator
from datetime import UTC, datetime
from email.message import EmailMessage
from typing import Any

import pytest
import requests
from standardwebhooks import Webhook

from infra.local.receivers import mail, slack, teams, webhook
from infra.local.receivers.cards import ADAPTIVE
from tests.twin.receiver_fixtures import Receiving, receiving

pytestmark = pytest.mark.twin


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


def post(receivers: Receiving, front: str, path: str, payload: Any, **headers: str) -> requests.Response:
    body = payload if isinstance(payload, str) else json.dumps(payload)
    headers = {"Content-Type": "application/json", **headers}
    return requests.post(receivers.topology.https(front) + path, data=body.encode(), headers=headers, timeout=10)


def section(text: str, kind: str = "mrkdwn") -> dict[str, Any]:
    return {"type": "section", "text": {"type": kind, "text": text}}


def test_slack_shows_text_and_blocks_and_says_whom_they_call(receivers: Receiving) -> None:
    answer = post(
        receivers, "slack", slack.PATH, {"text": "a <!channel>", "blocks": [section("<https://x.example|x>")]}
    )
    assert (answer.status_code, answer.text) == (200, "ok")
    assert receivers.of("slack")[0].calls == ("!channel", "https://x.example|x")


@pytest.mark.parametrize(
    ("payload", "said"),
    [
        ("{", "invalid_payload"),
        ([], "invalid_payload"),
        ({}, "no_text"),
        ({"blocks": [section("")]}, "invalid_blocks"),
        ({"blocks": [section("a" * 3001)]}, "invalid_blocks"),
        ({"blocks": [section("\U0001f600" * 1501)]}, "invalid_blocks"),
        ({"blocks": [{"type": "section"}]}, "invalid_blocks"),
        ({"blocks": [{"type": "section", "fields": [section("a")["text"]] * 11}]}, "invalid_blocks"),
        ({"blocks": [{"type": "header", "text": {"type": "mrkdwn", "text": "a"}}]}, "invalid_blocks"),
        ({"blocks": [{"type": "header", "text": {"type": "plain_text", "text": "a" * 151}}]}, "invalid_blocks"),
        ({"blocks": [{"type": "markdown", "text": "a"}]}, "invalid_blocks"),
        ({"blocks": [section("a")] * 51}, "invalid_blocks"),
        ({"blocks": {}}, "invalid_blocks_format"),
        ({"blocks": [section("a" * 2900)] * 5}, "msg_blocks_too_long"),
    ],
)
def test_slack_refuses_a_whole_message_for_one_block_that_is_wrong(
    receivers: Receiving, payload: Any, said: str
) -> None:
    answer = post(receivers, "slack", slack.PATH, payload)
    assert (answer.status_code, answer.text) == (400, said)
    assert [(one.shown, one.why) for one in receivers.of("slack")] == [(False, said)]


def test_slack_knows_no_other_address(receivers: Receiving) -> None:
    answer = post(receivers, "slack", "/services/T1/B1/other", {"text": "a"})
    assert (answer.status_code, answer.text) == (404, "no_service")


def card(*body: Any, version: str = "1.4", **more: Any) -> dict[str, Any]:
    content = {"type": "AdaptiveCard", "version": version, "body": list(body), **more}
    return {"type": "message", "attachments": [{"contentType": ADAPTIVE, "content": content}]}


def block(text: str) -> dict[str, Any]:
    return {"type": "TextBlock", "text": text}


def test_a_workflow_posts_a_card_and_its_text_blocks_are_markup(receivers: Receiving) -> None:
    run = {"type": "RichTextBlock", "inlines": [{"type": "TextRun", "text": "[b](https://b.example)"}]}
    assert post(receivers, "teams", teams.PATH, card(block("[a](https://a.example)"), run)).status_code == 202
    assert [(one.shown, one.calls) for one in receivers.of("teams")] == [(True, ("[a](https://a.example)",))]


@pytest.mark.parametrize(
    ("payload", "why"),
    [
        ({"text": "a"}, "must be a valid array"),
        ({"attachments": []}, "there is none"),
        ({"attachments": [{"contentType": "text/html", "content": {}}]}, "only attachments"),
        ({"attachments": [{"contentType": ADAPTIVE, "content": {"type": "MessageCard"}}]}, "must be 'AdaptiveCard'"),
        (card(block("a"), version="1.5"), "couldn't be displayed"),
        (card({"type": "Table"}), "unknown element"),
        (card({"type": "TextBlock"}), "Required property 'text'"),
        (card(actions=[{"type": "Action.OpenUrl", "title": "a", "url": "/here"}]), "absolute address"),
        (card(block("a" * 28_672)), "MessageSizeExceeded"),
        (card(*[block('"')] * 700), "MessageSizeExceeded"),
    ],
)
def test_a_workflow_says_that_it_began_and_shows_nothing_of_what_it_cannot_post(
    receivers: Receiving, payload: Any, why: str
) -> None:
    assert post(receivers, "teams", teams.PATH, payload).status_code == 202
    (kept,) = receivers.of("teams")
    assert not kept.shown
    assert why in kept.why


def test_the_size_of_a_card_is_counted_after_it_was_expanded() -> None:
    payload = card(*[block('"')] * 700)
    assert len(json.dumps(payload)) < 28_672 < teams.expanded(payload["attachments"][0]["content"])


@pytest.mark.parametrize(
    ("path", "status"),
    [
        (teams.PATH.replace(teams.SIGNATURE, "other"), 401),
        (teams.PATH.replace("%2F", "/"), 401),
        (teams.PATH.replace(teams.WORKFLOW, "f" * 32), 404),
    ],
)
def test_an_address_of_a_workflow_counts_as_it_was_given(receivers: Receiving, path: str, status: int) -> None:
    assert post(receivers, "teams", path, card(block("a"))).status_code == status
    assert receivers.of("teams") == []


def signed(body: str, *, event: str = "one", secret: str = webhook.SECRET, seconds: int = 0) -> dict[str, str]:
    at = datetime.fromtimestamp(datetime.now(UTC).timestamp() - seconds, UTC)
    return {
        "Content-Type": "application/cloudevents+json",
        "webhook-id": event,
        "webhook-timestamp": str(int(at.timestamp())),
        "webhook-signature": Webhook(secret).sign(event, at, body),
    }


EVENT = json.dumps({"specversion": "1.0", "id": "one", "source": "/s", "type": "t"})
OTHER = "whsec_b3RoZXIgb3RoZXIgb3RoZXIgb3RoZXIgb3RoZXI="


# Signed when it is sent: collecting all tests and coming to these takes longer than a signature is believed.
@pytest.mark.parametrize(
    ("body", "said", "headers", "status"),
    [
        (EVENT, {}, {}, 204),
        (EVENT, {"secret": OTHER}, {}, 401),
        (EVENT, {"seconds": 600}, {}, 401),
        (EVENT, {}, {"webhook-id": "two"}, 401),
        (EVENT, {"event": "two"}, {}, 400),
        (EVENT, {}, {"Content-Type": "application/json"}, 415),
        ("{}", {}, {}, 400),
        ("{", {}, {}, 400),
        (" " * 20481, {}, {}, 413),
    ],
)
def test_a_receiver_believes_only_what_is_signed_fresh_and_an_event(
    receivers: Receiving, body: str, said: dict[str, Any], headers: dict[str, str], status: int
) -> None:
    sent = signed(body, **said) | headers
    assert post(receivers, "webhook", webhook.PATH, body, **sent).status_code == status
    assert [one.shown for one in receivers.of("webhook")] == [status == 204]


def client(receivers: Receiving, *, tls: bool, known: bool = True) -> smtplib.SMTP:
    context = ssl.create_default_context(cafile=str(receivers.topology.ca_bundle))
    if tls:
        found: smtplib.SMTP = smtplib.SMTP_SSL(
            "localhost", receivers.topology.port("mail_tls"), context=context, timeout=10
        )
    else:
        found = smtplib.SMTP("localhost", receivers.topology.port("mail"), timeout=10)
        found.starttls(context=context)
    if known:
        found.login(mail.USER, mail.PASSWORD)
    return found


def letter(text: str = "a") -> EmailMessage:
    message = EmailMessage()
    message["From"], message["To"], message["Subject"] = "a@example.net", "b@example.net", "s"
    message.set_content(text)
    return message


@pytest.mark.parametrize("tls", [False, True])
def test_mail_is_taken_over_tls_from_who_says_who_it_is(receivers: Receiving, tls: bool) -> None:
    with client(receivers, tls=tls) as smtp:
        smtp.send_message(letter("hello\n.\nthere"))
    (kept,) = receivers.of("mail")
    assert (kept.shown, kept.headers) == (True, {"from": "a@example.net", "to": "b@example.net"})
    assert "hello\r\n.\r\nthere" in kept.body


def test_mail_is_refused_without_tls_without_a_login_and_with_a_wrong_one(receivers: Receiving) -> None:
    with smtplib.SMTP("localhost", receivers.topology.port("mail"), timeout=10) as smtp:
        smtp.ehlo()
        assert not smtp.has_extn("auth")
        assert smtp.docmd("AUTH", "PLAIN AGEAYg==")[0] == 530
    with client(receivers, tls=True, known=False) as smtp:
        assert smtp.mail("a@example.net")[0] == 530
        with pytest.raises(smtplib.SMTPAuthenticationError):
            smtp.login(mail.USER, "wrong")
    assert receivers.of("mail") == []


def test_lines_that_are_too_long_are_refused(receivers: Receiving) -> None:
    with client(receivers, tls=True) as smtp, pytest.raises(smtplib.SMTPDataError, match="998"):
        smtp.sendmail("a@example.net", ["b@example.net"], b"Subject: s\r\n\r\n" + b"a" * 999)
    assert [one.shown for one in receivers.of("mail")] == [False]


def test_each_command_can_be_answered_otherwise_on_demand(receivers: Receiving) -> None:
    receivers.play("mail", "status", kind="RCPT", status=550, body="5.1.1 User unknown")
    with client(receivers, tls=True) as smtp, pytest.raises(smtplib.SMTPRecipientsRefused, match="User unknown"):
        smtp.send_message(letter())
    receivers.play("mail", "lose-answer", kind="message")
    with pytest.raises(smtplib.SMTPServerDisconnected), client(receivers, tls=True) as smtp:
        smtp.send_message(letter())
    assert len(receivers.of("mail")) == 1


def test_any_answer_can_be_had_on_demand(receivers: Receiving) -> None:
    for front, path in (("slack", slack.PATH), ("teams", teams.PATH), ("webhook", webhook.PATH)):
        receivers.play(front, "status", status=429, headers={"Retry-After": "30"})
        answer = post(receivers, front, path, {"text": "a"})
        assert (answer.status_code, answer.headers["Retry-After"]) == (429, "30")
        assert receivers.of(front) == []

"""Names that would be a header, a mention or a date where notices are read, and receivers that answer to be logged."""

from __future__ import annotations

import email
import logging
import socket
from datetime import UTC, datetime
from email.policy import default

import msgspec
import pytest

from shared.adapters.notify.mail import MailSender
from shared.adapters.notify.posting import post
from shared.domain.notices.outgoing import Line, Outgoing
from shared.domain.notices.rendering_teams import teams_payload
from shared.domain.notices.rendering_text import short_letter
from shared.notify_settings import Destination, Service
from tests.attacks.hostile import Hostile
from tests.unit.domain.notices.messages import message

pytestmark = pytest.mark.unit

BOX = Destination("team", Service.MAIL, "smtps://u:p@mail.example?from=a@b.example&to=c@d.example", (), "NOTIFY_TEAM")
BREAKS = "=0D=0A"
ENCODED = (
    f"=?utf-8?q?hidden{BREAKS}Bcc:_evil@x.example?=",
    f"=?utf-8?q?{BREAKS}{BREAKS}another_text?=",
    f"=?unknown-8bit?q?{BREAKS}Bcc:_evil@x.example?=",
    f"node=?utf-8?q?{BREAKS}X-Evil:_1?=",
    "a" * 150 + "=?utf-8?b?DQpCY2M6IGV2aWxAeC5leGFtcGxl?=",
    "=?iso-2022-jp?b?DQpCY2M6IGV2aWxAeC5leGFtcGxl?= =?utf-8?q?=E2=80=AEgnp?=",
)
SECRET = "B0123456789abcdefSECRET"


def written(title: str) -> bytes:
    """The mail of a message with a title."""
    told: Outgoing = msgspec.structs.replace(message(), title=title, installation="")
    sender = MailSender(BOX, lambda: pytest.fail("nothing is sent"), lambda: datetime.now(UTC))
    return sender._written(told)


@pytest.mark.parametrize("title", ENCODED)
def test_a_title_that_headers_would_decode_is_no_header_and_no_other_text(title: str) -> None:
    mail = email.message_from_bytes(written(title), policy=default)
    usual = email.message_from_bytes(written("node"), policy=default)
    assert sorted(mail.keys()) == sorted(usual.keys())
    assert mail["Subject"].replace("\u2060", "") == title
    assert mail.get_content().splitlines()[0] == usual.get_content().splitlines()[0]


@pytest.mark.parametrize("text", ["{{DATE(1,SHORT)}}", "{{{DATE(1,SHORT)}}", "{{{{TIME(1)}}}}", "<AT>all</At>"])
def test_nothing_in_a_text_is_a_date_or_a_mention_of_teams(text: str) -> None:
    payload = teams_payload(msgspec.structs.replace(message(), title=text))
    shown = msgspec.json.encode(payload["attachments"][0]["content"]["body"]).decode().lower()
    assert not any(markup in shown for markup in ("{{", "<at", "</at"))


@pytest.mark.parametrize(
    "text",
    ["@everyone", "@Here now", "<@U024BE7LH>", "<!channel>", "<@&1234>", "[fix](https://evil.example)", "<b>x</b>"],
)
def test_nothing_in_a_text_calls_anybody_at_a_service_of_which_nothing_is_known(text: str) -> None:
    letter = short_letter(msgspec.structs.replace(message(), title=text, lines=(Line("What", text),)))
    shown = f"{letter.title}\n{letter.text}".lower()
    assert not any(call in shown for call in ("@everyone", "@here", "<@", "<!", "](", "<b"))
    assert "node@sha256:1" in short_letter(msgspec.structs.replace(message(), title="node@sha256:1")).title


@pytest.mark.parametrize(
    "headers",
    [
        b"Content-Length: 2\r\nno header\r\nX: y",
        b": nameless\r\nContent-Length: 2",
        b"Content-Length: 2\r\nTransfer-Encoding: chunked",
        b"Content-Length: 2\r\nLocation: https://\xff.example/",
    ],
)
def test_no_receiver_has_its_secret_address_logged_by_how_it_answers(
    caplog: pytest.LogCaptureFixture, headers: bytes
) -> None:
    def answer(connection: socket.socket, _: str) -> None:
        connection.sendall(b"HTTP/1.1 200 OK\r\nConnection: close\r\n" + headers + b"\r\n\r\nok")
        connection.close()

    receiver = Hostile(answer)
    with caplog.at_level(logging.DEBUG):
        post("destination team", f"{receiver.url}/services/{SECRET}?sig={SECRET}", {}, b"")
    receiver.close()
    assert receiver.asked
    assert SECRET not in caplog.text

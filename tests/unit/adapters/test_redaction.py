"""What other systems say is shown without what they should not have said."""

from __future__ import annotations

import base64
import json
from urllib.parse import quote

import pytest

from shared.adapters import redaction
from shared.adapters.redaction import hide, redacted

pytestmark = pytest.mark.unit


@pytest.mark.parametrize(
    "text",
    [
        "GET https://account.blob.core.windows.net/logs/ca1?sv=2024&sig=S3CRET failed",
        "Max retries exceeded with url: /source/x.tar.gz?sp=w&sig=S3CRET (Caused by …)",
        "https://user:S3CRET@registry.example/v2/",
        "Authorization: Bearer S3CRETS3CRET",
        "authorization: Basic dXNlcjpTM0NSRVQ=S3CRET",
        '{"access_token": "S3CRET"}',
        "password=S3CRET;",
        "AccountKey=S3CRET==;",
        "the token eyJhbGciOi.S3CRET.S3CRET is not valid",
    ],
)
def test_nothing_secret_is_left(text: str) -> None:
    assert "S3CRET" not in redacted(text)


@pytest.mark.parametrize(
    "text",
    [
        "The tag base/node:22-alpine@sha256:0a1b is locked",
        "Token request error: (invalid_client) no such application",
        "An error occurred when getting manifest. StatusCode: 429, Reason: Too Many Requests",
        "why? nobody knows",
    ],
)
def test_what_is_not_secret_stays(text: str) -> None:
    assert redacted(text) == text


def test_what_is_shown_is_one_line_of_at_most_400_characters() -> None:
    assert redacted("a\n b\t c") == "a b c"
    assert len(redacted("x" * 1000)) == 400


SECRET = 'p, w"ö /9'


@pytest.mark.parametrize(
    "text",
    [
        f"bare {SECRET} among words",
        json.dumps({"x": SECRET}),
        json.dumps(json.dumps({"x": SECRET})),
        f"x={quote(SECRET)}",
        f"x={quote(SECRET, safe='')}",
        base64.b64encode(SECRET.encode()).decode(),
    ],
)
def test_a_secret_of_the_settings_is_blanked_wherever_it_stands(text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(redaction, "_hidden", [])
    assert "…" not in redacted(text)
    hide([SECRET, "", "short"])
    assert "…" in redacted(text)
    assert "9" not in redacted(text)
    assert redacted("a short word") == "a short word"


def test_what_others_say_does_nothing_to_a_terminal_that_shows_a_log() -> None:
    said = "no\x1b]8;;https://evil.example\x1b\\ \u202enoitpecxe\x00\r\nsecond\x9b2K \ud800"
    shown = "no\\x1b]8;;https://evil.example\\x1b\\ \\u202enoitpecxe\\x00 second\\x9b2K \\ud800"
    assert redacted(said) == shown
    assert len(redacted("\u202e" * 10_000)) == 400

"""Messages as large and as hostile as they can be, of every kind."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from hypothesis import strategies as st

from shared.domain.notices.kinds import KINDS, Severity
from shared.domain.notices.outgoing import DIGEST, Item, Line, Outgoing

AT = datetime(2026, 11, 28, 4, 5, 6, tzinfo=UTC)
DIGEST_OF = f"sha256:{'a' * 64}"
PAGE = "https://tidegate.example.net/api/pages/targets/dotnet%2Fruntime%3A8.0"
NAME = "n" * 255
HOSTILE = (
    "<!channel> <@U123|you> <https://evil.example|here> *bold* _slanted_ ~struck~ `code` :fire: > quoted & "
    "<at>you</at> [here](https://evil.example) {{DATE(2026-01-01T00:00:00Z)}} <script>alert(1)</script>"
    "\r\nBcc: c@example.net\r\n.\r\n"
    "\u202egnp.exe \u200b\x00\x1b[31m \ud83d \U0001f600"
)


def message(**changes: Any) -> Outgoing:
    """A message of one notice."""
    facts = {"id": "n-1", "kind": "approval-needed", "severity": Severity.ACTION, "title": "Approval needed: runtime 8"}
    lines = (Line("Digest", DIGEST_OF), Line("Passed", "test, scan"))
    return Outgoing(**{**facts, "at": AT, "lines": lines, "link": PAGE, "installation": "prod-weu", **changes})


def largest(kind: str, **changes: Any) -> Outgoing:
    """A message of a kind with 500 findings, names of 255 characters, and as many notices."""
    severity = KINDS[kind].severity if kind in KINDS else Severity.CRITICAL
    findings = ", ".join(f"CVE-2026-{number:05} in {NAME} 1.2.3" for number in range(500))
    items = tuple(Item(f"{NAME}:{NAME} {number}", findings, PAGE, kind, NAME) for number in range(500))
    lines = (Line("Digest", DIGEST_OF), *(Line(f"Finding {number}", f"{NAME} {number}") for number in range(500)))
    more = {"lines": lines, "items": items, "cause": NAME, "image": NAME, "target": NAME, "digest": DIGEST_OF}
    return message(kind=kind, severity=severity, title=f"{kind}: {NAME}", **{**more, **changes})


def hostile(text: str = HOSTILE, **changes: Any) -> Outgoing:
    """A message in which everything that can be a stranger's is."""
    told = {"title": text, "lines": (Line("Label", text),), "items": (Item(text, text, text, "promoted", text),)}
    return message(**{**told, "cause": text, "image": text, "target": text, **changes})


EVERY_KIND = (*KINDS, DIGEST)
texts = st.text(st.characters(), max_size=4000) | st.text(
    "<>&*_~`:@[](){}!|/\r\n.\ud83d\u202e\U0001f600e", max_size=800
)
messages = st.builds(
    lambda text, other, times, again, short: hostile(
        text,
        lines=(Line(other, text),) * times,
        items=(Item(text, other, PAGE, "promoted", other),) * times,
        again=again,
        short=short,
    ),
    texts,
    texts,
    st.integers(0, 20),
    st.booleans(),
    st.booleans(),
)

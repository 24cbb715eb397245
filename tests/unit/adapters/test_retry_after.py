"""How long a service asks to wait, in every form it may say so."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.adapters.retry_after import retry_after

pytestmark = pytest.mark.unit
NOW = 1_800_000_000.0


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({"Retry-After": "120"}, 120),
        ({"retry-after": " 1.5 "}, 1.5),
        ({"Retry-After": "0"}, 0),
        ({"Retry-After": "Fri, 15 Jan 2027 08:01:00 GMT"}, 60),
        ({"Retry-After": "Fri, 15 Jan 2027 07:00:00 GMT"}, 0),
        ({"X-Retry-After": "1800000030"}, 30),
        ({"X-Retry-After": "30"}, 30),
        ({"Retry-After": "1800000030"}, 30),
        ({"Retry-After": "1800000030.5"}, 30.5),
        ({"Retry-After": "1800000030000"}, 30),
        ({"Retry-After": "1800000030000000"}, 30),
        ({"Retry-After": "1800000030000000000"}, 30),
        ({"Retry-After": "1746136938"}, 0),
        ({"Retry-After": "2027-01-15T08:01:00Z"}, 60),
        ({"Retry-After": "2027-01-15 08:01:00"}, 60),
        ({"Retry-After": "4102444800"}, 86_400),
        ({"X-Retry-After": "1700000000"}, 0),
        ({"ratelimit-limit": "100;w=21600", "ratelimit-remaining": "0;w=21600"}, 216),
        ({"RateLimit-Limit": "100;w=21600", "Retry-After": "7"}, 7),
        ({"Retry-After": "99999999"}, 86_400),
    ],
)
def test_every_form_is_understood(headers: dict[str, str], seconds: float) -> None:
    assert retry_after(headers, NOW) == seconds


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Retry-After": ""},
        {"Retry-After": "soon"},
        {"Retry-After": "Fri, 15 Jan 99999999999999999999 08:01:00 GMT"},
        {"Retry-After": "-5"},
        {"Retry-After": "nan"},
        {"Retry-After": "9" * 400},
        {"ratelimit-limit": "0;w=21600"},
        {"ratelimit-limit": "100"},
    ],
)
def test_what_cannot_be_read_says_nothing(headers: dict[str, str]) -> None:
    assert retry_after(headers, NOW) is None


@given(st.text(), st.text(), st.text())
def test_no_header_breaks_it_or_asks_for_more_than_a_day(retry: str, moment: str, limit: str) -> None:
    seconds = retry_after({"Retry-After": retry, "X-Retry-After": moment, "ratelimit-limit": limit}, NOW)
    assert seconds is None or 0 <= seconds <= 86_400

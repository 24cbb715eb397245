"""What upstreams say of their limits, in every form they say it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from requests.structures import CaseInsensitiveDict

from shared.adapters.upstream.rate_limits import learned_from
from shared.domain.watching.budget import Learned

pytestmark = pytest.mark.unit
NOW = 1_800_000_000.0
SIX_HOURS, MINUTE = timedelta(hours=6), timedelta(minutes=1)


def learned(status: int, headers: Mapping[str, str]) -> Learned | None:
    """Return what an answer with these headers says."""
    return learned_from(status, CaseInsensitiveDict(headers), NOW)


@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        (
            {"ratelimit-limit": "100;w=21600", "ratelimit-remaining": "76;w=21600"},
            Learned(limit=100, remaining=76, window=SIX_HOURS),
        ),
        (
            {"RateLimit-Limit": "100", "RateLimit-Remaining": "0", "RateLimit-Reset": "60"},
            Learned(limit=100, remaining=0, window=MINUTE),
        ),
        (
            {"X-RateLimit-Limit": "180", "X-RateLimit-Remaining": "179", "X-RateLimit-Reset": "1800000060"},
            Learned(limit=180, remaining=179, window=MINUTE),
        ),
        (
            {"X-RateLimit-Limit": "180", "X-RateLimit-Remaining": "1", "X-RateLimit-Reset": "1700000000"},
            Learned(limit=180, remaining=1, window=timedelta(seconds=1)),
        ),
        ({"X-RateLimit-Limit": "60, 60;w=60", "X-RateLimit-Remaining": "59"}, Learned(limit=60, remaining=59)),
    ],
)
def test_a_limit_is_learned_from_any_answer(headers: dict[str, str], expected: Learned) -> None:
    assert learned(200, headers) == expected


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"ratelimit-limit": "100;w=21600"},
        {"ratelimit-remaining": "100"},
        {"ratelimit-limit": "0", "ratelimit-remaining": "0"},
        {"ratelimit-limit": "many", "ratelimit-remaining": "few"},
        {"ratelimit-limit": "-1", "ratelimit-remaining": "-1"},
        {"Retry-After": "5"},
    ],
)
def test_an_answer_that_says_nothing_of_limits_teaches_nothing(headers: dict[str, str]) -> None:
    assert learned(200, headers) is None


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({"Retry-After": "17"}, 17),
        ({"Retry-After": "Fri, 15 Jan 2027 08:01:00 GMT"}, 60),
        ({"X-Retry-After": "1800000030"}, 30),
        ({"X-RateLimit-Limit": "180", "X-RateLimit-Remaining": "0", "X-RateLimit-Reset": "1800000045"}, 45),
        ({"ratelimit-limit": "100;w=21600", "ratelimit-remaining": "0;w=21600"}, 216),
        ({}, 60),
        ({"Retry-After": "soon"}, 60),
    ],
)
def test_a_429_locks_out_for_as_long_as_it_says_or_else_for_a_minute(headers: dict[str, str], seconds: int) -> None:
    answer = learned(429, headers)
    assert answer is not None
    assert answer.locked_for == timedelta(seconds=seconds)


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [({"Retry-After": "120"}, 120), ({"Retry-After": "Fri, 15 Jan 2027 08:01:00 GMT"}, 60), ({"Retry-After": "0"}, 0)],
)
def test_a_service_that_says_how_long_it_is_away_is_left_alone_for_so_long(
    headers: dict[str, str], seconds: int
) -> None:
    assert learned(503, headers) == Learned(locked_for=timedelta(seconds=seconds))


@pytest.mark.parametrize("headers", [{}, {"Retry-After": "soon"}, {"ratelimit-limit": "100;w=21600"}])
def test_a_503_that_does_not_say_for_how_long_locks_nobody_out(headers: dict[str, str]) -> None:
    assert learned(503, headers) is None


def test_a_429_still_tells_the_limit() -> None:
    headers = {"X-RateLimit-Limit": "180", "X-RateLimit-Remaining": "0", "X-Retry-After": "1800000045"}
    assert learned(429, headers) == Learned(180, 0, None, timedelta(seconds=45))


@given(st.integers(100, 599), st.text(), st.text(), st.text())
def test_no_header_breaks_it(status: int, limit: str, remaining: str, reset: str) -> None:
    answer = learned(
        status, {"x-ratelimit-limit": limit, "x-ratelimit-remaining": remaining, "x-ratelimit-reset": reset}
    )
    assert answer is None or answer.locked_for is None or answer.locked_for >= timedelta(0)

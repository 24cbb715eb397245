"""How long a service asks its callers to wait, in every form the services used here say it.

Retry-After: https://www.rfc-editor.org/rfc/rfc9110#section-10.2.3
Docker Hub's limits: https://docs.docker.com/docker-hub/usage/pulls/
"""

from __future__ import annotations

import re
import time
from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

# What is asked for beyond a day is taken for a day: no service used here has a longer window.
_LONGEST = 86_400.0
_NUMBER = re.compile(r"\d{1,19}(?:\.\d{1,9})?")
# A number from here on is no wait but a moment, as Unix time: https://github.com/docker/hub-feedback/issues/2459
_EARLIEST_MOMENT, _LATEST_MOMENT = 1e9, 1e11
_WINDOW = re.compile(r"(?P<limit>[1-9]\d{0,8});w=(?P<seconds>\d{1,9})")


def retry_after(headers: Mapping[str, str], now: float | None = None) -> float | None:
    """Read how long to wait from the headers of a refusal.

    Args:
        headers: names in any case. Known are ``Retry-After`` in seconds or as a date, ``X-Retry-After`` as the Unix
            time at which to come back, and Docker Hub's ``ratelimit-limit``, such as ``100;w=21600``. Either of the
            first two is read as what it makes sense as: seconds, or a moment in one of the ways moments are written.
        now: Unix time; the present one if left out.

    Returns:
        Seconds, from 0 to a day; ``None`` if the headers say nothing that can be read. Where only a limit per window
        is known it is the time after which an even use of the window allows one more request.
    """
    given = {name.lower(): value.strip() for name, value in headers.items()}
    moment = time.time() if now is None else now
    for seconds in (
        _wait(given.get("retry-after", ""), moment),
        _wait(given.get("x-retry-after", ""), moment),
        _share(given.get("ratelimit-limit", "")),
    ):
        if seconds is not None:
            return min(max(seconds, 0.0), _LONGEST)
    return None


def _wait(text: str, now: float) -> float | None:
    if not _NUMBER.fullmatch(text):
        moment = _date(text)
        return None if moment is None else moment - now
    number = float(text)
    return number if number < _EARLIEST_MOMENT else _unix(number) - now


def _unix(number: float) -> float:
    """Unix time is also told in thousandths, millionths and billionths of a second."""
    while number > _LATEST_MOMENT:
        number /= 1000
    return number


def _date(text: str) -> float | None:
    for read in (parsedate_to_datetime, datetime.fromisoformat):
        try:
            date = read(text)
            return (date if date.tzinfo else date.replace(tzinfo=UTC)).timestamp()
        except (ValueError, OverflowError):
            continue
    return None


def _share(text: str) -> float | None:
    window = _WINDOW.fullmatch(text)
    return int(window["seconds"]) / int(window["limit"]) if window else None

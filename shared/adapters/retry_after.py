"""How long a service asks its callers to wait, in every form the services used here say it.

Retry-After: https://www.rfc-editor.org/rfc/rfc9110#section-10.2.3
Docker Hub's limits: https://docs.docker.com/docker-hub/usage/pulls/
"""

from __future__ import annotations

import re
import time
from collections.abc import Mapping
from datetime import UTC
from email.utils import parsedate_to_datetime

# What is asked for beyond a day is taken for a day: no service used here has a longer window.
_LONGEST = 86_400.0
_NUMBER = re.compile(r"\d{1,12}(?:\.\d{1,6})?")
_WINDOW = re.compile(r"(?P<limit>[1-9]\d{0,8});w=(?P<seconds>\d{1,9})")


def retry_after(headers: Mapping[str, str], now: float | None = None) -> float | None:
    """Read how long to wait from the headers of a refusal.

    Args:
        headers: names in any case. Known are ``Retry-After`` in seconds or as a date, ``X-Retry-After`` as the Unix
            time at which to come back, and Docker Hub's ``ratelimit-limit``, such as ``100;w=21600``.
        now: Unix time; the present one if left out.

    Returns:
        Seconds, from 0 to a day; ``None`` if the headers say nothing that can be read. Where only a limit per window
        is known it is the time after which an even use of the window allows one more request.
    """
    given = {name.lower(): value.strip() for name, value in headers.items()}
    moment = time.time() if now is None else now
    for seconds in (
        _number(given.get("retry-after", "")),
        _until(_date(given.get("retry-after", "")), moment),
        _until(_number(given.get("x-retry-after", "")), moment),
        _share(given.get("ratelimit-limit", "")),
    ):
        if seconds is not None:
            return min(max(seconds, 0.0), _LONGEST)
    return None


def _number(text: str) -> float | None:
    return float(text) if _NUMBER.fullmatch(text) else None


def _date(text: str) -> float | None:
    try:
        date = parsedate_to_datetime(text)
    except (ValueError, OverflowError):
        return None
    return (date if date.tzinfo else date.replace(tzinfo=UTC)).timestamp()


def _until(moment: float | None, now: float) -> float | None:
    return None if moment is None else moment - now


def _share(text: str) -> float | None:
    window = _WINDOW.fullmatch(text)
    return int(window["seconds"]) / int(window["limit"]) if window else None

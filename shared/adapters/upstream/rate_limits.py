"""What an answer says of its upstream's limits, in every form the services used here say it.

Docker Hub's registry: https://docs.docker.com/docker-hub/usage/pulls/ (``ratelimit-limit: 100;w=21600``)
Docker Hub's API: https://docs.docker.com/reference/api/hub/latest/#tag/rate-limiting (``X-RateLimit-*``)
A 503's ``Retry-After`` is how long the whole service is expected to be away, not one question:
https://www.rfc-editor.org/rfc/rfc9110#section-10.2.3
"""

from __future__ import annotations

import re
import time
from collections.abc import Mapping
from datetime import timedelta

from shared.adapters.retry_after import retry_after
from shared.domain.watching.budget import Learned

# How long an upstream is left alone that says 429 and not for how long.
_UNTOLD_SECONDS = 60.0
_LONGEST_SECONDS = 86_400.0
_COUNT = re.compile(r"(?P<count>\d{1,9})(?:;w=(?P<seconds>\d{1,6}))?(?:[,;].*)?")
# A reset is told as the Unix time at which it happens, or as the seconds until then; the two cannot be confused.
_EARLIEST_TIME = 1_000_000_000
_PREFIXES = ("ratelimit", "x-ratelimit")
_SAY_WHEN = ("retry-after", "x-retry-after")


def learned_from(status: int, headers: Mapping[str, str], now: float | None = None) -> Learned | None:
    """Read what an answer says of the limits.

    Args:
        status: the HTTP status; 429 locks us out whether the answer says for how long or not, 503 only if it does.
        headers: of the answer, by their names in lower case, or to be looked up in any case.
        now: Unix time; the present one if left out.

    Returns:
        What was said, or ``None`` if nothing was.
    """
    moment = time.time() if now is None else now
    learned = next(filter(None, (_counts(headers, prefix, moment) for prefix in _PREFIXES)), None)
    if status != 429 and not (status == 503 and _says_when(headers, moment)):
        return learned
    wait = retry_after(headers, moment)
    if wait is None and learned is not None and learned.window is not None:
        wait = learned.window.total_seconds()
    pause = timedelta(seconds=_UNTOLD_SECONDS if wait is None else wait)
    if learned is None:
        return Learned(locked_for=pause)
    return Learned(learned.limit, learned.remaining, learned.window, pause)


def _says_when(headers: Mapping[str, str], now: float) -> bool:
    return retry_after({name: headers.get(name, "") for name in _SAY_WHEN}, now) is not None


def _counts(headers: Mapping[str, str], prefix: str, now: float) -> Learned | None:
    said = headers.get(f"{prefix}-limit", "")
    if not said:
        return None
    limit = _COUNT.fullmatch(said.strip())
    remaining = _COUNT.fullmatch(headers.get(f"{prefix}-remaining", "").strip())
    if limit is None or remaining is None or not int(limit["count"]):
        return None
    told = limit["seconds"] or remaining["seconds"]
    seconds = float(told) if told else _until_reset(headers.get(f"{prefix}-reset", ""), now)
    window = None if seconds is None else timedelta(seconds=min(seconds, _LONGEST_SECONDS))
    return Learned(int(limit["count"]), int(remaining["count"]), window)


def _until_reset(text: str, now: float) -> float | None:
    if not re.fullmatch(r"\d{1,12}", text.strip()):
        return None
    reset = float(text)
    return max(reset - now, 1.0) if reset > _EARLIEST_TIME else reset

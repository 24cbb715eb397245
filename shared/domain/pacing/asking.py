"""Which bucket a request to Azure Resource Manager counts against, and what an answer says of it.

https://learn.microsoft.com/azure/azure-resource-manager/management/request-limits-and-throttling
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import timedelta

import msgspec

from shared.domain.pacing.bucket import Kind

_KINDS = {"GET": Kind.READS, "HEAD": Kind.READS, "DELETE": Kind.DELETES}
_SUBSCRIPTION = re.compile(r"/subscriptions/(?P<subscription>[^/]+)(?P<rest>/.*)?", re.IGNORECASE)
_PROVIDER = re.compile(r".*/providers/[^/]+/(?P<place>.*)", re.IGNORECASE)
_LEFT = re.compile(
    r"x-ms-ratelimit-remaining-(?:subscription|tenant)-(?:(?:global-)?(?P<kind>reads|writes|deletes)|resource-requests)"
)
_NUMBER = re.compile(r"\d{1,9}")


class Asked(msgspec.Struct, frozen=True):
    """A request, as far as limits are about it.

    Attributes:
        subscription: in lower case.
        kind: the bucket that it counts against.
        operation: the method, and the types of what it is about, such as ``POST registries/importImage``.
    """

    subscription: str
    kind: Kind
    operation: str


class Answered(msgspec.Struct, frozen=True):
    """What an answer says of limits.

    Attributes:
        left: requests left, the fewest of all that it says; ``None`` if it says nothing.
        wait: how long to keep away, of a 429.
        whole: whether a 429 is about the bucket, and not about one operation of a resource provider.
    """

    left: int | None = None
    wait: timedelta | None = None
    whole: bool = True


NOTHING = Answered()


def asked(method: str, path: str) -> Asked | None:
    """Return which bucket a request counts against; ``None`` for one that is about no subscription.

    Args:
        method: of HTTP.
        path: of the address.
    """
    found = _SUBSCRIPTION.match(path)
    if found is None:
        return None
    provider = _PROVIDER.fullmatch(found["rest"] or "")
    types = "/".join((provider["place"] if provider else "").split("/")[::2])
    return Asked(found["subscription"].lower(), _KINDS.get(method, Kind.WRITES), f"{method} {types}")


def left(kind: Kind, headers: Mapping[str, str]) -> int | None:
    """Return how many requests of a kind are left, the fewest of all limits that an answer names; ``None`` if none.

    Args:
        kind: of the request.
        headers: of its answer. A resource provider that has a limit of its own names that instead.
    """
    said = ((_LEFT.fullmatch(name.lower()), text.strip()) for name, text in headers.items())
    fitting = (text for name, text in said if name is not None and name["kind"] in {None, kind.value})
    return min((int(text) for text in fitting if _NUMBER.fullmatch(text)), default=None)

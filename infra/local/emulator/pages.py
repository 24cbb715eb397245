"""ARM's lists in pages: a link to the next one, which holds whatever was asked for with the first.

https://github.com/Azure/azure-resource-manager-rpc/blob/master/v1.0/resource-api-reference.md (nextLink)
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeVar
from urllib.parse import urlencode

from werkzeug.wrappers import Request

_Entry = TypeVar("_Entry")


def paged(request: Request, found: Sequence[_Entry], size: int) -> tuple[Sequence[_Entry], str]:
    """Return the page that a request asks for, and the link to the next one; empty if there is none.

    Args:
        request: with ``$skiptoken``, or without for the first page.
        found: the whole list.
        size: of a page.
    """
    first = request.args.get("$skiptoken", 0, type=int)
    after = first + size
    query = urlencode({**request.args.to_dict(), "$skiptoken": after})
    return found[first:after], f"{request.base_url}?{query}" if after < len(found) else ""

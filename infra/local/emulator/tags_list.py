"""Listing tags in pages, which the real registry behind the fronts does not do."""

from __future__ import annotations

from collections.abc import Sequence
from urllib.parse import urlencode

from werkzeug.wrappers import Request, Response

from infra.local.emulator.backing import Backing
from infra.local.emulator.wire import json_reply, registry_error


def tags_list(request: Request, backing: Backing, repository: str, largest: int | None = None) -> Response:
    """Answer ``n`` tags after ``last`` with a ``Link`` to the next page (OCI distribution spec 1.1, "Listing Tags").

    Args:
        request: with ``n`` and ``last``, or neither.
        backing: has the tags.
        repository: whose tags.
        largest: tags a page at most, whatever ``n`` asks for.
    """
    tags = backing.tags(repository)
    if not tags:
        return registry_error(404, "NAME_UNKNOWN", "repository name not known to registry", detail={"name": repository})
    return page_of_tags(request, repository, tags, largest)


def page_of_tags(request: Request, repository: str, tags: Sequence[str], largest: int | None = None) -> Response:
    """Answer ``n`` of some tags after ``last``, as ``tags_list`` does."""
    size, last = request.args.get("n", type=int), request.args.get("last", "")
    if largest is not None:
        size = largest if size is None else min(size, largest)
    rest = [tag for tag in tags if tag > last]
    page = rest[:size]
    response = json_reply({"name": repository, "tags": page})
    if len(page) < len(rest):
        query = urlencode({"last": page[-1], "n": size}) if page else urlencode({"n": size})
        response.headers["Link"] = f'<{request.path}?{query}>; rel="next"'
    return response

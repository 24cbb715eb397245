"""The referrers of a manifest: listed by ACR and MCR, and kept under a tag by clients of whoever does not list them.

https://github.com/opencontainers/distribution-spec/blob/v1.1.0/spec.md#listing-referrers
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import urlencode

from werkzeug.wrappers import Request, Response

from infra.local.emulator.manifests import OCI_INDEX, Manifest
from infra.local.emulator.shelf import Shelf

_LAST = "nextToken"


def described(manifest: Manifest, *, typed: bool = True) -> dict[str, Any]:
    """Return what a list of referrers says of one.

    Args:
        manifest: the referrer.
        typed: whether the list says of what type it is.
    """
    told = {"artifactType": manifest.artifact_type} if typed and manifest.artifact_type else {}
    said = {"annotations": dict(notes)} if (notes := manifest.content.get("annotations")) else {}
    return {"mediaType": manifest.media_type, "digest": manifest.digest, "size": manifest.size, **told, **said}


def referring(shelf: Shelf, repository: str, subject: str, *, typed: bool = True) -> list[dict[str, Any]]:
    """Return descriptors of the manifests that name one as their subject."""
    return [described(one, typed=typed) for one in shelf.referrers(repository, subject)]


def under_tag(shelf: Shelf, repository: str, subject: str) -> list[dict[str, Any]]:
    """Return the descriptors that clients keep under the tag which stands for a list."""
    kept = shelf.tags(repository).get(subject.replace(":", "-", 1), "")
    index = shelf.manifest(repository, kept) if kept else None
    return index.children if index else []


def referrers(request: Request, found: Sequence[Mapping[str, Any]], page: int, *, filters: bool = True) -> Response:
    """Answer an index of what refers to a manifest: a page of it, with a link to the next one.

    Args:
        request: may name an artifact type.
        found: descriptors, in an order that stays.
        page: how many a page has.
        filters: whether the registry looks at the type that the request names.
    """
    wanted = request.args.get("artifactType") if filters else None
    fit = [entry for entry in found if wanted in (None, entry.get("artifactType"))]
    last = request.args.get(_LAST, "")
    rest = [entry for entry in fit if str(entry["digest"]) > last] if last else fit
    body = json.dumps({"schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": rest[:page]})
    response = Response(body, 200, content_type=OCI_INDEX)
    if wanted:
        response.headers["OCI-Filters-Applied"] = "artifactType"
    if len(rest) > page:
        query = urlencode({**request.args.to_dict(), _LAST: str(rest[page - 1]["digest"])})
        response.headers["Link"] = f'<{request.path}?{query}>; rel="next"'
    return response

"""The referrers of a manifest, which the registry behind the fronts keeps under a tag, and ACR and MCR list.

https://github.com/opencontainers/distribution-spec/blob/v1.1.0/spec.md#listing-referrers
"""

from __future__ import annotations

import json
from typing import Any

from werkzeug.wrappers import Request, Response

from infra.local.emulator.backing import Backing

_INDEX = "application/vnd.oci.image.index.v1+json"


def referrers(request: Request, backing: Backing, repository: str, digest: str) -> Response:
    """Answer an index of what refers to a manifest, of one artifact type if the request names it."""
    kept = backing.manifest(repository, digest.replace(":", "-", 1)) or {}
    listed: Any = kept.get("manifests") or []
    wanted = request.args.get("artifactType")
    found = [entry for entry in listed if wanted in (None, entry.get("artifactType"))]
    body = json.dumps({"schemaVersion": 2, "mediaType": _INDEX, "manifests": found})
    headers = {"OCI-Filters-Applied": "artifactType"} if wanted else {}
    return Response(body, 200, headers, content_type=_INDEX)

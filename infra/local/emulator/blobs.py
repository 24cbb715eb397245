"""The two blobs ACR Tasks keeps in Azure Storage: a run's source, uploaded by us, and its log, read by us.

https://learn.microsoft.com/rest/api/storageservices/put-blob, get-blob and get-blob-properties
"""

from __future__ import annotations

import re
import time
import uuid
from email.utils import formatdate
from pathlib import Path

from werkzeug.exceptions import abort
from werkzeug.wrappers import Request, Response

from infra.local.emulator.arm import REGISTRY, known
from infra.local.emulator.front import Route
from infra.local.emulator.runs import Run, Runs
from infra.local.emulator.tokens import Tokens
from infra.local.emulator.wire import json_reply
from infra.local.topology import Topology

_HOUR = 3600
_UPLOAD, _LOG = "listBuildSourceUploadUrl/action", "runs/listLogSasUrl/action"


def _refuse(status: int, code: str, message: str) -> Response:
    body = f"<?xml version='1.0' encoding='utf-8'?><Error><Code>{code}</Code><Message>{message}</Message></Error>"
    return Response(body, status, {"x-ms-error-code": code}, content_type="application/xml")


class _Signed:
    """A blob address that carries its own permission, as a shared access signature does."""

    def __init__(self, tokens: Tokens, topology: Topology) -> None:
        self._tokens = tokens
        self._base = topology.https("arm")

    def url(self, path: str, permission: str) -> str:
        """Return the whole address of a blob, good for an hour."""
        return f"{self._base}{path}?sp={permission}&sig={self._tokens.issue('sas', _HOUR, path=path, sp=permission)}"

    def require(self, request: Request, permission: str) -> None:
        """Answer 403, as the blob service does, unless the address permits this."""
        claims = self._tokens.read("sas", request.args.get("sig", ""))
        if claims is None or claims["path"] != request.path or claims["sp"] != permission:
            abort(_refuse(403, "AuthenticationFailed", "The signature of the address does not permit this."))


class Sources:
    """Uploaded build sources, one file each, by registry and relative path."""

    def __init__(self, tokens: Tokens, topology: Topology) -> None:
        self._signed = _Signed(tokens, topology)
        self._folder = topology.state / "emulator" / "sources"

    def routes(self) -> list[Route]:
        """Return the routes served."""
        return [
            Route("POST", f"{REGISTRY}/listBuildSourceUploadUrl", "listBuildSourceUploadUrl", self.address, _UPLOAD),
            Route("PUT", "/sources/<registry>/<path:relative>", "PUT source", self.upload),
        ]

    def path(self, registry: str, relative: str) -> Path | None:
        """Return the file that was uploaded under a relative path, or ``None``."""
        path = (self._folder / registry / relative).resolve()
        return path if path.is_relative_to(self._folder) and path.is_file() else None

    def address(self, _: Request, registry: str) -> Response:
        """Answer where to upload a source, and the relative path by which a run request then names it."""
        known(registry)
        relative = f"source/{time.strftime('%Y%m%d%H%M')}/{uuid.uuid4().hex}.tar.gz"
        url = self._signed.url(f"/sources/{registry}/{relative}", "w")
        return json_reply({"uploadUrl": url, "relativePath": relative})

    def upload(self, request: Request, registry: str, relative: str) -> Response:
        """Keep the uploaded blob."""
        self._signed.require(request, "w")
        path = (self._folder / registry / relative).resolve()
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(request.get_data())
        return Response(
            status=201, headers={"ETag": f'"{path.stat().st_mtime_ns:x}"', "Last-Modified": formatdate(usegmt=True)}
        )


class Logs:
    """Run logs as append blobs; the metadata ``complete`` appears when the run is over."""

    def __init__(self, tokens: Tokens, topology: Topology, runs: Runs) -> None:
        self._signed = _Signed(tokens, topology)
        self._runs = runs

    def routes(self) -> list[Route]:
        """Return the routes served."""
        pattern = "/logs/<registry>/runs/<run>/rawtext.log"
        return [
            Route("POST", f"{REGISTRY}/runs/<run>/listLogSasUrl", "listLogSasUrl", self.address, _LOG),
            Route("HEAD", pattern, "HEAD log", self.read),
            Route("GET", pattern, "GET log", self.read),
        ]

    def address(self, _: Request, registry: str, run: str) -> Response:
        """Answer where a run's log can be read."""
        self._runs.get(registry, run)
        return json_reply({"logLink": self._signed.url(f"/logs/{registry}/runs/{run}/rawtext.log", "r")})

    def read(self, request: Request, registry: str, run: str) -> Response:
        """Answer the log, or the range of it that was asked for."""
        self._signed.require(request, "r")
        record = self._runs.get(registry, run)
        content = record.log.encode()
        headers = _blob_headers(record, len(content))
        asked = request.headers.get("x-ms-range") or request.headers.get("Range") or ""
        bounds = re.fullmatch(r"bytes=(\d+)-(\d*)", asked)
        if request.method == "HEAD" or bounds is None:
            return Response(content, 200, headers, content_type="text/plain")
        first, last = int(bounds[1]), min(int(bounds[2] or len(content)), len(content) - 1)
        if first >= len(content):
            return _refuse(416, "InvalidRange", "The range is beyond the end of the blob.")
        headers["Content-Range"] = f"bytes {first}-{last}/{len(content)}"
        return Response(content[first : last + 1], 206, headers, content_type="text/plain")


def _blob_headers(run: Run, size: int) -> dict[str, str]:
    headers = {
        "ETag": f'"0x{size:X}{len(run.status):X}"',
        "Last-Modified": formatdate(run.updated, usegmt=True),
        "Accept-Ranges": "bytes",
        "Content-Encoding": "utf-8",
        "x-ms-blob-type": "AppendBlob",
        "x-ms-creation-time": formatdate(run.created, usegmt=True),
    }
    return headers | ({"x-ms-meta-complete": run.complete} if run.complete else {})

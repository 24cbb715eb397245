"""Serves ``/v2.1/track`` on the loopback address and keeps what arrives.

Answers as the service does: https://learn.microsoft.com/azure/azure-monitor/app/api-custom-events-metrics and the
exporter's ``TrackResponse``.
"""

from __future__ import annotations

import json
import threading
from collections import Counter
from collections.abc import Iterable
from types import TracebackType
from typing import TYPE_CHECKING, Self

from werkzeug.serving import WSGIRequestHandler, make_server
from werkzeug.wrappers import Request, Response

from infra.local.ingestion.envelopes import Envelope, UnreadableError, read_envelopes
from infra.local.ingestion.tables import Row, rows

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIEnvironment

_TRACK = ("/v2.1/track", "/v2/track")
_LIVE = "/QuickPulseService.svc/"
# Any GUID will do; the endpoint serves whoever can reach it, which is this machine.
_KEY = "00000000-0000-0000-0000-000000000000"


class Ingestion:
    """The endpoint. As a context manager it listens within the block, on a port the system chooses unless one is given.

    Arguments:
        port: on 127.0.0.1; 0 for any.
    """

    def __init__(self, port: int = 0) -> None:
        self._envelopes: list[Envelope] = []
        self._lock = threading.Lock()
        self._server = make_server("127.0.0.1", port, self, threaded=True, request_handler=_Quiet)

    def __enter__(self) -> Self:
        threading.Thread(target=self._server.serve_forever, name="ingestion", daemon=True).start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.shutdown()
        self._server.server_close()

    @property
    def url(self) -> str:
        """The endpoint's address."""
        return f"http://127.0.0.1:{self._server.server_port}"

    @property
    def connection_string(self) -> str:
        """What goes into ``APPLICATIONINSIGHTS_CONNECTION_STRING``; live metrics come here too."""
        return f"InstrumentationKey={_KEY};IngestionEndpoint={self.url}/;LiveEndpoint={self.url}/"

    def size(self, *, metrics: bool) -> int:
        """Return the bytes of the metrics that came, or of all but them; uncompressed, as billing roughly counts."""
        with self._lock:
            envelopes = list(self._envelopes)
        of_metrics = (one for one in envelopes if (one["data"]["baseType"] == "MetricData") is metrics)
        return sum(len(json.dumps(one)) for one in of_metrics)

    def sizes(self) -> Counter[str]:
        """Return the bytes of what came, by type such as ``MetricData`` or ``RequestData``; uncompressed, as billed."""
        with self._lock:
            envelopes = list(self._envelopes)
        sizes: Counter[str] = Counter()
        for one in envelopes:
            sizes[one["data"]["baseType"]] += len(json.dumps(one))
        return sizes

    def rows(self, table: str | None = None) -> list[Row]:
        """Return what arrived so far, of one table or of all."""
        with self._lock:
            envelopes = list(self._envelopes)
        return [row for envelope in envelopes for row in rows(envelope) if table in (None, row.table)]

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Answer one request (PEP 3333)."""
        return self._answer(Request(environ))(environ, start_response)

    def _answer(self, request: Request) -> Response:
        if request.path in _TRACK:
            return self._track(request)
        if request.path.startswith(_LIVE):
            # Nobody watches: the exporter goes on asking, and sends nothing.
            return Response(headers={"x-ms-qps-subscribed": "false"})
        return Response(status=404)

    def _track(self, request: Request) -> Response:
        try:
            envelopes = read_envelopes(request.get_data(), request.headers.get("Content-Encoding", ""))
            for envelope in envelopes:
                list(rows(envelope))
        except (UnreadableError, KeyError) as error:
            return _json(400, {"itemsReceived": 0, "itemsAccepted": 0, "errors": [{"message": str(error)}]})
        with self._lock:
            self._envelopes += envelopes
        return _json(200, {"itemsReceived": len(envelopes), "itemsAccepted": len(envelopes), "errors": []})


class _Quiet(WSGIRequestHandler):
    """Keeps connections open, and writes no line for every request."""

    protocol_version = "HTTP/1.1"

    def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
        """Say nothing."""


def _json(status: int, document: dict[str, object]) -> Response:
    return Response(json.dumps(document), status=status, content_type="application/json")

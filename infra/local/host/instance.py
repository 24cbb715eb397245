"""One instance of a scaled host: a process that runs the functions of one scale group until it is told to go.

A process, and not a second load of the app within one: a thread cannot be aborted, and draining aborts calls; what an
app imports late, and OpenTelemetry, would be shared, and so would the one interpreter lock, which no two instances in
Azure share. It is forked from a process that has the libraries loaded but nothing of the app, which saves most of the
time and memory of a start.
"""

from __future__ import annotations

import logging
import os
import signal
import threading
import time
from io import BytesIO
from multiprocessing.connection import Connection
from typing import Any, Literal

from azure.core.pipeline import PipelineResponse
from azure.storage.blob import BlobServiceClient

from infra.local.host.hostjson import HostJson, read_host_json
from infra.local.host.http import HttpSide
from infra.local.host.instance_messages import Answer, Ask, Began, Called, Ended, FromInstance, Plan, Ready
from infra.local.host.invoke import Invoker
from infra.local.host.leases import HOST_LEASE, LeaseKeeper, SingleTimer, blob_call, timer_lease
from infra.local.host.listeners import Listeners
from infra.local.host.log import log_to_stdout
from infra.local.host.metadata import Function, load_app, read_functions
from infra.local.host.storage import blob_service
from infra.local.host.telemetry import flush_telemetry, set_up_telemetry
from infra.local.host.timers import TimerListener

# Whoever drains an instance kills it earlier; the host's own end does too.
_LONGEST_END = 600.0
_log = logging.getLogger("host.scale")


def serve(plan: Plan, line: Connection) -> None:
    """Be an instance, until ``line`` says that it is to go, or the host at its other end is gone.

    Arguments:
        plan: what it runs.
        line: to the host.
    """
    # Ctrl-C goes to all processes of a terminal: the host sees to its instances.
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_IGN)
    log_to_stdout()
    telemetry = set_up_telemetry(os.environ)
    instance = _Instance(plan, line)
    time.sleep(max(0.0, plan.ready_at - time.monotonic()))
    instance.run()
    if telemetry:
        flush_telemetry()
    # Pool threads are not daemons, and leave nothing to wait for.
    logging.shutdown()
    os._exit(0)


class _Instance:
    def __init__(self, plan: Plan, line: Connection) -> None:
        self._plan = plan
        self._line = line
        self._sending = threading.Lock()
        self._invoker = Invoker(self._began, self._ended)
        functions = [one for one in read_functions(load_app(plan.app), os.environ) if one.name in plan.functions]
        host_json = read_host_json(plan.host_json, os.environ)
        self._http = HttpSide(functions, host_json.route_prefix, plan.keys, self._invoker, os.environ)
        self._lease_blobs = self._blobs("lease_calls")
        self._host_lease = LeaseKeeper(self._lease_blobs, "host", HOST_LEASE, lambda: None)
        self._listeners = self._listen(functions, host_json)

    def run(self) -> None:
        """Serve until told to go, and then end what runs."""
        self._host_lease.start()
        self._listeners.start()
        self._tell(Ready())
        try:
            while isinstance(message := self._line.recv(), Ask):
                threading.Thread(target=self._answer, args=(message,), daemon=True).start()
        except EOFError:
            # The host was killed, as a lost machine is: so is this one.
            os._exit(1)
        self._end()

    def _end(self) -> None:
        deadline = time.monotonic() + _LONGEST_END
        self._listeners.stop()
        self._host_lease.stop()
        self._listeners.wait_settled(deadline)
        self._invoker.close(deadline - time.monotonic())

    def _listen(self, functions: list[Function], host_json: HostJson) -> Listeners:
        statuses = self._blobs("timer_status_calls")
        return Listeners(
            functions, host_json, os.environ, self._invoker, self._plan.invisible_seconds, statuses, self._single
        )

    def _single(self, function: Function, timer: TimerListener) -> SingleTimer:
        return SingleTimer(timer, self._lease_blobs, function.name, timer_lease(self._plan.timer_lease_seconds))

    def _blobs(self, subject: Literal["lease_calls", "timer_status_calls"]) -> BlobServiceClient:
        def called(response: PipelineResponse[Any, Any]) -> None:
            self._tell(Called(subject, blob_call(response)))

        return blob_service(os.environ, "AzureWebJobsStorage", raw_response_hook=called)

    def _began(self, function: str) -> None:
        self._tell(Began(function, time.monotonic()))

    def _ended(self, function: str, failed: bool) -> None:
        self._tell(Ended(function, failed, time.monotonic()))

    def _answer(self, ask: Ask) -> None:
        response = self._http.response(_environ(ask))
        headers = tuple((name, value) for name, value in response.headers.items())
        self._tell(Answer(ask.number, response.status_code, headers, response.get_data()))

    def _tell(self, message: FromInstance) -> None:
        """Say it to the host; one that is gone needs to know nothing, and ``run`` sees that it is."""
        with self._sending:
            try:
                self._line.send(message)
            except OSError:
                _log.debug("%s has no host any more", self._plan.name)


def _environ(ask: Ask) -> dict[str, Any]:
    """Return a request's WSGI environment with its body, whole as it is, however it came."""
    kept = {name: value for name, value in ask.environ.items() if name != "HTTP_TRANSFER_ENCODING"}
    return {**kept, "CONTENT_LENGTH": str(len(ask.body)), "wsgi.input": BytesIO(ask.body)}

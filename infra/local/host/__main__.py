"""``python -m infra.local.host``: serves a function app whose settings stand in the environment."""

from __future__ import annotations

import argparse
import functools
import logging
import os
import signal
import sys
import threading
from pathlib import Path

from infra.local.host.deliveries import INVISIBLE_SECONDS
from infra.local.host.flex import FlexHost
from infra.local.host.host import Host
from infra.local.host.hostjson import HostJsonError, read_host_json
from infra.local.host.keys import Keys
from infra.local.host.log import log_to_stdout
from infra.local.host.metadata import AppError, enabled, load_app, read_functions
from infra.local.host.scale_options import add_scale_options, scale_options
from infra.local.host.sign_in_pages import StandInRefusedError, stand_in
from infra.local.host.starting import start_instance
from infra.local.host.storage import ConnectionMissingError
from infra.local.host.telemetry import flush_telemetry, set_up_telemetry

_STOP_SECONDS = 10.0  # WebJobsScriptHostService.StopAsync
_log = logging.getLogger("host")


def main() -> int:
    """Serve until SIGTERM or Ctrl-C; return the exit status of a start that failed."""
    arguments = _parse()
    log_to_stdout()
    # Where it scales, what is told is told by its instances.
    telemetry = arguments.scale == "one" and set_up_telemetry(os.environ)
    try:
        host = _build(arguments)
    except (AppError, ConnectionMissingError, HostJsonError, StandInRefusedError) as error:
        print(f"host: {error}", file=sys.stderr)
        return 1
    _serve(host)
    if telemetry:
        flush_telemetry()
    # Pool threads are not daemons: a function that hangs must not keep the process.
    logging.shutdown()
    os._exit(0)


def _parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m infra.local.host", description=__doc__)
    parser.add_argument("--app", default="function_app:app", help="module:variable")
    parser.add_argument("--host-json", type=Path, default=Path("host.json"))
    parser.add_argument("--port", type=int, default=7071)
    parser.add_argument("--function-key", required=True, help="opens every function's address")
    parser.add_argument("--master-key", required=True, help="opens those and the host's own")
    parser.add_argument(
        "--invisible-seconds",
        type=float,
        default=INVISIBLE_SECONDS,
        help="how long a message stays away after the host that held it was killed; Azure's, unless told otherwise",
    )
    people = "somebody who may sign in by a stand-in without a password, such as ada:approver; may be given again"
    parser.add_argument("--person", action="append", default=[], metavar="NAME:ROLE", help=people)
    add_scale_options(parser)
    return parser.parse_args()


def _build(arguments: argparse.Namespace) -> Host | FlexHost:
    around = stand_in(arguments.person, os.environ)
    functions = enabled(read_functions(load_app(arguments.app), os.environ), os.environ)
    host_json = read_host_json(arguments.host_json, os.environ)
    keys = Keys(arguments.function_key, arguments.master_key)
    if arguments.scale == "one":
        return Host(functions, host_json, os.environ, arguments.port, keys, arguments.invisible_seconds, around)
    start = functools.partial(start_instance, arguments.app, arguments.host_json, keys, arguments.invisible_seconds)
    return FlexHost(
        functions, host_json.queues, os.environ, arguments.port, keys, scale_options(arguments), start, around
    )


def _serve(host: Host | FlexHost) -> None:
    ended = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: ended.set())
    host.start()
    ended.wait()
    if not host.stop(_STOP_SECONDS):
        _log.warning("functions still run after %.0f s; their messages will be delivered again", _STOP_SECONDS)


if __name__ == "__main__":
    sys.exit(main())

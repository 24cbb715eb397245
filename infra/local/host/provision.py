"""``python -m infra.local.host.provision``: makes the queues an app's triggers name, and a poison queue for each.

In Azure the deployment's template declares them; the real host, like this one, makes none but a poison queue in need.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress

from azure.core.exceptions import ResourceExistsError

from infra.local.host.metadata import AppError, Function, load_app, read_functions
from infra.local.host.processing import poison_queue_name
from infra.local.host.storage import ConnectionMissingError, queue_service


def main() -> int:
    """Make the queues and return the exit status."""
    parser = argparse.ArgumentParser(prog="python -m infra.local.host.provision", description=__doc__)
    parser.add_argument("--app", default="function_app:app", help="module:variable")
    try:
        make_queues(read_functions(load_app(parser.parse_args().app), os.environ), os.environ)
    except (AppError, ConnectionMissingError) as error:
        print(f"provision: {error}", file=sys.stderr)
        return 1
    return 0


def make_queues(functions: list[Function], settings: Mapping[str, str]) -> None:
    """Make every queue that a function listens to, and its poison queue; those that exist stay as they are."""
    listening = [function for function in functions if function.kind == "queueTrigger"]
    with ThreadPoolExecutor() as pool:
        list(pool.map(lambda function: _make_queue(function, settings), listening))


def _make_queue(function: Function, settings: Mapping[str, str]) -> None:
    service, name = queue_service(settings, str(function.trigger["connection"])), str(function.trigger["queueName"])
    for queue in filter(None, (name, poison_queue_name(name))):
        with suppress(ResourceExistsError):
            service.create_queue(queue)


if __name__ == "__main__":
    sys.exit(main())

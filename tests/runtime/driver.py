"""Lets Microsoft's worker library answer the Functions host's messages: one as JSON on each line, in and out.

A line may also be a list of messages, which are worked on side by side and answered by a list.

Started by the Python of ``.venv-runtime``. In Azure the same messages come over gRPC, where a ``StreamingMessage``
has the same fields: https://github.com/Azure/azure-functions-language-worker-protobuf. What is printed or logged goes
to standard error.
"""

from __future__ import annotations

import asyncio
import json
import logging
import os
import sys
from types import SimpleNamespace
from typing import Any, TextIO

import azure_functions_runtime as library
from google.protobuf import json_format

from tests import protos  # of the library, which ships a package of this name; the app's folder is not on the path yet

_HANDLERS = {
    "worker_init_request": library.worker_init_request,
    "functions_metadata_request": library.functions_metadata_request,
    "function_load_request": library.function_load_request,
    "invocation_request": library.invocation_request,
}


async def answer(line: str) -> str:
    """Return the library's answer to one message."""
    message = json_format.Parse(line, protos.StreamingMessage())
    kind = message.WhichOneof("content")
    if kind == "worker_init_request":
        _become_worker(message.worker_init_request.function_app_directory)
    properties = {"host": "127.0.0.1", "protos": protos}
    response = await _HANDLERS[kind](SimpleNamespace(request=message, properties=properties))
    return _as_json(response)


def _become_worker(folder: str) -> None:
    """What Microsoft's worker process does around the library before an app is indexed."""
    sys.path.insert(0, folder)
    library.start_threadpool_executor()


def _as_json(response: Any) -> str:
    return json_format.MessageToJson(
        response, preserving_proto_field_name=True, always_print_fields_with_no_presence=True, indent=None
    )


async def serve(messages: TextIO, answers: TextIO) -> None:
    """Answer line after line until there are no more; one at a time, as every test waits for its answer."""
    for line in messages:
        told = await (answer_all(line) if line.startswith("[") else answer(line))
        print(told, file=answers, flush=True)


async def answer_all(line: str) -> str:
    """Return the library's answers to a list of messages that are worked on side by side."""
    answered = await asyncio.gather(*(answer(json.dumps(one)) for one in json.loads(line)))
    return f"[{','.join(answered)}]"


if __name__ == "__main__":
    # Everything is logged, as with PYTHON_ENABLE_DEBUG_LOGGING: the most that an operator can ask for.
    logging.basicConfig(level=logging.DEBUG, stream=sys.stderr)
    with os.fdopen(os.dup(sys.stdout.fileno()), "w") as own_stdout:
        sys.stdout = sys.stderr
        asyncio.run(serve(sys.stdin, own_stdout))

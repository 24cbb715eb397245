"""A worker process under Microsoft's library, and the host's side of the talk with it."""

from __future__ import annotations

import base64
import json
import os
import subprocess
import threading
import uuid
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.runtime.typed_data import Trigger

ROOT = Path(__file__).resolve().parents[2]
_PYTHON = ROOT / ".venv-runtime/bin/python"
_DRIVER = Path(__file__).with_name("driver.py")
_SECONDS_FOR_AN_ANSWER = 240
_INVOCATION = "invocation_request"


@dataclass(frozen=True)
class Answer:
    """An HTTP function's answer as the host would send it."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    def json(self) -> Any:
        """Return the body, read as JSON."""
        return json.loads(self.body)


@dataclass(frozen=True)
class Outcome:
    """How a start or an invocation ended.

    Attributes:
        succeeded: whether the host would take it for done; a queue message is delivered again otherwise.
        error: the exception's type and message; empty if there was none.
        trace: the exception's stack trace, which the host logs.
        answer: what an HTTP function returned.
    """

    succeeded: bool
    error: str = ""
    trace: str = ""
    answer: Answer | None = None


@dataclass(frozen=True)
class Indexed:
    """One function as the library reports it to the host.

    Attributes:
        name: as the portal shows it.
        function_id: names the function in invocations.
        bindings: as in function.json, the trigger first.
    """

    name: str
    function_id: str
    bindings: tuple[dict[str, Any], ...]


class Worker:
    """The host's side: sends one message after the other, and waits for each answer."""

    def __init__(self, process: subprocess.Popen[str], log: Path) -> None:
        self._process = process
        self._log = log
        self.functions: dict[str, Indexed] = {}

    def start(self) -> Outcome:
        """Have the app indexed and every function loaded, as the host does before it listens to any trigger."""
        reply = self._ask("worker_init_request", function_app_directory=str(ROOT))
        if not _outcome(reply).succeeded:
            return _outcome(reply)
        found = self._ask("functions_metadata_request")["function_metadata_results"]
        self.functions = {metadata["name"]: _indexed(metadata) for metadata in found}
        loaded = [
            _outcome(self._ask("function_load_request", function_id=each.function_id))
            for each in self.functions.values()
        ]
        return next((outcome for outcome in loaded if not outcome.succeeded), _outcome(reply))

    def invoke(self, name: str, trigger: Trigger) -> Outcome:
        """Run a function once."""
        return _outcome(self._ask(_INVOCATION, **self._invocation(name, trigger)))

    def invoke_together(self, name: str, triggers: Sequence[Trigger]) -> list[Outcome]:
        """Run a function several times side by side, in the worker's threads."""
        asked = [{_INVOCATION: self._invocation(name, trigger)} for trigger in triggers]
        return [_outcome(reply) for reply in self._talk(asked)]

    @property
    def pid(self) -> int:
        """The process."""
        return self._process.pid

    def _invocation(self, name: str, trigger: Trigger) -> dict[str, Any]:
        function = self.functions[name]
        return {
            "invocation_id": str(uuid.uuid4()),
            "function_id": function.function_id,
            "input_data": [{"name": function.bindings[0]["name"], "data": trigger.value}],
            "trigger_metadata": trigger.metadata,
        }

    def log(self) -> str:
        """Return everything that was printed or logged so far."""
        return self._log.read_text()

    def _ask(self, kind: str, **content: Any) -> dict[str, Any]:
        return dict(self._talk({kind: content}))

    def _talk(self, message: Any) -> Any:
        """Send a line, and return what was answered to it."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        limit = threading.Timer(_SECONDS_FOR_AN_ANSWER, self._process.kill)
        limit.start()
        try:
            print(json.dumps(message), file=self._process.stdin, flush=True)
            reply = self._process.stdout.readline()
        finally:
            limit.cancel()
        if not reply:
            raise RuntimeError(f"the worker gave no answer to {json.dumps(message)[:80]}: {self.log()[-2000:]}")
        return json.loads(reply)


@contextmanager
def running_worker(settings: Mapping[str, str], log: Path, before: Sequence[str] = ()) -> Iterator[Worker]:
    """Run a worker process that has these app settings and nothing else of our environment; it is not started yet.

    Args:
        settings: the app settings.
        log: where everything that it prints goes.
        before: a command that runs the worker's as its last arguments, and becomes it.
    """
    if not _PYTHON.exists():
        raise FileNotFoundError(f"{_PYTHON} is missing: run 'make test-runtime', or 'infra/local/setup.sh runtime'")
    environment = {"PATH": os.environ["PATH"], **settings}
    with log.open("wb") as output:
        process = subprocess.Popen(
            [*before, _PYTHON, "-P", _DRIVER],
            env=environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=output,
            text=True,
        )
        with process:
            try:
                yield Worker(process, log)
            finally:
                process.kill()


def _indexed(metadata: dict[str, Any]) -> Indexed:
    bindings = (json.loads(binding) for binding in metadata["raw_bindings"])
    triggers_first = sorted(bindings, key=lambda binding: binding["direction"] != "IN")
    return Indexed(metadata["name"], metadata["function_id"], tuple(triggers_first))


def _outcome(reply: dict[str, Any]) -> Outcome:
    result = reply["result"]
    error = result.get("exception", {})
    http = (reply.get("return_value") or {}).get("http")
    return Outcome(
        result["status"] == "Success",
        error.get("message", ""),
        error.get("stack_trace", ""),
        _answer(http) if http else None,
    )


def _answer(http: dict[str, Any]) -> Answer:
    body = base64.b64decode(http.get("body", {}).get("bytes", ""))
    return Answer(int(http["status_code"]), http["headers"], body)

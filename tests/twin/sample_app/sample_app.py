"""A small app for the host's own tests: it notes every call in a file, one JSON line each."""

from __future__ import annotations

import json
import os
import time
from pathlib import Path
from typing import Any

import azure.functions as func

app = func.FunctionApp(http_auth_level=func.AuthLevel.FUNCTION)


def note(**fields: Any) -> None:
    """Append one line to the journal named by the setting ``JOURNAL``; one write, so lines never mix."""
    with Path(os.environ["JOURNAL"]).open("a") as journal:
        journal.write(json.dumps({"at": time.time(), **fields}) + "\n")


@app.queue_trigger(arg_name="message", queue_name="%WORK_QUEUE%", connection="AzureWebJobsStorage")
def work(message: func.QueueMessage, context: func.Context) -> None:
    """Note a message; fail if it says so, sleep if it says so."""
    text = message.get_body().decode()
    note(
        function=context.function_name,
        text=text,
        id=message.id,
        count=message.dequeue_count,
        inserted=message.insertion_time.isoformat() if message.insertion_time else None,
        receipt=message.pop_receipt,
    )
    if text.startswith("sleep "):
        time.sleep(float(text.removeprefix("sleep ")))
        note(function="slept", text=text)
    if text.startswith("fail"):
        raise ValueError("asked to fail")


@app.queue_trigger(arg_name="message", queue_name="%WORK_QUEUE%-poison", connection="AzureWebJobsStorage")
def work_poison(message: func.QueueMessage) -> None:
    """Note what died, and for how long its copy lives."""
    lives = message.expiration_time - message.insertion_time if message.expiration_time else None
    note(function="work_poison", text=message.get_body().decode(), days=lives and lives.days)


@app.timer_trigger(arg_name="timer", schedule="%TICK_SCHEDULE%")
def tick(timer: func.TimerRequest) -> None:
    """Note a run; longer than a second, so that runs that overlapped would show."""
    note(function="tick", past_due=timer.past_due)
    time.sleep(1.2)
    note(function="tick ended")


@app.timer_trigger(arg_name="timer", schedule="0 0 0 1 1 *")
def yearly(timer: func.TimerRequest) -> None:
    """Run by hand only."""
    note(function="yearly", past_due=timer.past_due)


@app.timer_trigger(arg_name="timer", schedule="%MISTAKEN_SCHEDULE%")
def mistaken(timer: func.TimerRequest) -> None:
    """Never run: the schedule is none."""
    note(function="mistaken", past_due=timer.past_due)


@app.route(route="things/{thing}", methods=["GET", "POST"])
def things(req: func.HttpRequest) -> func.HttpResponse:
    """Say what arrived."""
    document = {
        "thing": req.route_params["thing"],
        "query": dict(req.params),
        "agent": req.headers.get("User-Agent"),
        "bytes": len(req.get_body()),
        "principal": req.headers.get("X-MS-CLIENT-PRINCIPAL"),
    }
    return func.HttpResponse(json.dumps(document), status_code=201, headers={"X-Sample": "yes"})


@app.route(route="things/special", methods=["GET"], auth_level=func.AuthLevel.ANONYMOUS)
def special(req: func.HttpRequest) -> str:
    """Answer a text, to whoever asks."""
    return req.method


@app.route(route="things/zoo", methods=["GET"], auth_level=func.AuthLevel.ANONYMOUS)
def zoo(req: func.HttpRequest) -> str:
    """Never answer: ``things`` comes first in the alphabet, and takes the same path."""
    return req.method


@app.route(route="off", auth_level=func.AuthLevel.ANONYMOUS)
def off(req: func.HttpRequest) -> str:
    """Never answer: switched off."""
    return req.method


@app.route(route="nothing", methods=["GET"], auth_level=func.AuthLevel.ANONYMOUS)
def nothing(req: func.HttpRequest):
    """Return nothing; saying so in an annotation, the worker would refuse the whole app."""
    note(function="nothing", method=req.method)


@app.route(route="broken", auth_level=func.AuthLevel.ANONYMOUS)
def broken(req: func.HttpRequest) -> func.HttpResponse:
    """Fail."""
    raise RuntimeError(f"asked to fail by {req.method}")

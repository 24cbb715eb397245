"""Metadata: what the host learns from an app, and what it refuses to run."""

from __future__ import annotations

import azure.functions as func
import pytest

from infra.local.host.metadata import AppError, load_app, read_functions
from infra.local.host.routes import Router
from infra.local.host.storage import ConnectionMissingError, queue_service

pytestmark = pytest.mark.twin


def _app_with_queue(queue_name: str) -> func.FunctionApp:
    app = func.FunctionApp()

    @app.queue_trigger(arg_name="message", queue_name=queue_name, connection="Store")
    def work(message: func.QueueMessage) -> None:
        assert message is not None

    return app


def test_settings_between_percent_signs_are_expanded() -> None:
    (function,) = read_functions(_app_with_queue("%PREFIX%-checks"), {"PREFIX": "blue"})
    assert (function.name, function.kind, function.argument) == ("work", "queueTrigger", "message")
    assert function.trigger["queueName"] == "blue-checks"


def test_a_missing_setting_is_named_with_the_function_that_needs_it() -> None:
    with pytest.raises(AppError, match="work: queueName: app settings missing: PREFIX"):
        read_functions(_app_with_queue("%PREFIX%-checks"), {})


def test_a_trigger_argument_the_function_lacks_is_refused() -> None:
    app = func.FunctionApp()

    @app.timer_trigger(arg_name="timer", schedule="0 0 0 * * *")
    def tick(clock: func.TimerRequest) -> None:
        assert clock is not None

    with pytest.raises(AppError, match="'timer' is not a parameter"):
        read_functions(app, {})


def test_an_http_function_that_says_it_returns_nothing_is_refused_as_the_worker_refuses_it() -> None:
    app = func.FunctionApp()

    @app.route("nothing")
    def nothing(req: func.HttpRequest) -> None:
        assert req.method

    with pytest.raises(AppError, match="nothing: an HTTP function must not be annotated as returning None"):
        read_functions(app, {})


def test_all_that_is_wrong_is_told_at_once() -> None:
    app = _app_with_queue("%FIRST%")

    @app.queue_trigger(arg_name="message", queue_name="%SECOND%", connection="Store")
    async def later(message: func.QueueMessage) -> None:
        assert message is not None

    with pytest.raises(AppError, match=r"FIRST\n.*async functions are not run"):
        read_functions(app, {})


def test_bindings_the_host_does_not_serve_are_refused() -> None:
    app = func.FunctionApp()

    @app.route("copy")
    @app.queue_output(arg_name="out", queue_name="checks", connection="Store")
    def copy(req: func.HttpRequest, out: func.Out[str]) -> None:
        out.set(req.method)

    with pytest.raises(AppError, match="copy: bindings not served by this host: queue"):
        read_functions(app, {})


def test_a_name_that_is_no_app_is_refused() -> None:
    with pytest.raises(AppError, match=r"json:dumps is not an azure\.functions\.FunctionApp"):
        load_app("json:dumps")


def test_a_route_constraint_is_refused_when_the_app_loads() -> None:
    app = func.FunctionApp()

    @app.route("things/{id:int}")
    def things(req: func.HttpRequest) -> str:
        return req.method

    with pytest.raises(AppError, match="things: route segment"):
        Router(read_functions(app, {}), "api")


def test_a_connection_is_a_connection_string_or_a_service_address() -> None:
    address = "https://account.queue.core.windows.net"
    service = queue_service({"Store__queueServiceUri": address, "Store__credential": "managedidentity"}, "Store")
    assert service.primary_hostname == "account.queue.core.windows.net"
    with pytest.raises(ConnectionMissingError, match="Store or Store__queueServiceUri"):
        queue_service({}, "Store")

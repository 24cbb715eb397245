"""The twin's host hands on who signed in as App Service does, and takes every path where a function asks for it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import azure.functions as func
import pytest

from infra.local.host.metadata import Function, read_functions
from infra.local.host.routes import Router
from infra.local.host.sign_in import as_signed_in
from shared.domain.access.callers import Kind, Role
from shared.domain.access.principal import read_principal

pytestmark = pytest.mark.unit

ON = {"WEBSITE_AUTH_ENABLED": "True"}
FORGED = {"HTTP_X_MS_CLIENT_PRINCIPAL": "forged", "HTTP_X_MS_CLIENT_PRINCIPAL_NAME": "ada", "HTTP_HOST": "localhost"}
SESSION = {"HTTP_COOKIE": "other=1; AppServiceAuthSession=ada:approver+reader"}


def test_while_sign_in_is_off_a_forged_header_reaches_the_app() -> None:
    for settings in ({}, {"WEBSITE_AUTH_ENABLED": "false"}):
        assert as_signed_in(dict(FORGED), settings) == FORGED


def test_while_sign_in_is_on_what_was_sent_is_stripped_and_a_session_is_told_anew() -> None:
    assert as_signed_in(dict(FORGED), ON) == {"HTTP_HOST": "localhost"}
    caller = read_principal(as_signed_in({**FORGED, **SESSION}, ON)["HTTP_X_MS_CLIENT_PRINCIPAL"])
    assert (caller.kind, caller.name, caller.roles) == (Kind.PERSON, "ada", {Role.APPROVER, Role.READER})
    assert caller.signed_in_at is not None
    assert timedelta() <= datetime.now(UTC) - caller.signed_in_at < timedelta(minutes=1)


def functions() -> list[Function]:
    """An app with one function for every path, and one of its own that comes first in the alphabet."""
    app = func.FunctionApp()

    @app.route("health", methods=["GET"])
    def health(req: func.HttpRequest) -> Any:
        return req.method

    @app.route("{*path}")
    def web(req: func.HttpRequest) -> Any:
        return req.method

    return read_functions(app, {})


@pytest.mark.parametrize(
    ("call", "name", "path"),
    [
        ("GET /api/health", "health", None),
        ("HEAD /api/health", "web", "health"),
        ("GET /api", "web", None),
        ("GET /api/", "web", None),
        ("BREW /api/targets/a%2Fb/", "web", "targets/a%2Fb/"),
        ("GET /api//targets", "web", "/targets"),
        ("GET /other", None, None),
        ("GET /apis", None, None),
    ],
)
def test_a_function_that_takes_every_path_is_handed_what_no_other_takes(
    call: str, name: str | None, path: str | None
) -> None:
    match = Router(functions(), "api").match(*call.split())
    assert (match.function.name, match.parameters.get("path")) == (name, path) if match else name is None

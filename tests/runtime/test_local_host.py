"""The laptop twin's host sees the app as Azure sees it: what runs locally is what Azure will accept."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from typing import Any

import pytest

from infra.local.host.hostjson import read_host_json
from infra.local.host.metadata import Function, load_app, read_functions
from infra.local.host.routes import Router
from tests.runtime.expected import HTTP, TRIGGERS
from tests.runtime.settings import app_settings
from tests.runtime.worker import ROOT, Worker

METHODS = ("GET", "POST", "PUT", "DELETE")


@pytest.fixture
def local(monkeypatch: pytest.MonkeyPatch) -> dict[str, Function]:
    """The app's functions as the local host reads them, with ``%SETTING%`` left as it stands."""
    settings = app_settings("UseDevelopmentStorage=true")
    for name, value in settings.items():
        monkeypatch.setenv(name, value)
    monkeypatch.delitem(sys.modules, "function_app", raising=False)
    app = load_app("function_app:app")
    return {function.name: function for function in read_functions(app, {name: f"%{name}%" for name in settings})}


def _plain(binding: Mapping[str, Any]) -> dict[str, str]:
    """Return a binding with its enumerated values as function.json writes them."""
    return {field: str(_value(value)) for field, value in binding.items()}


def _value(value: Any) -> Any:
    if isinstance(value, list | tuple):
        return [_value(each) for each in value]
    return getattr(value, "name", value)


def test_the_local_host_finds_the_same_functions(worker: Worker, local: dict[str, Function]) -> None:
    assert sorted(local) == sorted(worker.functions)


@pytest.mark.parametrize("name", TRIGGERS)
def test_the_local_host_reads_the_same_trigger(worker: Worker, local: dict[str, Function], name: str) -> None:
    (trigger, *_) = worker.functions[name].bindings
    assert _plain(local[name].trigger) == _plain(trigger)
    assert (local[name].kind, local[name].argument) == (trigger["type"], trigger["name"])


@pytest.mark.parametrize("name", HTTP)
def test_the_local_host_answers_at_the_same_address_and_to_the_same_methods(
    worker: Worker, local: dict[str, Function], name: str
) -> None:
    (trigger, *_) = worker.functions[name].bindings
    prefix = read_host_json(ROOT / "host.json").route_prefix
    router = Router([local[each] for each in HTTP], prefix)
    path = f"/{prefix}/{trigger['route'].replace('{*path}', 'targets/one')}"
    served = [method for method in METHODS if (found := router.match(method, path)) and found.function.name == name]
    assert served == trigger.get("methods", list(METHODS))

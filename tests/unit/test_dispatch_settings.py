"""Dispatchers are settings: each is told apart, what is wrong is said, and neither address nor secret is told."""

from __future__ import annotations

import base64

import pytest

from infra.local.builders.builders import dispatcher_settings
from infra.local.twin.ports import new_topology
from shared.config import load_settings
from shared.dispatch_settings import DispatcherKind, DispatcherSetting, dispatcher_problems, dispatchers_of
from shared.errors import ConfigurationError
from tests.unit.test_settings import COMPLETE, ROOT, load

pytestmark = pytest.mark.unit

SEND, ANSWER, NEWER = (f"whsec_{base64.b64encode(bytes([number]) * 32).decode()}" for number in (1, 2, 3))
APP = "app=123 installation=456 key=https://v.vault.azure.net/keys/github-app"
GITHUB = f"github:https://api.github.com {APP}"
TOKEN = "github:https://api.github.com token=github_pat_0123456789abcdef"
PIPELINES = "pipelines:https://dev.azure.com/contoso"
EVENTS = f"events:https://builds.example.net/hook send={SEND} answer={ANSWER}"


def one(value: str, setting: str = "DISPATCH_CI") -> DispatcherSetting:
    """The dispatcher of one setting."""
    (found,) = dispatchers_of({setting: value})
    return found


def problem(value: str, setting: str = "DISPATCH_CI") -> str:
    """What is wrong with one setting."""
    return " ".join(dispatcher_problems([one(value, setting)]))


def test_an_installation_without_dispatchers_has_none() -> None:
    assert load().builders == ()
    assert load(DISPATCH_CI="  ").builders == ()


def test_each_setting_is_a_dispatcher_by_its_own_name() -> None:
    found = load(DISPATCH_GITHUB=GITHUB, DISPATCH_OUR_BUILDS=EVENTS, DISPATCH_DEVOPS=PIPELINES).builders
    assert [(each.name, each.kind) for each in found] == [
        ("devops", DispatcherKind.PIPELINES),
        ("github", DispatcherKind.GITHUB),
        ("our-builds", DispatcherKind.EVENTS),
    ]


@pytest.mark.parametrize("value", [GITHUB, TOKEN, PIPELINES, EVENTS, f"{EVENTS} hours=12", f"{EVENTS} send={NEWER}"])
def test_what_is_documented_is_no_problem(value: str) -> None:
    assert problem(value) == ""


@pytest.mark.parametrize(
    ("value", "told"),
    [
        ("jenkins:https://ci.example", "begins with one of github:, pipelines:, events:"),
        ("github:http://api.github.com token=github_pat_0123456789abcdef", "https://"),
        ("github:https://user@api.github.com token=github_pat_0123456789abcdef", "without a user"),
        ("github:https://api.github.com/#a token=github_pat_0123456789abcdef", "no address"),
        ("github:https://api.github.com", "GitHub App"),
        ("github:https://api.github.com token=short", "GitHub App"),
        ("github:https://api.github.com app=1 installation=2", "GitHub App"),
        (f"{GITHUB} token=github_pat_0123456789abcdef", "GitHub App"),
        (GITHUB.replace("https://v.vault", "http://v.vault"), "GitHub App"),
        (f"{GITHUB} stray", "no option"),
        (f"{PIPELINES} token=abc", "own identity"),
        ("events:https://x.example", "send= and answer="),
        (f"events:https://x.example send={SEND}", "send= and answer="),
        (f"events:https://x.example send={SEND} answer={SEND}", "needs its own"),
        (f"events:https://x.example send=whsec_c2hvcnQ= answer={ANSWER}", "send= and answer="),
        (f"{EVENTS} hours=0", "hours="),
        (f"{EVENTS} hours=1000", "hours="),
        (f"{EVENTS} send={NEWER} send={NEWER}", "send= and answer="),
    ],
)
def test_what_is_wrong_is_said_by_the_settings_name_and_never_by_its_value(value: str, told: str) -> None:
    said = problem(value)
    assert said.startswith("DISPATCH_CI ")
    assert told in said
    assert not any(secret in said for secret in (SEND, ANSWER, "github_pat_0123456789abcdef", "builds.example.net"))


@pytest.mark.parametrize("setting", ["DISPATCH_", "DISPATCH_1", "DISPATCH_a", "DISPATCH_ACR", "DISPATCH_A_"])
def test_what_names_no_dispatcher_is_said(setting: str) -> None:
    assert "names no dispatcher" in problem(PIPELINES, setting)


def test_an_app_does_not_start_with_a_dispatcher_that_is_none() -> None:
    with pytest.raises(ConfigurationError, match="DISPATCH_CI is no dispatcher"):
        load_settings({**COMPLETE, "DISPATCH_CI": "nobody"})


def test_a_reference_that_was_not_followed_lets_the_app_start() -> None:
    found = one("@Microsoft.KeyVault(SecretUri=https://v.example/secrets/a)")
    assert (found.kind, problem("@Microsoft.KeyVault(SecretUri=https://v.example/secrets/a)")) == (
        DispatcherKind.UNKNOWN,
        "",
    )


def test_tokens_keys_and_the_address_of_a_hook_are_secrets_and_stand_in_no_text() -> None:
    settings = load(DISPATCH_A=TOKEN, DISPATCH_B=EVENTS)
    assert {"github_pat_0123456789abcdef", SEND, ANSWER, "https://builds.example.net/hook"} <= {*settings.secrets}
    shown = repr(settings.builders)
    assert not any(secret in shown for one in settings.builders for secret in one.secrets)
    assert "builds.example.net" not in shown


def test_a_fingerprint_changes_with_every_part_of_a_setting_and_tells_none() -> None:
    values = (GITHUB, TOKEN, PIPELINES, EVENTS, f"{EVENTS} send={NEWER}", EVENTS.replace("hook", "hooks"))
    prints = {one(value).fingerprint for value in values}
    assert len(prints) == len(values)
    assert one(EVENTS).fingerprint == one(EVENTS).fingerprint


def test_the_twins_dispatchers_are_well_set() -> None:
    given = dispatcher_settings(new_topology(ROOT / "state"))
    assert dispatcher_problems(dispatchers_of(given)) == []
    assert len(given) == 3

"""Where the app is and by what one is let in: flags, environment, profile; and a key goes where it belongs alone."""

from __future__ import annotations

import sys
from pathlib import Path
from types import ModuleType, SimpleNamespace

import pytest

from shared.cli.exits import Exit
from shared.domain.access.callers import Role
from tests.doubles.app import ADDRESS
from tests.unit.cli.conftest import Terminal, Typed

pytestmark = pytest.mark.unit

OTHER = "https://other.example"


def profiles(terminal: Terminal, text: str, mode: int = 0o600) -> Path:
    """Write config.toml."""
    file = Path(terminal.config) / "tidegate" / "config.toml"
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text)
    file.chmod(mode)
    return file


def typed(terminal: Terminal, *words: str, **environment: str) -> Typed:
    """Type a command in an environment that says nothing but what is given."""
    return terminal.type(*words, environment={"XDG_CONFIG_HOME": terminal.config, **environment})


def key(terminal: Terminal, role: Role = Role.READER) -> str:
    """An API key."""
    return terminal.app.texts[role]


def sent(terminal: Terminal) -> tuple[str, str | None]:
    """Where the last request went, and with which key."""
    last = terminal.app.asked[-1]
    return last.url.partition("/api/")[0], last.headers.get("x-api-key")


def test_the_environment_suffices(terminal: Terminal) -> None:
    assert typed(terminal, "whoami", TIDEGATE_URL=ADDRESS, TIDEGATE_KEY=key(terminal)).status == Exit.FINE


def test_a_profile_suffices_and_its_key_may_be_in_a_file(terminal: Terminal, tmp_path: Path) -> None:
    file = tmp_path / "key"
    file.write_text(f"{key(terminal)}\n")
    file.chmod(0o600)
    profiles(terminal, f'default = "prod"\n[profiles.prod]\nurl = "{ADDRESS}/api/"\nkey_file = "{file}"\n')
    found = typed(terminal, "whoami")
    assert (found.status, found.err, sent(terminal)) == (Exit.FINE, "", (ADDRESS, key(terminal)))


def test_flags_count_before_the_environment_and_that_before_the_profile(terminal: Terminal) -> None:
    text = f'[profiles.a]\nurl = "{OTHER}"\nkey = "{key(terminal)}"\n[profiles.b]\nurl = "{ADDRESS}"\ntimeout = "7s"\n'
    profiles(terminal, text)
    both = {"TIDEGATE_KEY": key(terminal, Role.OPERATOR), "TIDEGATE_PROFILE": "a"}
    typed(terminal, "whoami", **both)
    assert sent(terminal) == (OTHER, key(terminal, Role.OPERATOR))
    typed(terminal, "whoami", "--profile", "b", **both)
    assert (sent(terminal)[0], terminal.app.asked[-1].timeout) == (ADDRESS, 7)
    typed(terminal, "--timeout", "8s", "whoami", "--url", "https://third.example", **both)
    assert (sent(terminal)[0], terminal.app.asked[-1].timeout) == ("https://third.example", 8)


def test_a_profiles_key_goes_to_the_profiles_address_alone(terminal: Terminal) -> None:
    profiles(terminal, f'default = "a"\n[profiles.a]\nurl = "{ADDRESS}"\nkey = "{key(terminal)}"\n')
    for words, environment in ((("--url", OTHER), {}), ((), {"TIDEGATE_URL": OTHER})):
        found = typed(terminal, "whoami", *words, **environment)
        assert (found.status, terminal.app.asked) == (Exit.DENIED, [])
        assert f"the profile's key is not sent to {OTHER}" in found.err
    assert typed(terminal, "whoami", "--url", f"{ADDRESS}/").status == Exit.FINE


def test_files_that_others_can_read_are_told_of(terminal: Terminal) -> None:
    file = profiles(terminal, f'default = "a"\n[profiles.a]\nurl = "{ADDRESS}"\nkey = "{key(terminal)}"\n', 0o644)
    found = typed(terminal, "whoami")
    assert (found.status, found.err) == (Exit.FINE, f"{file} can be read by others (mode 644); say: chmod 600 {file}\n")


def test_no_file_of_the_working_directory_is_read(terminal: Terminal, monkeypatch: pytest.MonkeyPatch) -> None:
    profiles(terminal, f'default = "a"\n[profiles.a]\nurl = "{ADDRESS}"\nkey = "{key(terminal)}"\n')
    monkeypatch.chdir(terminal.config)
    assert typed(terminal, "whoami", XDG_CONFIG_HOME=".").status == Exit.USAGE


@pytest.mark.parametrize(
    ("text", "status"),
    [
        ("[profiles.a\n", Exit.UNREADABLE),
        ('[profiles.a]\nurl = ""\n', Exit.UNREADABLE),
        ('[profiles.a]\nurl = "https://x"\npassword = "x"\n', Exit.UNREADABLE),
        ("[profiles.a]\n", Exit.UNREADABLE),
        ('default = "b"\n[profiles.a]\nurl = "https://x"\n', Exit.USAGE),
        ('[profiles.b]\nurl = "https://x"\n', Exit.USAGE),
    ],
)
def test_a_profile_that_is_none_is_told_of(terminal: Terminal, text: str, status: Exit) -> None:
    profiles(terminal, text)
    found = typed(terminal, "whoami", "--profile", "a" if "default" not in text else "b")
    assert (found.status, terminal.app.asked) == (status, [])
    assert "config.toml" in found.err


@pytest.mark.parametrize(
    "url",
    [
        "http://tidegate.example",
        "tidegate.example",
        "ftp://tidegate.example",
        "https://",
        "https://a:b@tidegate.example",
        "https://tidegate.example/?code=1",
        "https://tidegate.example/#a",
        "https://tidegate.example:port",
        "https://[::1",
    ],
)
def test_a_key_goes_to_no_address_that_is_none_or_in_the_clear(terminal: Terminal, url: str) -> None:
    found = typed(terminal, "whoami", "--url", url, TIDEGATE_KEY=key(terminal))
    assert (found.status, terminal.app.asked) == (Exit.USAGE, [])


@pytest.mark.parametrize("url", ["http://127.0.0.1:7071", "http://localhost:7071/api", "http://[::1]:7071"])
def test_this_machine_may_be_asked_in_the_clear(terminal: Terminal, url: str) -> None:
    assert typed(terminal, "whoami", "--url", url, TIDEGATE_KEY=key(terminal)).status == Exit.FINE


def test_without_an_address_or_without_an_identity_nothing_is_asked(terminal: Terminal) -> None:
    assert typed(terminal, "whoami").status == Exit.USAGE
    assert typed(terminal, "whoami", TIDEGATE_URL=ADDRESS).status == Exit.DENIED
    assert terminal.app.asked == []


@pytest.mark.parametrize("text", ["", " ", "two words", "ключ", "a\nb", "a\x07b"])
def test_a_file_that_holds_no_key_is_told_of_and_nothing_of_it(terminal: Terminal, tmp_path: Path, text: str) -> None:
    file = tmp_path / "key"
    file.write_text(text)
    found = typed(terminal, "whoami", TIDEGATE_URL=ADDRESS, TIDEGATE_KEY_FILE=str(file))
    assert (found.status, terminal.app.asked) == (Exit.UNREADABLE, [])
    assert not text.strip() or text not in found.err
    missing = typed(terminal, "whoami", TIDEGATE_URL=ADDRESS, TIDEGATE_KEY_FILE=str(tmp_path / "none"))
    assert missing.status == Exit.UNREADABLE


def test_a_key_is_no_flag(terminal: Terminal) -> None:
    assert typed(terminal, "whoami", "--key", key(terminal), TIDEGATE_URL=ADDRESS).status == Exit.USAGE


def test_a_key_that_opens_nothing_is_not_told(terminal: Terminal) -> None:
    found = typed(terminal, "whoami", TIDEGATE_URL=ADDRESS, TIDEGATE_KEY="notakeyatall")
    assert (found.status, "notakeyatall" in found.err) == (Exit.DENIED, False)


def signed_in(monkeypatch: pytest.MonkeyPatch, token: str | None) -> list[str]:
    """Let ``az`` have a token, or none; return for what it was asked for one."""
    scopes: list[str] = []

    class Unavailable(Exception):
        message = "Please run 'az login' to set up an account\nand more"

    class Credential:
        def get_token(self, scope: str) -> SimpleNamespace:
            scopes.append(scope)
            if token is None:
                raise Unavailable
            return SimpleNamespace(token=token)

    identity = ModuleType("azure.identity")
    vars(identity).update(AzureCliCredential=Credential, CredentialUnavailableError=Unavailable)
    monkeypatch.setitem(sys.modules, "azure.identity", identity)
    return scopes


def test_people_sign_in_by_az_for_the_apps_registration(terminal: Terminal, monkeypatch: pytest.MonkeyPatch) -> None:
    scopes = signed_in(monkeypatch, "a.token.ofaz")
    profiles(terminal, f'default = "a"\n[profiles.a]\nurl = "{ADDRESS}"\nsign_in = "api://tidegate"\n')
    typed(terminal, "whoami")
    last = terminal.app.asked[-1].headers
    assert (last["Authorization"], "x-api-key" in last, scopes) == (
        "Bearer a.token.ofaz",
        False,
        ["api://tidegate/.default"],
    )
    typed(terminal, "whoami", TIDEGATE_KEY=key(terminal))
    assert (sent(terminal)[1], "Authorization" in terminal.app.asked[-1].headers) == (key(terminal), False)


def test_who_is_not_signed_in_is_told_what_to_do(terminal: Terminal, monkeypatch: pytest.MonkeyPatch) -> None:
    signed_in(monkeypatch, None)
    found = typed(terminal, "whoami", TIDEGATE_URL=ADDRESS, TIDEGATE_SIGN_IN="api://tidegate")
    assert (found.status, terminal.app.asked) == (Exit.DENIED, [])
    assert found.err == "no sign-in for api://tidegate: Please run 'az login' to set up an account; say az login\n"

"""The command that makes, lists and revokes API keys: what it prints, and how it ends."""

from __future__ import annotations

import pytest

from shared import keys
from shared.access_ports import StoredKey
from shared.domain.access.api_keys import ApiKey, id_of, opens

pytestmark = pytest.mark.unit


class Kept:
    """Keys in memory."""

    def __init__(self) -> None:
        self.kept: dict[str, ApiKey] = {}

    def every(self) -> tuple[StoredKey, ...]:
        """See ``ApiKeys.every``."""
        return tuple(StoredKey(key, "") for key in self.kept.values())

    def add(self, key: ApiKey) -> None:
        """See ``ApiKeys.add``."""
        self.kept[key.id] = key

    def replace(self, stored: StoredKey, key: ApiKey) -> None:
        """See ``ApiKeys.replace``."""
        self.kept[stored.key.id] = key


@pytest.fixture
def kept(monkeypatch: pytest.MonkeyPatch) -> Kept:
    """What the command keeps keys in."""
    made = Kept()
    monkeypatch.setattr(keys, "_keys", lambda _: made)
    return made


def test_a_key_is_shown_once_and_alone_and_then_only_its_id(kept: Kept, capsys: pytest.CaptureFixture[str]) -> None:
    assert keys.main(["make", "deploy", "--role", "operator"]) == 0
    text = capsys.readouterr().out.removesuffix("\n")
    assert opens(text, kept.kept[id_of(text)])
    assert keys.main(["list"]) == 0
    listed = capsys.readouterr().out
    assert id_of(text) in listed
    assert text[-64:] not in listed


def test_a_revoked_key_opens_nothing_and_makes_room_for_another_of_its_name(
    kept: Kept, capsys: pytest.CaptureFixture[str]
) -> None:
    made = []
    for _ in range(2):
        assert keys.main(["make", "deploy", "--role", "reader"]) == 0
        made.append(capsys.readouterr().out.strip())
    assert keys.main(["make", "deploy", "--role", "reader"]) == 1
    assert "revoke one of" in capsys.readouterr().err
    assert keys.main(["revoke", id_of(made[0])]) == 0
    assert not opens(made[0], kept.kept[id_of(made[0])])
    assert keys.main(["make", "deploy", "--role", "reader"]) == 0


@pytest.mark.parametrize(
    ("arguments", "status"),
    [([], 64), (["make", "deploy"], 64), (["make", "deploy", "--role", "admin"], 64), (["--nonsense"], 64)],
)
def test_a_command_line_that_is_none_ends_with_64(arguments: list[str], status: int) -> None:
    with pytest.raises(SystemExit) as ended:
        keys.main(arguments)
    assert ended.value.code == status


@pytest.mark.parametrize("arguments", [["revoke", "nobody"], ["make", "Two words", "--role", "reader"]])
def test_what_cannot_be_done_ends_with_1_and_says_why(
    kept: Kept, arguments: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert keys.main(arguments) == 1
    said = capsys.readouterr()
    assert said.err
    assert said.out == ""
    assert kept.kept == {}

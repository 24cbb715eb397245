"""The first hour in Azure: bounded, asked for, cleaned up, and quiet about what a report must not hold."""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from azure.core.credentials import AccessToken

from infra.live_check import __main__ as command
from infra.live_check.arm import Arm, KeptTokens, RefusedError, shown
from infra.live_check.catalogue import PROBES, chosen
from infra.live_check.ground import Ground, Pace, Source
from infra.live_check.made import Made
from infra.live_check.probe import Probe, Seen, Verdict, found
from infra.live_check.report import announced, as_text, for_machines
from infra.live_check.run import ask_all
from infra.live_check.tasks import _matches

pytestmark = pytest.mark.unit

ROOT = Path(__file__).resolve().parents[2]
REGISTRY = "/subscriptions/s/resourceGroups/g/providers/Microsoft.ContainerRegistry/registries/tidegate"


class Credential:
    """Gives tokens, and counts them."""

    def __init__(self, seconds: float = 3600) -> None:
        self.given = 0
        self._seconds = seconds

    def get_token(self, *_: str, **__: Any) -> AccessToken:
        """Return a new token."""
        self.given += 1
        return AccessToken(f"token{self.given}", int(time.time() + self._seconds))


def ground() -> Ground:
    """Return a place that is never asked."""
    credential = KeptTokens(Credential())
    arm = Arm("https://management.azure.com", "scope", credential)
    return Ground(arm, credential, REGISTRY, Source("r", "p", ("a", "b")), "1", pace=Pace(look=0))


def probe(ask: Callable[[Ground], Seen], number: int = 1) -> Probe:
    """Return a probe."""
    return Probe(number, "Is it so?", "looks", "a thing", "shared/errors.py", 1, ask)


def making(what: str, *, fails: bool = False) -> Callable[[Ground], Seen]:
    """Return what makes something, and perhaps breaks off."""

    def ask(place: Ground) -> Seen:
        place.made.note(what, lambda: None)
        if fails:
            raise TimeoutError("too long")
        return found(True, what)

    return ask


# Probes.


def test_probes_are_numbered_without_gaps_and_say_everything_of_themselves() -> None:
    assert [each.number for each in PROBES] == list(range(1, len(PROBES) + 1))
    for each in PROBES:
        assert each.asks.endswith("?")
        assert all((each.does, each.makes, each.confirms, each.minutes))


def test_heavy_probes_are_asked_only_on_request() -> None:
    heavy = {each.number for each in PROBES if each.heavy}
    assert heavy
    assert not heavy & {each.number for each in chosen(frozenset(), heavy=False)}
    assert {each.number for each in chosen(frozenset(), heavy=True)} == {each.number for each in PROBES}
    assert {each.number for each in chosen(frozenset(heavy), heavy=False)} == heavy


def test_a_number_that_is_no_probes_is_told() -> None:
    with pytest.raises(ValueError, match="no probe 99"):
        chosen(frozenset({1, 99}), heavy=False)


# Cleaning up, and time.


def test_what_was_made_is_deleted_the_latest_first_even_if_something_cannot_be() -> None:
    made, undone = Made(), list[str]()

    def fail() -> None:
        raise RefusedError("HTTP 409")

    made.note("one", lambda: undone.append("one"))
    made.note("stuck", fail)
    made.note("two", lambda: undone.append("two"))
    made.clean(lambda _: None)
    assert undone == ["two", "one"]
    assert made.left == ["stuck: RefusedError: HTTP 409"]


def test_a_probe_that_breaks_off_is_undecided_and_its_things_are_deleted_and_the_next_is_asked() -> None:
    place, told = ground(), list[str]()
    asked = ask_all(place, [probe(making("one", fails=True)), probe(making("two"), 2)], 5, told.append)
    assert [each.seen.verdict for each in asked] == [Verdict.UNDECIDED, Verdict.AS_BUILT]
    assert asked[0].seen.text == "broke off: TimeoutError: too long"
    assert {"deleted one", "deleted two"} <= set(told)


def test_whoever_breaks_it_off_leaves_nothing() -> None:
    def broken_off(place: Ground) -> Seen:
        place.made.note("one", lambda: None)
        raise KeyboardInterrupt

    told = list[str]()
    assert ask_all(ground(), [probe(broken_off)], 5, told.append) == []
    assert told[-1] == "deleted one"


def test_no_probe_is_begun_once_the_time_is_over() -> None:
    asked = ask_all(ground(), [probe(making("one"))], 0, lambda _: None)
    assert asked[0].seen.text == "not asked: 0 minutes were over"


# Tokens and words.


def test_a_token_is_asked_for_once_and_again_before_it_expires() -> None:
    lasting, short = Credential(), Credential(60)
    for credential in (lasting, short):
        kept = KeptTokens(credential)
        kept.get_token("scope")
        kept.get_token("scope")
    assert (lasting.given, short.given) == (1, 2)


@pytest.mark.parametrize("address", ["https://evil.example/x", "https://management.azure.com.evil.example/x"])
def test_the_token_goes_to_resource_manager_and_nowhere_else(address: str) -> None:
    place = ground()
    place.arm._session = SimpleNamespace(request=lambda *_, **__: pytest.fail("it was sent"))  # type: ignore[assignment]
    with pytest.raises(RefusedError, match="not given the token"):
        place.arm.ask("poll of an import", "GET", address)


def test_a_report_holds_no_signature_and_no_id() -> None:
    text = "at https://a.example/b?t=1&s=SECRET of 6c1d6b5e-3f63-4d6b-9b3a-0f3f1d9b7c11"
    assert shown(text) == "at https://a.example/b?… of <id>"
    asked = ask_all(ground(), [probe(lambda _: found(True, text, deep={"list": [text]}))], 5, lambda _: None)
    for report in (as_text(asked, [text]), str(for_machines(asked, [text], "tidegate"))):
        assert "SECRET" not in report
        assert "6c1d6b5e" not in report


@pytest.mark.parametrize(
    ("patterns", "covered"),
    [
        (["*"], True),
        (["Microsoft.ContainerRegistry/registries/tasks/write"], True),
        (["microsoft.containerregistry/*/write"], True),
        (["Microsoft.ContainerRegistry/registries/taskruns/write"], False),
        (["*/read"], False),
        ([], False),
    ],
)
def test_rights_are_compared_as_azure_does(patterns: list[str], *, covered: bool) -> None:
    assert _matches(patterns, "Microsoft.ContainerRegistry/registries/tasks/write") is covered


# The command.


def test_it_says_what_it_would_do_and_asks_before_it_does_anything(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(command, "_ground", lambda *_: pytest.fail("it began"))
    monkeypatch.setattr("builtins.input", lambda _: "no")
    assert command.main({"REGISTRIES": REGISTRY}) == 1
    said = capsys.readouterr().out
    assert "probes in tidegate: " in said
    assert "none begins after 60" in said
    assert all(each.asks.split(",")[0][:40] in said for each in chosen(frozenset(), heavy=False))


def test_what_it_would_do_can_be_listed() -> None:
    assert command.main({"REGISTRIES": REGISTRY, "LIST": "1"}) == 0


@pytest.mark.parametrize("environment", [{}, {"REGISTRIES": "tidegate"}, {"REGISTRIES": REGISTRY, "PROBES": "99"}])
def test_wrong_arguments_are_told(environment: dict[str, str], capsys: pytest.CaptureFixture[str]) -> None:
    assert command.main(environment) == 2
    assert "make live-check REGISTRIES=" in capsys.readouterr().out


def test_every_probe_is_announced_with_what_it_makes_and_deletes() -> None:
    said = " ".join(announced(PROBES, "tidegate", 60).split())
    assert all(f"Makes and deletes: {each.makes}." in said for each in PROBES)


def test_what_is_left_is_told_in_capitals() -> None:
    assert "COULD NOT BE DELETED:\n  - a task" in as_text([], ["a task"])


# Documents.


def asked_in_the_readme() -> list[str]:
    """Return the column of the README's table that tells which probe asks."""
    section = (ROOT / "README.md").read_text().partition("\n## How far it is tested\n")[2].partition("\n## ")[0]
    rows = [line.split(" | ") for line in section.splitlines() if line.startswith("| ")]
    return [row[1] for row in rows if len(row) == 3][1:]


def test_every_open_question_of_the_readme_has_the_probe_that_asks_it_and_every_probe_its_question() -> None:
    named = [int(number) for cell in asked_in_the_readme() for number in re.findall(r"\d+", cell)]
    assert sorted(named) == [each.number for each in PROBES]


def test_a_question_without_a_probe_says_so() -> None:
    assert [cell for cell in asked_in_the_readme() if not re.fullmatch(r"\d+(, \d+)*|none", cell)] == []


@pytest.mark.parametrize("each", PROBES, ids=lambda each: str(each.number))
def test_what_a_probe_is_about_is_there(each: Probe) -> None:
    named = re.findall(r"\b(?:shared|infra|docs|host)[\w/]*\.(?:py|bicep|md|json)", each.confirms)
    assert named
    assert [path for path in named if not (ROOT / path).exists()] == []

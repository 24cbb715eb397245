"""What entries, defaults and policies ask of rebuilds: who goes first, how many at once, and what follows a failure."""

from __future__ import annotations

from datetime import timedelta

import pytest

from shared.domain.policy.rebuilding import OnFailure, Rebuilding
from shared.errors import WatchListError
from shared.watch_list_yaml import parse_watch_list

pytestmark = pytest.mark.unit

ENTRY = """
images:
  - name: node
    source: docker.io/library/node
    tags: ["22"]
    target: base/node
"""


def asked(entry: str = "", before: str = "") -> Rebuilding | None:
    """Return what is asked of rebuilds for the entry of a list, with more lines in it and before it."""
    lines = "".join(f"    {line}\n" for line in entry.strip().splitlines())
    watch_list = parse_watch_list(f"{before}{ENTRY}{lines}".encode())
    return watch_list.rebuilding_of(watch_list.images[0])


def problem(entry: str) -> str:
    """Return what is told of a list that is refused."""
    with pytest.raises(WatchListError) as refused:
        asked(entry)
    return "\n".join(refused.value.problems)


def test_an_entry_that_says_nothing_asks_for_no_waves() -> None:
    assert asked() is None


def test_an_entry_says_who_goes_first_by_name_or_owner() -> None:
    found = asked('rebuild: {canary: [contosoapps/shop, "owner:payments"], wave: 5, window: 1h}')
    assert found == Rebuilding(("contosoapps/shop", "owner:payments"), 5, "1h", OnFailure.HOLD)
    assert found.waits == timedelta(hours=1)


def test_an_entry_says_how_many_go_first() -> None:
    assert asked("rebuild: {canary: 2, on_canary_failure: restore}") == Rebuilding(
        2, on_canary_failure=OnFailure.RESTORE
    )


def test_what_is_left_out_is_one_canary_ten_at_once_and_a_hold() -> None:
    assert asked("rebuild: {}") == Rebuilding(1, 10, "10m", OnFailure.HOLD)


def test_the_defaults_of_a_file_say_it_for_entries_that_do_not() -> None:
    defaults = "defaults:\n  rebuild: {wave: 3}\n"
    assert asked(before=defaults) == Rebuilding(wave=3)
    assert asked("rebuild: {wave: 4}", before=defaults) == Rebuilding(wave=4)
    assert asked("rebuild: off", before=defaults) is None


def test_a_policy_says_it_for_its_entries_and_those_that_extend_it() -> None:
    policies = "policies:\n  web: {test: off, rebuild: {wave: 3}}\n  shop: {extends: web}\n"
    policies += "  none: {extends: web, rebuild: off}\n"
    assert asked("policy: web", before=policies) == Rebuilding(wave=3)
    assert asked("policy: shop", before=policies) == Rebuilding(wave=3)
    assert asked("policy: none", before=policies) is None
    assert asked("policy: web\nrebuild: {wave: 4}", before=policies) == Rebuilding(wave=4)


def test_an_entry_that_is_only_observed_moves_nothing_and_so_asks_for_no_waves() -> None:
    assert asked("mode: observe\nrebuild: {wave: 4}") is None


def test_what_a_policy_says_of_rebuilds_leaves_its_hash_as_it_was() -> None:
    start = "policies:\n  web: {test: off, approval: required"
    rest = f"}}\n{ENTRY}    policy: web\n"
    lists = [parse_watch_list(f"{start}{more}{rest}".encode()) for more in ("", ", rebuild: {wave: 3}")]
    first, second = (one.policy_of(one.images[0]) for one in lists)
    assert first is not None
    assert second is not None
    assert first.sha256 == second.sha256


@pytest.mark.parametrize(
    ("entry", "told"),
    [
        ("rebuild: {canary: 0}", "line 7: images[0].rebuild.canary"),
        ("rebuild: {canary: [shop]}", ", such as contosoapps/shop"),
        ("rebuild: {window: 10}", ", such as 48h"),
        ("rebuild: {on_canary_failure: halt}", "invalid enum value 'halt'; expected hold, restore, continue"),
        ("policy: {test: off, rebuild: {on_canary_failure: halt}}", "'halt'; expected hold, restore, continue"),
        ("rebuild: on", "invalid enum value 'on'; expected off, or a mapping"),
        ("rebuild: {canary: []}", "images[0].rebuild.canary"),
        ("rebuild: {canary: shop}", "images[0].rebuild.canary"),
        ("rebuild: {canary: [a b]}", "images[0].rebuild.canary"),
        ("rebuild: {wave: many}", "images[0].rebuild.wave"),
        ("rebuild: {window: 10}", "images[0].rebuild.window"),
        ("rebuild: {on_canary_failure: pray}", "images[0].rebuild.on_canary_failure"),
        ("rebuild: {canaries: 2}", "images[0].rebuild.canaries: unknown field"),
        ("rebuild: maybe", "images[0].rebuild"),
    ],
)
def test_what_cannot_be_is_refused_with_its_place(entry: str, told: str) -> None:
    assert told in problem(entry)


def test_a_tool_is_promoted_nowhere_so_nothing_is_rebuilt_for_it() -> None:
    assert "rebuild would mean nothing of it" in problem("registry: staging\nrebuild: {wave: 3}")


@pytest.mark.parametrize(
    ("canary", "target", "owner", "named"),
    [
        ("contosoapps/shop", "acr:contosoapps/shop", "", True),
        ("ContosoApps/Shop", "acr:contosoapps/shop", "", True),
        ("acr:contosoapps/shop", "acr:contosoapps/shop", "", True),
        ("contosoapps/shop", "github:contosoapps/shop", "", False),
        (
            "github:org/repo/.github/workflows/build.yml@main",
            "github:org/repo/.github/workflows/build.yml@main",
            "",
            True,
        ),
        ("owner:payments", "acr:contosoapps/shop", "payments", True),
        ("owner:payments", "acr:contosoapps/shop", "", False),
        ("owner:payments", "acr:owner/payments", "search", False),
    ],
)
def test_a_canary_is_named_by_its_id_or_by_its_owner(canary: str, target: str, owner: str, named: bool) -> None:
    assert Rebuilding((canary,)).names(target, owner) is named

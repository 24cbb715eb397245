"""What the watch list says is built on an entry is read as it is meant, and what is wrong is told with its line."""

from __future__ import annotations

import pytest

from shared.domain.watching.rebuild_targets import RebuildTarget
from shared.errors import WatchListError
from shared.watch_list_yaml import parse_watch_list

pytestmark = pytest.mark.unit


def entry(rebuilds: str) -> bytes:
    """Return a list of one entry that says what is rebuilt."""
    return (
        "images:\n  - name: node\n    source: node\n    tags: [22]\n    target: base/node\n    gate: none\n"
        f"    rebuilds: {rebuilds}\n"
    ).encode()


def problem(rebuilds: str) -> str:
    """Return the one thing that is wrong."""
    with pytest.raises(WatchListError) as raised:
        parse_watch_list(entry(rebuilds))
    (told,) = raised.value.problems
    return told


def test_a_project_of_azure_pipelines_may_have_blanks_in_its_name_and_be_a_canary() -> None:
    text = (
        entry("[pipelines:Contoso Web Shop/42@main]")
        + b"    rebuild: {canary: ['pipelines:Contoso Web Shop/42@main']}\n"
    )
    (image,) = parse_watch_list(text).images
    assert [one.id for one in image.rebuild_targets] == ["pipelines:Contoso Web Shop/42@main"]


@pytest.mark.parametrize(
    "target", ["pipelines: Shop/42@main", "pipelines:Shop/42@main ", "pipelines:", "pipelines:a\tb"]
)
def test_a_blank_at_an_end_of_a_place_is_a_slip(target: str) -> None:
    with pytest.raises(WatchListError, match="rebuilds"):
        parse_watch_list(entry(f'["{target}"]'))


def test_a_target_is_read_as_a_text_or_with_what_is_said_of_it() -> None:
    text = (
        '[github:contoso/shop/.github/workflows/image.yml@main, {target: "acr:ContosoApps/Shop", owner: payments}, '
        "{target: event:billing, tags: [22], on: [apps.azurecr.io/runtime:1], pushes: [apps.azurecr.io/billing:1]}]"
    )
    (image,) = parse_watch_list(entry(text)).images
    first, second, third = image.rebuild_targets
    assert first == RebuildTarget("github:contoso/shop/.github/workflows/image.yml@main")
    assert (second.id, second.owner) == ("acr:contosoapps/shop", "payments")
    assert (third.tags, third.on, third.pushes) == (
        ["22"],
        ["apps.azurecr.io/runtime:1"],
        ["apps.azurecr.io/billing:1"],
    )


def test_an_entry_that_says_nothing_has_none() -> None:
    assert parse_watch_list(entry("[]")).images[0].rebuild_targets == ()


@pytest.mark.parametrize(
    ("rebuilds", "told"),
    [
        ("[shop]", ", such as github:contoso/shop/.github/workflows/image.yml@main"),
        ("[{target: github:x, tags: ['99']}]", "the entry has no tag '99' in the base registry; it has "),
        ("['GitHub:x']", "images[0].rebuilds[0]"),
        ("['github:a b ']", "images[0].rebuilds[0]"),
        ("[{tags: [22]}]", "images[0].rebuilds[0]"),
        ("[{target: github:x, when: now}]", "images[0].rebuilds[0]"),
        ("[acr:shop]", "'acr:shop' is no task: expected acr:registry/task, such as acr:contosoapps/shop"),
        ("[acr:contosoapps/a/b]", "is no task"),
        ("[github:x, github:x]", "images[0].rebuilds[1]: 'github:x' stands there a second time"),
        ("[acr:contosoapps/Shop, acr:ContosoApps/shop]", "images[0].rebuilds[1]"),
        ("[{target: github:x, on: [runtime:1]}]", "images[0].rebuilds[0].on[0]: 'runtime:1' names no registry"),
        ("[{target: github:x, pushes: ['a.io/b:1:2']}]", "images[0].rebuilds[0].pushes[0]"),
        ("[{target: github:x, tags: ['a:b']}]", "images[0].rebuilds[0].tags[0]: 'a:b' is not a tag"),
        ('[{target: github:x, owner: "a\\tb"}]', "images[0].rebuilds[0].owner: it holds what cannot be printed"),
    ],
)
def test_what_is_wrong_is_told_with_its_place(rebuilds: str, told: str) -> None:
    found = problem(rebuilds)
    assert found.startswith("line ")
    assert told in found


def test_a_tool_is_rebuilt_by_nobody() -> None:
    text = entry("[github:x]").replace(b"    gate: none\n", b"    registry: staging\n")
    with pytest.raises(WatchListError, match="rebuilds would mean nothing of it"):
        parse_watch_list(text)

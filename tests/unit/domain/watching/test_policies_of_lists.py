"""A list's policies hold for its entries: by name, written there, by default, and with the gate as shorthand."""

from __future__ import annotations

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.domain.policy.policy import Mode
from shared.domain.watching.watch_list import ListFile, WatchList
from shared.errors import WatchListError
from shared.watch_list_yaml import parse_watch_list, read_files

pytestmark = pytest.mark.unit

SCANNER = f"scanner: {{image: docker.io/aquasec/trivy@sha256:{'a' * 64}, database: trivy-db}}\n"
TOOL = "  - {name: trivy-db, source: mirror.gcr.io/aquasec/trivy-db, tags: [2], target: tools/db, registry: staging}\n"
POLICIES = """\
policies:
  standard: {test: {gate: shell}, scan: {block: high, fixable: true}}
  strict: {extends: standard, scan: {block: medium}}
  untested: {scan: {block: low}}
"""


def listed(*entries: str, defaults: str = "", head: str = POLICIES + SCANNER) -> str:
    """Return a list of some entries, each what it says beside its source and tags, and of one tool."""
    whole = [
        f"  - {{name: n{at}, source: node, tags: [22], target: base/n{at}{each}}}\n" for at, each in enumerate(entries)
    ]
    return f"{head}{f'defaults: {{{defaults}}}' if defaults else ''}\nimages:\n{TOOL}{''.join(whole)}"


def read(text: str, *more: ListFile) -> WatchList:
    """Read a list that is valid."""
    return parse_watch_list(text.encode(), *more)


def problems(text: str, *more: ListFile) -> tuple[str, ...]:
    """Return what a list is refused with."""
    with pytest.raises(WatchListError) as refused:
        parse_watch_list(text.encode(), *more)
    return refused.value.problems


def gates(watch_list: WatchList) -> list[str | None]:
    """Return the gates of the entries that are promoted."""
    return [image.functional_gate for image in watch_list.base_images]


def names(watch_list: WatchList) -> list[str | None]:
    """Return which policy holds for each entry that is promoted."""
    return [policy.name if (policy := watch_list.policy_of(image)) else None for image in watch_list.base_images]


def test_an_entrys_gate_is_that_of_its_policy_wherever_the_policy_is_said() -> None:
    found = read(
        listed(
            ", policy: strict",
            ", policy: {test: {gate: own}}",
            ", policy: untested",
            "",
            ", gate: other",
            ", gate: none",
            defaults="policy: standard",
        )
    )
    assert gates(found) == ["shell", "own", None, "shell", "other", None]
    assert names(found) == ["strict", "n1", "untested", "standard", "n4", "n5"]


def test_a_policy_of_the_list_says_whether_untested_platforms_hold() -> None:
    found = read(listed(", policy: {extends: standard, test: {untested: enforce}}", ", policy: standard"))
    tests = [policy.test for image in found.base_images if (policy := found.policy_of(image))]
    assert [test.untested for test in tests if test] == [Mode.ENFORCE, Mode.OBSERVE]


def test_a_test_that_is_off_is_none() -> None:
    found = read(listed(", policy: {extends: standard, test: off}", ", policy: {test: {gate: a, mode: off}}"))
    assert gates(found) == [None, None]
    first = found.policy_of(found.base_images[0])
    assert first is not None
    assert first.modes == {"test": Mode.OFF, "scan": Mode.ENFORCE}


def test_a_gate_alone_is_a_policy_of_its_test_alone() -> None:
    found = read(listed(", gate: node", ", gate: none", "", head=""))
    assert gates(found) == ["node", None, None]
    gated, untested, unsaid = (found.policy_of(image) for image in found.base_images)
    assert gated is not None
    assert (gated.name, gated.gate, gated.scan) == ("n0", "node", None)
    assert untested is not None
    assert (untested.name, untested.test, untested.scan) == ("n1", None, None)
    assert unsaid is None


def test_a_default_gate_stands_back_behind_the_test_of_an_entrys_own_policy_and_fills_in_where_it_names_none() -> None:
    found = read(
        listed(", policy: standard", ", policy: untested", ", policy: {scan: observe}", "", defaults="gate: node")
    )
    assert gates(found) == ["shell", "node", "node", "node"]
    policies = [found.policy_of(image) for image in found.base_images]
    assert [bool(policy and policy.scan) for policy in policies] == [True, True, True, False]


def test_policies_of_one_file_hold_for_entries_of_another() -> None:
    second = ListFile("images/b.yaml", b"images: [{name: b, source: b, tags: [1], target: base/b, policy: strict}]")
    found = read(listed(""), second)
    assert found.images[-1].functional_gate == "shell"
    assert found.entries == (2, 1)


def test_a_policy_is_the_same_record_however_often_it_is_asked_for() -> None:
    found = read(listed(", gate: node", ", policy: strict"))
    for image in found.base_images:
        assert found.policy_of(image) is found.policy_of(image)


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        (listed(", policy: strickt"), "line 9: images[1].policy: there is no policy called 'strickt'"),
        (listed("", defaults="policy: x"), "line 6: defaults.policy: there is no policy called 'x'"),
        (listed(", policy: [strict]"), "line 9: images[1].policy: expected a policy: a mapping"),
        (listed(", policy: {}"), "line 9: images[1].policy: expected a policy"),
        (listed(", policy: {tests: off}"), "line 9: images[1].policy.tests: unknown field"),
        (listed(", policy: {scan: {block: mid}}"), "line 9: images[1].policy.scan.block: invalid enum value 'mid'"),
        (listed(", policy: {test: {mode: enforce}}"), "line 9: images[1].policy.test: no gate is named"),
        (listed(", policy: {test: {gate: A}}"), "line 9: images[1].policy.test.gate: expected `str` matching regex"),
        (listed(head="policies: [a]\n" + SCANNER), "line 1: policies: expected a mapping of names to policies"),
        (listed(head="policies: {A: {scan: off}}\n" + SCANNER), "line 1: policies.A: a policy's name is lower case"),
        (listed(head="policies: {a: {extends: a}}\n" + SCANNER), "line 1: policies.a.extends: a extends a"),
    ],
)
def test_what_is_wrong_with_a_policy_is_told_once_with_its_line(text: str, problem: str) -> None:
    (told,) = problems(text)
    assert told.startswith(problem)


def test_what_is_wrong_with_policies_does_not_hide_what_else_is_wrong() -> None:
    told = problems(listed(", policy: strickt, gates: a", ", policy: {scan: {block: mid}}, tag: 1"))
    assert [each.split(": ")[1] for each in told] == [
        "images[1].gates",
        "images[2].tag",
        "images[2].policy.scan.block",
    ]


@pytest.mark.parametrize(
    "text",
    [
        listed(", policy: a", head="policies: {a: {test: {gate: b, mode: observe}}}\n" + SCANNER),
        listed(", policy: a", head="policies: {b: {test: {gate: b}}, a: {extends: b, test: observe}}\n"),
        listed(", policy: {extends: standard, test: {gate: b, mode: observe}}"),
        listed("", defaults="policy: {test: {gate: b, mode: observe}}", head=""),
    ],
)
def test_a_test_that_is_only_observed_is_made_all_the_same(text: str) -> None:
    found = read(text)
    policy = found.policy_of(found.base_images[0])
    assert gates(found)[0] == "b"
    assert policy is not None
    assert policy.modes["test"] is Mode.OBSERVE


@pytest.mark.parametrize("scan", ["scan: enforce", "scan: observe", "scan: {block: low}"])
def test_a_scan_without_a_scanner_is_refused_where_it_is_first_asked_for(scan: str) -> None:
    (told,) = problems(listed("", f", policy: {{{scan}}}", f", policy: {{{scan}}}", head=""))
    assert told.startswith("line 5: images[2].policy: the policy 'n1' of 'n1' asks for a scan, and the list names no ")


def test_a_scan_by_default_without_a_scanner_is_refused_too() -> None:
    (told,) = problems(listed("", head=POLICIES, defaults="policy: strict"))
    assert "the policy 'strict' of 'n0' asks for a scan" in told


def test_a_scan_that_is_off_and_a_policy_that_nobody_goes_by_need_no_scanner() -> None:
    found = read(listed(", policy: {test: {gate: a}, scan: off}", head=POLICIES))
    assert found.scanner is None
    assert sorted(found.policies.named) == ["standard", "strict", "untested"]


# Whatever stands there.

WORDS = st.sampled_from(
    ["", "a", "off", "observe", "enforce", "none", "node", "strict", "standard", "staging", "base", "high", "[]", "2"]
)
FIELDS = [
    "extends",
    "test",
    "scan",
    "gate",
    "mode",
    "block",
    "policy",
    "registry",
    "tags",
    "target",
    "name",
    "platforms",
]
ANYTHING = st.recursive(
    st.one_of(st.none(), WORDS),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(st.sampled_from(FIELDS), inner, max_size=4)),
    max_leaves=8,
)
ENTRIES = st.fixed_dictionaries(
    {
        "name": st.sampled_from("abcd"),
        "source": st.just("node"),
        "tags": st.just(["22"]),
        "target": st.sampled_from("ab"),
    },
    optional={"policy": ANYTHING, "registry": ANYTHING, "gate": ANYTHING, "platforms": ANYTHING},
)
DOCUMENTS = st.fixed_dictionaries(
    {"images": st.lists(ENTRIES, max_size=3)},
    optional={
        "policies": st.one_of(ANYTHING, st.dictionaries(st.sampled_from(["standard", "strict"]), ANYTHING, max_size=2)),
        "defaults": ANYTHING,
        "scanner": ANYTHING,
    },
)


@given(DOCUMENTS, DOCUMENTS)
def test_whatever_stands_in_two_files_is_read_whole_or_refused_with_lines(
    first: dict[str, object], second: dict[str, object]
) -> None:
    files = [ListFile(name, msgspec.json.encode(each)) for name, each in (("a.yaml", first), ("b.yaml", second))]
    reading = read_files(files)
    if reading.watch_list is None:
        assert reading.problems
        assert all(", line 1: " in problem for problem in reading.problems)
        return
    for image in reading.watch_list.images:
        policy = reading.watch_list.policy_of(image)
        assert image.functional_gate == (policy.gate if policy else None)
        assert policy is None or policy.modes["scan"] is Mode.OFF


@given(st.data())
def test_a_list_with_one_wrong_character_is_read_or_refused(data: st.DataObject) -> None:
    good = listed(", policy: strict", ", gate: node", defaults="policy: standard")
    position = data.draw(st.integers(0, len(good) - 1))
    character = data.draw(st.sampled_from(":-[]{}&*!|>'\"\\%@`#?,~\t\n x0"))
    text = good[:position] + character + good[position + 1 :]
    try:
        assert len(read(text).images) <= 3
    except WatchListError as refused:
        assert all(problem.startswith("line ") for problem in refused.problems)

"""Policies are named and reused, an entry names one or writes its own, and whatever is wrong is told with its place."""

from __future__ import annotations

import time
from datetime import timedelta
from typing import Any

import pytest

from shared.domain.policy.policy import Gap, GateCheck, Mode, Policy, ScanCheck
from shared.domain.policy.reading import Policies, read_policies
from shared.domain.policy.severity import Severity

pytestmark = pytest.mark.unit

STANDARD = {
    "test": {"gate": "shell"},
    "scan": {"block": "high", "fixable": "true", "delta": "true", "max_db_age": "3d"},
}
NAMED = {"standard": STANDARD, "strict": {"extends": "standard", "scan": {"block": "medium"}}}


def read(*documents: object) -> Policies:
    policies, problems = read_policies(*documents)
    assert problems == ()
    assert policies is not None
    return policies


def listed(*entries: dict[str, Any], **fields: Any) -> Policies:
    return read(
        {"policies": NAMED, "images": [{"name": "node", "tags": ["lts"], **each} for each in entries], **fields}
    )


def wrong(*documents: object) -> list[tuple[Any, str, int]]:
    policies, problems = read_policies(*documents)
    assert policies is None
    return [(each.path, each.told, each.file) for each in problems]


def test_a_policy_is_what_it_says_and_defaults_for_the_rest() -> None:
    scan = ScanCheck(block=Severity.HIGH, fixable=True, delta=True, max_db_age="3d")
    assert read({"policies": NAMED}).named["standard"] == Policy("standard", GateCheck("shell"), scan)
    assert scan.oldest_database == timedelta(days=3)
    assert (scan.mode, scan.end_of_life, scan.known_exploited) == (Mode.ENFORCE, Mode.ENFORCE, Mode.OFF)


def test_what_a_policy_does_not_say_it_has_from_the_one_it_extends_field_by_field() -> None:
    strict = read({"policies": NAMED}).named["strict"]
    assert strict == Policy("strict", GateCheck("shell"), ScanCheck(block=Severity.MEDIUM, fixable=True, delta=True))


def test_a_check_that_is_only_a_mode_changes_the_mode_and_nothing_else() -> None:
    policies = {
        **NAMED,
        "trial": {"extends": "strict", "scan": "observe", "test": "off"},
        "again": {"extends": "trial", "scan": "enforce", "test": "enforce"},
        "bare": {"scan": "enforce", "test": "off"},
    }
    named = read({"policies": policies}).named
    assert named["trial"].scan == ScanCheck(mode=Mode.OBSERVE, block=Severity.MEDIUM, fixable=True, delta=True)
    assert named["trial"].modes == {"test": Mode.OFF, "scan": Mode.OBSERVE}
    assert (named["again"].test, named["again"].scan) == (named["strict"].test, named["strict"].scan)
    assert named["bare"] == Policy("bare", None, ScanCheck())


def test_severities_may_be_written_in_capitals_and_gaps_as_a_list() -> None:
    (policy,) = read({"policies": {"a": {"scan": {"block": "CRITICAL", "accept": ["no-packages"]}}}}).named.values()
    assert policy.scan == ScanCheck(block=Severity.CRITICAL, accept=(Gap.NO_PACKAGES,))


def test_an_entry_names_a_policy_or_writes_its_own_which_bears_its_name() -> None:
    own = {"extends": "standard", "scan": {"max_db_age": "12h"}}
    policies = listed({"policy": "strict"}, {"name": "own", "policy": own}, {"name": "none"})
    assert policies.entries["node"] == policies.named["strict"]
    assert policies.entries["own"].name == "own"
    assert policies.entries["own"].scan == ScanCheck(fixable=True, delta=True, max_db_age="12h")
    assert set(policies.entries) == {"node", "own"}
    assert (policies.of("own"), policies.of("strict")) == (policies.entries["own"], policies.named["strict"])
    assert policies.of("nobody") is None
    assert policies.names == ("node", "own", "standard", "strict")


def test_entries_that_say_nothing_have_the_default_policy() -> None:
    policies = listed({}, {"name": "other", "policy": "strict"}, defaults={"policy": "standard", "owner": "web"})
    assert policies.defaults == (policies.named["standard"],)
    assert policies.entries == {"node": policies.named["standard"], "other": policies.named["strict"]}


def test_a_gate_says_the_test_on_top_of_the_policy_that_holds_otherwise() -> None:
    own = {"scan": {"block": "low"}}
    policies = listed(
        {"gate": "node"},
        {"name": "strict-one", "policy": "strict", "gate": "node"},
        {"name": "own-one", "policy": own, "gate": "node"},
        {"name": "untested", "gate": "none"},
        # Called as the policy that it names.
        {"name": "strict", "policy": "strict", "gate": "node"},
        defaults={"policy": "standard"},
    )
    assert policies.entries["node"] == Policy("node", GateCheck("node"), policies.named["standard"].scan)
    assert policies.entries["strict-one"].scan == policies.named["strict"].scan
    assert policies.entries["strict"] == Policy("strict", GateCheck("node"), policies.named["strict"].scan)
    assert policies.entries["own-one"] == Policy("own-one", GateCheck("node"), ScanCheck(block=Severity.LOW))
    assert policies.entries["untested"].modes == {"test": Mode.OFF, "scan": Mode.ENFORCE}


def test_a_gate_alone_is_a_policy_that_only_tests() -> None:
    policies = read({"images": [{"name": "node", "gate": "node"}], "defaults": {"gate": "shell"}})
    assert policies.entries == {"node": Policy("node", GateCheck("node"))}
    assert read({"images": [{"name": "node"}], "defaults": {"gate": "shell"}}).entries["node"].test == GateCheck(
        "shell"
    )


def test_the_files_of_a_list_share_their_policies_and_each_has_its_defaults() -> None:
    first = {"policies": {"standard": STANDARD}, "defaults": {"policy": "standard"}, "images": [{"name": "a"}]}
    second = {"policies": {"strict": NAMED["strict"]}, "defaults": {"policy": "strict"}, "images": [{"name": "b"}]}
    policies = read(first, second)
    assert (policies.entries["a"].name, policies.entries["b"].name) == ("standard", "strict")
    assert wrong(first, first) == [(("policies", "standard"), "another file has a policy of this name", 1)]


def test_a_policy_is_known_by_its_content_and_not_by_its_name() -> None:
    policies = {
        "a": STANDARD,
        "b": {"extends": "a", "scan": "enforce"},
        "c": {"extends": "a", "scan": {"block": "low"}},
    }
    one, same, other = read({"policies": policies}).named.values()
    assert one.sha256 == same.sha256 != other.sha256
    assert len(one.sha256) == 64


@pytest.mark.parametrize(
    ("policies", "path", "told"),
    [
        ([], (), "expected a mapping of names to policies"),
        ({"A": STANDARD}, ("A",), "a policy's name is lower case"),
        ({"a\n": STANDARD}, ("a\n",), "a policy's name is lower case"),
        ({"a": None}, ("a",), "expected a policy"),
        ({"a": {}}, ("a",), "an empty one would check nothing"),
        ({"a": "standard"}, ("a",), "expected a policy"),
        ({"a": {"scann": {}}}, ("a", "scann"), "unknown field; expected extends, test, scan"),
        ({"a": {"scan": {"blok": "high"}}}, ("a", "scan", "blok"), "unknown field; expected mode, block"),
        ({"a": {"scan": None}}, ("a", "scan"), "expected a mapping, or enforce, observe or off"),
        ({"a": {"scan": "on"}}, ("a", "scan"), "invalid enum value 'on'; expected enforce, observe, off"),
        ({"a": {"scan": {"block": "worst"}}}, ("a", "scan", "block"), "expected unknown, low, medium, high, critical"),
        ({"a": {"scan": {"fixable": "yes"}}}, ("a", "scan", "fixable"), "expected `bool`"),
        ({"a": {"scan": {"max_db_age": "3 days"}}}, ("a", "scan", "max_db_age"), "matching regex"),
        ({"a": {"scan": {"max_db_age": "0d"}}}, ("a", "scan", "max_db_age"), "matching regex"),
        ({"a": {"scan": {"max_db_age": "3d\n"}}}, ("a", "scan", "max_db_age"), "matching regex"),
        ({"a": {"scan": {"accept": ["everything"]}}}, ("a", "scan", "accept"), "invalid enum value"),
        ({"a": {"test": {"gate": "../x"}}}, ("a", "test", "gate"), "matching regex"),
        ({"a": {"test": {"mode": "observe"}}}, ("a", "test"), "no gate is named"),
        ({"a": {"test": "enforce"}}, ("a", "test"), "no gate is named"),
        ({"a": {"extends": "b"}}, ("a", "extends"), "there is no policy called 'b'; there are: a"),
        ({"a": {"extends": "a"}}, ("a", "extends"), "a extends a: a policy cannot extend itself"),
        ({"a": {"extends": "b"}, "b": {"extends": "a"}}, ("a", "extends"), "a extends b extends a"),
        ({"c": {"extends": "a"}, "a": {"extends": "a"}}, ("c", "extends"), "c extends a extends a"),
    ],
)
def test_what_is_wrong_with_a_policy_is_told_where_it_is(policies: Any, path: tuple[str, ...], told: str) -> None:
    first = wrong({"policies": policies})[0]
    assert first[0] == ("policies", *path)
    assert told in first[1]


@pytest.mark.parametrize(
    ("fields", "path", "told"),
    [
        (
            {"images": [{"name": "a", "policy": "strct"}]},
            ("images", 0, "policy"),
            "'strct'; there are: standard, strict",
        ),
        (
            {"images": [{"name": "a", "policy": {"scan": {"x": "1"}}}]},
            ("images", 0, "policy", "scan", "x"),
            "unknown field",
        ),
        ({"images": [{"name": "a", "policy": {}}]}, ("images", 0, "policy"), "an empty one would check nothing"),
        ({"images": [{"name": "a", "policy": ["strict"]}]}, ("images", 0, "policy"), "expected a policy"),
        ({"images": [{"name": "strict", "policy": {"scan": {}}}]}, ("images", 0, "policy"), "the same name"),
        ({"defaults": {"policy": "none"}}, ("defaults", "policy"), "there is no policy called 'none'"),
    ],
)
def test_what_is_wrong_with_what_an_entry_says_is_told_there(fields: Any, path: tuple[Any, ...], told: str) -> None:
    first = wrong({"policies": NAMED, **fields})[0]
    assert first[0] == path
    assert told in first[1]


def test_a_thousand_policies_that_extend_each_other_are_read_once_each() -> None:
    chain = {f"p{number}": {"extends": f"p{number - 1}"} if number else STANDARD for number in range(1000)}
    backwards = dict(reversed(chain.items()))
    began = time.process_time()
    assert read({"policies": backwards}).named == read({"policies": chain}).named
    cycle = wrong({"policies": {**chain, "p0": {"extends": "p999"}}})
    entries = [{"name": f"e{number}", "policy": "p999", "gate": "node"} for number in range(5000)]
    assert len(read({"policies": chain, "images": entries}).entries) == 5000
    assert (len(cycle), max(len(told) for _, told, _ in cycle) < 500) == (1000, True)
    assert time.process_time() - began < 10
    policies = read({"policies": {**chain, "p999": {"extends": "p998", "scan": {"block": "low"}}}})
    assert policies.named["p999"].scan == ScanCheck(block=Severity.LOW, fixable=True, delta=True)
    assert (
        wrong({"policies": {f"p{number}": STANDARD for number in range(1001)}})[0][1]
        == "a list has at most 1000 policies"
    )

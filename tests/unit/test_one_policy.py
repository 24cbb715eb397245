"""One policy by itself: its text or its name, on top of those that are known by name."""

from __future__ import annotations

import pytest

from shared.errors import MalformedInput
from shared.policy_yaml import read_one_policy
from shared.watch_list_yaml import parse_watch_list

pytestmark = pytest.mark.unit

LIST = b"""
policies:
  plain: {scan: {}}
  standard: {test: {gate: node}, scan: {block: low, delta: true, accept: [no-packages]}}
  preview: {extends: standard, min_age: 48h, fast_lane: true, approval: {required: 2}}
  strict: {extends: preview, freeze: [{cron: "0 17 * * FRI", for: 62h}], signatures: {cosign: {key: keys/a.pem}}}
  agreed: {approval: required}
  nothing: {test: off}
images: []
"""
NAMED = parse_watch_list(LIST).policies.named


@pytest.mark.parametrize("name", NAMED)
def test_what_only_extends_a_policy_is_that_policy(name: str) -> None:
    read = read_one_policy(f"extends: {name}".encode(), NAMED)
    assert read.policy.sha256 == NAMED[name].sha256
    assert read.says_test == (NAMED[name].test is not None)
    assert read_one_policy(name.encode(), NAMED).policy is NAMED[name]


@pytest.mark.parametrize(
    ("text", "says_test"),
    [("scan: {block: low}", False), ("test: off", True), ("{extends: plain, test: off}", True)],
)
def test_it_is_known_whether_a_policy_says_anything_of_a_test(text: str, says_test: bool) -> None:
    assert read_one_policy(text.encode(), NAMED).says_test is says_test


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("nix", "line 1: the document: there is no policy called 'nix'; there are: agreed, nothing"),
        ("\nextends: nix", "line 2: extends: there is no policy called 'nix'; there are: agreed, nothing"),
        ("test: off\nscan:\n  block: hi", "line 3: scan.block: invalid enum value 'hi'"),
        ("", "line 1: the document: expected a policy"),
        ("[]", "line 1: the document: expected a policy"),
        ("{}", "an empty one would check nothing"),
        ("test: observe", "no gate is named"),
        ("a: [", "not YAML"),
    ],
)
def test_what_is_no_policy_is_told_with_its_line(text: str, told: str) -> None:
    with pytest.raises(MalformedInput) as error:
        read_one_policy(text.encode(), NAMED)
    assert told in str(error.value)

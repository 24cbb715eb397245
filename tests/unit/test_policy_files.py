"""Files of policies and of waivers are YAML whose problems are told with their lines."""

from __future__ import annotations

import json

import pytest

from shared.domain.policy.policy import Mode
from shared.domain.policy.severity import Severity
from shared.errors import MalformedInput
from shared.policy_yaml import LARGEST_FILE, read_policy_file, read_waiver_file

pytestmark = pytest.mark.unit

LIST = b"""\
defaults: {policy: standard}
policies:
  standard:
    test: {gate: shell}
    scan: {block: high, fixable: true, delta: true, max_db_age: 3d}
  strict: {extends: standard, scan: {block: medium}}
images:
  - {name: node, source: node, target: base/node, tags: [lts], policy: {extends: strict, scan: off}}
"""
WAIVERS = b"""\
- id: CVE-2026-0001
  package: libssl3
  reason: not reachable
  by: ana
  until: 2026-12-31
"""


def told(text: bytes) -> str:
    with pytest.raises(MalformedInput) as raised:
        read_policy_file(text)
    return str(raised.value)


def test_a_watch_list_is_read_for_its_policies() -> None:
    file = read_policy_file(LIST)
    assert file.alone is None
    assert file.policies.names == ("node", "standard", "strict")
    scan = file.policies.entries["node"].scan
    assert scan is not None
    assert (scan.mode, scan.block, scan.fixable) == (Mode.OFF, Severity.MEDIUM, True)


def test_the_mapping_of_one_policy_is_that_policy() -> None:
    file = read_policy_file(b"scan:\n  block: low\n")
    assert file.alone is not None and file.alone.scan is not None
    assert file.alone.scan.block is Severity.LOW


def test_anchors_and_own_fields_are_as_in_a_watch_list() -> None:
    text = b"x-scan: &scan {block: low}\npolicies:\n  a: {scan: *scan}\n  b: {scan: {<<: *scan, fixable: true}}\n"
    scans = [policy.scan for policy in read_policy_file(text).policies.named.values()]
    assert [(scan.block, scan.fixable) for scan in scans if scan] == [(Severity.LOW, False), (Severity.LOW, True)]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (b"scan:\n  block: high\n  fixd: true\n", "line 3: scan.fixd: unknown field; expected mode, block"),
        (LIST.replace(b"{block: medium}", b"{block: mid}"), "line 6: policies.strict.scan.block: invalid enum value"),
        (LIST.replace(b"extends: strict", b"extends: strickt"), "line 8: images[0].policy.extends: there is no policy"),
        (LIST.replace(b"policy: standard", b"policy: x"), "line 1: defaults.policy: there is no policy called 'x'"),
        (b"scan: {}\nscan: {}\n", "line 2: scan: the same field stands twice"),
        (b"", "line 1: the document: expected a policy, or a list with policies"),
        (b"- scan\n", "line 1: the document: expected a policy"),
        (b"{}", "line 1: the document: expected a policy"),
        (b"scan: [\n", "line 1: not YAML"),
        (b"\xff", "line 1: not YAML"),
        (b" " * (LARGEST_FILE + 1), "it has more than 1048576 bytes"),
        (b"[" * 200, "deep"),
    ],
)
def test_what_is_wrong_with_a_file_is_told_with_its_line(text: bytes, expected: str) -> None:
    assert expected in told(text)


def test_no_more_than_a_hundred_problems_are_told() -> None:
    text = b"scan:\n" + b"".join(b"  f%d: 1\n" % number for number in range(150))
    lines = told(text).splitlines()
    assert (len(lines), lines[-1]) == (101, "and 50 more problems")


def test_waivers_are_read_from_yaml_and_from_json() -> None:
    (waiver,) = read_waiver_file(WAIVERS)
    assert (waiver.id, waiver.package, waiver.by, waiver.until) == ("CVE-2026-0001", "libssl3", "ana", "2026-12-31")
    fields = {name: getattr(waiver, name) for name in ("id", "package", "reason", "by", "until")}
    assert read_waiver_file(json.dumps([fields], indent=1).encode()) == (waiver,)
    assert read_waiver_file(b"[]") == ()


def test_what_is_wrong_with_a_waiver_is_told_with_its_line() -> None:
    for text, expected in (
        (WAIVERS.replace(b"2026-12-31", b"later"), "line 5: [0].until: 'later' is neither a day"),
        (WAIVERS.replace(b"  by: ana\n", b""), "line 1: [0]: the field 'by' is missing"),
        (b"CVE-2026-0001: libssl3\n", "line 1: the document: expected `array`"),
    ):
        with pytest.raises(MalformedInput) as raised:
            read_waiver_file(text)
        assert expected in str(raised.value)

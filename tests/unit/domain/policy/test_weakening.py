"""What a policy asks for less than the one before it is told, and what it only asks for otherwise is not."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from shared.domain.policy.mode import Mode
from shared.domain.policy.policy import Gap, GateCheck, Policy, ScanCheck
from shared.domain.policy.promoting import ApprovalCheck, Freeze
from shared.domain.policy.severity import Severity
from shared.domain.policy.signing import CosignCheck, NotationCheck, SignatureCheck
from shared.domain.policy.weakening import weakenings

pytestmark = pytest.mark.unit

SCAN = ScanCheck(known_exploited=Mode.ENFORCE)
FREEZE = Freeze("0 17 * * FRI", "62h", "Europe/Berlin")
SIGNED = SignatureCheck(cosign=CosignCheck(key="keys/build.pem"))
NOTATION = NotationCheck("acme", "x509.subject: C=US, ST=Washington, O=Acme, CN=Release")
STRICT = Policy(
    "strict",
    test=GateCheck("node", untested=Mode.ENFORCE),
    scan=SCAN,
    signatures=SIGNED,
    min_age="48h",
    approval=ApprovalCheck(required=2),
    freeze=(FREEZE,),
)
LESS: list[tuple[str, dict[str, Any]]] = [
    ("test: off instead of enforce", {"test": None}),
    ("test: off instead of enforce", {"test": GateCheck("node", Mode.OFF, Mode.ENFORCE)}),
    ("test: observe instead of enforce", {"test": GateCheck("node", Mode.OBSERVE, Mode.ENFORCE)}),
    ("test.untested: observe instead of enforce", {"test": GateCheck("node")}),
    ("scan: off instead of enforce", {"scan": None}),
    ("scan: observe instead of enforce", {"scan": replace(SCAN, mode=Mode.OBSERVE)}),
    ("scan.block: critical instead of high", {"scan": replace(SCAN, block=Severity.CRITICAL)}),
    ("scan.fixable", {"scan": replace(SCAN, fixable=True)}),
    ("scan.delta", {"scan": replace(SCAN, delta=True)}),
    ("scan.max_db_age: 1w instead of 3d", {"scan": replace(SCAN, max_db_age="1w")}),
    ("scan.known_exploited: observe", {"scan": replace(SCAN, known_exploited=Mode.OBSERVE)}),
    ("scan.end_of_life: off", {"scan": replace(SCAN, end_of_life=Mode.OFF)}),
    ("scan.accept: no-packages", {"scan": replace(SCAN, accept=(Gap.NO_PACKAGES,))}),
    ("signatures: off instead of enforce", {"signatures": None}),
    ("signatures: observe instead of enforce", {"signatures": replace(SIGNED, mode=Mode.OBSERVE)}),
    ("signatures.cosign: the key keys/other.pem", {"signatures": SignatureCheck(cosign=CosignCheck("keys/other.pem"))}),
    ("signatures.cosign: nobody's", {"signatures": SignatureCheck(notation=NOTATION)}),
    ("signatures.types: other", {"signatures": replace(SIGNED, types=(*SIGNED.types, "other"))}),
    ("signatures.references: ghcr.io/x", {"signatures": replace(SIGNED, references=("ghcr.io/x",))}),
    ("min_age: 2h instead of 48h", {"min_age": "2h"}),
    ("min_age: none instead of 48h", {"min_age": None}),
    ("fast_lane", {"fast_lane": True}),
    ("freeze: none any more", {"freeze": ()}),
    ("freeze: none any more", {"freeze": (replace(FREEZE, span="1h"),)}),
    ("approval: nobody has to agree any more", {"approval": None}),
    ("approval: 1 instead of 2", {"approval": ApprovalCheck()}),
    ("approval.machines: bot too", {"approval": ApprovalCheck(required=2, machines=("bot",))}),
]


@pytest.mark.parametrize(("told", "fields"), LESS, ids=str)
def test_what_is_asked_for_less_is_told_and_the_way_back_is_not(told: str, fields: dict[str, Any]) -> None:
    weaker = replace(STRICT, **fields)
    (one,) = [each for each in weakenings(STRICT, weaker) if each.startswith(told)]
    assert one
    if "signatures.cosign" not in told and "freeze" not in told:
        assert [each for each in weakenings(weaker, STRICT) if each.startswith(told.partition(":")[0])] == []


def test_a_policy_that_goes_is_told_with_all_that_it_asked() -> None:
    names = [told.partition(":")[0] for told in weakenings(STRICT, None)]
    assert names == ["test", "scan", "signatures", "min_age", "freeze", "approval"]


@pytest.mark.parametrize(
    "fields",
    [
        {"name": "other"},
        {"test": GateCheck("python", untested=Mode.ENFORCE)},
        {"scan": replace(SCAN, block=Severity.LOW, max_db_age="1d")},
        {"min_age": "2d"},
        {"min_age": "1w"},
        {"approval": ApprovalCheck(required=3)},
        {"freeze": (FREEZE, replace(FREEZE, span="70h"))},
    ],
    ids=str,
)
def test_what_is_asked_for_more_or_otherwise_is_not_told(fields: dict[str, Any]) -> None:
    assert weakenings(STRICT, replace(STRICT, **fields)) == ()


def test_a_first_policy_and_a_second_one_for_nothing_are_no_weakening() -> None:
    assert weakenings(None, STRICT) == weakenings(None, None) == weakenings(STRICT, STRICT) == ()


_CHANGES = st.lists(st.sampled_from([fields for _, fields in LESS]), max_size=4)


@given(changes=_CHANGES)
def test_several_changes_are_weaker_as_soon_as_one_of_them_is(changes: list[dict[str, Any]]) -> None:
    weaker = STRICT
    for fields in changes:
        weaker = replace(weaker, **fields)
    assert bool(weakenings(STRICT, weaker)) is (weaker != STRICT)

"""Whatever findings there are: one more never turns a rejection into a pass, and their order does not matter."""

from __future__ import annotations

import random
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.domain.policy.policy import Gap, Mode, Policy, ScanCheck
from shared.domain.policy.severity import Severity
from shared.domain.scan.exploited import Exploited
from shared.domain.scan.report import NoAnswer, Report, Trouble
from shared.domain.scan.vex import read_vex
from shared.domain.scan.waivers import Waiver
from shared.domain.scan.weighing import Exceptions
from tests.unit.domain.scan.reports import (
    NOW,
    about,
    answer,
    decided,
    document,
    language,
    report,
    system,
    vulnerability,
)

pytestmark = pytest.mark.unit

IDS = ("CVE-2026-0001", "CVE-2026-0002", "GHSA-aaaa-bbbb-cccc")
PACKAGES = ("libssl3", "bash", "Jinja2")

findings = st.builds(
    vulnerability,
    VulnerabilityID=st.sampled_from(IDS),
    PkgName=st.sampled_from(PACKAGES),
    InstalledVersion=st.sampled_from(("1", "2")),
    FixedVersion=st.sampled_from((None, "3")),
    Status=st.sampled_from((None, "fixed", "affected", "will_not_fix")),
    Severity=st.sampled_from((None, "NEGLIGIBLE", *(severity.name for severity in Severity))),
    PkgPath=st.sampled_from((None, "a.jar")),
)
policies = st.builds(
    lambda **fields: Policy("p", scan=ScanCheck(**fields)),
    mode=st.sampled_from((Mode.ENFORCE, Mode.OBSERVE)),
    block=st.sampled_from(Severity),
    fixable=st.booleans(),
    delta=st.booleans(),
    known_exploited=st.sampled_from(Mode),
    end_of_life=st.sampled_from(Mode),
    accept=st.sampled_from(((), (Gap.NO_PACKAGES,), (Gap.UNSUPPORTED_SYSTEM,))),
)
waivers = st.lists(
    st.builds(
        Waiver,
        id=st.sampled_from(IDS),
        package=st.sampled_from(PACKAGES),
        reason=st.just("r"),
        by=st.sampled_from(("ana", "bob")),
        until=st.sampled_from(("2026-12-31", "2020-01-01", "2027-01-01")),
    ),
    max_size=3,
).map(tuple)


def _statements(said: list[tuple[str, str, str, str]]) -> tuple[Any, ...]:
    written = [
        {"vulnerability": name, "products": [product], "status": status, "timestamp": at}
        for name, product, status, at in said
    ]
    text = {"@context": "https://openvex.dev/ns", "@id": "v", "statements": written}
    return read_vex(msgspec.json.encode(text))


statements = st.lists(
    st.tuples(
        st.sampled_from(IDS),
        st.sampled_from(("pkg:oci/debian", "pkg:deb/debian/libssl3", "pkg:deb/debian/bash@1")),
        st.sampled_from(("fixed", "not_affected", "affected", "under_investigation")),
        st.sampled_from(("2026-01-01T00:00:00Z", "2026-02-01T00:00:00Z")),
    ),
    max_size=4,
).map(_statements)
exceptions = st.builds(
    Exceptions,
    vex=statements,
    waivers=waivers,
    exploited=st.sampled_from((None, Exploited(frozenset({"cve-2026-0002"}), NOW))),
)
reports = st.builds(
    lambda found, packages, of, old: document(
        *({"system": (system(*found, packages=packages),), "language": (language(*found, packages=packages),)}[of]),
        Metadata={"OS": {"Family": "debian", "Name": "12.7", "EOSL": old}},
    ),
    st.lists(findings, max_size=6),
    st.sampled_from((0, 1)),
    st.sampled_from(("system", "language")),
    st.booleans(),
)
bases = st.one_of(
    st.none(),
    st.just(NoAnswer(Trouble.CUT_OFF, "why")),
    st.lists(findings, max_size=6).map(lambda it: report(system(*it))),
)


def with_one_more(written: dict[str, Any], finding: dict[str, Any], suppressed: bool) -> dict[str, Any]:
    """The same report, with one finding more, as such or among what the scanner suppressed."""
    first, *rest = written["Results"]
    if suppressed:
        more = {"ExperimentalModifiedFindings": [{"Type": "vulnerability", "Finding": finding}]}
    else:
        more = {"Vulnerabilities": [*first.get("Vulnerabilities", []), finding]}
    return {**written, "Results": [{**first, **more}, *rest]}


@given(policies, reports, bases, exceptions, findings, st.booleans())
def test_one_finding_more_never_turns_a_rejection_into_anything_else(
    policy: Policy,
    written: dict[str, Any],
    base: Report | NoAnswer | None,
    known: Exceptions,
    finding: dict[str, Any],
    suppressed: bool,
) -> None:
    before = decided(policy, answer(written), base, exceptions=known)
    after = decided(policy, answer(with_one_more(written, finding, suppressed)), base, exceptions=known)
    if before.outcome.value == "reject":
        assert after.outcome.value == "reject"
    assert {each for each in about(before) if each[3] != "gone"} <= set(about(after))


@given(policies, reports, bases, exceptions, st.randoms(use_true_random=False))
def test_the_order_of_findings_results_statements_and_waivers_does_not_matter(
    policy: Policy,
    written: dict[str, Any],
    base: Report | NoAnswer | None,
    known: Exceptions,
    chance: random.Random,
) -> None:
    def shuffled(items: Any) -> list[Any]:
        return chance.sample(list(items), len(items))

    results = [
        {**result, "Vulnerabilities": shuffled(result.get("Vulnerabilities", []))} for result in written["Results"]
    ]
    other = Exceptions(tuple(shuffled(known.vex)), tuple(shuffled(known.waivers)), known.exploited)
    turned = (
        msgspec.structs.replace(base, findings=tuple(shuffled(base.findings))) if isinstance(base, Report) else base
    )
    first = decided(policy, answer(written), base, exceptions=known)
    second = decided(policy, answer({**written, "Results": shuffled(results)}), turned, exceptions=other)
    assert first == second


@given(policies, reports, bases, exceptions)
def test_a_pass_has_nothing_that_blocks_and_a_rejection_has_something(
    policy: Policy, written: dict[str, Any], base: Report | NoAnswer | None, known: Exceptions
) -> None:
    decision = decided(policy, answer(written), base, exceptions=known)
    effects = {each.effect.value for each in decision.said}
    if decision.outcome.value == "pass":
        assert not effects & {"rejects", "holds"}
        assert policy.modes["scan"] is Mode.OBSERVE or not any(each.blocks for each in decision.findings)
    if decision.outcome.value == "reject":
        assert "rejects" in effects

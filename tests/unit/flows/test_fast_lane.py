"""What mends something urgent of the base in use goes first, where its policy allows that, and somebody vouches."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import pytest
from msgspec.structs import replace

from shared.domain.policy.policy import GateCheck, Policy, ScanCheck
from shared.domain.policy.promoting import Freeze
from shared.domain.policy.severity import Severity
from shared.domain.promotion.admission import Waiting, admission_of
from shared.domain.promotion.scanning import ScanWish
from shared.domain.scan.findings import Finding
from tests.doubles.world import ONE, TAG, TARGET, TWO, World

pytestmark = pytest.mark.unit

HOUR = timedelta(hours=1)
LANE = Policy(
    "lane", test=GateCheck("node"), scan=ScanCheck(block=Severity.CRITICAL, delta=True), min_age="7d", fast_lane=True
)
OLD, NEW = "pkg:deb/debian/openssl@3.0.1?arch=amd64", "pkg:deb/debian/openssl@3.0.2?arch=amd64"
URGENT = Finding("CVE-2026-0009", "openssl", "3.0.1", "3.0.2", Severity.CRITICAL, purl=OLD)
AT = datetime(2026, 1, 1, 6, tzinfo=UTC)


@dataclass
class Case:
    """What comes after a base that has something urgent."""

    policy: Policy = LANE
    base: tuple[Finding, ...] = (URGENT,)
    found: tuple[Finding, ...] = ()
    listed: frozenset[str] | None = frozenset({NEW})
    agreed: bool = True
    database: datetime = AT
    world: World = field(default_factory=World)

    def come(self) -> World:
        """Let the base come into use by a laxer policy, and the next digest arrive under the one in question."""
        world = self.world
        world.agreed = self.agreed
        self._arrive(ONE)
        world.says(self.policy)
        self._arrive(TWO)
        for digest, found, at in ((ONE, self.base, AT), (TWO, self.found, self.database)):
            if digest not in world.kept_scans.of_digest:
                world.kept_scans.want(ScanWish("nobody", "node", digest, TARGET, ("linux/amd64",)))
            world.judge.scanned(world.kept_scans.end(digest, *found, database_at=at))
        if self.listed is not None:
            world.packages_of[TWO] = self.listed
        world.run_for(HOUR)
        return world

    def _arrive(self, digest: object) -> None:
        self.world.push(digest)  # type: ignore[arg-type]
        self.world.check()
        self.world.run_for(HOUR / 2)


def test_what_mends_something_critical_is_promoted_after_four_hours_and_says_why() -> None:
    world = Case().come()
    admission = admission_of(world.target(), TWO)
    assert admission is not None
    assert admission.waits_for is Waiting.SOAKING
    assert "CVE-2026-0009 in openssl 3.0.1, mended in 3.0.2" in admission.detail
    world.run_for(2 * HOUR)
    assert world.base.tags[TARGET, TAG] == ONE
    world.run_for(HOUR)
    assert world.base.tags[TARGET, TAG] == TWO
    admission = admission_of(world.target(), TWO)
    assert admission is not None
    assert "fast-lane" in admission.reasons


def other(**fields: object) -> Finding:
    """The urgent finding with something otherwise."""
    return replace(URGENT, **fields)


WAITS = [
    pytest.param(Case(policy=replace(LANE, fast_lane=False)), id="its policy allows no fast lane"),
    pytest.param(Case(agreed=False), id="it is not signed, and nobody agreed"),
    pytest.param(Case(listed=None), id="nobody listed its packages"),
    pytest.param(Case(listed=frozenset()), id="the package is gone, and not mended"),
    pytest.param(Case(listed=frozenset({OLD})), id="the package is the same: a scan was blinded"),
    pytest.param(Case(found=(URGENT,)), id="it has the finding still"),
    pytest.param(Case(found=(other(id="CVE-2026-0010"),)), id="it has something new that blocks"),
    pytest.param(Case(base=(other(severity=Severity.HIGH),)), id="what it mends is not urgent"),
    pytest.param(Case(base=(other(fixed=""),)), id="nobody knows a version that mends it"),
    pytest.param(Case(base=()), id="the base has nothing"),
    pytest.param(Case(database=AT - HOUR), id="it was scanned by another database"),
]


@pytest.mark.parametrize("case", WAITS)
def test_everything_else_soaks_as_others_do(case: Case) -> None:
    world = case.come()
    world.run_for(12 * HOUR)
    assert world.base.tags[TARGET, TAG] == ONE


def test_the_fast_lane_goes_before_no_freeze() -> None:
    frozen = replace(LANE, freeze=(Freeze(cron="0 10 1 1 *", span="20h"),))
    world = Case(policy=frozen).come()
    world.run_for(12 * HOUR)
    assert world.base.tags[TARGET, TAG] == ONE

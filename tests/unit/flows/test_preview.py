"""A preview tells what the admissions decide once its list is in force, and what nobody can tell."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from shared.domain.promotion.admission import Admission, with_admission
from shared.domain.promotion.astray import LetGo
from shared.domain.promotion.candidate import Candidate, Objection
from shared.domain.promotion.identity import candidate_id
from shared.domain.promotion.parts import Part
from shared.domain.promotion.previewing import NotKnown, Otherwise, Untold, When, by_test_alone, compared, digests_of
from shared.domain.promotion.target import Former, Sighting, Target
from shared.domain.references import Digest, Tag
from shared.domain.scan.decision import Outcome
from shared.domain.watching.observation import order_at
from shared.errors import Unavailable
from shared.flows import preview as flow
from shared.flows.preview import Preview, Previewer
from shared.policy_yaml import read_one_policy
from shared.rules.admissions import Admissions
from shared.rules.other_policies import AskingOtherwise, ask_the_same
from shared.rules.policies import Asked, Asking
from shared.watch_list_yaml import parse_watch_list
from tests.doubles.scans import CRITICAL, LINUX
from tests.doubles.world import BASE, NODE, ONE, TAG, THREE, TWO, World
from tests.unit.flows.previewed import ENTRIES, OLD, Kept, Pointed, list_of, world_of

pytestmark = pytest.mark.unit

ARM = "linux/arm64"
TEST = {"test": {"gate": "node"}}
HIGH = CRITICAL.replace(" f C ", " f H ").replace("0001", "0002")
UNFIXED = (
    'p "zlib1g" "1.2" "" "pkg:deb/debian/zlib1g@1.2?arch=amd64&distro=debian-12.7" f C affected "CVE-2026-0003" ""'
)
WAIVER = b"- {id: CVE-2026-0001, package: libssl3, reason: not reachable, by: anna, until: '2099-12-31'}\n"


class Soak:
    """A further check: what is newer than two days holds; it writes down that it was asked, unless it is dry."""

    def __init__(self, world: World, *, writes: bool = True) -> None:
        self._world = world
        self._writes = writes

    def facts(self, target: Target, *_: object) -> str:
        """What it goes by."""
        return "pinned" if target.pinned else ""

    def part(self, candidate: Candidate, target: Target, asked: Asked, so_far: Admission) -> Part | None:
        """Hold what is too new, where the policy says an age."""
        if self._writes:
            self._world.evidence.keep(candidate.id, "soak.json", so_far.outcome.value.encode())
        if asked.policy is None or not asked.policy.age:
            return None
        seen = next((one.order for one in target.sightings if one.digest == candidate.digest), 0)
        until = self._world.clock() - asked.policy.age
        return Part(Outcome.HOLD, ("soaking",), "it soaks", until) if seen > order_at(until) else None

    def dry(self) -> Soak:
        """Return one that writes nothing."""
        return Soak(self._world, writes=False)


def admissions_of(world: World) -> Admissions:
    """Return what judges in a world, with a further check."""
    parts = (world.policies, world.exceptions, world.scan_book, world.evidence, world.book, world.clock)
    return Admissions(*parts, checks=[Soak(world)])


def none_may_write(moment: str) -> None:
    """No store is written."""
    raise AssertionError(f"something was written: {moment}")


def preview(world: World, asking: Asking, *, limit: int = 100, after: str = "") -> Preview:
    """Make a preview, during which nothing may be written."""
    previewer = Previewer(admissions_of(world), world.targets, world.candidates, BASE, world.clock)
    world.hook = none_may_write
    try:
        return previewer.preview(asking, limit=limit, after=after)
    finally:
        world.hook = None


def asking_of(watch_list: bytes) -> Asking:
    """Return what a list asks."""
    return Asking(parse_watch_list(watch_list))


# That it says what is decided.

ages = st.sampled_from([timedelta(hours=1), timedelta(days=2), timedelta(days=9)])
objections = st.sampled_from([None] * 6 + [Objection(True, "broken"), Objection(False, "nothing said")])
findings = st.sampled_from([(CRITICAL,), (HIGH,), (), (HIGH, UNFIXED), (UNFIXED,), None])
platforms = st.sampled_from([(LINUX,)] * 3 + [(LINUX, ARM)])
mostly = st.sampled_from([True] * 7 + [False])
kept = st.builds(Kept, findings, ages, platforms, objections, passed=mostly, known=st.just(True), has_log=mostly)
tests = st.sampled_from(
    [{"gate": "node"}, {"gate": "node", "mode": "observe"}, {"gate": "node", "untested": "enforce"}]
)
scans = st.fixed_dictionaries(
    {
        "mode": st.sampled_from(["enforce", "enforce", "observe"]),
        "block": st.sampled_from(["high", "critical"]),
        "delta": st.sampled_from(["true", "false"]),
        "fixable": st.sampled_from(["true", "false"]),
        "max_db_age": st.sampled_from(["12h", "3d"]),
    }
)
ages_asked = {"min_age": st.sampled_from(["12h", "48h"])}
scanning = st.fixed_dictionaries({"test": tests, "scan": scans}, optional=ages_asked)
written = st.one_of(scanning, scanning, st.fixed_dictionaries({"test": tests}, optional=ages_asked), st.none())
pointed = st.builds(
    Pointed, st.sampled_from([ONE, TWO]), st.permutations([ONE, TWO, THREE]).map(lambda found: tuple(found[:2]))
)
lists = st.builds(list_of, st.fixed_dictionaries({"node": written, "old": written}), platforms)


def really(build: Callable[[], World], watch_list: bytes, tag: Tag, digest: Digest) -> Admission | NotKnown:
    """Judge one digest as the app does, with this list in force."""
    world = build()
    world.configuration.text = watch_list
    world.start()
    target, admissions = world.target(tag), admissions_of(world)
    stored = world.candidates.get(candidate_id(NODE, digest, _gate(world, tag)))
    if stored is None:
        return NotKnown.NOT_PASSED
    if not stored.record.has_passed:
        return NotKnown.NOT_PASSED
    basis = admissions.basis(target, digest, objected=stored.record.objection is not None)
    if basis is None:
        return by_test_alone(digest, world.clock())
    return admissions.judge(stored.record, basis, target)


def _gate(world: World, tag: Tag) -> str | None:
    asked = world.policies.now().of(ENTRIES[tag], world.target(tag).place)
    return asked.policy.gate if asked.policy else "node"


@settings(max_examples=100)
@given(
    tags=st.fixed_dictionaries({TAG: pointed, OLD: pointed}),
    digests=st.fixed_dictionaries({ONE: kept, TWO: kept, THREE: kept}),
    before=lists,
    after=lists,
    waived=st.booleans(),
)
def test_it_tells_what_is_decided_once_the_list_is_in_force(
    tags: Mapping[Tag, Pointed], digests: Mapping[Digest, Kept], before: bytes, after: bytes, waived: bool
) -> None:
    def build() -> World:
        world = world_of(tags, digests, before)
        world.exception_files.files = {"waivers.yaml": WAIVER} if waived else {}
        return world

    world = build()
    told = preview(world, asking_of(after))
    wanted: list[Otherwise | Untold | None] = []
    for tag in tags:
        target = world.target(tag)
        asked = [asking_of(one).of(ENTRIES[tag], target.place) for one in (before, after)]
        for digest, when in digests_of(target, world.clock()).items() if not ask_the_same(*asked) else ():
            now, then = (really(build, one, tag, digest) for one in (before, after))
            wanted.append(compared(target.id, digest, when, now, then))
    assert {*told.otherwise} == {one for one in wanted if isinstance(one, Otherwise)}
    assert {*told.not_known} == {one for one in wanted if isinstance(one, Untold)}
    assert told.counts.same == wanted.count(None)


@settings(max_examples=20)
@given(
    digests=st.fixed_dictionaries({ONE: kept, TWO: kept, THREE: kept}),
    before=st.fixed_dictionaries({"test": tests}, optional={"scan": scans}),
    policy=st.fixed_dictionaries({"scan": scans}, optional={"test": tests}),
)
def test_a_policy_for_an_entry_is_told_as_the_list_that_gives_it_to_the_entry(
    digests: Mapping[Digest, Kept], before: dict[str, Any], policy: dict[str, Any]
) -> None:
    tags = {TAG: Pointed(ONE, (ONE, TWO)), OLD: Pointed(ONE, (ONE, THREE))}
    world = world_of(tags, digests, list_of({"node": before, "old": before}))
    in_force = world.watch_lists.in_force()
    read = read_one_policy(json.dumps(policy).encode(), in_force.policies.named)
    one = AskingOtherwise(in_force, replace(read.policy, name="of-node"), ["node"], keeps_test=not read.says_test)
    whole = {"test": before["test"], **policy}
    assert preview(world, one) == preview(world, asking_of(list_of({"node": whole, "old": before})))


# What is looked at.


def simple(findings: tuple[str, ...] | None = (), watch_list: bytes = b"", **of_new: Any) -> World:
    """A world in which ONE is in use and TWO was sighted, of which a scan found this; only the test is asked for."""
    tags = {TAG: Pointed(ONE, (ONE, TWO))}
    digests = {ONE: Kept(), TWO: Kept(findings, **of_new)}
    return world_of(tags, digests, watch_list or list_of({"node": TEST}))


SCANNED = list_of({"node": {**TEST, "scan": {"block": "high"}}})


def test_what_would_be_rejected_is_told_with_its_findings() -> None:
    told = preview(simple((CRITICAL,)), asking_of(SCANNED))
    (found,) = told.otherwise
    assert (found.digest, found.when) == (TWO, When.RECENT)
    assert (found.now.outcome, found.then.outcome) == (Outcome.PASS, Outcome.REJECT)
    assert "CVE-2026-0001" in found.then.detail
    assert found.then.policy == "of-node"
    assert (told.counts.otherwise, told.counts.same, told.counts.targets) == ({"pass-reject": 1}, 1, 1)


def test_what_was_never_scanned_is_not_known_and_not_the_same_even_where_it_is_held_now() -> None:
    stricter = list_of({"node": {**TEST, "scan": {"block": "low"}}})
    for world in (simple(None), simple(None, SCANNED)):
        told = preview(world, asking_of(stricter))
        (found,) = told.not_known
        assert (found.digest, found.why) == (TWO, NotKnown.NO_REPORT)
        assert (told.counts.same, told.counts.not_known) == (1, {"no-report": 1})


def test_what_the_log_of_is_gone_is_not_known() -> None:
    told = preview(simple((CRITICAL,), has_log=False), asking_of(SCANNED))
    assert [(one.digest, one.why) for one in told.not_known] == [(TWO, NotKnown.NO_REPORT)]


def test_what_would_be_rejected_unless_the_unscanned_base_has_it_is_not_known() -> None:
    tags, digests = {TAG: Pointed(ONE, (ONE, TWO))}, {ONE: Kept(None), TWO: Kept((CRITICAL,))}
    delta = list_of({"node": {**TEST, "scan": {"block": "high", "delta": "true"}}})
    told = preview(world_of(tags, digests, list_of({"node": TEST})), asking_of(delta))
    assert {(one.digest, one.why) for one in told.not_known} == {
        (ONE, NotKnown.NO_REPORT),
        (TWO, NotKnown.NO_BASE_REPORT),
    }


def test_what_another_gate_would_have_to_test_is_not_known() -> None:
    told = preview(simple(), asking_of(list_of({"node": {"test": {"gate": "other"}}})))
    assert {(one.digest, one.why) for one in told.not_known} == {(ONE, NotKnown.NOT_PASSED), (TWO, NotKnown.NOT_PASSED)}


def test_what_others_put_there_is_not_known() -> None:
    told = preview(simple((), known=False), asking_of(SCANNED))
    assert [(one.digest, one.why) for one in told.not_known] == [(TWO, NotKnown.NO_CANDIDATE)]


def test_a_tag_of_which_both_lists_ask_the_same_is_not_looked_at() -> None:
    world = simple(None, SCANNED)
    told = preview(world, asking_of(SCANNED.replace(b"of-node", b"otherwise-called")))
    assert (told.counts.untouched, told.counts.targets, told.not_known) == (1, 0, ())


def test_a_tag_whose_entry_goes_would_be_held_for_no_policy_is_known() -> None:
    without = SCANNED.replace(b"target: base/node", b"target: base/other").replace(b"name: node", b"name: other")
    told = preview(simple((), SCANNED), asking_of(without))
    assert [(one.then.outcome, one.then.reasons) for one in told.otherwise] == [(Outcome.HOLD, ("no-entry",))] * 2


def test_digests_of_the_last_thirty_days_are_looked_at_and_none_before() -> None:
    world = simple()
    now, target = world.clock(), world.target()
    digests = [Digest(f"sha256:{number:064}") for number in range(5)]
    days = [timedelta(days=one) for one in (29, 31, 29, 31)]
    admissions = [
        Admission(digest=one, outcome=Outcome.PASS, at=now - day) for one, day in zip(digests, days[:2], strict=False)
    ]
    former = tuple(Former(one, now - day) for one, day in zip(digests[2:], days[2:], strict=False))
    old = Sighting(order_at(now - timedelta(days=31)), digests[4])
    target = replace(target, former=former, sightings=(old, *target.sightings))
    for admission in admissions:
        target = with_admission(target, admission)
    assert digests_of(target, now) == {
        ONE: When.TODAY,
        TWO: When.RECENT,
        digests[0]: When.RECENT,
        digests[2]: When.RECENT,
    }


def test_a_target_that_has_left_the_list_is_not_looked_at() -> None:
    world = simple((CRITICAL,))
    stored = world.book.read("base/node", TAG)
    assert stored is not None
    world.targets.replace(stored, replace(stored.record, let_go=LetGo(world.clock(), "its entry left")))
    assert preview(world, asking_of(SCANNED)).counts.targets == 0


# How much it does.


def many(count: int) -> World:
    """A world with many tags that share their digests."""
    world = simple((CRITICAL,))
    target = world.target()
    for number in range(count):
        world.targets.insert(replace(target, tag=Tag(f"t{number:03}")))
    return world


def test_a_log_is_read_once_however_many_tags_share_a_digest() -> None:
    world, reads = many(30), list[str]()
    read = world.evidence.read
    world.evidence.read = lambda of, name: (reads.append(of), read(of, name))[1]  # type: ignore[method-assign]
    told = preview(world, asking_of(SCANNED))
    assert (told.counts.targets, told.counts.otherwise) == (31, {"pass-reject": 31})
    assert sorted(reads) == sorted([ONE, TWO])


def test_parts_go_on_one_after_another_and_together_tell_all() -> None:
    world = many(9)
    whole, parts, after = preview(world, asking_of(SCANNED)), list[Preview](), ""
    while not parts or after:
        parts.append(preview(world, asking_of(SCANNED), limit=3, after=after))
        after = parts[-1].next
    assert [one.ended_by for one in parts] == ["limit", "limit", "limit", ""]
    assert tuple(one for part in parts for one in part.otherwise) == whole.otherwise
    assert sum(part.counts.same for part in parts) == whole.counts.same == 10


def test_a_part_ends_when_it_has_read_many_logs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(flow, "MOST_LOGS", 2)
    told = preview(many(5), asking_of(SCANNED))
    assert (told.ended_by, told.counts.targets) == ("logs", 1)
    assert told.next


def test_a_part_ends_when_it_has_taken_long() -> None:
    world = many(5)
    read = world.evidence.read

    def slowly(of: str, name: str) -> bytes | None:
        world.pass_time(timedelta(seconds=40))
        return read(of, name)

    world.evidence.read = slowly  # type: ignore[method-assign]
    told = preview(world, asking_of(SCANNED))
    assert (told.ended_by, told.counts.targets) == ("time", 1)


# What cannot be read.


def test_what_does_not_answer_fails_the_whole_so_that_it_is_asked_again() -> None:
    world = simple((CRITICAL,))
    world.evidence.fail("read", Unavailable("storage does not answer"))
    with pytest.raises(Unavailable):
        preview(world, asking_of(SCANNED))

"""A model of a wave: whatever ends, is lost, comes twice or late, in whatever order, it keeps its promises."""

from __future__ import annotations

from datetime import timedelta

import msgspec
import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from shared.domain.policy.rebuilding import OnFailure, Rebuilding
from shared.domain.promotion.canaried import gone_back, judged
from shared.domain.promotion.decision import decide
from shared.domain.promotion.rebuilds import EndKind
from shared.domain.promotion.reconciling import has_passed, landed, sighted
from shared.domain.promotion.said import Canaried
from shared.domain.promotion.target import Sighting
from shared.domain.waves.judge import Move, applied, judge
from shared.domain.waves.results import Baseline, HowKnown, Result, Says, TagSeen
from shared.domain.waves.spoken import spoke
from shared.domain.waves.states import IN_FLIGHT, MEMBER_ENDS, ON_IT, WAVE_ENDS, WAVE_MOVES, MemberState, WaveState
from shared.domain.waves.wave import Member, Wave, Word, excluded, learned
from shared.domain.waves.way_back import Grounds, Scanned, control_says
from tests.unit.domain.waves.records import SAID, THREE, ended, member, result, spoken, target, wave
from tests.unit.examples import NOON, ONE, TWO

pytestmark = pytest.mark.unit

NAMES = [f"acr:apps/task{number}" for number in range(6)]
ENDS = ["built", "failed", "platform", "elsewhere", "unknown", "two moved"]
names = st.sampled_from(NAMES)


def told(name: str, attempt: int, how: str) -> Result:
    """Return what a run says that ended in some way."""
    on_it, off = TagSeen(TWO, 2), TagSeen(ONE, 2)
    if how == "built":
        return result(name, ended(attempt, passed=True, reported=TWO))
    if how == "failed":
        return result(name, ended(attempt, passed=False), on_it, on_it)
    if how == "platform":
        return result(name, ended(attempt, passed=False, kind=EndKind.PLATFORM), on_it, on_it)
    if how == "elsewhere":
        return result(name, ended(attempt, passed=True, reported=ONE))
    if how == "two moved":
        return result(name, ended(attempt, passed=False, moved_too=("base/go:1",)), on_it, on_it)
    return result(name, ended(attempt, passed=False), off, on_it)


def _failed_by_itself(one: Member) -> bool:
    """Whether a member failed twice on the digest, by its build, with no other base of it that had moved."""
    runs = [each for each in one.results if not each.ended.passed and each.built_on == TWO and not each.ended.moved_too]
    return sum(each.ended.kind is EndKind.BUILD and each.how is not HowKnown.UNKNOWN for each in runs) >= 2


class Waves(RuleBasedStateMachine):
    """The model keeps the runs that were asked for, and what they will say; the wave is what is tested."""

    def __init__(self) -> None:
        super().__init__()
        self.now = NOON
        self.wave: Wave = wave()
        self.target = target()
        self.asked = Rebuilding()
        self.scanned, self.there = Scanned.CLEAN, True
        self.runs: dict[tuple[str, int], Result | None] = {}
        self.said: list[Result] = []
        self.restores: list[tuple[int, int]] = []
        self.first_word: Word | None = None
        self.continued = False

    @initialize(
        canaries=st.integers(0, 3),
        most=st.integers(1, 4),
        on_failure=st.sampled_from(OnFailure),
        control=st.booleans(),
        scanned=st.sampled_from(Scanned),
        there=st.booleans(),
        chain=st.booleans(),
        failing=st.sets(st.integers(0, 2)),
    )
    def plan(
        self,
        canaries: int,
        most: int,
        on_failure: OnFailure,
        control: bool,
        scanned: Scanned,
        there: bool,
        chain: bool,
        failing: set[int],
    ) -> None:
        members = [self._member(number, canaries, chain) for number in range(len(NAMES))]
        self.asked = Rebuilding(wave=most, on_canary_failure=on_failure)
        self.wave = wave(*members, asked=self.asked, control_of=1 if control else 0)
        self.scanned, self.there = scanned, there
        for number in failing:
            if number < canaries:
                self.wave = excluded(self.wave, NAMES[number], "it was failing before")

    def _member(self, number: int, canaries: int, chain: bool) -> Member:
        after = (NAMES[number - 1],) if chain and number == len(NAMES) - 1 else ()
        return member(NAMES[number], canary=number < canaries, after=after)

    @rule()
    def look(self) -> None:
        """Whoever looks does one thing, and writes it."""
        grounds = Grounds(self.scanned, self.there)
        verdict = judge(self.wave, self.target, self.asked, grounds, self.now)
        assert verdict == judge(self.wave, self.target, self.asked, grounds, self.now)
        before = self.wave
        self.wave = applied(before, verdict, self.now, TagSeen(TWO, self.target.number))
        self._asked_for(before, verdict.move, verdict.what)
        if verdict.move is Move.RESTORE:
            self._restore(before)

    def _asked_for(self, before: Wave, move: Move, what: tuple[str, ...]) -> None:
        assert move is Move.ASK or not what
        for name in what:
            assert before.state in {WaveState.CANARIES, WaveState.ROLLING}
            known = self.wave.member(name)
            assert known is not None
            assert (name, known.attempts) not in self.runs, "it was asked for twice"
            self.runs[name, known.attempts] = None

    def _restore(self, before: Wave) -> None:
        by_person = before.spoken is not None and before.spoken.word is Word.RESTORE
        failed = [one for one in before.canaries if one.state is MemberState.FAILED]
        assert by_person or failed, "nobody failed"
        assert by_person or any(_failed_by_itself(one) for one in failed), "what is undecided takes nothing back"
        assert by_person or self.scanned is Scanned.CLEAN
        assert self.there or before.state is WaveState.RESTORING
        assert not before.control_of or by_person
        self.restores.append((before.number, self.target.number))

    @precondition(lambda self: self.wave.state is WaveState.RESTORING)
    @rule(twice=st.booleans())
    def put_to_the_record(self, twice: bool) -> None:
        """The proposal reaches the tag's record, once or twice, or the record went on."""
        failure = Canaried(TWO, 2, ONE, self.now)
        for _ in range(2 if twice else 1):
            back = gone_back(self.target, failure, SAID, self.now)
            if back is not None:
                self.target = landed(back, ONE, self.now)

    @precondition(lambda self: None in self.runs.values())
    @rule(data=st.data(), how=st.sampled_from(ENDS))
    def end(self, data: st.DataObject, how: str) -> None:
        """A run ends; nobody has told of it yet."""
        going = sorted(key for key, known in self.runs.items() if known is None)
        name, attempt = data.draw(st.sampled_from(going))
        self.runs[name, attempt] = told(name, attempt, how)

    @rule(name=names, attempt=st.integers(1, 5))
    def tell(self, name: str, attempt: int) -> None:
        """An end is told: soon, late, or once more."""
        known = self.runs.get((name, attempt))
        if known is None:
            return
        once = learned(self.wave, known, self.now)
        assert learned(once, known, self.now) == once
        self.wave = once
        self.said.append(known)

    @rule(data=st.data(), how=st.sampled_from(ENDS))
    def tell_together(self, data: st.DataObject, how: str) -> None:
        """All that goes ends at once, and is told in any order, some of it twice and late: it comes to the same."""
        for key, known in self.runs.items():
            self.runs[key] = known or told(*key, data.draw(st.sampled_from([how, *ENDS])))
        ended = [known for _, known in sorted(self.runs.items()) if known is not None]
        mixed = data.draw(st.permutations([*ended, *ended[::2]]))
        inorder, anyhow = self._told(ended), self._told(mixed)
        assert inorder == anyhow
        grounds = Grounds(self.scanned, self.there)
        verdicts = {repr(judge(one, self.target, self.asked, grounds, self.now)) for one in (inorder, anyhow)}
        assert len(verdicts) == 1
        self.wave = anyhow

    def _told(self, results: list[Result]) -> Wave:
        found = self.wave
        for one in results:
            found = learned(found, one, self.now)
        return found

    @rule(results=st.lists(st.tuples(names, st.integers(1, 4), st.sampled_from(ENDS)), max_size=6))
    def tell_a_wave_on_hold(self, results: list[tuple[str, int, str]]) -> None:
        """What is told of a wave on hold, or that is over, has nobody asked for, and takes nothing back by itself."""
        if self.wave.state not in WAVE_ENDS | {WaveState.HELD} or self.wave.spoken is not None:
            return
        found = self._told([known for name, at, _ in results if (known := self.runs.get((name, at))) is not None])
        verdict = judge(found, self.target, self.asked, Grounds(self.scanned, self.there), self.now)
        assert verdict.move not in {Move.ASK, Move.RESTORE}
        assert found.state is self.wave.state

    @rule(hows=st.lists(st.sampled_from(ENDS), min_size=1, max_size=5))
    def go_round(self, hows: list[str]) -> None:
        """Hours pass, in each of which all that runs ends in one way, and all is told and looked at."""
        for how in hows:
            self._hour(how)

    def _hour(self, how: str) -> None:
        self.now += timedelta(hours=1)
        for _ in range(3):
            self.look()
        for key, known in sorted(self.runs.items()):
            self.runs[key] = known or told(*key, how)
            self.tell(*key)
        self.look()

    @rule(name=names, attempt=st.integers(6, 9), how=st.sampled_from(ENDS))
    def tell_of_nothing(self, name: str, attempt: int, how: str) -> None:
        """Somebody tells of a run that was never asked for."""
        assert learned(self.wave, told(name, attempt, how), self.now) == self.wave

    @rule(minutes=st.sampled_from([0, 1, 30, 24 * 60 * 20]))
    def pass_time(self, minutes: int) -> None:
        self.now += timedelta(minutes=minutes)

    @precondition(lambda self: self.target.number == 2)
    @rule(seldom=st.integers(0, 4))
    def decide_anew(self, seldom: int) -> None:
        """A newer digest is decided."""
        if seldom:
            return
        seen = sighted(self.target, Sighting(9, THREE), self.target.origin, self.now)
        self.target = landed(decide(has_passed(seen, THREE), self.now)[0], THREE, self.now)

    @rule(word=st.sampled_from(Word), seldom=st.integers(0, 4))
    def speak(self, word: Word, seldom: int) -> None:
        """A person says something of it."""
        before = self.wave
        if seldom:
            return
        self.wave = spoke(before, spoken(word))
        goes_on = (
            before.spoken is not None and before.spoken.word is Word.CONTINUE and before.state is WaveState.ROLLING
        )
        self.continued |= goes_on
        if before.spoken is not None and not (goes_on and word is not Word.CONTINUE):
            assert self.wave == before

    @rule()
    def write_and_read(self) -> None:
        """Whoever died left what another one reads."""
        self.wave = msgspec.json.decode(msgspec.json.encode(self.wave), type=Wave)

    @invariant()
    def the_cap_is_kept(self) -> None:
        others = [one for one in self.wave.members if one.state in IN_FLIGHT and not one.canary]
        assert len(others) <= self.asked.wave

    @invariant()
    def no_other_is_asked_for_before_the_canaries_let_it(self) -> None:
        if any(one.attempts for one in self.wave.members if not one.canary):
            spoken_for = self.wave.canaries and all(one.state in MEMBER_ENDS for one in self.wave.canaries)
            on_it = any(one.state in ON_IT for one in self.wave.canaries)
            word = self.wave.spoken.word if self.wave.spoken is not None else None
            told_to = self.continued or word in {Word.CONTINUE, Word.CANCEL}
            passed_over = self.asked.on_canary_failure is OnFailure.CONTINUE
            assert told_to or (spoken_for and (on_it or passed_over))

    @invariant()
    def nobody_is_asked_for_before_what_it_is_built_on(self) -> None:
        for one in self.wave.members:
            bases = [self.wave.member(name) for name in one.after]
            assert not one.attempts or all(base is not None and base.state in ON_IT for base in bases)

    @invariant()
    def what_is_built_is_known_to_be_built_on_the_digest(self) -> None:
        for one in self.wave.members:
            said = [each for each in one.results if each.says(TWO) is Says.BUILT]
            assert one.state is not MemberState.BUILT or said
            assert all(each.built_on == TWO and each.how is not HowKnown.UNKNOWN for each in said)

    @invariant()
    def only_a_failure_twice_told_is_a_canarys_failure(self) -> None:
        for one in self.wave.canaries:
            failures = [each for each in one.results if each.says(TWO) is Says.FAILED]
            assert one.state is not MemberState.FAILED or len(failures) >= 2
            assert one.state is not MemberState.FAILED or one.baseline is not Baseline.FAILING

    @invariant()
    def the_tag_goes_back_at_most_once_and_only_by_the_decision_that_was_judged(self) -> None:
        assert len([one for one in self.target.canaried if one.digest == TWO]) <= 1
        assert all(judged_on == number or number > judged_on for judged_on, number in self.restores)
        assert all(one.restored == one.number + 1 for one in self.target.canaried)

    @invariant()
    def an_end_is_an_end_and_a_hold_has_a_time(self) -> None:
        if self.wave.state in WAVE_ENDS:
            assert not any(one.state is MemberState.WAITING for one in self.wave.members)
        assert (self.wave.state is WaveState.HELD) == (self.wave.held_until is not None)
        assert self.wave.state in set(WAVE_MOVES)

    def teardown(self) -> None:
        """Told all that ended, and looked at often enough, the wave comes to rest, and the order made no difference."""
        for key, known in self.runs.items():
            self.runs[key] = known or told(*key, "built")
        for _ in range(60):
            self.look()
            self.put_to_the_record(twice=True)
            for key in list(self.runs):
                self.runs[key] = self.runs[key] or told(*key, "built")
                self.tell(*key)
            self.now += timedelta(hours=1)
        assert self.wave.state in WAVE_ENDS | {WaveState.HELD}
        assert not self.wave.in_flight
        guilt = control_says(self.wave)
        if guilt is not None:
            assert judged(judged(self.target, 1, guilt), 1, guilt) == judged(self.target, 1, guilt)


TestWaves = Waves.TestCase
TestWaves.settings = settings(max_examples=150, stateful_step_count=25, deadline=None)

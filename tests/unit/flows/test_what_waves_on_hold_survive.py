"""Waves on hold, people and other tags, told as what may happen: also with deaths, late and twice, and stale."""

from __future__ import annotations

from collections.abc import Callable

import msgspec
import pytest

from shared.domain.promotion import actions
from shared.domain.promotion.actions import Declined
from shared.domain.promotion.said import Guilt, Said
from shared.domain.promotion.target import Target
from shared.domain.references import Digest, Tag
from shared.domain.waves.states import WaveState
from shared.domain.waves.wave import Word
from shared.domain.waves.way_back import Grounds, Scanned
from tests.doubles.world import NODE, ONE, TARGET, TWO
from tests.unit.flows.manners import Manner, Telling, in_every_manner
from tests.unit.flows.test_what_waves_survive import DONE, comes, goes_on, holding, restoring
from tests.unit.flows.waves_told import (
    DAY,
    HOUR,
    begins,
    ends,
    others_were_built_on,
    says,
    waved,
    waves,
)
from tests.unit.flows.waving import ALL, APPS, BLOG, CANARY, RESTORE, SHOP, Waving, asking, task

pytestmark = pytest.mark.unit

# 17


def holds_untouched(world: Waving, reason: str) -> None:
    """The wave is held, the tag is where it was, and the others were not asked for."""
    assert ends(world) == [(2, WaveState.HELD, reason)]
    assert (world.target().seen, world.target().number, world.target().canaried) == (TWO, 2, ())
    assert [world.runs_of(name) for name in (SHOP, BLOG)] == [0, 0]


def does(telling: Telling, change: Callable[[Target, Said], Target | Declined]) -> None:
    """Let a person do something about the tag."""
    world = telling.world
    said = Said("ada", "I know why", world.clock())

    def do() -> None:
        world.book.change(world.target().id, lambda known: change(known, said))  # type: ignore[arg-type, return-value]
        world.book.wake(world.target())

    telling.do(do)


@in_every_manner
def test_a_digest_that_a_person_pinned_is_held_when_its_canary_fails(manner: Manner) -> None:
    def story(telling: Telling) -> None:
        world = begins(telling)
        world.fails(CANARY, times=9)
        comes(world)
        does(telling, lambda known, said: actions.pin(known, TWO, None, said))
        goes_on(world)

    for world in waved(manner, restoring, story):
        holds_untouched(world, "said-by-person")


def with_grounds(grounds: Grounds) -> Callable[[], Waving]:
    """Return what makes a world in which something is known of the digest before."""

    def make() -> Waving:
        world = restoring()
        world.grounds.grounds = grounds  # type: ignore[union-attr]
        return world

    return make


@in_every_manner
def test_a_digest_that_mends_what_is_exploited_is_held_when_its_canary_fails(manner: Manner) -> None:
    def story(telling: Telling) -> None:
        world = begins(telling)
        world.fails(CANARY, times=9)
        world.promote(TWO, 2 * HOUR)

    for world in waved(manner, with_grounds(Grounds(Scanned.FIXES_EXPLOITED, there=True)), story):
        holds_untouched(world, "fixes-exploited")


# 18


def by_real_grounds() -> Waving:
    """Return a world that looks itself for the digest before."""
    world = restoring()
    world.grounds = None
    world.start()
    return world


def is_gone(telling: Telling) -> None:
    """Nobody has the digest before any more."""
    world = telling.world
    for registry, repository in ((world.base, TARGET), (world.staging, TARGET), (world.hub, NODE)):
        registry.purge(repository, ONE)  # type: ignore[arg-type, attr-defined]


def is_blocked(telling: Telling) -> None:
    """A person blocks the digest before."""
    does(telling, lambda known, said: actions.block(known, ONE, said))


def is_offered_what_is_left(telling: Telling, lost: Callable[[Telling], None], reason: str) -> None:
    """The canary fails, nobody can go back, and the person who tries is told, and lets it go on."""
    world = begins(telling)
    world.fails(CANARY, times=9)
    comes(world)
    lost(telling)
    goes_on(world, HOUR)
    holds_untouched(world, reason)
    answer = says(telling, Word.RESTORE)
    world.run_for(HOUR)
    assert isinstance(answer, Declined) == (lost is is_blocked)
    holds_untouched(world, reason)
    says(telling, Word.CONTINUE)
    world.run_for(HOUR)


def is_left_at_the_new_digest(world: Waving) -> None:
    """The others were built on the new digest, which the tag bears."""
    assert ends(world) == [(2, WaveState.DONE_WITH_FAILURES, "some-not-built")]
    assert [world.built_on(name) for name in ALL] == [ONE, TWO, TWO]
    assert world.target().seen == TWO


@in_every_manner
def test_where_the_digest_before_was_blocked_a_person_is_offered_what_is_left(manner: Manner) -> None:
    def story(telling: Telling) -> None:
        is_offered_what_is_left(telling, is_blocked, "former-refused")

    for world in waved(manner, by_real_grounds, story):
        is_left_at_the_new_digest(world)


@pytest.mark.parametrize("manner", [Manner.DIES, Manner.TWICE_AND_LATE], ids=lambda manner: manner.value)
def test_where_the_digest_before_is_gone_a_person_is_offered_what_is_left(manner: Manner) -> None:
    def story(telling: Telling) -> None:
        is_offered_what_is_left(telling, is_gone, "former-gone")

    for world in waved(manner, by_real_grounds, story):
        is_left_at_the_new_digest(world)


def test_a_digest_before_that_a_stale_read_took_for_there_leaves_the_tag_where_it_is_and_that_is_told() -> None:
    def story(telling: Telling) -> None:
        world = begins(telling)
        world.fails(CANARY, times=9)
        comes(world)
        is_gone(telling)
        goes_on(world, DAY)

    for world in waved(Manner.STALE, by_real_grounds, story):
        assert (world.target().seen, world.target().wanted) == (TWO, ONE)
        assert "not-promoted" in {one.trouble.kind.value for one in world.lasting}
        assert [world.runs_of(name) for name in (SHOP, BLOG)] == [0, 0]


# 19


OTHER = Tag("20-alpine")
BOTH = asking(RESTORE, f"[{APPS}/{CANARY}, {APPS}/canary20]").replace(b"[22-alpine]", b"[22-alpine, 20-alpine]")


@in_every_manner
def test_what_fails_under_one_tag_goes_back_there_alone_and_is_told_for_the_other(manner: Manner) -> None:
    def make() -> Waving:
        of_other = task("canary20")
        base = msgspec.structs.replace(of_other.dependencies[0], tag=OTHER)
        world = Waving(BOTH, [CANARY, msgspec.structs.replace(of_other, dependencies=(base,))])
        world.promote(ONE, tag=OTHER)
        return world

    def story(telling: Telling) -> None:
        world = begins(telling)
        world.fails(CANARY)
        world.push(TWO)
        world.push(TWO, OTHER)
        telling.do(world.check)
        world.run_for(3 * HOUR)

    for world in waved(manner, make, story):
        other = world.target(OTHER)
        assert (world.target().seen, other.seen) == (ONE, TWO)
        assert (world.canaried().digest, other.canaried, other.number) == (TWO, (), 2)
        told = [one.name for one in world.activity.of(f"target:{other.id}", 20)]
        assert told.count("digest-failed-elsewhere") == 1


# 20


def is_pinned(telling: Telling, digest: Digest) -> None:
    """A person pins the tag to a digest."""
    does(telling, lambda known, said: actions.pin(known, digest, None, said))
    telling.world.run_for(HOUR)


@in_every_manner
def test_a_digest_that_is_confirmed_to_be_bad_returns_by_people_alone_and_is_held_then(manner: Manner) -> None:
    def story(telling: Telling) -> None:
        world = begins(telling)
        world.fails(CANARY)
        world.promote(TWO, 2 * HOUR)
        world.run_for(2 * DAY, sweeps=6 * HOUR)
        world.fails(CANARY, times=9)
        is_pinned(telling, TWO)
        assert world.state(4) == (WaveState.HELD, "said-by-person")
        does(telling, actions.unpin)
        world.promote(ONE, HOUR)
        world.promote(TWO, HOUR)

    for world in waved(manner, restoring, story):
        assert ends(world) == [(2, WaveState.RESTORED, "went-back"), (3, *DONE), (4, WaveState.SUPERSEDED, "moved-on")]
        assert (world.target().seen, world.canaried().guilt) == (ONE, Guilt.CONFIRMED)
        assert not others_were_built_on(world, TWO)


@in_every_manner
def test_a_digest_that_is_suspected_may_return_by_all_and_never_goes_back_by_itself_again(manner: Manner) -> None:
    def story(telling: Telling) -> None:
        world = begins(telling)
        world.fails(CANARY, times=99)
        world.promote(TWO, 2 * HOUR)
        world.run_for(2 * DAY, sweeps=6 * HOUR)
        world.promote(ONE, HOUR)
        world.promote(TWO, 2 * HOUR)
        assert world.state(4) == (WaveState.HELD, "no-former")
        is_pinned(telling, ONE)
        is_pinned(telling, TWO)
        does(telling, actions.unpin)
        world.run_for(HOUR)

    for world in waved(manner, restoring, story):
        assert [one.number for one in waves(world) if one.state is WaveState.RESTORED] == [2]
        assert ends(world)[-1] == (6, WaveState.HELD, "said-by-person")
        assert (world.target().seen, world.canaried().guilt) == (TWO, Guilt.SUSPECTED)
        assert not others_were_built_on(world, TWO)


# 28


@pytest.mark.parametrize("word", Word, ids=lambda word: word.value)
@in_every_manner
def test_of_a_wave_that_was_held_for_days_the_first_word_counts_and_who_said_it_why_is_kept(
    manner: Manner, word: Word
) -> None:
    def make() -> Waving:
        world = holding()
        world.fails(CANARY, times=2)
        world.promote(TWO, HOUR)
        world.run_for(3 * DAY, sweeps=6 * HOUR)
        assert world.state() == (WaveState.HELD, "canary-failed")
        return world

    def story(telling: Telling) -> None:
        world = begins(telling)
        says(telling, word)
        for other in Word:
            if word is not Word.CONTINUE or other is Word.CONTINUE:
                says(telling, other, by="bob")
        world.run_for(2 * HOUR)
        for other in Word:
            says(telling, other, by="bob")

    for world in waved(manner, make, story):
        state, built_on = {
            Word.CONTINUE: (WaveState.DONE_WITH_FAILURES, TWO),
            Word.RESTORE: (WaveState.RESTORED, ONE),
            Word.CANCEL: (WaveState.CANCELLED, ONE),
        }[word]
        spoken = world.wave().spoken
        assert spoken is not None
        assert (world.state()[0], spoken.word) == (state, word)
        assert (spoken.said.by, spoken.said.why) == ("ada", "ada looked at it")
        assert {world.built_on(name) for name in (SHOP, BLOG)} == {built_on}
        told = [one.detail for one in world.activity.of(f"wave:{world.wave().id}", 50)]
        assert any("says ada: ada looked at it" in one for one in told)

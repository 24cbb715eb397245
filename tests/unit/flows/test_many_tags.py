"""What a check of ten thousand tags costs a storage account while nothing changes."""

from __future__ import annotations

from datetime import timedelta

import pytest

from shared.domain.references import Digest, Repository, Tag
from shared.domain.watching.budget import Learned
from shared.domain.watching.observation import Observation
from tests.unit.flows.many_tags import A_QUARTER, Many, digest_of

pytestmark = pytest.mark.unit

HUB, OTHER = "docker.io", "quay.io"
SHAPES = {"100 repositories": (100, 100), "1,000 repositories": (1000, 10)}


def watched(registry: str, shape: str = "100 repositories") -> Many:
    """Everything was promoted, and was last seen a quarter of an hour ago."""
    many = Many(registry, *SHAPES[shape])
    many.remember()
    if registry == HUB:
        many.ledger.learned("hub.docker.com", Learned(limit=18_000, remaining=18_000, window=timedelta(minutes=1)))
        many.ledger.settle()
    many.clock.advance(A_QUARTER)
    many.transactions()
    return many


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("registry", [HUB, OTHER])
def test_a_check_of_unchanged_tags_makes_two_table_transactions_a_repository_at_most(registry: str, shape: str) -> None:
    many, repositories = watched(registry, shape), SHAPES[shape][0]
    for _ in range(4):
        many.clock.advance(A_QUARTER)
        messages = len(many.check())
        # Of each message one more: the budget of its upstream.
        assert many.transactions() <= 2 * repositories + messages + 1


def test_of_what_did_not_change_nothing_is_written_but_that_its_repository_was_checked() -> None:
    many = watched(OTHER)
    for _ in range(4):
        many.observations.counted.clear()
        many.clock.advance(A_QUARTER)
        many.check()
        assert many.observations.counted["rows"] <= 100
    assert many.observations.counted["write"] <= 100


def test_every_tag_is_known_to_have_been_checked_though_only_its_repository_was_written() -> None:
    many = watched(OTHER)
    many.clock.advance(timedelta(hours=1))
    many.check()
    source = many.list.images[0].repository
    assert {seen.last_checked for seen in many.observations.of(source).tags.values()} == {many.clock()}
    assert {seen.last_checked for repository, known in many.observations.every() for seen in known.tags.values()} == {
        many.clock()
    }


def test_checks_by_head_of_ten_thousand_tags_go_in_messages_of_at_least_a_hundred_tags() -> None:
    for shape in SHAPES:
        many = watched(OTHER, shape)
        messages = many.check()
        tags = [SHAPES[shape][1] * len(message.repositories) for message in messages]
        assert sum(tags) == 10_000
        assert min(tags[:-1]) >= 100
        assert max(tags) <= 350
        assert len(messages) <= 50


# Whose time the repository's is.


def seen_of(many: Many, tag: str) -> Observation:
    return many.observations.of(many.list.images[0].repository).tags[Tag(tag)]


def small(each: int = 3) -> tuple[Many, Repository]:
    many = Many(OTHER, 1, each, new_tags=100)
    many.check()
    many.clock.advance(timedelta(hours=1))
    return many, many.list.images[0].repository


def test_a_tag_that_nobody_takes_any_more_keeps_the_time_at_which_it_was_last_looked_at() -> None:
    many, _ = small()
    many.check()
    before = many.clock()
    many.watch(0, each=2)
    for _ in range(3):
        many.clock.advance(timedelta(hours=1))
        many.check()
    assert seen_of(many, "24.2").last_checked == before
    assert seen_of(many, "24.1").last_checked == many.clock()
    many.watch(0, each=3)
    many.check()
    assert seen_of(many, "24.2").last_checked == many.clock()
    assert not seen_of(many, "24.2").left


def test_a_tag_whose_answer_cannot_be_used_keeps_the_time_of_its_last_answer() -> None:
    many, source = small()
    many.check()
    before = many.clock()
    many.upstream.deny(source, Tag("24.1"))
    for _ in range(3):
        many.clock.advance(timedelta(hours=1))
        many.check()
    assert seen_of(many, "24.1").trouble
    assert seen_of(many, "24.1").last_checked == before
    assert seen_of(many, "24.0").last_checked == many.clock()


def test_a_digest_that_is_news_says_until_when_its_tag_was_seen_to_bear_the_one_before() -> None:
    many, source = small()
    for _ in range(3):
        many.clock.advance(timedelta(minutes=30))
        many.check()
    before = many.clock()
    many.upstream.push(source, Tag("24.1"), digest_of("another"))
    many.clock.advance(timedelta(minutes=30))
    many.check()
    assert seen_of(many, "24.1").other_until == before


def test_whoever_looked_at_the_same_time_does_not_date_what_another_saw_otherwise() -> None:
    many, source = small()
    seen = digest_of("seen by the other")

    def other_is_faster(moment: str) -> None:
        if moment == "before:save":
            many.observations.before_call = None
            known = many.observations.of(source)
            moved = Observation(
                tag=Tag("24.1"), digest=Digest(seen), order=10**15, first_seen=many.clock(), last_checked=many.clock()
            )
            many.clock.advance(timedelta(minutes=1))
            many.observations.save(source, known, known.state, (moved,))

    many.clock.advance(timedelta(hours=1))
    asked_at = many.clock()
    many.observations.before_call = other_is_faster
    many.check()
    assert seen_of(many, "24.1").digest == seen
    assert seen_of(many, "24.1").last_checked == asked_at


# What a message has no time for.


def test_what_a_slow_upstream_leaves_of_a_message_goes_on_in_another_one(monkeypatch: pytest.MonkeyPatch) -> None:
    many = Many(OTHER, 5, 2, new_tags=100)
    asked = many.upstream.digest

    def slow(repository: Repository, tag: Tag) -> Digest | None:
        many.clock.advance(timedelta(minutes=1))
        return asked(repository, tag)

    monkeypatch.setattr(many.upstream, "digest", slow)
    many.check()
    rest = [one.repositories for one in many.checks()]
    assert [len(names) for names in rest] == [3]
    assert {name for name, _ in many.upstream.asked} == {image.repository for image in many.list.images[:2]}


def test_a_check_that_meets_many_tags_that_moved_has_others_go_on_side_by_side_and_all_are_told_once() -> None:
    many = Many(OTHER, 60, 2)
    many.remember()
    many.clock.advance(A_QUARTER)
    for image in many.list.images:
        for tag in image.wanted:
            many.upstream.push(image.repository, tag, digest_of(f"{image.name}:{tag} moved"))
    longest, waiting = 0, many.check()
    while waiting := many.checks():
        for message in waiting:
            asked = len(many.upstream.asked)
            many.checker.check(message)
            longest = max(longest, len(many.upstream.asked) - asked)
    assert longest <= 30
    assert len(many.upstream.asked) == len(set(many.upstream.asked)) == 120
    assert len(list(many.candidates.current())) == 120


def test_tags_that_did_not_move_are_all_checked_by_one() -> None:
    many = watched(OTHER, "1,000 repositories")
    for image in many.list.images[:7]:
        many.upstream.push(image.repository, image.wanted[0], digest_of(f"{image.name} moved"))
    many.check()
    assert many.checks() == []

"""What is wrong with an upstream repository and its tags is named, and what is no trouble is not."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from shared.domain.references import Repository, Tag
from shared.domain.watching.observation import Observation, Presence
from shared.domain.watching.questions import RepositoryState
from shared.domain.watching.source_troubles import source_troubles
from shared.domain.watching.tag_rules import TagRule
from shared.domain.watching.troubles import PATIENCE, Kind, Trouble, has_lasted, is_kept, noted
from shared.domain.watching.watch_list import Image, fingerprint
from tests.unit.examples import NODE, NOON, ONE

pytestmark = pytest.mark.unit

EXACT = Image(name="node", source="node", tags=["22"], target="base/node")
RULES = Image(name="rules", source="node", tags=[TagRule(semver="22.x")], target="base/rules")
LATER = NOON + timedelta(days=1)
ANSWERED = RepositoryState(checked_at=NOON)
GONE, THERE = Presence.GONE, Presence.PRESENT


def seen(tag: str, presence: Presence = THERE, digest: str = ONE, trouble: str = "", **fields: object) -> Observation:
    """An observation made at noon."""
    known = Observation(tag=Tag(tag), first_seen=NOON, last_checked=NOON, presence=presence, trouble=trouble)
    return Observation(
        **{**{name: getattr(known, name) for name in known.__struct_fields__}, "digest": digest, **fields}  # type: ignore[arg-type]
    )


def found(
    *observations: Observation,
    images: tuple[Image, ...] = (EXACT,),
    state: RepositoryState = ANSWERED,
    now: datetime = NOON,
) -> dict[Kind, Trouble]:
    """What is wrong, of what lasts long enough."""
    known = {one.tag: one for one in observations}
    troubles = source_troubles(NODE, images, known, state)
    return {one.kind: one for one in troubles if has_lasted(noted(None, one, now), now)}


# What is remembered of a repository, what of the tag 22, and which trouble that is.
OF_THE_TAG = [
    pytest.param(seen("22"), None, id="it is there"),
    pytest.param(None, None, id="it was not asked about yet"),
    pytest.param(seen("22", GONE), Kind.TAG_GONE, id="it was there, and is gone"),
    pytest.param(seen("22", GONE, digest=""), Kind.TAG_NEVER_THERE, id="it never was there"),
    pytest.param(seen("22", trouble="nonsense"), Kind.TAG_UNANSWERED, id="its answer cannot be used"),
    pytest.param(seen("22", GONE, digest="", trouble="nonsense"), Kind.TAG_UNANSWERED, id="its first answer cannot"),
]
OF_THE_REPOSITORY = [
    pytest.param(RepositoryState(checked_at=NOON), timedelta(days=6), None, id="it answered"),
    pytest.param(RepositoryState(checked_at=NOON), timedelta(days=8), Kind.NOT_CHECKED, id="nobody asked for a week"),
    pytest.param(
        RepositoryState(checked_at=NOON, deferred="share"), timedelta(days=8), Kind.NOT_CHECKED, id="always put off"
    ),
    pytest.param(RepositoryState(failures=1, trouble="no"), timedelta(days=1), None, id="one answer did not come"),
    pytest.param(
        RepositoryState(failures=2, trouble="no"), timedelta(0), Kind.REPOSITORY_NEVER_ANSWERED, id="it never answered"
    ),
    pytest.param(
        RepositoryState(failures=9, trouble="no", checked_at=NOON),
        timedelta(hours=2),
        Kind.REPOSITORY_FAILS,
        id="it fails for hours",
    ),
    pytest.param(
        RepositoryState(failures=9, trouble="no", checked_at=NOON), timedelta(minutes=59), None, id="it has just failed"
    ),
]


@pytest.mark.parametrize(("tag", "kind"), OF_THE_TAG)
def test_a_tag_that_the_list_names_has_the_trouble_that_its_observation_tells(
    tag: Observation | None, kind: Kind | None
) -> None:
    assert list(found(*([tag] if tag else []), now=LATER)) == ([kind] if kind else [])


@pytest.mark.parametrize(("state", "after", "kind"), OF_THE_REPOSITORY)
def test_a_repository_has_the_trouble_that_its_state_tells(
    state: RepositoryState, after: timedelta, kind: Kind | None
) -> None:
    assert list(found(state=state, now=NOON + after)) == ([kind] if kind else [])


def test_what_nobody_watches_any_more_is_no_trouble() -> None:
    assert found(seen("22", GONE), images=(), now=LATER) == {}


def test_a_tag_that_no_entry_names_any_more_is_no_trouble() -> None:
    assert found(seen("22-apline", GONE, digest=""), seen("22"), now=LATER) == {}


def test_a_tag_that_a_rule_took_may_go() -> None:
    state = RepositoryState(checked_at=LATER, rules=fingerprint((RULES,)))
    assert found(seen("22.1.0"), seen("22.0.0", GONE), images=(RULES,), state=state, now=LATER) == {}


@pytest.mark.parametrize(("tag", "kinds"), [("22.1.0", [Kind.TAG_UNANSWERED]), ("20.0.0", [])])
def test_a_tag_whose_answer_cannot_be_used_is_a_trouble_where_a_rule_takes_it(tag: str, kinds: list[Kind]) -> None:
    known = (seen("22.0.0", targets=("base/rules:22.0.0",)), seen(tag, trouble="nonsense"))
    assert list(found(*known, images=(RULES,), now=LATER)) == kinds


def test_where_the_whole_repository_fails_its_tags_have_no_trouble_of_their_own() -> None:
    state = RepositoryState(checked_at=NOON, failures=3, trouble="no answer")
    assert list(found(seen("22", trouble="no answer"), state=state, now=LATER)) == [Kind.REPOSITORY_FAILS]


@pytest.mark.parametrize(
    ("known", "takes"),
    [
        pytest.param((), False, id="there is none"),
        pytest.param((seen("20.0.0"),), False, id="none is in the range"),
        pytest.param((seen("22.0.0", GONE),), False, id="all are gone"),
        pytest.param((seen("22.0.0"),), True, id="one waits to be begun"),
        pytest.param((seen("x", targets=("base/rules:x",)),), True, id="one was told to its place"),
    ],
)
def test_rules_that_take_no_tag_are_a_trouble(known: tuple[Observation, ...], *, takes: bool) -> None:
    state = RepositoryState(checked_at=NOON, rules=fingerprint((RULES,)))
    assert (Kind.NOTHING_TAKEN not in found(*known, images=(RULES,), state=state)) is takes


def test_rules_to_which_no_answer_was_had_yet_are_no_trouble() -> None:
    assert found(images=(RULES,), state=RepositoryState(checked_at=NOON, rules="others")) == {}


def test_a_misspelt_tag_is_told_from_a_misspelt_repository() -> None:
    never = seen("22", GONE, digest="")
    assert "is its name right?" in found(never)[Kind.TAG_NEVER_THERE].detail
    assert "is it misspelt?" in found(never, seen("20"))[Kind.TAG_NEVER_THERE].detail


def test_every_entry_that_names_a_tag_is_told_with_it() -> None:
    other = Image(name="other", source="docker.io/library/node", tags=["22"], target="base/other")
    assert found(seen("22", GONE), images=(EXACT, other))[Kind.TAG_GONE].images == ("node", "other")


@pytest.mark.parametrize("kind", list(Kind))
def test_what_has_to_last_is_kept_only_where_nothing_else_knows_since_when(kind: Kind) -> None:
    for since in (None, NOON):
        trouble = Trouble(kind=kind, about="x", detail="y", since=since)
        one = noted(None, trouble, NOON)
        assert has_lasted(one, NOON) is (kind not in PATIENCE)
        assert is_kept(one, NOON) is (kind not in PATIENCE or since is None)
        assert has_lasted(one, NOON + timedelta(days=7))


def test_what_followed_halfway_counts_from_what_is_so_now() -> None:
    old = Trouble(kind=Kind.NOT_UPDATED, about="x", detail="y", since=datetime(2026, 1, 1, tzinfo=UTC))
    known = noted(None, old, NOON)
    recent = Trouble(kind=Kind.NOT_UPDATED, about="x", detail="y", since=NOON)
    assert not has_lasted(noted(known, recent, NOON), NOON)


def test_repositories_are_told_apart() -> None:
    other = Repository("ghcr.io", "a/b")
    (one,) = source_troubles(other, (EXACT,), {Tag("22"): seen("22", GONE)}, RepositoryState(checked_at=NOON))[1:]
    assert one.about == "tag:ghcr.io/a/b:22"

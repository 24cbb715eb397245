"""What goes from a repository, and why everything else stays: by its graph, by records, and never by a tag alone."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.domain.housekeeping.graph import Graph, to_read
from shared.domain.housekeeping.judging import (
    ORPHANS_STAY,
    TOOLS_KEPT,
    TOOLS_STAY,
    Going,
    Judged,
    Rules,
    Said,
    Unique,
    is_worth_reading,
    judge,
)
from shared.domain.housekeeping.manifests import Contents, Links, Manifest, TagAt
from shared.domain.housekeeping.reasons import Goes, Place, Spared
from shared.domain.promotion.identity import short
from shared.domain.references import Digest, Tag
from tests.doubles.registries import digest_of
from tests.doubles.storage import MIDDAY

pytestmark = pytest.mark.unit

DAY = timedelta(days=1)
STAYS = 30 * DAY
INDEX = "application/vnd.oci.image.index.v1+json"
LIST = "application/vnd.docker.distribution.manifest.list.v2+json"
OCI = "application/vnd.oci.image.manifest.v1+json"
DOCKER = "application/vnd.docker.distribution.manifest.v2+json"
STAGING = Rules(place=Place.STAGING, stays=STAYS)
BASE = Rules(place=Place.BASE, stays=STAYS, uniques_kept=2)
NOTHING = Digest("")
A, B, C, D, E = (digest_of(name) for name in "abcde")


class Repository:
    """What a repository holds, put together."""

    def __init__(self) -> None:
        self.manifests: dict[Digest, Manifest] = {}
        self.tags: list[TagAt] = []
        self.links: dict[Digest, Links] = {}
        self.uniques: list[Unique] = []
        self.uses: dict[Digest, Spared] = {}

    def add(
        self,
        digest: Digest,
        *tags: str,
        media_type: str = OCI,
        days: float = 100,
        locked: bool = False,
        children: Iterable[Digest] = (),
        subject: Digest = NOTHING,
    ) -> Digest:
        """Add a manifest of some age, with tags of the same age."""
        at, names = MIDDAY - days * DAY, tuple(map(Tag, tags))
        of_index = INDEX if children and media_type == OCI else media_type
        manifest = Manifest(digest=digest, media_type=of_index, updated=at, locked=locked, tags=names)
        self.manifests[digest] = manifest
        self.tags += [TagAt(name=name, digest=digest, updated=at) for name in names]
        self.links[digest] = Links(tuple(children), subject)
        return digest

    def staged(self, digest: Digest, tag: str = "22", **more: object) -> Digest:
        """Add what a candidate staged."""
        return self.add(digest, f"{tag}-{short(digest)}", **more)  # type: ignore[arg-type]

    def unique(self, digest: Digest, number: int, of: str = "22", **more: object) -> Digest:
        """Add what a decision on a tag was given a unique tag for, so many days ago."""
        name = f"{of}-20251201.{number}"
        self.uniques.append(Unique(Tag(name), digest, Tag(of), MIDDAY - number * DAY))
        return self.add(digest, name, **more)  # type: ignore[arg-type]

    def lock_tag(self, name: str) -> None:
        """Lock a tag, and not its manifest."""
        self.tags = [msgspec.structs.replace(one, locked=one.locked or one.name == name) for one in self.tags]

    @property
    def contents(self) -> Contents:
        """What the registry lists."""
        return Contents(tuple(self.manifests.values()), tuple(self.tags))

    @property
    def graph(self) -> Graph:
        """How it hangs together."""
        return Graph(self.contents, self.links)

    def judged(self, rules: Rules) -> Judged:
        """What becomes of it."""
        rules = msgspec.structs.replace(rules, uniques=tuple(self.uniques))
        return judge(self.graph, self.uses, rules, MIDDAY)

    def goes(self, rules: Rules) -> dict[Digest, Goes]:
        """The manifests that go, in order."""
        return {one.digest: one.why for one in self.judged(rules).goes if not one.tag}

    def stays(self, rules: Rules) -> dict[Digest, Spared]:
        """The manifests that stay."""
        return {one.digest: one.why for one in self.judged(rules).stays}


@pytest.fixture
def held() -> Repository:
    """Return an empty repository."""
    return Repository()


# Staging.


def test_what_ended_in_staging_long_ago_goes(held: Repository) -> None:
    held.staged(A)
    held.add(B, f"scan-{short(B)}")
    assert held.goes(STAGING) == {A: Goes.ENDED, B: Goes.ENDED}


def test_what_is_young_stays_until_its_time_is_over(held: Repository) -> None:
    held.staged(A, days=29.9)
    held.staged(B, days=30)
    assert (held.stays(STAGING), held.goes(STAGING)) == ({A: Spared.YOUNG}, {B: Goes.ENDED})


def test_a_young_tag_makes_an_old_manifest_young(held: Repository) -> None:
    held.staged(A)
    held.tags.append(TagAt(name=Tag(f"latest-{short(A)}"), digest=A, updated=MIDDAY))
    assert held.stays(STAGING) == {A: Spared.YOUNG}


def test_what_has_a_tag_of_somebody_else_stays_whatever_else_it_has(held: Repository) -> None:
    held.add(A, f"22-{short(A)}", "mine")
    held.add(B, "docker-27")
    held.add(C, f"22-{short(A)}")  # the digest in its name is another one's
    held.tags.pop()
    assert held.stays(STAGING) == dict.fromkeys((A, B, C), Spared.TAGGED)


@pytest.mark.parametrize("reason", list(Spared)[:10])
def test_what_a_record_needs_stays(held: Repository, reason: Spared) -> None:
    held.staged(A)
    held.uses[A] = reason
    assert held.stays(STAGING) == {A: reason}


def test_a_locked_manifest_and_one_with_a_locked_tag_stay(held: Repository) -> None:
    held.staged(A, locked=True)
    held.staged(B)
    held.lock_tag(f"22-{short(B)}")
    assert held.stays(STAGING) == {A: Spared.LOCKED, B: Spared.LOCKED}


@pytest.mark.parametrize("media_type", [INDEX, LIST])
def test_what_a_locked_index_names_stays_whatever_its_media_type(held: Repository, media_type: str) -> None:
    held.add(B)
    held.add(C)
    held.staged(A, locked=True, children=(B, C), media_type=media_type)
    assert held.stays(STAGING) == {A: Spared.LOCKED, B: Spared.CHILD, C: Spared.CHILD}


def test_what_an_index_names_within_an_index_that_stays_stays(held: Repository) -> None:
    held.add(C)
    held.add(B, children=(C,))
    held.staged(A, children=(B,), days=1)
    assert held.stays(STAGING) == {A: Spared.YOUNG, B: Spared.CHILD, C: Spared.CHILD}


def test_an_index_goes_before_what_it_names_and_what_refers_to_that(held: Repository) -> None:
    held.add(D, subject=B)
    held.add(B)
    held.add(E, subject=A)
    held.staged(A, children=(B,))
    goes = held.goes(STAGING)
    assert goes == {A: Goes.ENDED, B: Goes.WITH_INDEX, D: Goes.WITH_SUBJECT, E: Goes.WITH_SUBJECT}
    assert next(iter(goes)) == A
    assert list(goes).index(B) < list(goes).index(D)


def test_what_another_index_names_too_stays_with_that(held: Repository) -> None:
    held.add(C)
    held.add(D)
    held.staged(A, children=(C, D))
    held.staged(B, children=(C,), days=1)
    assert held.goes(STAGING) == {A: Goes.ENDED, D: Goes.WITH_INDEX}
    assert held.stays(STAGING)[C] is Spared.CHILD


def test_what_is_young_and_refers_to_something_keeps_it(held: Repository) -> None:
    held.staged(A)
    held.add(B, subject=A, days=1)
    assert held.stays(STAGING) == {A: Spared.REFERRED, B: Spared.YOUNG}


def test_a_locked_signature_of_a_child_keeps_the_child_and_lets_its_index_go(held: Repository) -> None:
    held.add(B)
    held.staged(A, children=(B,))
    held.add(C, subject=B, locked=True)
    assert held.goes(STAGING) == {A: Goes.ENDED}
    assert held.stays(STAGING) == {B: Spared.REFERRED, C: Spared.LOCKED}


def test_a_signature_without_a_tag_lives_as_long_as_its_subject(held: Repository) -> None:
    held.staged(A, days=1)
    held.add(B, subject=A)
    held.add(C, subject=B)
    assert held.stays(STAGING) == {A: Spared.YOUNG, B: Spared.REFERRER, C: Spared.REFERRER}


@pytest.mark.parametrize("ending", ["", ".sig", ".att", ".sbom"])
def test_what_is_tagged_by_its_subject_lives_and_dies_with_it(held: Repository, ending: str) -> None:
    for subject, days in ((A, 1), (B, 100)):
        held.staged(subject, days=days)
        held.add(digest_of(f"{subject}x"), f"{subject.replace(':', '-')}{ending}", media_type=DOCKER)
    assert held.stays(STAGING)[digest_of(f"{A}x")] is Spared.REFERRER
    assert held.goes(STAGING)[digest_of(f"{B}x")] is Goes.WITH_SUBJECT


def test_a_fallback_tag_that_resolves_to_the_subject_itself_is_no_referrer(held: Repository) -> None:
    held.add(A, A.replace(":", "-"))
    assert held.stays(BASE) == {A: Spared.TAGGED}


def test_two_that_tags_make_refer_to_each_other_stay_in_base(held: Repository) -> None:
    held.add(A, B.replace(":", "-"))
    held.add(B, A.replace(":", "-"))
    assert held.stays(BASE) == {A: Spared.UNTAGGED, B: Spared.UNTAGGED}
    assert held.goes(STAGING) == {}


def test_what_is_left_in_staging_without_a_tag_goes(held: Repository) -> None:
    held.add(A)
    held.add(B, days=2)
    assert (held.goes(STAGING), held.stays(STAGING)) == ({A: Goes.LEFT}, {B: Spared.YOUNG})


@pytest.mark.parametrize("media_type", ["", "application/vnd.example.new+json"])
def test_what_nobody_knows_to_read_stays(held: Repository, media_type: str) -> None:
    held.staged(A, media_type=media_type)
    assert held.stays(STAGING) == {A: Spared.UNKNOWN}


def test_what_has_no_time_stays(held: Repository) -> None:
    held.staged(A)
    held.manifests[A] = msgspec.structs.replace(held.manifests[A], updated=None)
    assert held.stays(STAGING) == {A: Spared.UNKNOWN}


def test_of_each_tool_the_latest_stay_however_old_and_others_go_after_two_days(held: Repository) -> None:
    database = [digest_of(f"db{number}") for number in range(TOOLS_KEPT + 1)]
    for number, digest in enumerate(database):
        held.staged(digest, "tidegate-tool-2", days=TOOLS_STAY / DAY + number)
    held.staged(A, "tidegate-tool-0.70", days=300)
    assert held.goes(STAGING) == {database[-1]: Goes.OLD_TOOL}
    assert held.stays(STAGING) == {**dict.fromkeys(database[:-1], Spared.LATEST), A: Spared.LATEST}


def test_a_tool_that_runs_are_given_stays_though_later_ones_were_mirrored(held: Repository) -> None:
    tools = [held.staged(digest_of(f"db{number}"), "tidegate-tool-2", days=3 + number) for number in range(5)]
    held.uses[tools[4]] = Spared.DECIDED
    assert held.goes(STAGING) == {tools[3]: Goes.OLD_TOOL}


# Base.


def test_of_the_unique_tags_of_a_tag_the_last_stay(held: Repository) -> None:
    for number, digest in enumerate((A, B, C, D), 1):
        held.unique(digest, number)
    held.unique(E, 9, of="24")
    assert held.goes(BASE) == {C: Goes.OLD_UNIQUE, D: Goes.OLD_UNIQUE}
    assert held.stays(BASE) == dict.fromkeys((A, B, E), Spared.LATEST)


@pytest.mark.parametrize("reason", [Spared.DECIDED, Spared.FORMER, Spared.PINNED, Spared.HELD])
def test_the_unique_tag_that_a_rollback_needs_stays_however_old(held: Repository, reason: Spared) -> None:
    for number, digest in enumerate((A, B, C), 1):
        held.unique(digest, number)
    held.uses[C] = reason
    assert held.stays(BASE)[C] is reason


def test_nothing_of_a_tag_goes_whose_entry_is_on_hold(held: Repository) -> None:
    for number, digest in enumerate((A, B, C), 1):
        held.unique(digest, number)
    assert held.stays(msgspec.structs.replace(BASE, held=frozenset({Tag("22")})))[C] is Spared.HELD


def test_a_tag_that_only_looks_like_a_unique_tag_stays(held: Repository) -> None:
    held.add(A, "22-20200101.1")
    assert held.stays(BASE) == {A: Spared.TAGGED}


def test_a_unique_tag_that_somebody_moved_is_a_tag_as_any_other(held: Repository) -> None:
    for number, digest in enumerate((A, B, C), 1):
        held.unique(digest, number)
    held.tags[2] = msgspec.structs.replace(held.tags[2], digest=D)
    held.manifests[C] = msgspec.structs.replace(held.manifests[C], tags=())
    held.add(D)
    assert held.stays(BASE) == {
        A: Spared.LATEST,
        B: Spared.LATEST,
        C: Spared.UNTAGGED,
        D: Spared.TAGGED,
    }


def test_with_an_old_unique_tag_goes_what_it_names_and_what_refers_to_it_and_nothing_else(held: Repository) -> None:
    for number, digest in enumerate((A, B), 1):
        held.unique(digest, number)
    held.add(D)
    held.unique(C, 3, children=(D,))
    held.add(E, subject=C)
    left = held.add(digest_of("left"))
    assert held.goes(BASE) == {C: Goes.OLD_UNIQUE, D: Goes.WITH_INDEX, E: Goes.WITH_SUBJECT}
    assert held.stays(BASE)[left] is Spared.UNTAGGED


def test_a_platform_with_an_old_unique_tag_of_its_own_goes_by_that(held: Repository) -> None:
    for number, digest in enumerate((A, B, C), 1):
        held.unique(digest, number)
    held.unique(D, 4, children=(C,))
    assert held.goes(BASE) == {D: Goes.OLD_UNIQUE, C: Goes.OLD_UNIQUE}


def test_of_a_digest_with_another_tag_only_the_old_unique_tag_goes(held: Repository) -> None:
    for number, digest in enumerate((A, B), 1):
        held.unique(digest, number)
    held.unique(C, 3)
    held.tags.append(TagAt(name=Tag("mine"), digest=C, updated=MIDDAY - 50 * DAY))
    assert held.judged(BASE).goes == (Going(C, Goes.OLD_UNIQUE, tag=Tag("22-20251201.3")),)
    assert held.stays(BASE)[C] is Spared.TAGGED


def test_a_locked_unique_tag_stays_with_its_manifest(held: Repository) -> None:
    for number, digest in enumerate((A, B, C), 1):
        held.unique(digest, number)
    held.lock_tag("22-20251201.3")
    assert held.judged(BASE).goes == ()
    assert held.stays(BASE)[C] is Spared.LOCKED


def test_a_referrer_whose_subject_is_gone_goes_from_base_once_it_is_not_followed_any_more(held: Repository) -> None:
    held.add(A, subject=digest_of("gone"), days=ORPHANS_STAY / DAY)
    held.add(B, subject=digest_of("gone"), days=ORPHANS_STAY / DAY - 1)
    held.add(C, subject=A)
    assert held.goes(BASE) == {A: Goes.ORPHANED, C: Goes.WITH_SUBJECT}
    assert held.stays(BASE) == {B: Spared.YOUNG}


def test_an_orphan_with_a_tag_of_somebodys_stays(held: Repository) -> None:
    held.add(A, "mine", subject=digest_of("gone"))
    assert held.stays(BASE) == {A: Spared.TAGGED}


def test_a_signature_by_its_tag_of_a_digest_that_is_gone_goes_from_base(held: Repository) -> None:
    held.add(A, f"{digest_of('gone').replace(':', '-')}.sig", children=(B,))
    held.add(B)
    assert held.goes(BASE) == {A: Goes.ORPHANED, B: Goes.WITH_INDEX}


def test_what_was_begun_goes_on_in_base_after_its_index_is_gone(held: Repository) -> None:
    held.add(B)
    held.add(C)
    rules = msgspec.structs.replace(BASE, begun={B: Goes.WITH_INDEX})
    assert held.goes(rules) == {B: Goes.WITH_INDEX}
    assert held.stays(rules) == {C: Spared.UNTAGGED}


def test_what_was_begun_stays_if_an_index_names_it_by_now(held: Repository) -> None:
    held.add(B)
    held.add(A, "22", children=(B,), days=0.4)
    rules = msgspec.structs.replace(BASE, begun={B: Goes.WITH_INDEX})
    assert held.stays(rules) == {A: Spared.YOUNG, B: Spared.CHILD}


# What is asked for.


def test_only_what_may_say_something_of_others_is_read_and_each_once(held: Repository) -> None:
    held.add(A)
    held.add(B, media_type=DOCKER)
    held.add(C, media_type=INDEX)
    held.add(D, media_type=LIST)
    held.add(E, media_type="application/vnd.example.new+json")
    contents = Contents(tuple(held.manifests.values()), ())
    assert to_read(contents, {}) == (A, C, D)
    assert to_read(contents, {A: Links()}) == (C, D)


def test_where_each_has_a_reason_of_its_own_to_stay_none_has_to_be_read(held: Repository) -> None:
    held.staged(A, days=1)
    held.staged(B)
    held.uses[B] = Spared.DECIDED
    assert not is_worth_reading(Graph(held.contents, {}), held.uses, STAGING, MIDDAY)
    held.add(C)
    assert is_worth_reading(Graph(held.contents, {}), held.uses, STAGING, MIDDAY)


@given(st.data())
def test_whatever_hangs_together_nothing_goes_that_something_needs_which_stays(data: st.DataObject) -> None:
    held, names = Repository(), [digest_of(f"m{number}") for number in range(8)]
    for number, digest in enumerate(names):
        below = names[:number]
        held.add(
            digest,
            *data.draw(st.sampled_from([(), (), ("mine",), (f"22-{short(digest)}",)])),
            days=data.draw(st.sampled_from([1, 100])),
            locked=data.draw(st.booleans()) and data.draw(st.booleans()),
            children=data.draw(st.lists(st.sampled_from(below), max_size=3)) if below else (),
            subject=data.draw(st.sampled_from([Digest(""), digest_of("gone"), *below])),
        )
    rules = data.draw(st.sampled_from([STAGING, BASE]))
    if not is_worth_reading(Graph(held.contents, {}), held.uses, rules, MIDDAY):
        assert held.judged(rules).goes == ()
    graph, goes, stays = held.graph, held.goes(rules), held.stays(rules)
    assert goes.keys() | stays.keys() == set(names)
    assert goes.keys().isdisjoint(stays)
    for digest in stays:
        assert goes.keys().isdisjoint((*graph.children(digest), *graph.referrers(digest), *graph.subjects(digest)))
    order = list(goes)
    for digest in goes:
        assert all(order.index(one) < order.index(digest) for one in graph.above(digest) if one in goes)


# Records of decisions that were replaced.


def replacing(held: Repository, *digests: Digest) -> Rules:
    """Return rules by which some records say what is not so any more, beside an image that stays."""
    held.add(A, "22")
    for each in digests:
        held.add(each, subject=A, days=2)
    return msgspec.structs.replace(BASE, said=Said(replaced=frozenset(digests)))


def test_a_replaced_record_goes_though_its_image_stays(held: Repository) -> None:
    rules = replacing(held, B)
    held.add(C, subject=A, days=2)
    assert held.goes(rules) == {B: Goes.REPLACED}
    assert held.stays(rules) == {A: Spared.TAGGED, C: Spared.YOUNG}


def test_with_a_replaced_record_goes_what_others_say_of_it(held: Repository) -> None:
    rules = replacing(held, B)
    held.add(C, subject=B)
    assert held.goes(rules) == {B: Goes.REPLACED, C: Goes.WITH_SUBJECT}


@pytest.mark.parametrize("fields", [{"locked": True}, {"tags": (Tag("mine"),)}], ids=["locked", "with a tag"])
def test_a_replaced_record_that_somebody_locked_or_gave_a_tag_stays(
    held: Repository, fields: dict[str, object]
) -> None:
    rules = replacing(held, B)
    held.manifests[B] = msgspec.structs.replace(held.manifests[B], **fields)
    assert held.goes(rules) == {}
    assert is_worth_reading(held.graph, {}, rules, MIDDAY) is False


def test_what_somebody_locked_keeps_the_replaced_record_that_it_refers_to(held: Repository) -> None:
    rules = replacing(held, B)
    held.add(C, subject=B, locked=True)
    assert held.stays(rules) == {A: Spared.TAGGED, B: Spared.REFERRED, C: Spared.LOCKED}


def test_its_deletion_may_have_been_begun_before(held: Repository) -> None:
    rules = msgspec.structs.replace(replacing(held, B), begun={B: Goes.REPLACED})
    assert held.goes(rules) == {B: Goes.REPLACED}


def test_a_record_that_is_so_again_stays_though_its_deletion_was_begun(held: Repository) -> None:
    replacing(held, B)
    rules = msgspec.structs.replace(BASE, begun={B: Goes.REPLACED})
    assert held.goes(rules) == {}


def test_replaced_records_that_are_not_there_are_told(held: Repository) -> None:
    rules = replacing(held, B)
    assert held.judged(msgspec.structs.replace(rules, said=Said(replaced=frozenset({B, D})))).gone == {D}

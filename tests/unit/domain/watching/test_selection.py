"""Every upstream tag is taken or left for a named reason, in little time whatever the patterns and the tags are."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.domain.references import Tag
from shared.domain.watching.patterns import parse_glob, parse_regex
from shared.domain.watching.selection import Choice, ChoiceReason, choose, exact_tags, needs_listing
from shared.domain.watching.tag_rules import TagRule
from shared.errors import InvalidSelection
from tests.unit import strategies

pytestmark = pytest.mark.unit

NODE = [
    *("latest", "lts-alpine", "alpine", "24", "24-alpine", "24.1-alpine", "24.1.0-alpine", "24.1.0-alpine3.22"),
    *("24.0.2-alpine", "24-slim", "23-alpine", "23.11.1-alpine", "22", "22-alpine", "22.16.0-alpine", "22.15.1-alpine"),
    *("25.0.0-rc.1-alpine", "25-rc-alpine", "20-alpine", "20.19.2-alpine"),
]

small_tags = st.sampled_from([*NODE, "1", "1.1", "v1.1", "1.1.1", "2.0-rc.1", "2.0", "2.0-alpine", "no tag", ""])
small_listings = st.lists(small_tags | strategies.tags, max_size=25)
globs = st.sampled_from(["*", "2*", "*-alpine", "?", "[12]*", "v*"])
patterns = st.one_of(
    st.builds(lambda glob: {"glob": glob}, globs),
    st.sampled_from([{"regex": ".*"}, {"regex": "[0-9]+(-alpine)?"}, {"regex": "(2|x)+"}]),
    st.sampled_from([{"semver": "*"}, {"semver": ">=22 <24.1"}, {"semver": "^1 || ^2"}, {"semver": ">=1-0"}]),
    st.sampled_from([{"regex": "v?(?P<version>.+)"}, {"regex": "2(?P<version>[0-9.]*).*", "semver": ">1"}]),
)
pattern_rules = st.builds(
    lambda pattern, **narrowing: TagRule(**pattern, **narrowing),
    patterns,
    flavour=st.sampled_from([None, "alpine"]),
    newest=st.sampled_from([None, 1, 3]),
    exclude=st.lists(globs, max_size=1),
    prereleases=st.booleans(),
)
exact_rules = st.builds(
    lambda tag, name: TagRule(tag=tag, as_=name),
    small_tags.filter(lambda tag: tag.replace(" ", "") != "" and " " not in tag),
    st.sampled_from([None, "22", "current"]),
)
rule_lists = st.lists(pattern_rules | exact_rules, max_size=5)


def taken(rules: list[TagRule], tags: list[str]) -> dict[str, str]:
    """Return the target of every tag that is taken."""
    return {choice.tag: choice.target for choice in choose(rules, tags) if choice.target is not None}


def reasons(rules: list[TagRule], tags: list[str]) -> dict[str, str]:
    """Return the reason of every tag."""
    return {choice.tag: choice.reason.value for choice in choose(rules, tags)}


# One rule.


def test_an_exact_tag_is_taken_and_no_other() -> None:
    assert choose([TagRule(tag="22")], ["22", "22-alpine"]) == (
        Choice("22", Tag("22"), ChoiceReason.EXACT, 0),
        Choice("22-alpine", None, ChoiceReason.NO_RULE, -1),
    )


@pytest.mark.parametrize(
    ("rule", "expected"),
    [
        (TagRule(glob="2?-alpine"), ["24-alpine", "23-alpine", "22-alpine", "20-alpine"]),
        (TagRule(glob="*-alpine", exclude=["2*"]), ["lts-alpine"]),
        (TagRule(glob="24*", flavour="alpine"), ["24-alpine", "24.1-alpine", "24.1.0-alpine", "24.0.2-alpine"]),
        (TagRule(glob="[!0-9]*"), ["latest", "lts-alpine", "alpine"]),
        (TagRule(regex="2[24]|alpine"), ["alpine", "24", "22"]),
        (TagRule(regex="[0-9]+-alpine", newest=2), ["24-alpine", "23-alpine"]),
        (TagRule(semver=">=22"), ["24", "22"]),
        (TagRule(semver="^22", flavour="alpine"), ["22-alpine", "22.16.0-alpine", "22.15.1-alpine"]),
        (TagRule(semver="<=22", flavour="alpine", newest=3), ["22.16.0-alpine", "22.15.1-alpine", "20.19.2-alpine"]),
        (TagRule(semver=">=22", flavour="alpine", newest=1, exclude=["24.1*"]), ["24.0.2-alpine"]),
        (TagRule(semver=">=25", flavour="alpine", prereleases=True), ["25.0.0-rc.1-alpine", "25-rc-alpine"]),
        (TagRule(semver="*", flavour="alpine3.22"), ["24.1.0-alpine3.22"]),
        (TagRule(semver="*", flavour="bookworm"), []),
    ],
)
def test_a_pattern_takes_what_it_describes(rule: TagRule, expected: list[str]) -> None:
    assert taken([rule], NODE) == {tag: tag for tag in expected}


def test_every_tag_that_is_left_is_left_for_the_reason_that_holds() -> None:
    rule = TagRule(semver=">=22", flavour="alpine", newest=2, exclude=["24.0.*"])
    assert reasons([rule], [*NODE, "not a tag", "-alpine"]) == {
        **dict.fromkeys(["latest", "lts-alpine", "alpine"], "not-a-version"),
        **dict.fromkeys(["24", "24.1.0-alpine3.22", "24-slim", "22"], "other-flavour"),
        **dict.fromkeys(["20-alpine", "20.19.2-alpine"], "out-of-range"),
        **dict.fromkeys(["25.0.0-rc.1-alpine", "25-rc-alpine"], "prerelease"),
        "24.0.2-alpine": "excluded",
        **dict.fromkeys(["24-alpine", "24.1-alpine", "23-alpine", "22-alpine"], "floating"),
        **dict.fromkeys(["22.16.0-alpine", "22.15.1-alpine"], "not-among-newest"),
        **dict.fromkeys(["24.1.0-alpine", "23.11.1-alpine"], "in-range"),
        **dict.fromkeys(["not a tag", "-alpine"], "invalid-tag"),
    }


def test_a_pattern_leaves_what_it_does_not_match_to_no_rule() -> None:
    assert reasons([TagRule(glob="22*")], ["22", "24", "22-rc1"]) == {
        "22": "glob", "24": "no-rule", "22-rc1": "prerelease",
    }  # fmt: skip


def test_the_newest_are_counted_by_version_and_not_by_spelling() -> None:
    rule = TagRule(glob="*", newest=2)
    assert taken([rule], ["9", "10", "10.0", "10.0.1", "9.9", "latest"]) == {"10.0.1": "10.0.1", "9.9": "9.9"}


def test_of_two_spellings_of_a_version_the_newest_count_one() -> None:
    tags = ["v3.1", "3.1", "v3.1.2", "3.1.2", "v3.1.1", "3.1.1", "v3.0.9"]
    assert list(taken([TagRule(semver="^3", newest=3)], tags)) == ["3.1.2", "3.1.1", "v3.0.9"]
    assert reasons([TagRule(semver="^3", newest=3)], tags)["v3.1.2"] == "spelt-twice"


def test_snapshots_by_their_date_are_not_the_newest_versions() -> None:
    alpine = ["latest", "edge", "3", "3.19", "3.20", "3.20.3", "20240923", "20240807"]
    assert list(taken([TagRule(semver=">=3.19", newest=2)], alpine)) == ["3.19", "3.20.3"]
    assert reasons([TagRule(semver=">=3.19")], alpine)["20240923"] == "out-of-range"
    assert list(taken([TagRule(semver=">=20240901")], alpine)) == ["20240923"]


def test_a_floating_tag_counts_where_nothing_makes_it_more_precise() -> None:
    assert list(taken([TagRule(semver="*", newest=2)], ["20.04", "22.04", "24.04"])) == ["22.04", "24.04"]
    assert reasons([TagRule(semver="*", newest=9)], ["22", "22.1-rc.1"])["22"] == "in-range"


SDK = ["5.0", "5.0.401", "6", "6.0", "6.0.100-rc.1.21463.6", "3.1"]


@pytest.mark.parametrize(
    ("tags", "newest"),
    [
        (["5.0", "5.0.10", "6.0", "6.0.0-rc.1.21451.13"], "5.0.10"),
        (SDK, "5.0.401"),
        (["5.0.10", "6", "6.0", "6.0.0-rc.1"], "5.0.10"),
        (["6.0", "6.0.0-rc.1"], None),
        (["6.0", "6.0.0-rc.1", "6.0.0"], "6.0.0"),
        (["6.0", "6.0.1-rc.1", "6.0.0"], "6.0.0"),
        (["22.04", "24.04", "24.04.1-rc.1"], "24.04"),
        (["1.22.8", "1.23", "1.23rc2"], "1.23"),
    ],
)
def test_a_floating_tag_of_prereleases_alone_is_not_the_newest_release(tags: list[str], newest: str | None) -> None:
    assert list(taken([TagRule(semver="*", newest=1)], tags)) == ([newest] if newest else [])


def test_a_floating_tag_of_prereleases_alone_is_left_as_one() -> None:
    assert reasons([TagRule(semver="*", newest=1)], SDK)["6.0"] == "prerelease"
    assert reasons([TagRule(regex=r"[0-9]\.[0-9]", newest=2)], SDK)["6.0"] == "prerelease"
    assert reasons([TagRule(semver="*", newest=1, prereleases=True)], SDK)["6.0"] == "floating"


def test_a_prerelease_that_is_named_exactly_says_nothing_of_a_floating_tag() -> None:
    rules = [TagRule(tag="6.0.0-rc.1"), TagRule(regex=r"[0-9]\.[0-9]", newest=1)]
    assert taken(rules, ["6.0", "6.0.0", "6.0.0-rc.1"]) == taken(rules, ["6.0", "6.0.0-rc.1"])


@pytest.mark.parametrize("rule", [TagRule(glob="*", newest=2), TagRule(semver="*", newest=2)])
def test_serial_numbers_are_among_the_newest_only_where_there_is_nothing_else(rule: TagRule) -> None:
    assert list(taken([rule], ["7654321", "0012345", "20240923", "1.4.0"])) == ["1.4.0"]
    assert list(taken([rule], ["7654321", "0012345", "20240923"])) == ["7654321", "20240923"]


# The version inside a tag.


@pytest.mark.parametrize(
    ("rule", "tags", "expected"),
    [
        (
            TagRule(regex=r"RELEASE\.(?P<version>.+)", newest=1),
            ["RELEASE.2024-01-16T16-07-38Z", "RELEASE.2024-01-16T06-07-38Z", "RELEASE.2024-01-16T16-07-38Z.fips"],
            ["RELEASE.2024-01-16T16-07-38Z"],
        ),
        (
            TagRule(regex="release-v(?P<version>.+)", semver=">=1.2 <2", newest=1),
            ["release-v1.2.3", "release-v1.10.0", "release-v2.0.0", "release-v1.11.0-rc.1", "v1.12.0"],
            ["release-v1.10.0"],
        ),
        (
            TagRule(regex=r"jammy-(?P<version>\d{8})(\.\d+)?", newest=1),
            ["jammy", "jammy-20240111", "jammy-20240911.1", "jammy-20240911.2", "noble-20250101"],
            ["jammy-20240911.2"],
        ),
        (
            TagRule(regex=r"[0-9.]+-debian-12-r[0-9]+", semver="^16", newest=1),
            ["16.4.0-debian-12-r9", "16.4.0-debian-12-r14", "17.0.0-debian-12-r0", "16.4.0"],
            ["16.4.0-debian-12-r14"],
        ),
        (TagRule(regex="(?P<version>[0-9.]+)-.+", flavour="alpine"), ["1.2-alpine"], []),
        (TagRule(regex="v?(?P<version>[0-9.]+)(-.+)?", newest=2), ["v1.2", "1.2-slim", "1.1"], ["1.2-slim", "1.1"]),
        (TagRule(regex="(a|(?P<version>[0-9]+))"), ["a", "1"], ["1"]),
    ],
    ids=lambda part: getattr(part, "pattern", None),
)
def test_what_is_compared_is_the_group_named_version(rule: TagRule, tags: list[str], expected: list[str]) -> None:
    assert list(taken([rule], tags)) == expected


def test_a_rule_of_a_form_and_a_range_leaves_for_the_reason_that_holds() -> None:
    rule = TagRule(regex="app-(?P<version>.+)", semver="^1", exclude=["*.9"])
    assert reasons([rule], ["app-1.2", "app-2.0", "app-1.3-rc.1", "app-1.2-slim", "app-x", "app-1.9", "1.5"]) == {
        "app-1.2": "in-range", "app-2.0": "out-of-range", "app-1.3-rc.1": "prerelease",
        "app-1.2-slim": "other-flavour", "app-x": "not-a-version", "app-1.9": "excluded", "1.5": "no-rule",
    }  # fmt: skip


def test_a_range_that_names_prereleases_takes_them_and_no_more() -> None:
    tags = ["1.0.0", "1.1.0-rc.1", "0.9.0", "1.1.0-rc.1-alpine"]
    assert list(taken([TagRule(semver=">=1.0.0-0")], tags)) == ["1.0.0", "1.1.0-rc.1"]
    assert list(taken([TagRule(semver=">=1.0.0")], tags)) == ["1.0.0"]


def test_the_newest_version_may_have_a_name_that_stays() -> None:
    rule = TagRule(semver="^22", flavour="alpine", newest=1, as_="22")
    assert taken([rule], NODE) == {"22.16.0-alpine": "22"}


# Several rules.


def test_a_tag_of_several_rules_goes_by_the_first() -> None:
    choices = choose([TagRule(glob="2*"), TagRule(regex="22.*")], ["22"])
    assert choices == (Choice("22", Tag("22"), ChoiceReason.GLOB, 0),)


def test_an_exact_tag_decides_before_any_pattern() -> None:
    rules = [TagRule(glob="*-alpine"), TagRule(tag="22-alpine", as_="22")]
    assert taken(rules, ["22-alpine", "20-alpine"]) == {"22-alpine": "22", "20-alpine": "20-alpine"}


def test_a_tag_that_no_rule_takes_is_told_what_came_closest() -> None:
    rules = [TagRule(semver="^24"), TagRule(semver="^22", exclude=["*"]), TagRule(regex="x")]
    assert choose(rules, ["22"]) == (Choice("22", None, ChoiceReason.EXCLUDED, 1),)


def test_an_exclusion_is_its_own_rules_alone() -> None:
    assert taken([TagRule(glob="*", exclude=["22"]), TagRule(semver="22")], ["22"]) == {"22": "22"}


def test_two_tags_never_go_to_one_target() -> None:
    rules = [TagRule(tag="22-alpine", as_="22"), TagRule(glob="2?")]
    assert choose(rules, ["22", "22-alpine"])[0] == Choice("22", None, ChoiceReason.TARGET_TAKEN, 1)


def test_an_exact_tag_keeps_its_target_even_while_it_is_not_upstream() -> None:
    assert reasons([TagRule(glob="2?"), TagRule(tag="22-alpine", as_="22")], ["22"]) == {"22": "target-taken"}


def test_a_tag_whose_target_is_taken_may_go_by_a_later_rule() -> None:
    rules = [TagRule(tag="a", as_="22"), TagRule(glob="22"), TagRule(semver="22", newest=1, as_="other")]
    assert taken(rules, ["22"]) == {"22": "other"}


def test_exact_tags_alone_need_no_listing() -> None:
    rules = [TagRule(tag="22"), TagRule(tag="22-alpine", as_="alpine")]
    assert not needs_listing(rules)
    assert exact_tags(rules) == {"22": "22", "22-alpine": "alpine"}
    assert needs_listing([*rules, TagRule(glob="*")])
    assert exact_tags([*rules, TagRule(semver="*", newest=1, as_="newest")]) == exact_tags(rules)


# Whatever the rules and the tags are.


@given(rule_lists, small_listings)
def test_every_listed_tag_gets_one_choice_in_the_order_of_the_listing(rules: list[TagRule], tags: list[str]) -> None:
    assert [choice.tag for choice in choose(rules, tags)] == list(dict.fromkeys(tags))


@given(rule_lists, small_listings)
def test_no_two_tags_share_a_target(rules: list[TagRule], tags: list[str]) -> None:
    targets = list(taken(rules, tags).values())
    assert len(targets) == len(set(targets))


@given(rule_lists, small_listings)
def test_a_listing_says_of_exact_tags_what_is_known_without_it(rules: list[TagRule], tags: list[str]) -> None:
    known = {tag: target for tag, target in exact_tags(rules).items() if tag in tags}
    assert known.items() <= taken(rules, tags).items()


@given(rule_lists, small_listings)
def test_the_rule_that_decided_is_named_if_there_was_one(rules: list[TagRule], tags: list[str]) -> None:
    for choice in choose(rules, tags):
        unjudged = choice.reason in {ChoiceReason.NO_RULE, ChoiceReason.INVALID_TAG}
        assert (choice.rule == -1) == unjudged
        assert -1 <= choice.rule < len(rules)


@given(pattern_rules, small_listings)
def test_what_was_taken_is_taken_again_where_nothing_else_is_known(rule: TagRule, tags: list[str]) -> None:
    found = taken([rule], tags)
    assert taken([rule], list(found)) == found


@given(pattern_rules, small_listings, st.randoms(use_true_random=False))
def test_the_order_of_the_listing_decides_nothing(rule: TagRule, tags: list[str], chance: object) -> None:
    shuffled = tags.copy()
    chance.shuffle(shuffled)  # type: ignore[attr-defined]
    assert reasons([rule], shuffled) == reasons([rule], tags)


@given(pattern_rules.filter(lambda rule: rule.newest is not None), small_listings)
def test_never_more_than_the_newest_are_taken(rule: TagRule, tags: list[str]) -> None:
    assert len(taken([rule], tags)) <= (rule.newest or 0)


# Hostile patterns, hostile tags, and many of them.

MANY = [
    *(f"v{major}.{minor}.{patch}" for major in range(10) for minor in range(10) for patch in range(60)),
    *(f"3.{minor}.{patch}-alpine" for minor in range(30) for patch in range(100)),
    *(f"nightly-{number}" for number in range(1000)),
]


def seconds(rules: list[TagRule], tags: list[str]) -> float:
    """Return the processor time that a choice takes: of this process, so that a busy machine does not matter."""
    start = time.process_time()
    assert len(choose(rules, tags)) == len(tags)
    return time.process_time() - start


@pytest.mark.parametrize(
    "rule",
    [
        TagRule(glob="*-alpine", newest=20),
        TagRule(regex=r"3\.[0-9]+\.[0-9]+-alpine", exclude=["3.1*"]),
        TagRule(semver=">=3.19 <4 || ^1.2", flavour="alpine", newest=200),
        TagRule(semver="*", prereleases=True),
        TagRule(regex="v?(?P<version>.+)", semver=">=1 !=3.7 || 2.1 - 2.3", newest=20),
    ],
    ids=lambda rule: rule.pattern,
)
def test_ten_times_as_many_tags_take_about_ten_times_as_long_to_choose_from(rule: TagRule) -> None:
    """A second try is another look at a busy machine; what grows with the square is a hundred times as slow in each."""
    tenth = MANY[::10]
    assert (len(MANY), len(tenth)) == (10_000, 1_000)
    assert min(seconds([rule], MANY) for _ in range(3)) < 30 * min(seconds([rule], tenth) for _ in range(3))


@pytest.mark.parametrize(
    "regex", ["(a+)+$", "(a|aa)+", "(a*)*b", "(x+x+)+y", "(.*)*(.*)*(.*)*=", ".*a.{30}", "(a?){30}a{30}"]
)
def test_a_regular_expression_that_other_engines_hang_on_takes_no_time(regex: str) -> None:
    hostile = [f"{number:04}{'a' * 123}!"[-128:-1] for number in range(2000)]
    assert seconds([TagRule(regex=regex)], hostile) < 1
    assert seconds([TagRule(regex=f"(?P<version>{regex})")], hostile) < 1


@pytest.mark.parametrize("glob", ["*a" * 60 + "*b", ("*" + "a" * 30) * 4 + "b", "*?" * 60 + "b", "*[ab]" * 20 + "c"])
def test_a_glob_that_tries_the_same_takes_no_time(glob: str) -> None:
    hostile = [f"{number:04}{'a' * 123}" for number in range(2000)]
    assert seconds([TagRule(glob=glob)], hostile) < 1


def test_tags_that_are_almost_versions_take_no_time() -> None:
    hostile = [f"1{number:04}{'-rc.1' * 24}" for number in range(1000)] + [
        f"{number}{'9' * 120}" for number in range(1000)
    ]
    assert seconds([TagRule(semver=">1", newest=5, prereleases=True)], hostile) < 1


@pytest.mark.parametrize(
    ("regex", "problem"),
    [
        ("(a", "missing ): (a (RE2 syntax)"),
        ("(?=a)", "invalid perl operator: (?= (RE2 syntax)"),
        (r"(a)\1", r"invalid escape sequence: \1 (RE2 syntax)"),
        ("(a{1,1000}){1,1000}", "invalid repetition size: {1,1000} (RE2 syntax)"),
        ("(.{1,30}){1,30}", "steps; a regular expression has at most 128"),
        ("ä", "has characters that no tag has"),
        ("\ud800", "has characters that no tag has"),
        ("", "a pattern has 1 to 128 characters, not 0"),
        ("a" * 129, "a pattern has 1 to 128 characters, not 129"),
    ],
)
def test_a_regular_expression_that_cannot_be_taken_is_refused_with_its_problem(regex: str, problem: str) -> None:
    with pytest.raises(InvalidSelection) as refused:
        parse_regex(regex)
    assert str(refused.value).endswith(problem)


@pytest.mark.parametrize("glob", ["", "a/b", "[", "[]", "[a", "a]", "!a", "{a,b}", "a b", "ä", "[!]", "*" * 129])
def test_what_is_no_glob_of_tags_is_refused(glob: str) -> None:
    with pytest.raises(InvalidSelection):
        parse_glob(glob)


@given(st.text("*?ab", min_size=1, max_size=12), st.text("ab", min_size=1, max_size=12))
def test_a_glob_matches_what_its_regular_expression_does(glob: str, tag: str) -> None:
    regex = parse_regex(glob.replace("*", ".*").replace("?", ".").replace(".*.*", ".*"))
    assert bool(parse_glob(glob)(tag)) == bool(regex(tag))


@given(st.text(max_size=130) | st.text("()[]{}*+?|\\.^$ab1,-:P<>=!i", max_size=40), strategies.tags)
def test_arbitrary_text_is_a_pattern_or_refused_and_never_anything_else(text: str, tag: Tag) -> None:
    for parse in (parse_regex, parse_glob):
        try:
            assert bool(parse(text)(tag)) in {True, False}
        except InvalidSelection as refused:
            assert str(refused)

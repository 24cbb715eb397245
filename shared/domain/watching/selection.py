"""Which tags of an upstream repository are wanted, and for which named reason every other one is left.

Every rule judges the whole listing by itself; then each tag goes by one rule:

1. An exact tag decides before any pattern does, and keeps its target tag free even while it is not upstream. So what it
   writes is known without a listing.
2. Among patterns, the first that takes a tag decides.
3. A tag that none takes is told the reason of the rule that came closest to taking it, the first of these.
4. Two tags never have one target tag: the later rule's is left.

``newest`` counts what is left after everything else. A tag that another one of the same flavour makes more precise, as
``22.1`` does ``22``, is *floating* and not counted, and of ``v1.2`` and ``1.2`` only one is: ``newest: 2`` shall be two
versions, not one in two spellings. Where a regular expression names the version by a group, the group is what is
compared, and tags with one group are one version.
"""

from __future__ import annotations

from collections.abc import Callable, Container, Iterable, Mapping, Sequence
from enum import Enum

import msgspec

from shared.domain.references import Tag, parse_tag
from shared.domain.watching.newest import Standing, standings, unreleased
from shared.domain.watching.patterns import parse_glob, parse_regex, parse_version_group
from shared.domain.watching.ranges import parse_range
from shared.domain.watching.tag_rules import TagRule
from shared.domain.watching.versions import Version, parse_version
from shared.errors import InvalidReference


class ChoiceReason(Enum):
    """Why an upstream tag was taken or left. Those further down came closer to being taken."""

    INVALID_TAG = "invalid-tag"  # left: upstream lists it, but no registry could have it as a tag
    NO_RULE = "no-rule"  # left: no rule of the entry speaks of it
    NOT_A_VERSION = "not-a-version"  # left: the rule compares versions or flavours, and the tag is no version
    OTHER_FLAVOUR = "other-flavour"  # left: its suffix is not the one the rule asks for
    OUT_OF_RANGE = "out-of-range"  # left: the version is not in the rule's range
    PRERELEASE = "prerelease"  # left: it is a prerelease or stands for some alone, and the rule does not ask for them
    EXCLUDED = "excluded"  # left: one of the rule's own exclusions matches it
    FLOATING = "floating"  # left: the rule counts the newest, and another tag makes this one more precise
    SPELT_TWICE = "spelt-twice"  # left: the rule counts the newest, and another tag is the same version
    NOT_AMONG_NEWEST = "not-among-newest"  # left: the rule counts the newest, and there are enough of newer ones
    TARGET_TAKEN = "target-taken"  # left: another tag goes to the same tag of the base registry
    IN_RANGE = "in-range"  # taken: its version is in the rule's range
    REGEX = "regex"  # taken: the rule's regular expression matches it
    GLOB = "glob"  # taken: the rule's glob matches it
    EXACT = "exact"  # taken: the rule names it


_CLOSENESS = {reason: place for place, reason in enumerate(ChoiceReason)}
_TAKEN = frozenset({ChoiceReason.IN_RANGE, ChoiceReason.REGEX, ChoiceReason.GLOB, ChoiceReason.EXACT})


class Choice(msgspec.Struct, frozen=True):
    """What becomes of one upstream tag.

    Attributes:
        tag: as upstream lists it, be it valid or not.
        target: the tag of the base registry that it goes to; ``None`` if it is left.
        reason: why.
        rule: index of the rule that decided, in the order of the entry's ``tags``; -1 for none.
    """

    tag: str
    target: Tag | None
    reason: ChoiceReason
    rule: int


_REASONS = {
    Standing.FLOATING: ChoiceReason.FLOATING,
    Standing.UNRELEASED: ChoiceReason.PRERELEASE,
    Standing.SPELT_TWICE: ChoiceReason.SPELT_TWICE,
    Standing.OLDER: ChoiceReason.NOT_AMONG_NEWEST,
}
Verdicts = dict[Tag, ChoiceReason]
Versions = Mapping[Tag, Version | None]


def needs_listing(rules: Iterable[TagRule]) -> bool:
    """Whether the upstream tags must be listed: some rule is a pattern."""
    return any(rule.tag is None for rule in rules)


def exact_tags(rules: Iterable[TagRule]) -> dict[Tag, Tag]:
    """Return the target tag of every upstream tag that is named exactly, in the order of the rules.

    Whether they are upstream is for a look at each of them to find out. ``choose`` says the same of those it is shown.
    """
    exact: dict[Tag, Tag] = {}
    for rule in rules:
        if rule.tag is not None and rule.target is not None and rule.target not in exact.values():
            exact.setdefault(Tag(rule.tag), rule.target)
    return exact


def wanted_places(rules: Sequence[TagRule], known: Iterable[Tag]) -> dict[Tag, Tag]:
    """Return the target tag of each tag that rules take, of those that were ever looked at and those named exactly."""
    found = tuple(dict.fromkeys((*known, *exact_tags(rules))))
    return {Tag(one.tag): one.target for one in choose(rules, found) if one.target is not None}


def choose(rules: Sequence[TagRule], tags: Iterable[str]) -> tuple[Choice, ...]:
    """Decide for every upstream tag of a repository whether an entry of the watch list wants it, and why.

    Args:
        rules: the entry's, in its order.
        tags: the upstream listing, in any order.

    Returns:
        One choice for each tag, in the order of the listing; a tag that is listed twice is decided once.

    Raises:
        InvalidSelection: a rule's pattern is none, which no rule of a watch list that was read can be.
    """
    choices = {tag: _unjudged(tag) for tag in tags}
    valid = [Tag(tag) for tag, choice in choices.items() if choice.reason is not ChoiceReason.INVALID_TAG]
    versions = {tag: parse_version(tag) for tag in valid} if needs_listing(rules) else dict.fromkeys(valid)
    exact = exact_tags(rules)
    targets = {target: tag for tag, target in exact.items()}
    alone = _unreleased(versions, exact) if any(rule.newest is not None for rule in rules) else frozenset[Tag]()
    exact_first = sorted(enumerate(rules), key=lambda numbered: numbered[1].tag is None)
    for index, rule in exact_first:
        for tag, reason in _judge(rule, versions, alone).items():
            choice = _choice(tag, reason, index, rule, targets)
            if _CLOSENESS[choice.reason] > _CLOSENESS[choices[tag].reason] and choices[tag].target is None:
                choices[tag] = choice
                if choice.target is not None:
                    targets[choice.target] = tag
    return tuple(choices.values())


def _unjudged(tag: str) -> Choice:
    try:
        parse_tag(tag)
    except InvalidReference:
        return Choice(tag, None, ChoiceReason.INVALID_TAG, -1)
    return Choice(tag, None, ChoiceReason.NO_RULE, -1)


def _choice(tag: Tag, reason: ChoiceReason, index: int, rule: TagRule, targets: Mapping[Tag, Tag]) -> Choice:
    if reason not in _TAKEN:
        return Choice(tag, None, reason, index)
    target = rule.target or tag
    if targets.get(target, tag) != tag:
        return Choice(tag, None, ChoiceReason.TARGET_TAKEN, index)
    return Choice(tag, target, reason, index)


def _unreleased(versions: Versions, exact: Container[Tag]) -> frozenset[Tag]:
    """Find floating tags of prereleases alone. What is named exactly says nothing of others, for it may be all that is
    known of them: known tags are chosen from, too, where a listing is not at hand."""
    return unreleased(version for tag, version in versions.items() if version is not None and tag not in exact)


def _judge(rule: TagRule, versions: Versions, alone: frozenset[Tag]) -> Verdicts:
    """Return what one rule makes of every tag it speaks of."""
    if rule.tag is not None:
        return {Tag(rule.tag): ChoiceReason.EXACT} if rule.tag in versions else {}
    named = _named_versions(rule, versions)
    spoken_of = _spoken_of(rule, versions) if named is None else named
    judge = _judge_of_one(rule, named=named is not None)
    verdicts = {tag: judge(tag, version) for tag, version in spoken_of.items()}
    if rule.newest is None:
        return verdicts
    return _newest(rule, verdicts, spoken_of, alone if named is None else _unreleased(named, ()))


def _named_versions(rule: TagRule, versions: Versions) -> Versions | None:
    """Return the versions that the rule's group names in the tags it matches; ``None`` if it has no such group."""
    find = parse_version_group(rule.regex) if rule.regex is not None else None
    if find is None:
        return None
    named = {tag: text for tag in versions if (text := find(tag)) is not None}
    return {tag: _called(tag, parse_version(text)) for tag, text in named.items()}


def _called(tag: Tag, version: Version | None) -> Version | None:
    return None if version is None else msgspec.structs.replace(version, tag=tag)


def _spoken_of(rule: TagRule, versions: Versions) -> Versions:
    if rule.glob is not None:
        matches = parse_glob(rule.glob)
    elif rule.regex is not None:
        matches = parse_regex(rule.regex)
    else:
        return versions
    return {tag: version for tag, version in versions.items() if matches(tag)}


def _judge_of_one(rule: TagRule, *, named: bool) -> Callable[[Tag, Version | None], ChoiceReason]:
    """Return what judges a tag that the rule speaks of, without regard to others."""
    taken = _taken(rule)
    held = parse_range(rule.semver) if rule.semver is not None else None
    flavour = _flavour(rule, named=named)
    needs_version = named or held is not None or flavour is not None or rule.newest is not None
    exclusions = [parse_glob(glob) for glob in rule.exclude]

    def judge(tag: Tag, version: Version | None) -> ChoiceReason:
        if version is None:
            if needs_version:
                return ChoiceReason.NOT_A_VERSION
        elif flavour is not None and version.flavour != flavour:
            return ChoiceReason.OTHER_FLAVOUR
        elif held is not None and not held.holds(version):
            return ChoiceReason.OUT_OF_RANGE
        elif version.is_prerelease and not rule.prereleases and not (held is not None and held.asks_for(version)):
            return ChoiceReason.PRERELEASE
        return ChoiceReason.EXCLUDED if any(excludes(tag) for excludes in exclusions) else taken

    return judge


def _taken(rule: TagRule) -> ChoiceReason:
    if rule.semver is not None:
        return ChoiceReason.IN_RANGE
    return ChoiceReason.GLOB if rule.glob is not None else ChoiceReason.REGEX


def _flavour(rule: TagRule, *, named: bool) -> str | None:
    """The suffix that is asked for; ``None`` for any. An expression over the whole tag says itself which suffixes."""
    if rule.flavour is not None:
        return rule.flavour
    return "" if rule.semver is not None and (rule.regex is None or named) else None


def _newest(rule: TagRule, verdicts: Verdicts, versions: Versions, alone: frozenset[Tag]) -> Verdicts:
    """Leave all but the newest of the taken tags, which are all versions."""
    taken = [version for tag, reason in verdicts.items() if reason in _TAKEN and (version := versions[tag])]
    without = frozenset[Tag]() if _asks_for_prereleases(rule) else alone
    counted = standings(taken, rule.newest or 0, without)
    return verdicts | {tag: _REASONS[standing] for tag, standing in counted.items() if standing in _REASONS}


def _asks_for_prereleases(rule: TagRule) -> bool:
    return rule.prereleases or (rule.semver is not None and parse_range(rule.semver).names_prereleases)

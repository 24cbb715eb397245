"""Which tags of an upstream repository are wanted, and for which named reason every other one is left.

Every rule judges the whole listing by itself; then each tag goes by one rule:

1. An exact tag decides before any pattern does, and keeps its target tag free even while it is not upstream. So what it
   writes is known without a listing.
2. Among patterns, the first that takes a tag decides.
3. A tag that none takes is told the reason of the rule that came closest to taking it, the first of these.
4. Two tags never have one target tag: the later rule's is left.

``newest`` counts what is left after everything else. A tag that another one of the same flavour makes more precise, as
``22.1`` does ``22``, is *floating* and not counted, and of ``v1.2`` and ``1.2`` only one is: ``newest: 2`` shall be two
versions, not one in two spellings.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from enum import Enum

import msgspec

from shared.domain.references import Tag, parse_tag
from shared.domain.watching.patterns import Matcher, parse_glob, parse_regex
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
    PRERELEASE = "prerelease"  # left: it is a prerelease, and the rule does not ask for them
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


Verdicts = dict[Tag, ChoiceReason]


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
    targets = {target: tag for tag, target in exact_tags(rules).items()}
    exact_first = sorted(enumerate(rules), key=lambda numbered: numbered[1].tag is None)
    for index, rule in exact_first:
        for tag, reason in _judge(rule, versions).items():
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


def _judge(rule: TagRule, versions: Mapping[Tag, Version | None]) -> Verdicts:
    """Return what one rule makes of every tag it speaks of."""
    if rule.tag is not None:
        return {Tag(rule.tag): ChoiceReason.EXACT} if rule.tag in versions else {}
    judge = _judge_of_one(rule)
    verdicts = {tag: reason for tag, version in versions.items() if (reason := judge(tag, version))}
    return verdicts if rule.newest is None else _newest(rule.newest, verdicts, versions)


def _judge_of_one(rule: TagRule) -> Callable[[Tag, Version | None], ChoiceReason | None]:
    """Return what judges a tag without regard to others; it returns ``None`` where the rule does not speak of it."""
    matches, taken = _matcher(rule)
    held = parse_range(rule.semver) if rule.semver is not None else None
    flavour = rule.flavour if rule.flavour is not None or held is None else ""
    needs_version = flavour is not None or rule.newest is not None
    exclusions = [parse_glob(glob) for glob in rule.exclude]

    def judge(tag: Tag, version: Version | None) -> ChoiceReason | None:
        if matches is not None and not matches(tag):
            return None
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


def _matcher(rule: TagRule) -> tuple[Matcher | None, ChoiceReason]:
    if rule.glob is not None:
        return parse_glob(rule.glob), ChoiceReason.GLOB
    if rule.regex is not None:
        return parse_regex(rule.regex), ChoiceReason.REGEX
    return None, ChoiceReason.IN_RANGE


def _newest(count: int, verdicts: Verdicts, versions: Mapping[Tag, Version | None]) -> Verdicts:
    """Leave all but the newest of the taken tags, which are all versions."""
    taken = [version for tag, reason in verdicts.items() if reason in _TAKEN and (version := versions[tag])]
    covered = {
        (version.flavour, version.numbers[:length]) for version in taken for length in range(1, version.precision)
    }
    floating = {version for version in taken if (version.flavour, version.numbers[: version.precision]) in covered}
    precise = sorted(version for version in taken if version not in floating)
    # The first in order, 1.2 of 1.2 and v1.2, has the last word.
    spelt = {msgspec.structs.replace(version, tag=""): version for version in reversed(precise)}
    counted = sorted(spelt.values(), reverse=True)
    return {
        **verdicts,
        **{Tag(version.tag): ChoiceReason.FLOATING for version in floating},
        **{Tag(version.tag): ChoiceReason.SPELT_TWICE for version in set(precise) - set(counted)},
        **{Tag(version.tag): ChoiceReason.NOT_AMONG_NEWEST for version in counted[count:]},
    }

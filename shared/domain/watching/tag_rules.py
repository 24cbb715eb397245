"""A rule of the watch list: which tags of a repository are wanted, and what the base registry calls them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Annotated

import msgspec
from msgspec import Meta

from shared.domain.references import Tag, parse_tag
from shared.domain.watching.patterns import LONGEST_PATTERN, parse_glob, parse_regex
from shared.domain.watching.ranges import LONGEST_RANGE, parse_range
from shared.domain.watching.versions import parse_version
from shared.errors import InvalidReference, InvalidSelection

KINDS = ("tag", "glob", "regex", "semver")
# The two that may stand together.
_TOGETHER = ["regex", "semver"]
# What narrows a pattern, and means nothing beside an exact tag.
_NARROWING = ("flavour", "newest", "exclude", "prereleases")

# The schema tells editors of the limit; the reader's own check of the whole text tells of it once, and not twice.
_Pattern = Annotated[str, Meta(extra_json_schema={"maxLength": LONGEST_PATTERN})]
_Range = Annotated[str, Meta(extra_json_schema={"maxLength": LONGEST_RANGE})]
Problem = tuple[tuple[str | int, ...], str]


class TagRule(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True, kw_only=True):
    """One item of ``tags``: an exact tag or a pattern of tags, of which exactly one is given, and what narrows it.

    A regular expression and a range may stand together: one says the form, the other which versions.
    """

    tag: Annotated[
        str | None, Meta(description="Exact tag; the same as a plain text, but that `as` may go with it.")
    ] = None
    glob: Annotated[
        _Pattern | None,
        Meta(description="Glob that the whole tag matches: `*`, `?`, `[0-9]`, `[!0-9]`.", examples=["*-alpine"]),
    ] = None
    regex: Annotated[
        _Pattern | None,
        Meta(
            description="Regular expression, RE2 syntax, that the whole tag matches. Its group `(?P<version>…)` says "
            "where the version stands. `semver` may stand beside it.",
            examples=["[0-9]+-alpine", "release-v(?P<version>.+)"],
        ),
    ] = None
    semver: Annotated[
        _Range | None,
        Meta(
            description="Range of versions; beside `regex`, of those whose tags it matches.",
            examples=[">=3.19 <4", "^22", "~1.2", "22.x", "*", "^20 || ^22", "1.2 - 1.5", ">=1.2 !=1.3", ">=1.0.0-0"],
        ),
    ] = None
    flavour: Annotated[
        str | None,
        Meta(
            description="Suffix after the version, exactly. Without it, `semver` takes versions without a suffix, and "
            "`glob` and `regex` take any; so do both together, unless a group names the version.",
            examples=["alpine", "slim-bookworm"],
        ),
    ] = None
    newest: Annotated[
        Annotated[int, Meta(ge=1, le=200)] | None,
        Meta(description="Only so many, of the newest versions; a tag that another one makes more precise is left."),
    ] = None
    exclude: Annotated[
        list[_Pattern],
        Meta(max_length=50, description="Globs of tags that this rule leaves."),
    ] = []
    prereleases: Annotated[
        bool, Meta(description="Whether prereleases are taken; a range such as `>=1.0.0-0` takes them without it.")
    ] = False
    as_: Annotated[
        str | None,
        Meta(description="What the tag is called in the base registry; beside `tag`, or `newest: 1`."),
    ] = msgspec.field(default=None, name="as")

    @property
    def target(self) -> Tag | None:
        """The one tag of the base registry that this rule writes, if that is known without looking upstream."""
        name = self.as_ or self.tag
        return None if name is None else Tag(name)

    @property
    def pattern(self) -> str:
        """What the rule goes by: the exact tag, the glob, the regular expression or the range."""
        return self.tag or self.glob or self.regex or self.semver or ""


def rule_problems(item: dict[str, object]) -> Iterator[Problem]:
    """Find what is wrong with a rule beyond the kinds of its fields, whatever else may be wrong with it.

    Args:
        item: the rule as plain objects; what is not of its kind is passed over.

    Returns:
        Every problem: the path inside the rule and what was expected there.
    """
    kinds = [kind for kind in KINDS if item.get(kind) is not None]
    if len(kinds) != 1 and kinds != _TOGETHER:
        yield (), _wrong_kinds(kinds)
    yield from _text_problems(item)
    if kinds == ["tag"]:
        yield from (
            ((name,), "expected beside a pattern; an exact tag needs none") for name in _NARROWING if name in item
        )
    elif kinds and item.get("as") is not None and not _is_one(item.get("newest")):
        yield ("as",), "expected beside an exact tag or newest: 1, for several tags cannot have one name"


def _wrong_kinds(kinds: list[str]) -> str:
    hint = "; write the glob as a regex, which may stand beside semver" if kinds == ["glob", "semver"] else ""
    return f"expected exactly one of {', '.join(KINDS)}, or regex and semver; got {' and '.join(kinds) or 'none'}{hint}"


def _text_problems(item: dict[str, object]) -> Iterator[Problem]:
    for name, parse in _PARSERS.items():
        yield from _parse_problem((name,), item.get(name), parse)
    exclude = item.get("exclude")
    for position, glob in enumerate(exclude if isinstance(exclude, list) else []):
        yield from _parse_problem(("exclude", position), glob, parse_glob)


def _parse_problem(path: tuple[str | int, ...], value: object, parse: Callable[[str], object]) -> Iterator[Problem]:
    try:
        if isinstance(value, str):
            parse(value)
    except (InvalidReference, InvalidSelection) as error:
        yield path, str(error)


def _check_flavour(text: str) -> None:
    """A flavour is one if a version with this suffix is read as having it."""
    version = parse_version(f"1-{text}")
    if version is None or version.flavour != text:
        word = "a prerelease" if version is not None and version.is_prerelease else "no flavour"
        raise InvalidSelection(
            f"{text[:140]!r} is read as {word}; expected a suffix without its hyphen, such as alpine"
        )


def _is_one(value: object) -> bool:
    try:
        return msgspec.convert(value, int, strict=False) == 1
    except msgspec.ValidationError:
        return False


_PARSERS: dict[str, Callable[[str], object]] = {
    "tag": parse_tag,
    "glob": parse_glob,
    "regex": parse_regex,
    "semver": parse_range,
    "flavour": _check_flavour,
    "as": parse_tag,
}

"""The watch list: which upstream tags are wanted, where they go and what they must pass. Validated as one document."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from functools import cache, cached_property
from types import UnionType
from typing import Annotated, Any, get_args, get_origin

import msgspec
from msgspec import Meta

from shared.domain.references import DOCKER_HUB, MCR, Repository, Tag, parse_path, parse_repository, parse_tag
from shared.domain.watching.clashes import pattern_clashes
from shared.domain.watching.remedies import Remedies, Remedy
from shared.domain.watching.selection import exact_tags, needs_listing
from shared.domain.watching.tag_rules import TagRule, rule_problems
from shared.errors import InvalidReference

_NAME = r"^[a-z0-9][a-z0-9._-]{0,62}$"
Path = tuple[str | int, ...]
Problem = tuple[Path, str]


class Image(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """One entry: an upstream repository, some of its tags, and their place in the base registry."""

    name: Annotated[
        str, Meta(pattern=_NAME, description="Unique name of the entry: lower case, at most 63 characters.")
    ]
    source: Annotated[
        str,
        Meta(
            description="Upstream repository, without a tag, in any OCI registry; Docker Hub if no registry is named.",
            examples=["docker.io/library/node", "mcr.microsoft.com/dotnet/runtime", "ghcr.io/fluxcd/flux-cli"],
        ),
    ]
    tags: Annotated[
        list[str | TagRule],
        Meta(min_length=1, max_length=200, description="Tags to watch: exact ones as text, or rules that select them."),
    ]
    target: Annotated[
        str,
        Meta(
            description="Repository in the base registry; tags keep their names unless a rule says otherwise.",
            examples=["base/node"],
        ),
    ]
    gate: Annotated[
        Annotated[str, Meta(pattern=_NAME)] | None,
        Meta(
            description="Folder under gates/ with a Dockerfile and its test (docs/gates.md); none: no functional test.",
        ),
    ] = None

    missing: Annotated[
        Remedy,
        Meta(
            description="What is done about a tag that was deleted from the base registry: `repair` puts it back once "
            "two listings agree, unless its digest is blocked; `tell` only says so.",
        ),
    ] = Remedy.REPAIR
    drift: Annotated[
        Remedy,
        Meta(
            description="What is done about a tag of the base registry that others overwrote: `tell` says so for as "
            "long as it lasts; `repair` puts back what is wanted, and has what was built on the other rebuilt.",
        ),
    ] = Remedy.TELL
    adopt: Annotated[
        bool,
        Meta(
            description="Whether what stands in the target when the entry appears stays until the source moves; false: "
            "it is replaced.",
        ),
    ] = True

    @property
    def remedies(self) -> Remedies:
        """What is done where the base registry is not what it should be."""
        return Remedies(self.missing, self.drift)

    @property
    def repository(self) -> Repository:
        """The upstream repository, with Docker Hub's names made one."""
        return parse_repository(self.source)

    @property
    def functional_gate(self) -> str | None:
        """The gate's name; ``None`` where there is none, also if the list says so in as many words."""
        return None if self.gate == "none" else self.gate

    @property
    def rules(self) -> tuple[TagRule, ...]:
        """The items of ``tags`` in their order, exact tags made rules too."""
        return tuple(TagRule(tag=item) if isinstance(item, str) else item for item in self.tags)

    @property
    def needs_listing(self) -> bool:
        """Whether which tags there are has to be seen before it is known which are wanted."""
        return needs_listing(self.rules)

    @property
    def wanted(self) -> tuple[Tag, ...]:
        """The upstream tags that are named exactly."""
        return tuple(exact_tags(self.rules))


class WatchList(msgspec.Struct, frozen=True, forbid_unknown_fields=True, dict=True):
    """The whole document, ``images.yaml``."""

    images: Annotated[list[Image], Meta(max_length=5000, description="What is watched.")]
    removes: Annotated[
        int | None,
        Meta(description="How many entries of the list in force this one is meant to lack, where that is very many."),
    ] = None

    def of_registry(self, registry: str) -> tuple[Image, ...]:
        """Return the entries whose upstream is one registry, in the order of the list."""
        return tuple(image for image in self.images if image.repository.registry == registry)

    def elsewhere(self) -> tuple[Image, ...]:
        """Return the entries whose upstream is neither Docker Hub nor MCR, in the order of the list."""
        return tuple(image for image in self.images if image.repository.registry not in {DOCKER_HUB, MCR})

    def of_repository(self, repository: Repository) -> tuple[Image, ...]:
        """Return the entries that watch one upstream repository."""
        return self._by_repository.get(repository, ())

    @cached_property
    def _by_repository(self) -> dict[Repository, tuple[Image, ...]]:
        """Every repository of a check is looked up, so that going through the whole list would cost its square."""
        found: dict[Repository, tuple[Image, ...]] = {}
        for image in self.images:
            found[image.repository] = (*found.get(image.repository, ()), image)
        return found

    def into(self, target: str) -> tuple[Image, ...]:
        """Return the entries that write into one repository of the base registry."""
        return tuple(image for image in self.images if image.target == target)

    def named(self, name: str) -> Image | None:
        """Return the entry with a name, or ``None``."""
        return next((image for image in self.images if image.name == name), None)


# Threads that all read their first list at once must find its types known whole: docs/decisions/0016.
msgspec.json.Decoder(WatchList)


def fingerprint(images: tuple[Image, ...]) -> str:
    """Return what some entries ask for as one short text, which changes when that does."""
    asked = msgspec.json.encode([(image.name, image.target, image.tags) for image in images])
    return hashlib.sha256(asked).hexdigest()[:16]


def schema() -> dict[str, Any]:
    """Return the watch list's JSON Schema (draft 2020-12), for editors and for the documentation."""
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **msgspec.json.schema(WatchList)}


def read(document: object) -> tuple[WatchList | None, tuple[Problem, ...]]:
    """Read a watch list that a YAML reader has turned into plain objects, with every scalar a string.

    Args:
        document: the plain objects.

    Returns:
        The list and no problems, or no list and every problem: the path to it and what was expected there.
    """
    problems = (*_shape_problems(document, WatchList, ()), *_reference_problems(document))
    if problems:
        return None, problems
    watch_list = msgspec.convert(document, WatchList, strict=False)
    clashes = tuple(_clashes(watch_list))
    return (None, clashes) if clashes else (watch_list, ())


def _shape_problems(value: object, kind: Any, path: Path) -> Iterator[Problem]:
    """msgspec stops at the first problem; a person wants them all, so the document is taken apart."""
    inner, is_struct = _inner(kind, value)
    if is_struct and isinstance(value, dict):
        yield from _field_problems(value, inner, path)
    elif get_origin(inner) is list and isinstance(value, list):
        yield from _list_problems(value, kind, inner, path)
    else:
        yield from _leaf_problems(value, kind, path)


def _inner(kind: Any, value: object) -> tuple[Any, bool]:
    """The kind without its limits, and whether it is a record. Among several kinds, an object means the record."""
    choice = get_args(kind) if get_origin(kind) is UnionType else (kind,)
    record = next((each for each in choice if isinstance(each, type) and issubclass(each, msgspec.Struct)), None)
    if record is not None and (isinstance(value, dict) or len(choice) == 1):
        return record, True
    return get_args(kind)[0] if get_origin(kind) is Annotated else kind, False


def _field_problems(value: dict[str, object], kind: Any, path: Path) -> Iterator[Problem]:
    fields = _fields(kind)
    for name in sorted(value.keys() - fields.keys()):
        yield (*path, name), f"unknown field; expected {', '.join(fields)}"
    for name, field in fields.items():
        if name in value:
            yield from _shape_problems(value[name], field.type, (*path, name))
        elif field.required:
            yield path, f"the field {name!r} is missing"


@cache
def _fields(kind: Any) -> dict[str, msgspec.structs.FieldInfo]:
    """Kept, because msgspec evaluates the annotations anew each time: that is most of the time a long list takes."""
    return {field.encode_name: field for field in msgspec.structs.fields(kind)}


def _list_problems(value: list[object], kind: Any, inner: Any, path: Path) -> Iterator[Problem]:
    for index, item in enumerate(value):
        yield from _shape_problems(item, get_args(inner)[0], (*path, index))
    yield from _leaf_problems([None] * len(value), _lengths_only(kind), path)


def _lengths_only(kind: Any) -> Any:
    return Annotated[(list[Any], *get_args(kind)[1:])] if get_origin(kind) is Annotated else list[Any]


def _leaf_problems(value: object, kind: Any, path: Path) -> Iterator[Problem]:
    try:
        msgspec.convert(value, kind, strict=False)
    except msgspec.ValidationError as error:
        yield path, _plain(str(error))


def _plain(message: str) -> str:
    return message[0].lower() + message[1:]


def _reference_problems(document: object) -> Iterator[Problem]:
    """Check the references of every entry that has them as text, whatever else may be wrong with it."""
    images = document.get("images") if isinstance(document, dict) else None
    for index, image in enumerate(images if isinstance(images, list) else []):
        fields = image if isinstance(image, dict) else {}
        for path, value, parse in _references(fields):
            yield from _parse_problem(("images", index, *path), value, parse)
        for position, item in enumerate(_items(fields)):
            for path, problem in rule_problems(item) if isinstance(item, dict) else ():
                yield ("images", index, "tags", position, *path), problem


def _references(image: dict[str, object]) -> Iterator[tuple[Path, object, Callable[[str], object]]]:
    yield ("source",), image.get("source"), parse_repository
    yield ("target",), image.get("target"), parse_path
    for position, tag in enumerate(_items(image)):
        yield ("tags", position), tag, parse_tag


def _items(image: dict[str, object]) -> list[object]:
    tags = image.get("tags")
    return tags if isinstance(tags, list) else []


def _parse_problem(path: Path, value: object, parse: Callable[[str], object]) -> Iterator[Problem]:
    try:
        if isinstance(value, str):
            parse(value)
    except InvalidReference as error:
        yield path, str(error)


def _clashes(watch_list: WatchList) -> Iterator[Problem]:
    """Two entries with one name, one upstream tag twice in an entry, or two writers of a tag of the base registry."""
    names: dict[str, int] = {}
    targets: dict[tuple[str, Tag], int] = {}
    for index, image in enumerate(watch_list.images):
        first = names.setdefault(image.name, index)
        if first != index:
            yield ("images", index, "name"), f"{image.name!r} is already the name of images[{first}]"
        for path, problem in _tag_clashes(image, index, targets):
            yield ("images", index, "tags", *path), problem
    yield from pattern_clashes(watch_list.images)


def _tag_clashes(image: Image, index: int, targets: dict[tuple[str, Tag], int]) -> Iterator[Problem]:
    sources: dict[str, int] = {}
    for position, rule in enumerate(image.rules):
        if rule.target is None:
            continue
        if (image.target, rule.target) in targets:
            owner = targets[image.target, rule.target]
            yield (position,), f"{image.target}:{rule.target} is already written by images[{owner}]"
        elif rule.tag is not None and rule.tag in sources:
            yield (position,), f"{rule.tag!r} already goes to another tag by tags[{sources[rule.tag]}]"
        targets.setdefault((image.target, rule.target), index)
        sources.setdefault(rule.tag or "", position)

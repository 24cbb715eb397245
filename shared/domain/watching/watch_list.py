"""The watch list: which upstream tags are wanted, where they go and what they must pass. Validated as one document."""

from __future__ import annotations

import hashlib
from collections import defaultdict
from functools import cached_property
from typing import Annotated, Any

import msgspec
from msgspec import Meta

from shared.domain.references import DOCKER_HUB, MCR, Repository, Tag, parse_repository
from shared.domain.watching.remedies import Remedies, Remedy
from shared.domain.watching.selection import exact_tags, needs_listing
from shared.domain.watching.tag_rules import TagRule

MOST_ENTRIES = 5000
_NAME = "^[a-z0-9][a-z0-9._-]{0,62}$"
# To Python the dollar sign also stands before a last line end; editors know no other way to say the end.
_NAMED: dict[str, Any] = {"pattern": _NAME.replace("$", r"\Z"), "extra_json_schema": {"pattern": _NAME}}
_PRINTED = "^[^\\x00-\\x1f\\x7f]{1,100}$"

_Gate = Annotated[
    Annotated[str, Meta(**_NAMED)] | None,
    Meta(description="Folder under gates/ with a Dockerfile and its test (docs/gates.md); none: no functional test."),
]
_Missing = Annotated[
    Remedy,
    Meta(
        description="What is done about a tag that was deleted from the base registry: `repair` puts it back once "
        "two listings agree, unless its digest is blocked; `tell` only says so.",
    ),
]
_Drift = Annotated[
    Remedy,
    Meta(
        description="What is done about a tag of the base registry that others overwrote: `tell` says so for as "
        "long as it lasts; `repair` puts back what is wanted, and has what was built on the other rebuilt.",
    ),
]
_Adopt = Annotated[
    bool,
    Meta(
        description="Whether what stands in the target when the entry appears stays until the source moves; false: "
        "it is replaced.",
    ),
]
_Owner = Annotated[
    Annotated[str, Meta(pattern=_PRINTED.replace("$", r"\Z"), max_length=100, extra_json_schema={"pattern": _PRINTED})]
    | None,
    Meta(description="Who looks after the image, as people call them: a team or an address. At most 100 characters."),
]


class Image(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """One entry: an upstream repository, some of its tags, and their place in the base registry."""

    name: Annotated[str, Meta(**_NAMED, description="Unique name of the entry: lower case, at most 63 characters.")]
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
    gate: _Gate = None
    missing: _Missing = Remedy.REPAIR
    drift: _Drift = Remedy.TELL
    adopt: _Adopt = True
    owner: _Owner = None

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


class Defaults(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """What the entries of a file say, each unless it says otherwise itself."""

    gate: _Gate = None
    missing: _Missing = Remedy.REPAIR
    drift: _Drift = Remedy.TELL
    adopt: _Adopt = True
    owner: _Owner = None


class WatchList(msgspec.Struct, frozen=True, forbid_unknown_fields=True, dict=True):
    """The whole document, ``images.yaml``; or all its files taken together, with their defaults in the entries."""

    images: Annotated[list[Image], Meta(max_length=MOST_ENTRIES, description="What is watched.")]
    defaults: Annotated[
        Defaults | None,
        Meta(description="What every entry of this file says unless it says otherwise itself."),
    ] = None
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
        found: defaultdict[Repository, list[Image]] = defaultdict(list)
        for image in self.images:
            found[image.repository].append(image)
        return {repository: tuple(images) for repository, images in found.items()}

    def into(self, target: str) -> tuple[Image, ...]:
        """Return the entries that write into one repository of the base registry."""
        return tuple(image for image in self.images if image.target == target)

    def named(self, name: str) -> Image | None:
        """Return the entry with a name, or ``None``."""
        return next((image for image in self.images if image.name == name), None)


class ListFile(msgspec.Struct, frozen=True):
    """One file of a watch list.

    Attributes:
        name: as in the container, such as ``images.yaml`` or ``images/web.yaml``.
        text: YAML.
        trouble: why it could not be read; empty if it could.
    """

    name: str
    text: bytes
    trouble: str = ""


# Threads that all read their first list at once must find its types known whole: docs/decisions/0016.
msgspec.json.Decoder(WatchList)


def fingerprint(images: tuple[Image, ...]) -> str:
    """Return what some entries ask for as one short text, which changes when that does."""
    asked = msgspec.json.encode([(image.name, image.target, image.tags) for image in images])
    return hashlib.sha256(asked).hexdigest()[:16]


def schema() -> dict[str, Any]:
    """Return the watch list's JSON Schema (draft 2020-12), for editors and for the documentation."""
    made = msgspec.json.schema(WatchList)
    for definition in made["$defs"].values():
        if "properties" in definition:
            definition["patternProperties"] = {"^x-": {}}
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **made}

"""The watch list: which upstream tags are wanted, where they go and what they must pass. Validated as one document."""

from __future__ import annotations

import hashlib
from collections import defaultdict
from enum import Enum
from functools import cached_property, lru_cache
from typing import Annotated, Any

import msgspec
from msgspec import Meta

from shared.domain.policy.policy import NAMED, GateCheck, Policy
from shared.domain.policy.promoting import Off
from shared.domain.policy.reading import Policies, Written
from shared.domain.policy.rebuilding import RebuildField, Rebuilding
from shared.domain.references import DOCKER_HUB, MCR, Repository, Tag, parse_repository
from shared.domain.watching.rebuild_targets import Rebuilds, RebuildTarget, rebuild_targets
from shared.domain.watching.remedies import Remedies, Remedy
from shared.domain.watching.scanner import ScannerEntry
from shared.domain.watching.selection import exact_tags, needs_listing
from shared.domain.watching.tag_rules import TagRule
from shared.domain.watching.travel_fields import LockField, RecordField, ReferrersField, UniqueTagField
from shared.domain.watching.travelling import NOTHING_TRAVELS, Lockable, ReferrerMode, Travelling

MOST_ENTRIES = 5000
PLATFORMS = ("linux/amd64",)
_PRINTED = "^[^\\x00-\\x1f\\x7f]{1,100}$"


class EntryMode(Enum):
    """What follows for the base registry from what is decided of an entry's digests."""

    ENFORCE = "enforce"  # what passes is promoted
    OBSERVE = "observe"  # it is told what would be; nothing is written into the base registry


_Gate = Annotated[
    Annotated[str, Meta(**NAMED)] | None,
    Meta(description="Folder under gates/ with a Dockerfile and its test (docs/gates.md); none: no functional test."),
]
_Policy = Annotated[
    str | Written | None,
    Meta(description="What a candidate must pass: the name of one of the list's policies, or one written here."),
]
_Platforms = Annotated[
    tuple[Annotated[str, Meta(extra_json_schema={"pattern": "^linux/[a-z0-9]+(/v[0-9]+)?$"})], ...],
    Meta(
        min_length=1,
        max_length=10,
        description="The platforms of the image that are used, each of which is scanned; the test runs on linux/amd64.",
        examples=[["linux/amd64", "linux/arm64"]],
    ),
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
_EntryMode = Annotated[
    EntryMode,
    Meta(
        description="`enforce`: what passes is promoted; `observe`: everything but that is done, nothing is written "
        "into the base registry, and what would have happened is told.",
    ),
]
_Owner = Annotated[
    Annotated[str, Meta(pattern=_PRINTED.replace("$", r"\Z"), max_length=100, extra_json_schema={"pattern": _PRINTED})]
    | None,
    Meta(description="Who looks after the image, as people call them: a team or an address. At most 100 characters."),
]


class Destination(Enum):
    """Into which registry an entry's tags go."""

    BASE = "base"  # into the base registry, once they have passed
    STAGING = "staging"  # into the staging registry alone: the entry is a tool, which is never promoted


class Image(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """One entry: an upstream repository, some of its tags, and their place in the base registry.

    In a list that was read, ``gate`` is what the entry's policy says, if it has one.
    """

    name: Annotated[str, Meta(**NAMED, description="Unique name of the entry: lower case, at most 63 characters.")]
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
    policy: _Policy = None
    platforms: _Platforms = PLATFORMS
    registry: Annotated[
        Destination,
        Meta(
            description="`base`: the tags are promoted into the base registry; `staging`: the entry is a tool, which "
            "is mirrored into the staging registry for runs there, and promoted nowhere.",
        ),
    ] = Destination.BASE
    missing: _Missing = Remedy.REPAIR
    drift: _Drift = Remedy.TELL
    adopt: _Adopt = True
    mode: _EntryMode = EntryMode.ENFORCE
    referrers: ReferrersField = ReferrerMode.BEST_EFFORT
    unique_tag: UniqueTagField = None
    record: RecordField = False
    lock: LockField = None
    rebuilds: Rebuilds = []
    rebuild: RebuildField = None
    owner: _Owner = None

    @property
    def rebuild_targets(self) -> tuple[RebuildTarget, ...]:
        """What is built on its tags and no registry knows of."""
        return rebuild_targets(self.rebuilds)

    @property
    def travelling(self) -> Travelling:
        """What is to be beside a digest in the base registry before a tag is moved to it."""
        if self.is_tool:
            return NOTHING_TRAVELS
        name = "" if self.unique_tag in {None, "none"} else self.unique_tag or ""
        locks = [self.lock] if isinstance(self.lock, Lockable) else self.lock or []
        return Travelling(self.referrers, name, self.record, tuple(one for one in Lockable if one in locks))

    @property
    def is_observed(self) -> bool:
        """Whether everything but promotion is done."""
        return self.mode is EntryMode.OBSERVE and not self.is_tool

    @property
    def is_tool(self) -> bool:
        """Whether it is mirrored into the staging registry and never promoted."""
        return self.registry is Destination.STAGING

    @property
    def remedies(self) -> Remedies:
        """What is done where the base registry is not what it should be."""
        return Remedies(Remedy.TELL, Remedy.TELL) if self.is_observed else Remedies(self.missing, self.drift)

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
    policy: _Policy = None
    platforms: _Platforms = PLATFORMS
    missing: _Missing = Remedy.REPAIR
    drift: _Drift = Remedy.TELL
    adopt: _Adopt = True
    mode: _EntryMode = EntryMode.ENFORCE
    referrers: ReferrersField = ReferrerMode.BEST_EFFORT
    unique_tag: UniqueTagField = None
    record: RecordField = False
    lock: LockField = None
    rebuild: RebuildField = None
    owner: _Owner = None


class ListDocument(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One file of a watch list, such as ``images.yaml``, as people write it."""

    images: Annotated[list[Image], Meta(max_length=MOST_ENTRIES, description="What is watched.")]
    defaults: Annotated[
        Defaults | None,
        Meta(description="What every entry of this file says unless it says otherwise itself."),
    ] = None
    removes: Annotated[
        int | None,
        Meta(description="How many entries of the list in force this one is meant to lack, where that is very many."),
    ] = None
    policies: Annotated[
        dict[str, Written],
        Meta(description="What candidates must pass, by names that entries of all files may say (docs/verdict.md)."),
    ] = {}
    scanner: Annotated[
        ScannerEntry | None,
        Meta(description="Which scanner looks for vulnerabilities; one file of the list says this for all."),
    ] = None


class WatchList(msgspec.Struct, frozen=True, dict=True):
    """All files of a list taken together, with their defaults and policies in the entries.

    Attributes:
        images: what is watched.
        removes: how many entries of the list in force this one is meant to lack; ``None`` if it does not say.
        policies: all of the list's policies; those that ``gate`` alone says are made when they are asked for.
        scanner: which scanner looks for vulnerabilities; ``None`` if the list names none.
        entries: how many of the images each file has, in the order of the files; empty if that is not known.
    """

    images: list[Image]
    removes: int | None = None
    policies: Policies = Policies({}, {})
    scanner: ScannerEntry | None = None
    entries: tuple[int, ...] = ()

    def policy_of(self, image: Image) -> Policy | None:
        """Return the policy that holds for an entry; ``None`` if nothing at all is said of what it must pass."""
        if image.is_tool:
            return None
        known = self.policies.entries.get(image.name)
        return known or (_of_gate(image.name, image.functional_gate) if image.gate is not None else None)

    def rebuilding_of(self, image: Image) -> Rebuilding | None:
        """Return how what is built on an entry's images is rebuilt; ``None`` where that is all at once."""
        if image.is_tool or image.is_observed or isinstance(image.rebuild, Off):
            return None
        policy = self.policy_of(image) if image.rebuild is None else None
        return image.rebuild if image.rebuild is not None else policy.rebuild if policy is not None else None

    @property
    def base_images(self) -> tuple[Image, ...]:
        """The entries that are promoted into the base registry."""
        return tuple(image for image in self.images if not image.is_tool)

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
        return tuple(image for image in self.images if image.target == target and not image.is_tool)

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
msgspec.json.Decoder(ListDocument)


@lru_cache(maxsize=MOST_ENTRIES)
def _of_gate(name: str, gate: str | None) -> Policy:
    return Policy(name, test=GateCheck(gate) if gate is not None else None)


def fingerprint(images: tuple[Image, ...]) -> str:
    """Return what some entries ask for as one short text, which changes when that does."""
    asked = msgspec.json.encode([(image.name, image.target, image.tags) for image in images])
    return hashlib.sha256(asked).hexdigest()[:16]


def schema() -> dict[str, Any]:
    """Return the watch list's JSON Schema (draft 2020-12), for editors and for the documentation."""
    made = msgspec.json.schema(ListDocument)
    for definition in made["$defs"].values():
        if "properties" in definition:
            definition["patternProperties"] = {"^x-": {}}
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **made}

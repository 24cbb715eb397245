"""The scanner that a watch list names: its image by digest, and the tools that are its databases."""

from __future__ import annotations

from typing import Annotated

import msgspec
from msgspec import Meta

from shared.domain.policy.policy import NAMED
from shared.domain.policy.scanner_format import ScannerFormat
from shared.domain.references import Digest, Repository, Tag, parse_digest, parse_repository, parse_tag
from shared.errors import InvalidReference

# What the scanner's own image is called among the tools, and where it lies in the staging registry.
SCANNER = "scanner"
SCANNER_REPOSITORY = "tools/scanner"
# The tag of a scanner's image that is written without one. It is shown, and never asked for.
_NO_TAG = Tag("scanner")
# What a step's command may hold: neither a shell nor ACR's engine, its aliases and its templates find anything in it.
ARGUMENT = "[A-Za-z0-9_./:=@,+{}-]{1,300}"


class ScannerEntry(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """Which scanner looks for vulnerabilities, and what it knows them by."""

    image: Annotated[
        str,
        Meta(
            description="The scanner's image by its digest, which a person wrote down; a tag before it is for people "
            "and is never followed. It is mirrored into the staging registry.",
            examples=["docker.io/aquasec/trivy@sha256:" + "0" * 64],
        ),
    ]
    database: Annotated[
        Annotated[str, Meta(**NAMED)] | None,
        Meta(
            description="The entry, with `registry: staging`, that mirrors its database. Only another scanner than "
            "Trivy, with a `format`, may have none of its own."
        ),
    ] = None
    java_database: Annotated[
        Annotated[str, Meta(**NAMED)] | None,
        Meta(description="The same of its database of Java archives; without it an image with some is no answer."),
    ] = None
    format: Annotated[
        ScannerFormat | None,
        Meta(
            description="As what another scanner writes its report: `sarif` or `trivy-json`. Without it the image is "
            "Trivy's, and is told all it needs."
        ),
    ] = None
    command: Annotated[
        tuple[
            Annotated[
                str,
                Meta(extra_json_schema={"pattern": f"^{ARGUMENT}$"}),
            ],
            ...,
        ],
        Meta(
            max_length=64,
            description="What the other scanner's program is given, one argument each: `{image}`, `{platform}` and "
            "`{output}` are needed; `{database}`, `{java_database}` and `{cache}` may be (docs/watching.md).",
        ),
    ] = ()

    @property
    def source(self) -> tuple[Repository, Digest, Tag]:
        """The image's repository and digest, and the tag that stands before it for people."""
        return parse_pinned(self.image)

    @property
    def databases(self) -> dict[str, str]:
        """The names of the entries that it needs, by the fields that name them."""
        named = {"database": self.database, "java_database": self.java_database}
        return {field: name for field, name in named.items() if name is not None}


def parse_pinned(text: str) -> tuple[Repository, Digest, Tag]:
    """Read an image that is named by its digest, as people and their tools write it.

    Args:
        text: such as ``docker.io/aquasec/trivy@sha256:…``, or ``aquasec/trivy:0.76.0@sha256:…``.

    Returns:
        Its repository, its digest, and the tag that stands before it.

    Raises:
        InvalidReference: it is not such an image.
    """
    name, at, digest = text.partition("@")
    if not at:
        raise InvalidReference(
            f"{text[:200]!r} has no digest: write one that you have looked at, such as "
            "docker.io/aquasec/trivy@sha256:…; a tag may come to be another image overnight"
        )
    folders, slash, last = name.rpartition("/")
    last, colon, tag = last.partition(":")
    return parse_repository(f"{folders}{slash}{last}"), parse_digest(digest), parse_tag(tag) if colon else _NO_TAG

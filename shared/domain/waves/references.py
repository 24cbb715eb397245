"""Images as people name them, with tag and digest. Pure."""

from __future__ import annotations

import msgspec

from shared.domain.references import Repository, parse_digest, parse_repository, parse_tag
from shared.errors import InvalidReference

_LONGEST = 600


class Reference(msgspec.Struct, frozen=True):
    """An image by its name.

    Attributes:
        repository: where it is, with Docker Hub's names made one.
        tag: empty if none is named.
        digest: empty if none is named.
    """

    repository: Repository
    tag: str = ""
    digest: str = ""

    def __str__(self) -> str:
        tag = f":{self.tag}" if self.tag else ""
        return f"{self.repository}{tag}" + (f"@{self.digest}" if self.digest else "")


def parse_reference(text: str) -> Reference:
    """Read an image as people write it.

    Args:
        text: such as ``node``, ``node:22``, ``localhost:5000/a/b:1@sha256:…``.

    Raises:
        InvalidReference: it is no image; the message says what was expected.
    """
    if len(text) > _LONGEST:
        raise InvalidReference(f"{text[:80]!r}… is longer than any image's name")
    rest, at, digest = text.partition("@")
    before, colon, tag = rest.rpartition(":")
    if not colon or "/" in tag:
        before, tag, colon = rest, "", ""
    try:
        if (at and not digest) or (colon and not tag):
            raise InvalidReference(f"{text!r} ends where a {'digest' if at and not digest else 'tag'} should stand")
        named = parse_digest(digest) if digest else ""
        return Reference(parse_repository(before), parse_tag(tag) if tag else "", named)
    except InvalidReference as error:
        raise InvalidReference(f"{text!r} is no image: {error}") from error

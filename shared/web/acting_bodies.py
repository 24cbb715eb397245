"""The bodies of what acts: who acts says why, on which digest, and may say which decision was seen."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any

import msgspec
from msgspec import Meta

from shared.domain.references import Digest, parse_digest
from shared.errors import InvalidReference, MalformedRequest

# Whoever names another text is told what it should be by who reads it.
DigestText = Annotated[str, Meta(extra_json_schema={"pattern": "^(sha256:[0-9a-f]{64}|sha512:[0-9a-f]{128})$"})]
TagText = Annotated[str, Meta(extra_json_schema={"pattern": "^[A-Za-z0-9_][A-Za-z0-9._-]{0,127}$"})]
# More decisions than a target ever has, and no more than every client's numbers hold.
_LARGEST_NUMBER = 2**53 - 1


class Saying(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """A body that says why.

    Attributes:
        why: the reason, which stands in the activity log.
    """

    why: Annotated[str, Meta(max_length=500, extra_json_schema={"minLength": 1, "pattern": r"\S"})]


class OnTarget(Saying, kw_only=True):
    """A body that acts on a target.

    Attributes:
        number: of the decision that whoever acts has seen. Where another one is in force by now, nothing is done, and
            the answer is 409 with the present state.
    """

    number: Annotated[int, Meta(ge=0, le=_LARGEST_NUMBER)] | None = None


class Naming(OnTarget, kw_only=True):
    """A body that names a digest.

    Attributes:
        digest: which.
    """

    digest: DigestText


class RollBack(OnTarget, kw_only=True):
    """To what is gone back.

    Attributes:
        digest: which the tag bore before; the last one that is not blocked without it.
        unique_tag: the name that the digest keeps, instead of the digest.
    """

    digest: DigestText | None = None
    unique_tag: TagText | None = None


class Pin(RollBack, kw_only=True):
    """What is pinned.

    Attributes:
        digest: which; what is in force without it.
        unique_tag: the name that the digest keeps, instead of the digest.
        until: until when; until further notice without it.
    """

    until: Annotated[datetime, Meta(tz=True)] | None = None


_KINDS: tuple[type[Saying], ...] = (Saying, OnTarget, Naming, RollBack, Pin)
DECODERS: dict[type[Saying], Any] = {kind: msgspec.json.Decoder(kind) for kind in _KINDS}


def named_digest(text: str) -> Digest:
    """Read the digest that a body or an address names.

    Raises:
        MalformedRequest: it is none.
    """
    try:
        return parse_digest(text)
    except InvalidReference as error:
        raise MalformedRequest(f"digest: {error}") from error

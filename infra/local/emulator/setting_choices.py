"""Settings that are one of a few words: where it is not known how Azure behaves, the twin behaves either way."""

from __future__ import annotations

from collections.abc import Collection

# What becomes of the API for referrers where a customer's keys encrypt a registry: there is none, or it names no types.
NO_API, UNTYPED = "no-api", "untyped"
# What an import does of which the subject is not in the target.
IGNORED, REQUIRED, FOLLOWED = "ignored", "required", "followed"


def check_choice(name: str, given: object, known: Collection[str]) -> None:
    """Check that a word is one of those there are; ``ValueError`` names them."""
    if given not in known:
        raise ValueError(f"{name}: there are {', '.join(known)}; not {given!r}")

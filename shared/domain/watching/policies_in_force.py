"""The policies of a watch list that is in force: which are read, which are refused, and what they make of entries."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import msgspec

from shared.domain.policy.extending import Placed
from shared.domain.policy.reading import Policies, read_policies
from shared.domain.watching.watch_list import Image


def policies_of(documents: Sequence[object]) -> tuple[Policies | None, tuple[Placed, ...]]:
    """Read the policies of a list.

    Most lists say nothing of policies: what their entries say of gates is made a policy when somebody asks.

    Args:
        documents: the list's files as plain objects.

    Returns:
        The policies and no problems; or nothing and every problem.
    """
    said = any(
        "policy" in fields for document in documents for fields in entries(document, "defaults", "images")
    ) or any(isinstance(document, dict) and "policies" in document for document in documents)
    return read_policies(*documents) if said else (Policies({}, {}), ())


def entries(document: object, *names: str) -> Iterator[dict[str, object]]:
    """Yield the mappings that stand in some fields of a file, or in lists there."""
    fields: dict[str, object] = document if isinstance(document, dict) else {}
    for name in names:
        value = fields.get(name)
        yield from (each for each in (value if isinstance(value, list) else [value]) if isinstance(each, dict))


def without_policies(document: object) -> object:
    """Return a file without its policies: what is wrong with those is told by those who read them."""
    if not isinstance(document, dict):
        return document
    kept = {name: value for name, value in document.items() if name != "policies"}
    if isinstance(kept.get("defaults"), dict):
        kept["defaults"] = _without_policy(kept["defaults"])
    if isinstance(kept.get("images"), list):
        kept["images"] = [_without_policy(image) for image in kept["images"]]
    return kept


def _without_policy(fields: object) -> object:
    return {name: value for name, value in fields.items() if name != "policy"} if isinstance(fields, dict) else fields


def gated(image: Image, policies: Policies) -> Image:
    """Return an entry whose gate is the one that its policy asks for."""
    policy = policies.entries.get(image.name)
    if policy is None or image.is_tool:
        return image
    gate = policy.gate
    return image if image.functional_gate == gate else msgspec.structs.replace(image, gate=gate)

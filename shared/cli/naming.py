"""How people name what they mean: ``IMAGE:TAG``, or the id of a target or candidate as the app shows it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from shared.cli.client import Client, Document, path_of
from shared.cli.exits import Ends, Exit

# As many as the app lists in one part.
MOST_TARGETS, MOST_IMAGES, MOST_CANDIDATES, MOST_REBUILDS, MOST_WAVES = 500, 100, 500, 500, 500


def is_candidate(text: str) -> bool:
    """Whether a text is a candidate's id, in which the gate's name stands between tildes of its own."""
    return "~~" in text


def is_target(text: str) -> bool:
    """Whether a text is a target's id."""
    return "~" in text and "~~" not in text


def image_and_tag(text: str) -> tuple[str, str]:
    """Return the two parts of ``IMAGE:TAG``.

    Raises:
        Ends: it is not of that form.
    """
    image, colon, tag = text.rpartition(":")
    if not colon or not image or not tag or "/" in tag:
        raise Ends(Exit.USAGE, f"{text!r} is not IMAGE:TAG, such as node:22-alpine or base/node:22-alpine")
    return image, tag


def standing_of(client: Client, text: str) -> Document | None:
    """Return how a watched tag stands, by the name of its entry; ``None`` if the watch list has none of the two."""
    name, tag = image_and_tag(text)
    image = entry_of(client, name)
    found = (one for one in (image or {}).get("tags", ()) if one["tag"] == tag)
    return next(found, None)


def entry_of(client: Client, name: str) -> Document | None:
    """Return how an entry of the watch list stands; ``None`` if there is none of the name."""
    if "/" in name:
        return None
    try:
        return client.get(path_of("images", name))
    except Ends as end:
        if end.status != Exit.ABSENT:
            raise
        return None


def target_of(client: Client, text: str) -> str:
    """Return the id of the target that is meant.

    Args:
        client: asks the app.
        text: its id; or ``IMAGE:TAG`` with an entry's name and a tag upstream, or with a repository of the base
            registry and a tag there.

    Raises:
        Ends: there is none, or no answer.
    """
    if is_target(text):
        return text
    name, tag = image_and_tag(text)
    standing = standing_of(client, text)
    repository, there = image_and_tag(standing["target"]) if standing and standing.get("target") else (name, tag)
    for target in targets(client, repository):
        if target["tag"] == there and target["repository"] == repository:
            return str(target["id"])
    raise Ends(Exit.ABSENT, f"no tag {text} is watched, and none of that name is in the base registry")


def targets(client: Client, repository: str = "") -> Iterator[Document]:
    """Yield every target, or those of one repository of the base registry."""
    for part in client.parts("targets", {"repository": repository}, MOST_TARGETS):
        yield from part["targets"]


def candidate_of(client: Client, text: str) -> str:
    """Return the id of the candidate that is meant.

    Args:
        client: asks the app.
        text: its id; or ``IMAGE:TAG``, which means what the tag was last seen to bear.

    Raises:
        Ends: there is none, or no answer.
    """
    if is_candidate(text):
        return text
    standing = None if is_target(text) else standing_of(client, text)
    if standing and standing.get("candidate"):
        return str(standing["candidate"])
    target = client.get(path_of("targets", target_of(client, text)))
    digest = (target.get("newest") or {}).get("digest") or target.get("wanted")
    for part in client.parts("candidates", {"repository": target["repository"]}, MOST_CANDIDATES):
        for one in part["candidates"]:
            if one["digest"] == digest and _is_for(one, target):
                return str(one["id"])
    raise Ends(Exit.ABSENT, f"{text} has no candidate: nothing was seen for it yet, or it was put away long ago")


def _is_for(candidate: Document, target: Document) -> bool:
    places: list[dict[str, Any]] = candidate.get("targets") or []
    return any((one["repository"], one["tag"]) == (target["repository"], target["tag"]) for one in places)

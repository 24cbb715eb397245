"""What is said besides: where the upstream, the list or the listing may not be what is meant. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import msgspec

from shared.cli.explaining import Line, absent
from shared.domain.references import Repository
from shared.domain.watching.watch_list import Image


class Listings(msgspec.Struct, frozen=True):
    """The tags of upstream repositories.

    Attributes:
        listed: of each the tags.
        gone: repositories that are said not to be there, and why.
        unanswered: repositories whose registry did not answer, and why.
    """

    listed: Mapping[Repository, Sequence[str]]
    gone: Mapping[Repository, str] = {}
    unanswered: Mapping[Repository, str] = {}


def is_missing(images: Sequence[Image], listings: Listings) -> bool:
    """Whether an entry names what its upstream does not have: a repository or a tag."""
    return any(_missing(image, listings) for image in images)


def remarks(images: Sequence[Image], listings: Listings, lines: Sequence[Line]) -> Iterator[str]:
    """Yield what is to be said.

    Args:
        images: the entries of the list.
        listings: what is known of their upstreams.
        lines: what becomes of the tags.
    """
    taking = {line.image for line in lines if line.target}
    for image in images:
        yield from (f"{image.name}: {told}" for told in _of_entry(image, listings, takes=image.name in taking))
    watched = {image.repository for image in images}
    yield from (f"no entry watches {one}, which the listing has" for one in listings.listed if one not in watched)
    if not images:
        yield "the list has no entries"


def _of_entry(image: Image, listings: Listings, *, takes: bool) -> list[str]:
    repository = image.repository
    if (told := listings.unanswered.get(repository)) is not None:
        return [f"nobody knows what {repository} has: {told}"]
    if missing := _missing(image, listings):
        return missing
    if repository not in listings.listed:
        return [f"the listing has nothing of {repository}"]
    count = len(listings.listed[repository])
    return [] if takes else [f"none of the {count} tags of {repository} is taken"]


def _missing(image: Image, listings: Listings) -> list[str]:
    repository = image.repository
    if (told := listings.gone.get(repository)) is not None:
        return [f"upstream has no {repository}, or does not show it to everybody: {told}"]
    there = listings.listed.get(repository)
    return [] if there is None else [f"upstream has no tag {tag}" for tag in absent(image, there)]

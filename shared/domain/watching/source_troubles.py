"""What is wrong with an upstream repository and its tags, by what is remembered of them: pure, asks nobody."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from shared.domain.references import Repository, Tag
from shared.domain.watching.observation import Observation, Presence
from shared.domain.watching.questions import RepositoryState
from shared.domain.watching.selection import choose
from shared.domain.watching.troubles import Kind, Trouble, about_image, about_repository, about_tag
from shared.domain.watching.watch_list import Image, fingerprint

Observed = Mapping[Tag, Observation]
# One answer that does not come is no news; the next look is a minute later, or as soon as the schedule lets it.
_FAILURES_TOLD = 2


def source_troubles(
    repository: Repository, images: tuple[Image, ...], known: Observed, state: RepositoryState
) -> tuple[Trouble, ...]:
    """Return what is wrong with an upstream repository.

    Args:
        repository: which.
        images: the entries of the watch list that watch it.
        known: what its tags were like when last looked at.
        state: what is remembered of it as a whole.

    Returns:
        Every trouble; some of them have to last before they count, see ``PATIENCE``.
    """
    if not images:
        return ()
    tags = (one for one in _of_tags(repository, images, known) if not _is_the_repositorys(one, state))
    return (
        *_of_repository(repository, images, state),
        *tags,
        *_of_entries(repository, images, known, state),
    )


def _is_the_repositorys(trouble: Trouble, state: RepositoryState) -> bool:
    """Where the whole repository fails, the tag at which the asking broke off is no trouble of its own."""
    return trouble.kind is Kind.TAG_UNANSWERED and bool(state.trouble)


def _of_repository(repository: Repository, images: tuple[Image, ...], state: RepositoryState) -> Iterator[Trouble]:
    about, names = about_repository(repository), tuple(image.name for image in images)
    if not state.trouble and not state.failures:
        why = f" It was put off: {state.deferred}." if state.deferred else ""
        detail = f"{repository} was not asked.{why} See the schedule of its registry, and the budget of its upstream"
        yield Trouble(kind=Kind.NOT_CHECKED, about=about, detail=detail, images=names, since=state.checked_at)
    elif state.failures < _FAILURES_TOLD:
        return
    elif state.checked_at is None:
        detail = f"{repository} has given no answer yet; is its name right, and may we read it? {state.trouble}"
        yield Trouble(kind=Kind.REPOSITORY_NEVER_ANSWERED, about=about, detail=detail, images=names)
    else:
        detail = f"{repository} gives no answer, and what moves there is not seen: {state.trouble}"
        yield Trouble(kind=Kind.REPOSITORY_FAILS, about=about, detail=detail, images=names, since=state.checked_at)


def _of_tags(repository: Repository, images: tuple[Image, ...], known: Observed) -> Iterator[Trouble]:
    wanted = _exactly_wanted(images)
    for tag, names in wanted.items():
        if (seen := known.get(tag)) is not None and (trouble := _of_tag(repository, seen, names, known)) is not None:
            yield trouble
    for tag, seen in known.items():
        if seen.trouble and tag not in wanted and (names := _takers(images, known, tag)):
            yield _unanswered(repository, seen, names)


def _of_tag(repository: Repository, seen: Observation, names: tuple[str, ...], known: Observed) -> Trouble | None:
    """A tag that a rule took and that is gone is no trouble: who watches by a rule says that tags come and go."""
    about = about_tag(repository, seen.tag)
    if seen.trouble:
        return _unanswered(repository, seen, names)
    if seen.presence is Presence.PRESENT:
        return None
    if seen.digest:
        detail = f"{repository} has no {seen.tag} any more; what was promoted is kept, and gets no update"
        return Trouble(kind=Kind.TAG_GONE, about=about, detail=detail, images=names)
    none = not any(one.digest for one in known.values())
    hint = f"{repository} has none of the tags that are asked for: is its name right?" if none else "is it misspelt?"
    detail = f"{repository} has never had {seen.tag}; {hint}"
    return Trouble(kind=Kind.TAG_NEVER_THERE, about=about, detail=detail, images=names, since=seen.first_seen)


def _unanswered(repository: Repository, seen: Observation, names: tuple[str, ...]) -> Trouble:
    return Trouble(
        kind=Kind.TAG_UNANSWERED,
        about=about_tag(repository, seen.tag),
        detail=f"what {repository} answers about {seen.tag} cannot be used: {seen.trouble}",
        images=names,
        since=seen.last_checked,
    )


def _of_entries(
    repository: Repository, images: tuple[Image, ...], known: Observed, state: RepositoryState
) -> Iterator[Trouble]:
    """Only once an answer was had to the rules that are in force now."""
    if state.checked_at is None or state.rules != fingerprint(images):
        return
    for image in images:
        if image.needs_listing and not image.wanted and not _takes(image, known):
            detail = f"{image.name} takes no tag of {repository}; GET /api/images/{image.name}/tags says why not"
            yield Trouble(kind=Kind.NOTHING_TAKEN, about=about_image(image.name), detail=detail, images=(image.name,))


def _exactly_wanted(images: Iterable[Image]) -> dict[Tag, tuple[str, ...]]:
    wanted: dict[Tag, tuple[str, ...]] = {}
    for image in images:
        for tag in image.wanted:
            wanted[tag] = (*wanted.get(tag, ()), image.name)
    return wanted


def _takers(images: Iterable[Image], known: Observed, tag: Tag) -> tuple[str, ...]:
    tags = (*_present(known), tag)
    return tuple(image.name for image in images if image.needs_listing and tag in _taken(image, tags))


def _takes(image: Image, known: Observed) -> bool:
    """What was told to a place of the entry need not be chosen once more."""
    places = (place for seen in known.values() if seen.presence is Presence.PRESENT for place in seen.targets)
    return any(place.startswith(f"{image.target}:") for place in places) or bool(_taken(image, _present(known)))


def _taken(image: Image, tags: Iterable[Tag]) -> frozenset[str]:
    return frozenset(choice.tag for choice in choose(image.rules, tags) if choice.target is not None)


def _present(known: Observed) -> tuple[Tag, ...]:
    return tuple(tag for tag, seen in known.items() if seen.presence is Presence.PRESENT)

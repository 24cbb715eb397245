"""Probes about imports: how one answers, how one fails, what a lock is to it, and how long its address is good."""

from __future__ import annotations

import time
from typing import Any

from azure.core.exceptions import HttpResponseError

from infra.live_check.arm import Answer
from infra.live_check.ground import Ground
from infra.live_check.importing import begin, public, run
from infra.live_check.probe import Probe, Seen, found, undecided
from infra.live_check.pushes import push_index
from shared.adapters.azure.import_errors import look_errors
from shared.errors import NotFound, OperationFailed, Refused, ServiceError

_READ_BACK_SECONDS = 120
_TOO_MANY = 51


def an_import(ground: Ground) -> Seen:
    """Import by digest, and read the tag back as soon as it is said to be there."""
    repository = ground.repository("import")
    done = run(ground, public(ground), f"{repository}:one")
    if not done.done:
        return undecided(f"the import was not done: {done.last.told()}", **done.facts())
    misses, seconds = _read_back(ground, repository)
    as_built = done.first.status == 202 and len(set(done.locations)) == len(done.locations)
    text = f"HTTP {done.first.status}, done after {done.seconds:.0f} s and {len(done.polls)} looks"
    late = f"; the tag was there after {seconds:.0f} s, and not before, by {misses} looks" if misses else ""
    return found(as_built and not misses, text + late, read_back_misses=misses, **done.facts())


def _read_back(ground: Ground, repository: str) -> tuple[int, float]:
    misses, began = 0, time.monotonic()

    def look() -> bool | None:
        nonlocal misses
        there = ground.digest(repository, "one") == ground.source.digests[0]
        misses += not there
        return there or None

    ground.wait("reading back what was imported", look, _READ_BACK_SECONDS)
    return misses, time.monotonic() - began


def a_failed_import(ground: Ground) -> Seen:
    """Import a digest that the source does not hold."""
    repository = ground.repository("failed")
    source = {**public(ground), "sourceImage": f"{ground.source.repository}@sha256:{'0' * 64}"}
    ended = run(ground, source, f"{repository}:none")
    if ended.done:
        return found(
            False, "a digest that is not there was imported, if its last answer is to be believed", **ended.facts()
        )
    judged = _judged(ended.last)
    where = f"look {len(ended.polls)}" if ended.polls else "the request itself"
    text = f"{where} answered {ended.last.told()}; the product takes that for {judged}"
    return found(judged == "NotFound", text, judged=judged, code=ended.last.code, **ended.facts())


def _judged(answer: Answer) -> str:
    try:
        with look_errors("looking at an import"):
            raise HttpResponseError(response=_AsTheSdk(answer))
    except OperationFailed as error:
        return _kind(error)
    except ServiceError as error:
        return f"no word about the import ({type(error).__name__})"


def _kind(error: OperationFailed) -> str:
    """The cause is not kept, but each kind of cause has its own property and words."""
    if error.temporary:
        return "something temporary"
    return NotFound.__name__ if "does not hold it" in str(error) else Refused.__name__


class _AsTheSdk:
    """An answer as the SDK's errors read one."""

    def __init__(self, answer: Answer) -> None:
        self.status_code = answer.status
        self.reason = ""
        self.headers = dict(answer.headers)
        self.request: Any = None
        self._text = answer.text

    def text(self) -> str:
        """Return the body."""
        return self._text


def an_import_into_a_locked_tag(ground: Ground) -> Seen:
    """Lock a tag against writing, and import another digest into it."""
    repository = ground.repository("locked")
    first = run(ground, public(ground, 0), f"{repository}:tag")
    if not first.done:
        return undecided(f"the tag to be locked could not be imported: {first.last.told()}")
    ground.data.update_tag_properties(repository, "tag", can_write=False, can_delete=False)
    second = run(ground, public(ground, 1), f"{repository}:tag")
    after = ground.data.get_tag_properties(repository, "tag")
    moved = after.digest == ground.source.digests[1]
    text = f"the import ended with {second.last.told()}; the tag {'moved' if moved else 'stayed'}"
    lock = "is still locked" if after.can_write is False else "is not locked any more"
    return found(moved, f"{text} and {lock}", moved=moved, locked_after=after.can_write is False, **second.facts())


def an_old_location(ground: Ground) -> Seen:
    """Ask the first address of an import again, once it has ended and later."""
    repository = ground.repository("old")
    done = run(ground, public(ground), f"{repository}:one")
    if not done.locations:
        return undecided(f"the import gave no address: {done.first.told()}")
    at_once = ground.arm.ask("poll of an import", "GET", done.locations[0])
    time.sleep(ground.pace.old_location)
    later = ground.arm.ask("poll of an import", "GET", done.locations[0])
    text = f"after its end: {at_once.told()}; {ground.pace.old_location:.0f} s later: {later.told()}"
    return found(later.status == 200, text, at_once=at_once.told(), later=later.told(), age=ground.pace.old_location)


def an_image_of_many_manifests(ground: Ground) -> Seen:
    """Push an index over 51 tiny images, and import it into another repository."""
    origin, target = ground.repository("many"), ground.repository("many-imported")
    try:
        digest = push_index(ground.data, origin, _TOO_MANY)
    except HttpResponseError as error:
        return undecided(f"an index could not be pushed to be imported: HTTP {error.status_code}")
    source: dict[str, object] = {"resourceId": ground.registry_id, "sourceImage": f"{origin}@{digest}"}
    ended = run(ground, source, f"{target}:many")
    there = ground.digest(target, "many") == digest
    text = f"{_TOO_MANY} manifests: {ended.last.told()}; the tag is {'there' if there else 'not there'}"
    return found(not ended.done and not there, text, there=there, code=ended.last.code, **ended.facts())


def a_hundred_imports(ground: Ground) -> Seen:
    """Ask for a hundred imports as fast as they are answered."""
    repository = ground.repository("hundred")
    wanted = ground.pace.many[1]
    began = time.monotonic()
    asked = [begin(ground, public(ground), f"{repository}:{number}") for number in range(wanted)]
    seconds = time.monotonic() - began
    refused = [each.first for each in asked if not each.first.ok]
    there = _arrived(ground, repository, [number for number, each in enumerate(asked) if each.first.ok])
    text = f"{wanted} imports asked for in {seconds:.0f} s: {len(refused)} refused, {there} of the others arrived"
    told = sorted({answer.told() for answer in refused})
    return found(
        not refused, text, refused=told, retry_after=[each.retry_after() for each in refused][:3], arrived=there
    )


def _arrived(ground: Ground, repository: str, numbers: list[int]) -> int:
    """How many have arrived once all have, or once ten minutes are over."""
    deadline = time.monotonic() + 600
    there: set[int] = set()
    while len(there) < len(numbers) and time.monotonic() < deadline:
        time.sleep(ground.pace.look)
        there |= {number for number in numbers if number not in there and ground.digest(repository, str(number))}
    return len(there)


PROBES = (
    Probe(
        1,
        "How does an import answer, and is the tag there as soon as it is said to be?",
        "imports a small image from MCR by digest, looks as often as Retry-After says, reads the tag back",
        "a repository",
        "shared/adapters/azure/one_look.py, shared/adapters/azure/registry.py, shared/rules/imports.py",
        3,
        an_import,
    ),
    Probe(
        2,
        "With which status and text does a failed import end?",
        "imports a digest that is not there",
        "nothing",
        "shared/adapters/azure/import_errors.py",
        3,
        a_failed_import,
    ),
    Probe(
        3,
        "Does an import move a locked tag?",
        "imports one digest, locks the tag, imports another digest",
        "a repository with a locked tag",
        "shared/flows/promote.py: whether a lock on promoted tags would stop the next promotion",
        4,
        an_import_into_a_locked_tag,
    ),
    Probe(
        7,
        "How long is the address of an import good?",
        "asks the first address of an ended import again, at once and after some minutes",
        "a repository",
        "shared/adapters/azure/registry.py (look_at_import), shared/domain/events/messages.py (operation)",
        10,
        an_old_location,
    ),
    Probe(
        8,
        "Is an image of more than fifty manifests refused, when and with which words?",
        "pushes an index over 51 images of a few bytes and imports it",
        "two repositories",
        "shared/adapters/azure/import_errors.py",
        6,
        an_image_of_many_manifests,
    ),
    Probe(
        18,
        "Are a hundred imports in a minute taken?",
        "asks for a hundred imports of one small image",
        "a repository of a hundred tags",
        "shared/flows/stage.py, host.json (queues): how many imports the app begins at once",
        15,
        a_hundred_imports,
        heavy=True,
    ),
)

"""Probes about what travels with an image: what refers to it, and the locks on where it goes."""

from __future__ import annotations

from collections.abc import Callable

from azure.core.exceptions import HttpResponseError, ResourceNotFoundError

from infra.live_check.ground import Ground
from infra.live_check.importing import public, run
from infra.live_check.probe import Probe, Seen, found, undecided
from infra.live_check.pushes import push_index, push_referrer


def a_referrer_before_its_subject(ground: Ground) -> Seen:
    """Push an index and what refers to it, and import that alone, without a tag, into another repository."""
    origin, target = ground.repository("referred"), ground.repository("referred-imported")
    try:
        subject = push_index(ground.data, origin, 1)
        referrer = push_referrer(ground.data, origin, subject)
    except HttpResponseError as error:
        return undecided(f"what refers to an image could not be pushed: HTTP {error.status_code}")
    source: dict[str, object] = {"resourceId": ground.registry_id, "sourceImage": f"{origin}@{referrer}"}
    ended = run(ground, source, "", untagged=target)
    there, followed = (_is_there(ground, target, digest) for digest in (referrer, subject))
    words = f"the referrer is {'there' if there else 'not there'}, its subject is {'there' if followed else 'not'}"
    return found(there, f"{ended.last.told()}; {words}", there=there, subject_followed=followed, **ended.facts())


def an_import_into_a_locked_repository(ground: Ground) -> Seen:
    """Lock a repository against writing, and import another digest into it."""
    repository = ground.repository("closed")
    first = run(ground, public(ground, 0), f"{repository}:tag")
    if not first.done:
        return undecided(f"the repository to be locked could not be filled: {first.last.told()}")
    ground.data.update_repository_properties(repository, can_write=False)
    try:
        second = run(ground, public(ground, 1), f"{repository}:tag")
        moved = ground.digest(repository, "tag") == ground.source.digests[1]
    finally:
        ground.data.update_repository_properties(repository, can_write=True)
    text = f"the import ended with {second.last.told()}; the tag {'moved' if moved else 'stayed'}"
    return found(moved, text, moved=moved, **second.facts())


def a_locked_index(ground: Ground) -> Seen:
    """Lock an index, refer to it, and pull what it lists."""
    repository = ground.repository("locked-index")
    try:
        index = push_index(ground.data, repository, 1)
    except HttpResponseError as error:
        return undecided(f"an index could not be pushed to be locked: HTTP {error.status_code}")
    child = dict(ground.data.get_manifest(repository, index).manifest)["manifests"][0]["digest"]
    ground.data.update_manifest_properties(repository, index, can_write=False)
    try:
        attached = _is_permitted(lambda: push_referrer(ground.data, repository, index))
        ground.data.update_manifest_properties(repository, index, can_read=False)
        pulled = _is_permitted(lambda: ground.data.get_manifest(repository, child))
    finally:
        ground.data.update_manifest_properties(repository, index, can_write=True, can_read=True)
    words = f"it can {'be' if attached else 'not be'} referred to, and what it lists can {'be' if pulled else 'not be'}"
    return found(attached, f"{words} pulled", attached=attached, child_pulled=pulled)


def _is_permitted(call: Callable[[], object]) -> bool:
    """Tell whether a call was permitted; 405 is what a lock answers.

    Raises:
        HttpResponseError: of ``azure.core``; something else was answered.
    """
    try:
        call()
    except HttpResponseError as error:
        if error.status_code != 405:
            raise
        return False
    return True


def _is_there(ground: Ground, repository: str, digest: str) -> bool:
    try:
        ground.data.get_manifest_properties(repository, digest)
    except ResourceNotFoundError:
        return False
    return True


PROBES = (
    Probe(
        23,
        "Does an import take what refers to an image, before that image is there?",
        "pushes an index and a manifest that refers to it, imports that manifest alone into another repository",
        "two repositories",
        "infra/local/emulator/settings.py (import_subjects); in which order all that is imported",
        4,
        a_referrer_before_its_subject,
    ),
    Probe(
        24,
        "Does a locked repository stop an import?",
        "imports one digest, locks the repository, imports another digest, unlocks it",
        "a repository",
        "infra/local/emulator/settings.py (imports_heed_repository_locks); whether a lock on a repository is a hold",
        4,
        an_import_into_a_locked_repository,
    ),
    Probe(
        25,
        "Can a locked index be referred to, and does its lock against reading cover what it lists?",
        "pushes an index, locks it, pushes a manifest that refers to it, pulls what it lists, unlocks it",
        "a repository",
        "infra/local/emulator/settings.py (manifest_locks_stop_referrers, read_locks_cover_children); when to lock",
        2,
        a_locked_index,
    ),
)

"""Probes about what a registry lists and deletes: what housekeeping goes by."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from azure.core.exceptions import HttpResponseError, ResourceNotFoundError

from infra.live_check.ground import Ground
from infra.live_check.probe import Probe, Seen, found, undecided
from infra.live_check.pushes import push_index, push_referrer, tag_index

_LOCKED = 405


def what_a_list_of_manifests_says(ground: Ground) -> Seen:
    """Push indexes one after the other, tag the first one last, and list a thousand manifests by their times."""
    repository = ground.repository("listed")
    try:
        first = push_index(ground.data, repository, 1)
        second = push_index(ground.data, repository, 2)
        before = _by_digest(_listed(ground, repository))
        tag_index(ground.data, repository, first, "moved")
    except HttpResponseError as error:
        return undecided(f"an index could not be pushed to be listed: HTTP {error.status_code}")
    listed = _listed(ground, repository)
    after = _by_digest(listed)
    times = [str(one["lastUpdateTime"]) for one in listed]
    facts = {
        "whole": {first, second} <= after.keys(),
        "media_types": all(one.get("mediaType") for one in listed),
        "latest_first": times == sorted(times, reverse=True),
        "tags_told": after.get(first, {}).get("tags") == ["moved"],
        "a_tag_makes_younger": after[first]["lastUpdateTime"] > before[first]["lastUpdateTime"],
    }
    return found(all(facts.values()), _told(facts), **facts)


def what_goes_with_a_manifest(ground: Ground) -> Seen:
    """Lock the tag of an index and try to delete the index; unlock it, and delete the index."""
    repository = ground.repository("deleted")
    try:
        index = push_index(ground.data, repository, 1)
        tag_index(ground.data, repository, index, "locked")
        referrer = push_referrer(ground.data, repository, index)
    except HttpResponseError as error:
        return undecided(f"an index could not be pushed to be deleted: HTTP {error.status_code}")
    child = dict(ground.data.get_manifest(repository, index).manifest)["manifests"][0]["digest"]
    ground.data.update_tag_properties(repository, "locked", can_delete=False, can_write=False)
    try:
        refused = _status_of_deleting(ground, repository, index)
    finally:
        ground.data.update_tag_properties(repository, "locked", can_delete=True, can_write=True)
    ground.data.delete_manifest(repository, index)
    facts = {
        "locked": refused == _LOCKED,
        "its_referrer_went": not _is_there(ground, repository, referrer),
        "its_child_stayed": _is_there(ground, repository, child),
    }
    words = f"deleting what has a locked tag: HTTP {refused}; {_told(facts)}"
    return found(all(facts.values()), words, status=refused, **facts)


def _listed(ground: Ground, repository: str) -> list[dict[str, Any]]:
    bodies: list[bytes] = []
    asked = {"results_per_page": 1000, "order_by": "timedesc"}

    def take(response: Any) -> None:
        if response.http_response.status_code == 200:
            bodies.append(response.http_response.body())

    for _ in ground.data.list_manifest_properties(repository, raw_response_hook=take, **asked):
        continue
    return [one for body in bodies for one in json.loads(body)["manifests"]]


def _told(facts: Mapping[str, bool]) -> str:
    return ", ".join(f"{name.replace('_', ' ')}: {'yes' if holds else 'no'}" for name, holds in facts.items())


def _by_digest(listed: list[dict[str, Any]]) -> Mapping[str, dict[str, Any]]:
    return {one["digest"]: one for one in listed}


def _status_of_deleting(ground: Ground, repository: str, digest: str) -> int:
    """Return with what a deletion is refused; 202 if it is not."""
    try:
        ground.data.delete_manifest(repository, digest)
    except HttpResponseError as error:
        return int(error.status_code or 0)
    return 202


def _is_there(ground: Ground, repository: str, digest: str) -> bool:
    try:
        ground.data.get_manifest_properties(repository, digest)
    except ResourceNotFoundError:
        return False
    return True


PROBES = (
    Probe(
        26,
        "What does a list of manifests say, and is what was written last listed first?",
        "pushes two indexes, tags the first one, and lists a thousand manifests by their times",
        "a repository",
        "shared/adapters/azure/repository_contents.py; by what housekeeping sees that something was written since",
        2,
        what_a_list_of_manifests_says,
    ),
    Probe(
        27,
        "What goes with a manifest that is deleted, and what keeps one whose tag is locked?",
        "pushes a tagged index and what refers to it, locks the tag, tries to delete the index, unlocks and deletes it",
        "a repository",
        "shared/domain/housekeeping/judging.py; what hangs on what is deleted",
        2,
        what_goes_with_a_manifest,
    ),
)

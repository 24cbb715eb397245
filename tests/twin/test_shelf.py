"""What is read of a registry's folder: complete at once, and right while the registry writes."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import pytest

from infra.local.emulator.shelf import Shelf

pytestmark = pytest.mark.twin
SUBJECT = f"sha256:{'5' * 64}"


class Folder:
    """A registry's folder, written as the registry does it: the blob, the manifest's link, the tag's link."""

    def __init__(self, root: Path) -> None:
        self._root = root / "docker/registry/v2"
        self.manifests = self._root / "repositories/team/app/_manifests"

    def blob(self, subject: str = "", text: str = "") -> str:
        """Write a manifest as a blob, and return its digest."""
        body = json.dumps({"text": text, **({"subject": {"digest": subject}} if subject else {})}).encode()
        name = hashlib.sha256(body).hexdigest()
        folder = self._root / "blobs/sha256" / name[:2] / name
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "data").write_bytes(body)
        return f"sha256:{name}"

    def link(self, place: str, digest: str) -> Path:
        """Write a link to a manifest."""
        path = self.manifests / place / "link"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(digest)
        return path

    def revision(self, digest: str) -> Path:
        """Put a manifest into the repository."""
        return self.link(f"revisions/{digest.replace(':', '/')}", digest)


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    """An empty folder."""
    return Folder(tmp_path)


@pytest.fixture
def shelf(tmp_path: Path) -> Shelf:
    """What is read of it."""
    return Shelf(tmp_path)


def test_nothing_is_in_a_registry_that_was_never_pushed_to(shelf: Shelf) -> None:
    assert (shelf.repositories(), shelf.tags("a"), shelf.digests("a"), shelf.tag("a", "1")) == ([], {}, [], "")
    assert shelf.referrers("a", SUBJECT) == []


def test_manifests_are_known_by_their_links_and_tags_with_what_they_are_on(folder: Folder, shelf: Shelf) -> None:
    tagged, untagged = folder.blob(text="tagged"), folder.blob(text="untagged")
    for digest in (tagged, untagged):
        folder.revision(digest)
    folder.link("tags/1/current", tagged)
    assert shelf.repositories() == ["team/app"]
    assert shelf.digests("team/app") == sorted([tagged, untagged])
    assert shelf.tags("team/app") == {"1": tagged}


def test_a_manifest_that_is_being_pushed_is_no_referrer_yet_and_is_found_once_it_is_there(
    folder: Folder, shelf: Shelf
) -> None:
    digest = folder.blob(SUBJECT)
    (folder.manifests / "revisions" / digest.replace(":", "/")).mkdir(parents=True)
    assert shelf.referrers("team/app", SUBJECT) == []
    folder.revision(digest)
    assert [one.digest for one in shelf.referrers("team/app", SUBJECT)] == [digest]


def test_a_referrer_that_was_deleted_is_gone_and_comes_again(folder: Folder, shelf: Shelf) -> None:
    link = folder.revision(folder.blob(SUBJECT))
    assert len(shelf.referrers("team/app", SUBJECT)) == 1
    digest = link.read_text()
    link.unlink()
    assert shelf.referrers("team/app", SUBJECT) == []
    folder.revision(digest)
    assert len(shelf.referrers("team/app", SUBJECT)) == 1


def test_a_tag_whose_link_is_being_written_is_not_there(folder: Folder, shelf: Shelf) -> None:
    folder.link("tags/1/current", "")
    assert shelf.tags("team/app") == {}


def test_a_tag_is_deleted_and_its_manifest_stays_and_deleting_it_twice_is_once(folder: Folder, shelf: Shelf) -> None:
    digest = folder.blob()
    folder.revision(digest)
    folder.link("tags/1/current", digest)
    for _ in range(2):
        shelf.untag("team/app", "1")
    assert (shelf.tags("team/app"), shelf.digests("team/app")) == ({}, [digest])
    assert sorted(path.name for path in folder.manifests.iterdir()) == ["revisions", "tags"]

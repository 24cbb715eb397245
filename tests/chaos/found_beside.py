"""What really lies beside images, read from the registries' own folders; and what the base registry says is locked."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from datetime import UTC, datetime

from infra.local.emulator.backing import Backing
from infra.local.emulator.manifests import Manifest
from infra.local.emulator.referrers import under_tag
from infra.local.emulator.shelf import Shelf
from infra.local.topology import BASE, Topology
from shared.domain.record.attaching import BUNDLE_TYPE
from shared.domain.record.statement import resource_uri
from shared.domain.record.verifying import Verified, Wanted, verify
from shared.domain.references import Digest
from shared.domain.signatures.findings import Refused
from shared.domain.signatures.keys import PublicKey, check_signature, read_public_key
from shared.domain.travel.companions import Companions, companions_id
from tests.chaos.cast import Place
from tests.chaos.found import story_of
from tests.chaos.judge_beside import PASSED, Lying
from tests.chaos.people import People

_DEEPEST = 3
_SIGNATURE = "dev.cosignproject.cosign/signature"
# Only this upstream lists referrers by its API; of the others clients keep lists under tags.
_LISTS = frozenset({"mcr"})


class FoundBeside:
    """Looks at what lies beside images.

    Args:
        topology: of the twin.
        people: may read what is locked, and know what they locked.
        companions: returns what the product's records say.
    """

    def __init__(self, topology: Topology, people: People, companions: Callable[[], Iterable[Companions]]) -> None:
        self._topology = topology
        self._people = people
        self._companions = companions
        self._base = Shelf(topology.registry_folder("base"))
        self._blobs = Backing(topology.http("backing_base").partition("//")[2])

    def lying(self, bears: Mapping[Place, str], keys: Collection[bytes]) -> tuple[Lying, ...]:
        """Return what lies beside what tags bear.

        Args:
            bears: the digest of each tag.
            keys: the public keys by which records verify, in PEM.
        """
        public = {str(number): read_public_key(pem) for number, pem in enumerate(keys)}
        records = {one.id: one for one in self._companions()}
        repositories = {place.base_repository for place in bears}
        locked = {one: frozenset(self._locked(one)) for one in repositories}
        return tuple(
            self._lying(place, digest, records, public, locked[place.base_repository])
            for place, digest in bears.items()
        )

    def _lying(
        self,
        place: Place,
        digest: str,
        records: Mapping[str, Companions],
        keys: Mapping[str, PublicKey],
        locked: frozenset[str],
    ) -> Lying:
        repository = place.base_repository
        index = self._base.manifest(repository, digest)
        platforms = tuple(str(one["digest"]) for one in index.children) if index is not None else ()
        known = records.get(companions_id(BASE, repository, Digest(digest)))
        beside = {one.digest: one for one in self._closure(repository, (digest, *platforms))}
        ours = {one.digest: self._judged(place, one, digest, keys) for one in beside.values()}
        said = {name: told for name, told in ours.items() if told}
        return Lying(
            name=place.target,
            digest=digest,
            asked=place.asked,
            platforms=platforms,
            given=_given(records.values(), place),
            tags=self._base.tags(repository),
            upstream=frozenset(self._upstream(place, (digest, *platforms))),
            base=frozenset(beside.keys() - said.keys()),
            refused={one.digest: one.refusal.value for one in known.referrers if one.refusal} if known else {},
            records=tuple(said.values()),
            forms=frozenset(self._forms(place, digest, keys)),
            locked=locked,
            by_people=place.target in self._people.held(),
            story=story_of(known) if known is not None else ("there is no record of what lies beside it",),
        )

    def _closure(self, repository: str, subjects: Collection[str]) -> Iterator[Manifest]:
        every = subjects
        for _ in range(_DEEPEST):
            found = [one for subject in every for one in self._base.referrers(repository, subject)]
            yield from found
            every = [one.digest for one in found]

    def _upstream(self, place: Place, subjects: Collection[str]) -> Iterator[str]:
        """What clients of the upstream find: by its API, or by the list that is kept under a tag."""
        shelf, every = Shelf(self._topology.registry_folder(place.part)), subjects
        for _ in range(_DEEPEST):
            found = [str(one["digest"]) for subject in every for one in under_tag(shelf, place.repository, subject)]
            if place.part in _LISTS:
                found += [one.digest for subject in every for one in shelf.referrers(place.repository, subject)]
            yield from found
            every = found

    def _locked(self, repository: str) -> Iterator[str]:
        for kind in ("tags", "manifests"):
            yield from (of for of, closed in self._people.listed(repository, kind).items() if closed)

    def _judged(self, place: Place, one: Manifest, digest: str, keys: Mapping[str, PublicKey]) -> str:
        """Return what a record comes to; empty for what is none."""
        if one.artifact_type != BUNDLE_TYPE:
            return ""
        bundle = self._blobs.blob(place.base_repository, one.content["layers"][0]["digest"])
        return self._verified(place, bundle, digest, keys)

    def _verified(self, place: Place, content: bytes, digest: str, keys: Mapping[str, PublicKey]) -> str:
        server = self._topology.address("base")
        uri = resource_uri(server, place.base_repository)
        levels = ("TIDEGATE_TESTED",)
        wanted = Wanted(Digest(digest), uri, f"https://{server}", keys, levels)
        answer = verify(content, wanted, datetime.now(UTC))
        return PASSED if isinstance(answer, Verified) else f"{answer.refusal.value}: {answer.detail}"

    def _forms(self, place: Place, digest: str, keys: Mapping[str, PublicKey]) -> Iterator[str]:
        """Yield the older forms that lie there and verify."""
        for form in ("att", "sig"):
            kept = self._base.tag(place.base_repository, f"{digest.replace(':', '-')}.{form}")
            found = self._base.manifest(place.base_repository, kept) if kept else None
            layers = found.content["layers"] if found is not None else []
            contents = [(self._blobs.blob(place.base_repository, one["digest"]), one) for one in layers]
            if form == "att" and any(self._verified(place, one, digest, keys) == PASSED for one, _ in contents):
                yield form
            if form == "sig" and any(_signs(digest, one, layer, keys) for one, layer in contents):
                yield form


def _given(records: Iterable[Companions], place: Place) -> dict[str, str]:
    """The names that a tag's digests keep, as far as they were seen to bear them."""
    return {
        str(unique.name): str(one.digest)
        for one in records
        for unique in one.unique
        if one.repository == place.base_repository and unique.tag == place.tag and unique.landed_at is not None
    }


def _signs(digest: str, payload: bytes, layer: Mapping[str, Mapping[str, str]], keys: Mapping[str, PublicKey]) -> bool:
    """Whether a plain signature names the image and is by one of the keys."""
    if json.loads(payload)["critical"]["image"]["docker-manifest-digest"] != digest:
        return False
    signature = base64.b64decode(layer["annotations"][_SIGNATURE])
    return any(_is_by(key, signature, payload) for key in keys.values())


def _is_by(key: PublicKey, signature: bytes, payload: bytes) -> bool:
    try:
        check_signature(key, signature, payload)
    except Refused:
        return False
    return True

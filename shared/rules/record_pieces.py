"""Puts the forms of a record into the staging registry, and reads them back from the base registry.

Into the base registry nothing is pushed: it copies by digest from staging, as it does with images and with what refers
to them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Protocol

import msgspec

from shared.domain.record.attaching import (
    Attachment,
    Layered,
    as_referrer,
    attestation_layer,
    attestation_tag,
    digest_of,
    foreign_layers,
    is_under,
    layer_of,
    signature_layer,
    signature_tag,
    under_tag,
)
from shared.domain.record.images import Descriptor, Part, media_type_of, of_platforms, parts_of
from shared.domain.record.record import Form, Piece
from shared.domain.references import Digest, Tag
from shared.errors import MalformedInput, NotThereYet, Refused
from shared.record_ports import Shelf

_LARGEST_BLOB = 10 * 1024 * 1024
_PLATFORMS = "platforms"
_TAGS: Mapping[Form, Callable[[Digest], Tag]] = {Form.ATTESTATION: attestation_tag, Form.SIGNATURE: signature_tag}
# What is to be pushed, if anything is, and the piece that it is.
_Made = tuple[Attachment | None, Piece]


class Base(Protocol):
    """The base registry, as far as it is read: see ``shared.ports.Registry`` and ``shared.travel_ports``."""

    def digest(self, repository: str, tag: Tag) -> Digest | None:
        """Return what a tag points at."""
        ...

    def manifest(self, repository: str, digest: Digest) -> bytes | None:
        """Return the very bytes that have a digest."""
        ...


class About(msgspec.Struct, frozen=True):
    """The image that a record is about.

    Attributes:
        repository: in the base registry.
        staging: the repository of the staging registry in which it lies.
        subject: its manifest, or its index.
        parts: the images of its platforms, if it is an index.
    """

    repository: str
    staging: str
    subject: Descriptor
    parts: tuple[Part, ...] = ()

    @property
    def digest(self) -> Digest:
        """Of the image, or of its index."""
        return Digest(self.subject.digest)

    def of(self, platforms: tuple[str, ...] | None) -> About:
        """Return the same with those platforms alone that a record may speak of; ``None`` for all."""
        return msgspec.structs.replace(self, parts=of_platforms(self.parts, platforms))


class Kept(msgspec.Struct, frozen=True):
    """What was signed, as it is kept.

    Attributes:
        envelope: the statement in its envelope.
        bundle: the envelope in its bundle.
        decided_at: when it was decided, UTC.
        plain: payload and signature of the plain one; ``None`` if there is none.
    """

    envelope: bytes
    bundle: bytes
    decided_at: datetime
    plain: tuple[bytes, bytes] | None = None

    @property
    def layers(self) -> tuple[Layered, ...]:
        """All that may lie under a tag."""
        plain = [signature_layer(*self.plain)] if self.plain is not None else []
        return (attestation_layer(self.envelope), *plain)


class Pieces:
    """Puts forms of records where they belong.

    Args:
        staging: blobs and manifests of the staging registry.
        shelf: those of the base registry; only read.
        base: the base registry.
    """

    def __init__(self, staging: Shelf, shelf: Shelf, base: Base) -> None:
        self._staging = staging
        self._shelf = shelf
        self._base = base

    def about(self, repository: str, staging: str, digest: Digest) -> About:
        """Read what an image is, in the base registry.

        Args:
            repository: in the base registry.
            staging: the repository of the staging registry in which it lies.
            digest: of the image, or of its index.

        Raises:
            NotThereYet: it is not there.
            Refused: it is no manifest.
        """
        content = self._manifest(repository, digest)
        try:
            parts = parts_of(content)
            return About(repository, staging, Descriptor(media_type_of(content), digest, len(content)), parts)
        except MalformedInput as error:
            raise Refused(f"{repository}@{digest} is no manifest that a record can be about: {error}") from None

    def staged(
        self, about: About, kept: Kept | None, forms: frozenset[str], known: Sequence[Piece], layers: Sequence[Digest]
    ) -> tuple[Piece, ...]:
        """Push every form into staging; twice is once.

        Args:
            about: the image.
            kept: what was signed; ``None`` where what was said before only goes.
            forms: which forms are wanted beside the bundle.
            known: the pieces so far.
            layers: what we ever put under a tag.

        Raises:
            Refused: what others put under a tag cannot be kept there.
            ServiceError: a registry did not answer.
        """
        made = [*self._bundles(about, kept, forms), *self._tagged(about, kept, forms, known, layers)]
        for attachment, _ in made:
            if attachment is not None:
                self._staging.push(about.staging, msgspec.structs.replace(attachment, tag=Tag("")))
        return tuple(piece for _, piece in made)

    def read_back(self, about: About, piece: Piece) -> bytes | None:
        """Return the bundle of a piece as it is in the base registry; ``None`` if its form is none.

        Raises:
            NotThereYet: it was there, and is not.
            ServiceError: the registry did not answer.
        """
        if piece.form is not Form.BUNDLE:
            return None
        layer = layer_of(self._manifest(about.repository, piece.digest))
        content = self._shelf.blob(about.repository, layer, _LARGEST_BLOB) if layer is not None else None
        if content is None:
            raise NotThereYet(f"the record {about.repository}@{piece.digest} is there, and what it holds is not yet")
        return content

    def _bundles(self, about: About, kept: Kept | None, forms: frozenset[str]) -> list[_Made]:
        if kept is None:
            return []
        subjects = [about.subject, *(one.at for one in about.parts if _PLATFORMS in forms)]
        made = [(as_referrer(kept.bundle, one, kept.decided_at), Digest(one.digest)) for one in subjects]
        return [(one, Piece(Form.BUNDLE, subject, one.digest)) for one, subject in made]

    def _tagged(
        self,
        about: About,
        kept: Kept | None,
        forms: frozenset[str],
        known: Sequence[Piece],
        layers: Sequence[Digest],
    ) -> Iterator[_Made]:
        """What we said under a tag before and do not say any more goes, also where nothing is said instead."""
        wanted: dict[Form, Layered] = {}
        if kept is not None and Form.ATTESTATION.value in forms:
            wanted[Form.ATTESTATION] = attestation_layer(kept.envelope)
        if kept is not None and kept.plain is not None:
            wanted[Form.SIGNATURE] = signature_layer(*kept.plain)
        for form, tag_of in _TAGS.items():
            if form in wanted or layers:
                tag = tag_of(about.digest)
                before = next((one for one in known if one.tag == tag), None)
                made = self._under(about, Piece(form, about.digest, Digest(""), tag), wanted.get(form), layers, before)
                yield from [made] if made is not None else []

    def _under(
        self, about: About, piece: Piece, layer: Layered | None, layers: Sequence[Digest], before: Piece | None
    ) -> _Made | None:
        found = self._base.digest(about.repository, piece.tag)
        there = self._manifest(about.repository, found) if found is not None else None
        gone = [one for one in layers if layer is None or one != digest_of(layer.content)]
        ours = before is not None and found == before.digest
        over = (before.over if ours and before is not None else found) or Digest("")
        try:
            if there is not None and found is not None and is_under(there, layer, gone):
                said = layer is not None
                return (None, msgspec.structs.replace(piece, digest=found, over=over)) if said else None
            if there is None and layer is None:
                return None
            made, foreign = under_tag(layer, piece.tag, there, gone), foreign_layers(there, layers)
        except MalformedInput as error:
            raise _kept_out(about, piece.tag, str(error)) from None
        blobs = (*made.blobs, *(self._foreign(about, piece.tag, one) for one in foreign))
        return msgspec.structs.replace(made, blobs=blobs), msgspec.structs.replace(piece, digest=made.digest, over=over)

    def _foreign(self, about: About, tag: Tag, digest: Digest) -> bytes:
        """What others put under a tag is kept there, and so has to be in staging as well."""
        content = self._shelf.blob(about.repository, digest, _LARGEST_BLOB)
        if content is None:
            told = f"the layer {digest} of others is not there, or has more than {_LARGEST_BLOB} bytes"
            raise _kept_out(about, tag, told)
        return content

    def _manifest(self, repository: str, digest: Digest) -> bytes:
        content = self._base.manifest(repository, digest)
        if content is None:
            raise NotThereYet(f"the base registry does not show {repository}@{digest}")
        return content


def _kept_out(about: About, tag: Tag, told: str) -> Refused:
    return Refused(f"{about.repository}:{tag}: {told}; delete that tag, or leave its form out of RECORD_FORMS")

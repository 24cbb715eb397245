"""Where the record of a decision is: one for each digest in a repository, kept with what else lies beside the image."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from enum import Enum

import msgspec

from shared.domain.record.statement import Result
from shared.domain.record.truth import Ground, Truth
from shared.domain.references import Digest, Tag


class RecordState(Enum):
    """Where a record is."""

    NONE = "none"  # there is none, as nothing may be said
    WANTED = "wanted"  # something is to be said, and not signed yet
    SIGNED = "signed"  # signed, and kept as evidence: whatever is attached from now on is these bytes
    STAGED = "staged"  # every form was pushed into the staging registry, and is copied from there
    ATTACHED = "attached"  # every form lies beside the image, was read back, and verified by the published key
    WITHDRAWN = "withdrawn"  # what lies there is not so any more, and nothing is said instead


_PUSHED = frozenset({RecordState.STAGED, RecordState.ATTACHED})


class Form(Enum):
    """In which form a record lies beside an image."""

    BUNDLE = "bundle"  # a sigstore bundle that refers to the image
    ATTESTATION = "att"  # an envelope under the tag that ends in .att
    SIGNATURE = "sig"  # a plain signature under the tag that ends in .sig, where it passed


class Piece(msgspec.Struct, frozen=True, omit_defaults=True):
    """One form of a record, as it lies or is to lie in the base registry.

    Attributes:
        form: which.
        subject: the manifest that it is about.
        digest: its own manifest's.
        tag: that points at it; empty if it is found by its subject.
        over: the manifest of others that it was made of, under the same tag; empty for none.
    """

    form: Form
    subject: Digest
    digest: Digest
    tag: Tag = Tag("")
    over: Digest = Digest("")


class Record(msgspec.Struct, frozen=True, omit_defaults=True):
    """The record of a decision; every step replaces it as a whole.

    Attributes:
        state: where it is.
        truth: what it says, or why there is none.
        key: fingerprint of the key that it is signed by.
        version: that key's version.
        envelope: the name under which the signed envelope is kept as evidence, with the digest.
        sha256: hash of the envelope.
        signature: the name under which the plain signature is kept; empty if there is none.
        decided_at: when it was decided, UTC.
        after: when the latest of those was decided that it replaces, UTC; ``None`` if it replaces none.
        pieces: its forms.
        former: manifests of ours that say what is not so any more; who may delete there deletes them.
        layers: digests of all layers that we ever put under a tag.
        since: when the present state began, UTC.
    """

    state: RecordState = RecordState.WANTED
    truth: Truth = Truth(None, Ground.NO_TAG)
    key: str = ""
    version: str = ""
    envelope: str = ""
    sha256: str = ""
    signature: str = ""
    decided_at: datetime | None = None
    after: datetime | None = None
    pieces: tuple[Piece, ...] = ()
    former: tuple[Digest, ...] = ()
    layers: tuple[Digest, ...] = ()
    since: datetime | None = None

    @property
    def is_settled(self) -> bool:
        """Whether nothing is to be done for it, as far as what may be said stays the same."""
        return self.state in {RecordState.NONE, RecordState.ATTACHED, RecordState.WITHDRAWN}

    @property
    def said(self) -> Result | None:
        """What lies beside the image as far as it says what is so; ``None`` if nothing does."""
        settled_without = {RecordState.NONE, RecordState.WITHDRAWN}
        return None if self.state in settled_without else self.truth.result

    def owns(self, digest: str) -> bool:
        """Whether a manifest is a form of this record: then it is no referrer of somebody else's."""
        return digest in self.former or any(piece.digest == digest for piece in self.pieces)


def without(record: Record, missing: Collection[Digest]) -> Record:
    """Return a record some of whose forms are to be made anew: they are staged once more.

    Args:
        record: as it is.
        missing: digests of manifests that were lost, or that others wrote over.
    """
    lost = record.state in _PUSHED and any(piece.digest in missing for piece in record.pieces)
    return msgspec.structs.replace(record, state=RecordState.SIGNED) if lost else record


# Records of companions hold it: docs/decisions/0016.
_RECORDS = msgspec.json.Decoder(Record)

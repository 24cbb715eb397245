"""Records a decision beside the image that it is about: one step at a time, each written down before the next.

What is signed is kept as evidence first, and named in the record that the caller writes. From then on only these bytes
are attached: whoever dies, is called twice or is answered by a replica that lags attaches the same manifest once more,
which is the one that is there.
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Mapping

import msgspec

from shared.domain.record.attaching import bundled, digest_of, enveloped, simple_payload
from shared.domain.record.making import Place, judged_at, statement_of
from shared.domain.record.record import Form, Record, RecordState
from shared.domain.record.signing_keys import hint_of
from shared.domain.record.statement import STATEMENT_TYPE, Result, Verifier, encoded
from shared.domain.record.truth import AGAINST, Standing, Truth, is_outdated
from shared.domain.record.verifying import Wanted, check_read_back
from shared.domain.references import Digest, Tag
from shared.domain.signatures.dsse import signed_bytes
from shared.domain.signatures.keys import PublicKey
from shared.ports import Clock, Evidence
from shared.rules.key_ring import KeyRing
from shared.rules.record_grounds import RecordGrounds
from shared.rules.record_pieces import About, Kept, Pieces

_KEPT_DIGITS = 16
_SIG = "sig"


class _KeptSignature(msgspec.Struct, frozen=True):
    payload: bytes
    signature: bytes


_SIGNATURES = msgspec.json.Decoder(_KeptSignature)


class Recording:
    """Makes records and puts them beside images.

    Args:
        grounds: knows what may be said.
        ring: signs.
        evidence: where what is signed is kept.
        pieces: puts the forms of a record where they belong.
        clock: tells the time.
        server: login server of the base registry.
        verifier: who says so.
        forms: which forms there are beside the bundle: ``att``, ``sig``, ``platforms``.
    """

    def __init__(
        self,
        grounds: RecordGrounds,
        ring: KeyRing,
        evidence: Evidence,
        pieces: Pieces,
        clock: Clock,
        server: str,
        verifier: Verifier,
        forms: frozenset[str],
    ) -> None:
        self._grounds = grounds
        self._ring = ring
        self._evidence = evidence
        self._pieces = pieces
        self._clock = clock
        self._server = server
        self._verifier = verifier
        self._forms = forms

    def about(self, repository: str, staging: str, digest: Digest) -> About:
        """Read what an image is; see ``Pieces.about``."""
        return self._pieces.about(repository, staging, digest)

    def step(self, about: About, record: Record | None, arrived: Collection[tuple[Digest, Tag]]) -> Record:
        """Do the next thing for a record.

        Args:
            about: the image.
            record: as it was written last; ``None`` if nothing was.
            arrived: digests and tags of those of its forms that were read back from the base registry.

        Returns:
            The record to be written before anything else is done. Where it is staged, its forms are to be copied into
            the base registry; where it ``is_settled``, nothing is to be done until something changes.

        Raises:
            ServiceError: the step was not made, and the record stays as it is; ``temporary`` says if it may be later.
        """
        truth, standings = self._grounds.truth(about.repository, about.digest)
        if record is None or _is_void(record, truth):
            record = self._begun(record or Record(), truth)
            if record.state is not RecordState.WANTED:
                return record
        if record.state is RecordState.WANTED:
            return self._signed(about, record, truth, standings)
        if record.state is RecordState.SIGNED:
            return self._staged(about, record)
        if record.state is not RecordState.STAGED:
            return record
        whole = all((piece.digest, piece.tag) in arrived for piece in record.pieces)
        return self._confirmed(about, record) if whole else self._staged(about, record)

    def _begun(self, record: Record, truth: Truth) -> Record:
        """What was said before is put aside, to be deleted by who may; nothing of it is forgotten."""
        left = (piece.digest for piece in record.pieces if piece.form is Form.BUNDLE)
        former = tuple(dict.fromkeys((*record.former, *left)))
        state = RecordState.NONE if truth.result is None else RecordState.WANTED
        untrue = AGAINST & {truth.ground, record.truth.ground}
        if truth.result is None and untrue and (former or record.layers):
            state = RecordState.WITHDRAWN if not record.layers else RecordState.SIGNED
        after = record.decided_at or record.after
        return Record(state, truth, former=former, layers=record.layers, after=after, since=self._clock())

    def _signed(self, about: About, record: Record, truth: Truth, standings: tuple[Standing, ...]) -> Record:
        grounds = self._grounds.grounds(standings, about.digest)
        place = self._place(about.of(truth.platforms))
        at = judged_at(grounds.claims, record.after, self._clock())
        statement = encoded(statement_of(place, truth, grounds, self._verifier, at))
        plain = [simple_payload(place.uri, about.digest)] if self._has_signature(truth) else []
        signed = self._ring.sign(signed_bytes(STATEMENT_TYPE, statement), *plain)
        envelope = enveloped(statement, signed.signatures[0])
        kept = [_KeptSignature(*one) for one in zip(plain, signed.signatures[1:], strict=True)]
        return msgspec.structs.replace(
            record,
            state=RecordState.SIGNED,
            truth=truth,
            key=signed.key.fingerprint,
            version=signed.key.version,
            envelope=self._keep(about, envelope, "dsse.json"),
            sha256=_sha256(envelope).hex(),
            signature=self._keep(about, msgspec.json.encode(kept[0]), "sig.json") if kept else "",
            decided_at=at,
            since=self._clock(),
        )

    def _has_signature(self, truth: Truth) -> bool:
        """A mere signature says that it passed to whoever looks for nothing else."""
        return _SIG in self._forms and truth.result is Result.PASSED

    def _keep(self, about: About, content: bytes, ending: str) -> str:
        """The name is that of the content: whoever signs at the same time keeps another, and one of both is named."""
        name = f"record-{_sha256(content).hex()[:_KEPT_DIGITS]}.{ending}"
        self._evidence.keep(about.digest, name, content)
        return name

    def _staged(self, about: About, record: Record) -> Record:
        kept = self._kept(about, record) if record.envelope else None
        if kept is None and record.envelope:
            return self._begun(record, record.truth)
        spoken_of = about.of(record.truth.platforms)
        pieces = self._pieces.staged(spoken_of, kept, self._forms, record.pieces, record.layers)
        added = (digest_of(layer.content) for layer in kept.layers) if kept is not None else ()
        ours = dict.fromkeys((*record.layers, *(added if any(piece.tag for piece in pieces) else ())))
        return msgspec.structs.replace(record, state=RecordState.STAGED, pieces=pieces, layers=tuple(ours))

    def _kept(self, about: About, record: Record) -> Kept | None:
        """Return what was signed; ``None`` if it is not there any more, or something else by now."""
        envelope = self._evidence.read(about.digest, record.envelope)
        if envelope is None or _sha256(envelope).hex() != record.sha256 or record.decided_at is None:
            return None
        plain = self._evidence.read(about.digest, record.signature) if record.signature else None
        if record.signature and plain is None:
            return None
        bundle = bundled(envelope, hint_of(record.key))
        signature = _SIGNATURES.decode(plain) if plain is not None else None
        told = (signature.payload, signature.signature) if signature is not None else None
        return Kept(envelope, bundle, record.decided_at, told)

    def _confirmed(self, about: About, record: Record) -> Record:
        """What is there is read as others read it, and verified by what is published."""
        keys, result = self._ring.public_keys(), record.truth.result
        for piece in record.pieces:
            bundle = self._pieces.read_back(about, piece)
            if bundle is not None and result is not None:
                check_read_back(bundle, self._wanted(about, keys), result, self._clock())
        ended = RecordState.ATTACHED if result is not None else RecordState.WITHDRAWN
        return msgspec.structs.replace(record, state=ended, since=self._clock())

    def _wanted(self, about: About, keys: Mapping[str, PublicKey]) -> Wanted:
        return Wanted(about.digest, self._place(about).uri, self._verifier.id, keys)

    def _place(self, about: About) -> Place:
        platforms = tuple(Digest(one.at.digest) for one in about.parts)
        return Place(self._server, about.repository, about.digest, platforms)


def _sha256(content: bytes) -> bytes:
    return hashlib.sha256(content).digest()


def _is_void(record: Record, truth: Truth) -> bool:
    """Whether what a record says, or is about to say, may not be said any more; or something may be said at last."""
    unsaid = record.state is RecordState.WANTED and truth.result is None
    return unsaid or is_outdated(record.said, truth) or (record.said is None and record.truth != truth)

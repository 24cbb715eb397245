"""Whatever lies beside an image leads to a verdict, and nothing that was not signed for it leads to a pass."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shared.domain.policy.signing import SIGNATURE_TYPE, CosignCheck, NotationCheck, SignatureCheck
from shared.domain.references import Digest
from shared.domain.signatures.cbor import read_cbor
from shared.domain.signatures.certificates import Moment
from shared.domain.signatures.der import SEQUENCE, read_whole
from shared.domain.signatures.findings import Refused, Unverifiable
from shared.domain.signatures.judging import judge_signatures
from shared.domain.signatures.material import Artefact, ArtefactKind, Layer, Material
from shared.domain.signatures.timestamps import stamped_at
from shared.domain.signatures.verdict import SignatureOutcome, SignatureVerdict
from tests.made_signatures.authorities import START, Authority, new_key, public_pem
from tests.made_signatures.cosign import bundle, key_bundle, legacy, legacy_layer, payload, statement
from tests.made_signatures.instance import Instance
from tests.made_signatures.notary import MANIFEST, Signer, Stamping, attributes, cbor, cose, jws, target

pytestmark = pytest.mark.unit

KEY = new_key()
INSTANCE = Instance()
ROOT = Authority("C=US, ST=WA, O=Acme, CN=Root")
CLOCK = Stamping()
WHO, ISSUER = "https://acme.example/workflow", "https://issuer.example"
SOURCE = "ghcr.io/acme/app"
DIGEST = Digest("sha256:" + "ab" * 32)
BY_KEY = SignatureCheck(cosign=CosignCheck("k.pem"))
BY_IDENTITY = SignatureCheck(cosign=CosignCheck(identity=WHO, issuer=ISSUER))
BY_STORE = SignatureCheck(notation=NotationCheck("acme", "x509.subject: C=US, ST=WA, O=Acme, CN=Release"))
TRUST = {
    "k.pem": public_pem(KEY),
    "roots/sigstore.json": INSTANCE.root,
    "stores/acme/root.pem": ROOT.pem,
    "stores/acme/tsa/clock.pem": CLOCK.authority.pem,
}
# Of the last two the certificate has ended by now, so that their time stamps matter.
SIGNER = Signer(ROOT)
GOOD: dict[str, tuple[SignatureCheck, Artefact]] = {
    "key, older form": (BY_KEY, legacy(legacy_layer(payload(DIGEST, SOURCE), KEY))),
    "key, bundle": (BY_KEY, bundle(key_bundle(statement(DIGEST, SIGNATURE_TYPE), KEY))),
    "identity, older form": (BY_IDENTITY, legacy(INSTANCE.layer(payload(DIGEST, SOURCE), WHO, ISSUER))),
    "identity, bundle": (BY_IDENTITY, bundle(INSTANCE.bundle(DIGEST, WHO, ISSUER))),
    "notation, JWS": (BY_STORE, jws(SIGNER, target(DIGEST), attributes(), CLOCK)),
    "notation, COSE": (BY_STORE, cose(SIGNER, target(DIGEST), attributes(), CLOCK)),
}
NOW = START + timedelta(days=400)
MEDIA_TYPES = [layer.media_type for _, made in GOOD.values() for layer in made.layers]


def judged(check: SignatureCheck, *artefacts: Artefact, digest: Digest = DIGEST) -> SignatureVerdict:
    return judge_signatures(check, Material(digest, MANIFEST, artefacts), SOURCE, TRUST, NOW)


@pytest.mark.parametrize("name", GOOD)
def test_what_is_altered_below_verifies_as_it_is(name: str) -> None:
    check, made = GOOD[name]
    assert judged(check, made).outcome is SignatureOutcome.VERIFIED


@given(
    st.sampled_from(list(ArtefactKind)),
    st.sampled_from(MEDIA_TYPES),
    st.binary(max_size=300) | st.text(max_size=100).map(str.encode),
    st.dictionaries(st.sampled_from(sorted(GOOD["identity, older form"][1].layers[0].annotations)), st.text()),
)
@settings(max_examples=60, deadline=None)
def test_any_bytes_lead_to_a_verdict_and_none_to_a_pass(
    kind: ArtefactKind, media_type: str, content: bytes, annotations: dict[str, str]
) -> None:
    made = Artefact(kind, b"", (Layer(media_type, annotations, content),))
    for check in (BY_KEY, BY_IDENTITY, BY_STORE):
        assert judged(check, made).outcome in (SignatureOutcome.WRONG, SignatureOutcome.MISSING)


@given(st.sampled_from(sorted(GOOD)), st.data())
@settings(max_examples=200, deadline=None)
def test_altered_signatures_lead_to_a_verdict_and_never_to_another_image(name: str, data: Any) -> None:
    check, made = GOOD[name]
    (layer,) = made.layers
    place = data.draw(st.integers(0, len(layer.content) - 1))
    put = data.draw(st.binary(max_size=3))
    cut = data.draw(st.integers(0, 3))
    content = layer.content[:place] + put + layer.content[place + cut :]
    altered = Artefact(made.kind, b"", (msgspec.structs.replace(layer, content=content),))
    judged(check, altered)
    assert judged(check, altered, digest=Digest("sha256:" + "cd" * 32)).outcome is not SignatureOutcome.VERIFIED


@given(st.data())
@settings(max_examples=150, deadline=None)
def test_altered_annotations_lead_to_a_verdict(data: Any) -> None:
    (layer,) = GOOD["identity, older form"][1].layers
    name = data.draw(st.sampled_from(sorted(layer.annotations)))
    text = layer.annotations[name]
    place = data.draw(st.integers(0, len(text) - 1))
    altered = text[:place] + data.draw(st.text(max_size=2)) + text[place + data.draw(st.integers(0, 2)) :]
    annotations = {**layer.annotations, name: altered}
    judged(BY_IDENTITY, legacy(msgspec.structs.replace(layer, annotations=annotations)))
    other = msgspec.structs.replace(layer, annotations=annotations, content=payload(DIGEST, "evil/app"))
    assert judged(BY_IDENTITY, legacy(other)).outcome is SignatureOutcome.WRONG


STAMP = CLOCK.stamp(b"signature")


@given(st.integers(0, len(STAMP) - 1), st.integers(1, 255))
@settings(max_examples=200, deadline=None)
@pytest.mark.filterwarnings("ignore:Parsed a serial number")
def test_a_time_stamp_with_any_byte_altered_is_refused_or_says_the_same(place: int, by: int) -> None:
    """The few bytes that nothing depends on, such as version numbers, may be other ones."""
    altered = STAMP[:place] + bytes((STAMP[place] ^ by,)) + STAMP[place + 1 :]
    good = stamped_at(STAMP, b"signature", [CLOCK.authority.certificate])
    try:
        moment: Moment | None = stamped_at(altered, b"signature", [CLOCK.authority.certificate])
    except (Refused, Unverifiable):
        moment = None
    except Exception as error:  # noqa: BLE001 - what parsers of others stumble over, as findings.py takes it
        assert not isinstance(error, MemoryError | RecursionError)
        moment = None
    assert moment in (None, good)


@given(st.binary(max_size=200))
@settings(max_examples=300, deadline=None)
def test_readers_refuse_what_they_cannot_read(raw: bytes) -> None:
    for read in (read_cbor, lambda raw: read_whole(raw, SEQUENCE)):
        try:
            read(raw)
        except (Refused, UnicodeDecodeError):
            continue


_VALUES = st.recursive(
    st.integers(-(2**64), 2**64 - 1) | st.binary(max_size=300) | st.text(max_size=50),
    lambda inner: (
        st.lists(inner, max_size=5) | st.dictionaries(st.text(max_size=5) | st.integers(0, 99), inner, max_size=5)
    ),
    max_leaves=10,
)


@given(_VALUES)
@settings(max_examples=200, deadline=None)
def test_cbor_is_read_as_it_was_written_unless_it_is_deep(value: object) -> None:
    try:
        assert read_cbor(cbor(value)) == value
    except Refused as error:
        assert "too deep" in str(error)

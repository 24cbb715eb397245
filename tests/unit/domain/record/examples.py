"""Records of decisions to test with."""

from __future__ import annotations

from typing import Any

import msgspec
from cryptography.hazmat.primitives.asymmetric import ec

from shared.domain.policy.policy import GateCheck, Policy, ScanCheck
from shared.domain.promotion.admission import Admission
from shared.domain.promotion.candidate import Candidate, GateVerdict
from shared.domain.promotion.target import Origin, Target
from shared.domain.record.attaching import bundled, enveloped
from shared.domain.record.making import Grounds, Place, statement_of
from shared.domain.record.signing_keys import hint_of
from shared.domain.record.statement import STATEMENT_TYPE, Result, Verifier, encoded
from shared.domain.record.truth import Claim, Ground, Standing, Truth, claim_of
from shared.domain.record.verifying import Wanted
from shared.domain.references import Digest
from shared.domain.scan.decision import Outcome
from shared.domain.signatures.dsse import signed_bytes
from shared.domain.signatures.keys import fingerprint
from tests.made_signatures.authorities import new_key, signed
from tests.unit.examples import NODE, NOON, ONE, TAG, TWO
from tests.unit.examples import candidate as any_candidate

KEY, OTHER_KEY = new_key(), new_key()
SERVER, REPOSITORY = "base.example.io", "base/node"
ME = Verifier("https://base.example.io", {"tidegate": "1.2.3"})
PLACE = Place(SERVER, REPOSITORY, ONE, (TWO,))
TESTED = Policy("tested", GateCheck("node"))
STRICT = Policy("strict", GateCheck("node"), ScanCheck())


def that_passed(**fields: Any) -> Candidate:
    """Return a candidate that passed its test."""
    verdict = GateVerdict("contents", passed=True, run_id="ca1", at=NOON)
    return msgspec.structs.replace(any_candidate(passed_at=NOON, verdict=verdict), **fields)


def admission(policy: Policy = STRICT, outcome: Outcome = Outcome.PASS, **fields: Any) -> Admission:
    """Return what was decided over a digest's scan."""
    fields = {"policy": policy.name, "policy_sha256": policy.sha256, "evidence": "admission-1.json", **fields}
    return Admission(digest=ONE, outcome=outcome, at=NOON, **fields)


def target(**fields: Any) -> Target:
    """Return a tag that is to point at a digest which passed."""
    record = Target(
        registry="base",
        repository=REPOSITORY,
        tag=TAG,
        origin=Origin("node", NODE, TAG, "node"),
        wanted=ONE,
        number=4,
        decided_at=NOON,
        passed=(ONE,),
        admissions=(admission(),),
    )
    return msgspec.structs.replace(record, **fields)


def standing(policy: Policy | None = STRICT, observed: bool = False, **fields: Any) -> Standing:
    """Return a tag with all that speaks for its digest."""
    candidate = fields.pop("candidate", that_passed())
    entry = fields.pop("entry", "node")
    return Standing(target(**fields), entry, policy, observed, candidate)


def claim(**fields: Any) -> Claim:
    """Return what may be said of the digest at a tag."""
    return claim_of(standing(**fields), ONE)


def sealed(statement: bytes, key: ec.EllipticCurvePrivateKey = KEY) -> bytes:
    """Return a statement in its envelope."""
    return enveloped(statement, signed(key, signed_bytes(STATEMENT_TYPE, statement)))


def passed(place: Place = PLACE, **fields: Any) -> bytes:
    """Return a statement about an image that passed, but for the fields of the summary that are given."""
    truth = Truth(Result.PASSED, Ground.PASSED, STRICT.name, STRICT.sha256)
    made = statement_of(place, truth, Grounds((claim(),)), ME)
    return encoded(msgspec.structs.replace(made, predicate=msgspec.structs.replace(made.predicate, **fields)))


def a_bundle(statement: bytes | None = None, key: ec.EllipticCurvePrivateKey = KEY) -> bytes:
    """Return a record as it lies beside an image."""
    return bundled(sealed(statement or passed(), key), hint_of(fingerprint(key.public_key())))


def wanted(digest: Digest = ONE, **fields: Any) -> Wanted:
    """Return what is wanted of a record of the image."""
    whole: dict[str, Any] = {"uri": PLACE.uri, "verifier": ME.id, "keys": {"key.pem": KEY.public_key()}, **fields}
    return Wanted(digest, **whole)

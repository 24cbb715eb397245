"""A signature of an image: in fresh processes, the first with all that has to be loaded for it, and those after it."""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
from datetime import timedelta

import msgspec

from shared.domain.references import Digest
from shared.domain.signatures.material import Artefact, Material
from tests.bench.table import Row
from tests.made_signatures.authorities import Authority, new_key, public_pem
from tests.made_signatures.cosign import bundle, key_bundle, statement
from tests.made_signatures.instance import SIGNED_AT, Instance
from tests.made_signatures.notary import Signer, Stamping, attributes, cose, target

_RUNS, _AGAIN = 5, 50
_DIGEST = Digest("sha256:" + "ab" * 32)
_WHO, _ISSUER = "https://acme.example/workflow", "https://issuer.example"
_MEASURE = """
import json, resource, statistics, sys, time
from datetime import datetime
import msgspec
from shared.domain.policy.signing import SignatureCheck
from shared.domain.signatures.material import Material
told = json.load(sys.stdin)
check, material = msgspec.convert(told["check"], SignatureCheck), msgspec.convert(told["material"], Material)
trust = {path: content.encode() for path, content in told["trust"].items()}
at = datetime.fromisoformat(told["at"])

def judge():
    began = time.perf_counter()
    from shared.domain.signatures.judging import judge_signatures
    verdict = judge_signatures(check, material, "ghcr.io/acme/app", trust, at)
    assert verdict.outcome.value == "verified", verdict.detail
    return time.perf_counter() - began

first = judge()
again = statistics.median(judge() for _ in range(told["again"]))
print(json.dumps([first, again, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024]))
"""


def rows() -> list[Row]:
    """Measure and return the table's rows."""
    key, instance = new_key(), Instance()
    root, clock = Signer(Authority("C=US, ST=WA, O=Acme, CN=Root")), Stamping()
    by_store = {"store": "acme", "identity": "x509.subject: C=US, ST=WA, O=Acme, CN=Release"}
    stores = {
        "stores/acme/root.pem": root.authority.pem.decode(),
        "stores/acme/tsa/clock.pem": clock.authority.pem.decode(),
    }
    return [
        _row(
            "a signature by a key, a bundle",
            {"cosign": {"key": "k.pem"}},
            bundle(key_bundle(statement(_DIGEST), key)),
            {"k.pem": public_pem(key).decode()},
        ),
        _row(
            "  by an identity, a bundle",
            {"cosign": {"identity": _WHO, "issuer": _ISSUER}},
            bundle(instance.bundle(_DIGEST, _WHO, _ISSUER)),
            {"roots/sigstore.json": instance.root.decode()},
        ),
        _row(
            "  of the Notary Project, in COSE, with a time stamp",
            {"notation": by_store},
            cose(root, target(_DIGEST), attributes(), clock),
            stores,
        ),
    ]


def _row(what: str, check: object, artefact: Artefact, trust: dict[str, str]) -> Row:
    told = {
        "check": check,
        "material": msgspec.to_builtins(Material(_DIGEST, "", (artefact,))),
        "trust": trust,
        "at": (SIGNED_AT + timedelta(days=300)).isoformat(),
        "again": _AGAIN,
    }
    measured = [_once(json.dumps(told)) for _ in range(_RUNS)]
    first, again, megabytes = (statistics.median(values) for values in zip(*measured, strict=True))
    return Row(what, f"{again * 1000:.1f} ms; the first {first * 1000:.0f} ms, {megabytes:.0f} MB", "100 ms")


def _once(told: str) -> tuple[float, float, float]:
    done = subprocess.run([sys.executable, "-c", _MEASURE], input=told, check=True, capture_output=True, text=True)
    first, again, megabytes = json.loads(done.stdout)
    return first, again, megabytes

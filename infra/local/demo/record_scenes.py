"""The scenes of records: a decision that anybody can check, with a public key alone."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from infra.local.demo.stage_set import OnStage
from infra.local.demo.watching import Watcher, eventually, expect
from infra.local.emulator.assignments import APP
from infra.local.emulator.role_definitions import RECORDS, SIGNS
from infra.local.topology import BASE, STAGING, Topology
from infra.local.twin.parts import ROOT
from infra.local.twin.twin import Twin

_SOURCE, _TARGET, _TAG = "library/web", "base/web", "1"
_ID = f"{BASE}~base~web~{_TAG}"
_KEY = "records"
_LIST = """\
images:
  - name: web
    source: docker.io/library/web
    tags: [1]
    target: base/web
    gate: release
    referrers: 'off'
    record: true
"""
_VERIFIED, _REFUSED, _DENIED = 0, 1, 4


def record_settings(topology: Topology) -> dict[str, str]:
    """Return the settings by which the twin's vault signs records."""
    return {"RECORD_KEY": f"{topology.https('vault')}/keys/{_KEY}", "RECORD_FORMS": "att,sig"}


def give_key(topology: Topology, watcher: Watcher) -> None:
    """Make the key, and give the app the rights to sign with it and to push records into staging."""
    watcher.vault("POST", f"keys/{_KEY}/create", {"kty": "EC", "crv": "P-256"})
    watcher.give(APP, {SIGNS: f"{topology.vault_id}/keys/{_KEY}", RECORDS: topology.registry_id(STAGING)})


class RecordScenes(OnStage):
    """The scenes, to be played in order on one twin.

    Args:
        twin: up; its host starts once all is prepared.
    """

    def __init__(self, twin: Twin) -> None:
        super().__init__(twin)
        self._digest = ""

    def prepare(self) -> None:
        """Put everything on the stage before the host starts: a key, the right to use it, and what asks for records."""
        give_key(self._topology, self._watcher)
        self._digest = self._set.release("docker_hub", _SOURCE, _TAG, "release 1")
        self._set.add_webhook()
        self._set.configure(_LIST)

    def record(self) -> None:
        """(ab) A record of the decision lies beside its image; altered, copied or by another key it is refused."""
        what = f"{_TARGET}:{_TAG} is {self._digest} in the base registry"
        eventually(what, lambda: self._watcher.digest("base", _TARGET, _TAG) == self._digest)
        shown = self._shown()["companions"]["record"]
        expect((shown["state"], shown["says"]) == ("done", "PASSED"), f"it passed, and the record says so: {shown}")
        key, other = self._key(), self._other_key()
        image = f"{self._topology.address('base')}/{_TARGET}@{self._digest}"
        expect(self._verify(image, key, account=False) == _DENIED, "the registry wants to know who asks")
        expect(self._verify(image, key) == _VERIFIED, "it verifies from the registry, by the public key")
        expect(self._verify(image, other) == _REFUSED, "another key refuses it")
        kept = self._kept(shown["evidence"])
        record, altered = self._file("record.json", kept), self._file("altered.json", _altered(kept))
        expect(self._verify(image, key, record) == _VERIFIED, "it verifies offline")
        expect(self._verify(image, key, altered) == _REFUSED, "an altered one is refused")
        copied = image.replace(_TARGET, "base/shop")
        expect(self._verify(copied, key, record) == _REFUSED, "a copy in another repository is refused")

    def all(self) -> tuple[Callable[[], None], ...]:
        """Return the scenes in order."""
        return (self.record,)

    def _verify(self, image: str, key: Path, offline: Path | None = None, *, account: bool = True) -> int:
        """Run the command as whoever deploys runs it: beside the product, with a key and an account."""
        given = {
            "username": "00000000-0000-0000-0000-000000000000",
            "password": self._watcher.registry_password("base"),
        }
        accounts = json.dumps({self._topology.address("base"): given} if account else {})
        environment = {**os.environ, "REQUESTS_CA_BUNDLE": str(self._topology.ca_bundle)}
        environment["TIDEGATE_REGISTRY_CREDENTIALS"] = accounts
        command = [sys.executable, "-m", "shared.cli", "verify", image, "--key", str(key)]
        command += ["--offline", str(offline)] if offline is not None else []
        return subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, check=False).returncode

    def _key(self) -> Path:
        answer = self._watcher.api("GET", "signing-keys")
        (key,) = answer.json()["keys"]
        return self._file("key.pem", key["pem"].encode())

    def _other_key(self) -> Path:
        from cryptography.hazmat.primitives.asymmetric import ec  # noqa: PLC0415
        from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat  # noqa: PLC0415

        public = ec.generate_private_key(ec.SECP256R1()).public_key()
        return self._file("other.pem", public.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo))

    def _kept(self, name: str) -> bytes:
        candidate = self._watcher.candidate(self._digest) or {}
        return self._watcher.api("GET", f"candidates/{candidate['id']}/evidence/{name}").content

    def _file(self, name: str, content: bytes) -> Path:
        folder = self._topology.state / "records"
        folder.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(content)
        return folder / name

    def _shown(self) -> dict[str, Any]:
        answer = self._watcher.api("GET", f"targets/{_ID}")
        content: dict[str, Any] = answer.json() if answer.status_code == 200 else {}
        return content


def _altered(envelope: bytes) -> bytes:
    """Let a record speak of another number of decision, under the same signature."""
    whole = json.loads(envelope)
    payload = whole["payload"]
    whole["payload"] = ("f" if payload[0] != "f" else "e") + payload[1:]
    return json.dumps(whole).encode()

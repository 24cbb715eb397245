"""A record is judged from a file or a registry, by keys at hand, with a status that scripts can go by."""

from __future__ import annotations

import json
from base64 import b64encode
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from shared.adapters.upstream.oci_registry import OciRegistry
from shared.cli.exits import Exit
from shared.cli.main import main
from shared.cli.session import Surroundings
from shared.domain.references import Digest
from shared.domain.signatures.material import Artefact, ArtefactKind, Layer
from shared.errors import NotFound, NotPermitted, RateLimited, Refused, ServiceError, Unavailable
from shared.signature_ports import Beside
from tests.doubles.registries import digest_of
from tests.made_signatures.authorities import public_pem
from tests.unit.cli.conftest import Terminal
from tests.unit.domain.record.examples import KEY, OTHER_KEY, a_bundle, passed, sealed
from tests.unit.examples import NOON, ONE

pytestmark = pytest.mark.unit

REPOSITORY = "base.example.io/base/node"
IMAGE = f"{REPOSITORY}@{ONE}"


class Files:
    """A folder with keys and records."""

    def __init__(self, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
        self.folder, self._capsys = folder, capsys
        self.put("key.pem", public_pem(KEY))
        self.put("other.pem", public_pem(OTHER_KEY))
        self.put("record.json", a_bundle())

    def put(self, name: str, content: bytes) -> None:
        (self.folder / name).write_bytes(content)

    def verify(self, *more: str, image: str = IMAGE, key: str = "key.pem", file: str = "record.json") -> int:
        """Judge a record offline."""
        return self.type("--offline", str(self.folder / file), *more, image=image, key=key)

    def type(self, *more: str, image: str = IMAGE, key: str = "key.pem") -> int:
        around = Surroundings(now=lambda: NOON + timedelta(hours=1))
        return main(["verify", image, "--key", str(self.folder / key), *more], around)

    def said(self) -> Any:
        return json.loads(self._capsys.readouterr().out)


@pytest.fixture
def files(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Files:
    """What the command reads."""
    return Files(tmp_path, capsys)


@pytest.mark.parametrize("content", [a_bundle(), sealed(passed())])
def test_a_record_verifies_offline_as_a_bundle_and_as_an_envelope(files: Files, content: bytes) -> None:
    files.put("record.json", content)
    assert files.verify("--json") == Exit.FINE
    said = files.said()
    assert (said["tidegate"], said["verified"], said["digest"], said["age_seconds"]) == (1, True, ONE, 3600)
    assert (said["result"], said["verifier"]) == ("PASSED", "https://base.example.io")
    assert said["resource_uri"] == "https://base.example.io/base/node"
    assert said["key"].endswith("key.pem")


def altered() -> bytes:
    whole = json.loads(a_bundle())
    whole["dsseEnvelope"]["payload"] = b64encode(passed(resource_uri="https://elsewhere")).decode()
    return json.dumps(whole).encode()


@pytest.mark.parametrize(
    ("content", "more", "refusal"),
    [
        (altered(), {}, "altered"),
        (a_bundle(), {"key": "other.pem"}, "other-key"),
        (a_bundle(), {"image": f"{REPOSITORY}@{digest_of('three')}"}, "other-image"),
        (a_bundle(), {"image": f"base.example.io/base/other@{ONE}"}, "other-repository"),
        (a_bundle(), {"image": f"elsewhere.example.io/base/node@{ONE}"}, "other-verifier"),
    ],
)
def test_each_wrong_record_is_refused_by_its_name(
    files: Files, content: bytes, more: dict[str, str], refusal: str
) -> None:
    files.put("record.json", content)
    assert files.verify("--json", **more) == Exit.NO
    said = files.said()
    assert (said["verified"], said["refusal"], bool(said["detail"])) == (False, refusal, True)


def test_age_level_and_verifier_can_be_asked_for(files: Files) -> None:
    assert files.verify("--max-age", "59m", "--json") == Exit.NO
    assert files.said()["refusal"] == "too-old"
    assert files.verify("--level", "TIDEGATE_SIGNED", "--json") == Exit.NO
    assert files.said()["refusal"] == "level-missing"
    assert files.verify("--verifier", "https://other", "--json") == Exit.NO
    assert files.said()["refusal"] == "other-verifier"
    assert files.verify("--max-age", "1h", "--verifier", "https://base.example.io") == Exit.FINE


@pytest.mark.parametrize("registry", ["BASE.example.io", "base.example.io:443"])
def test_a_registry_may_be_named_in_capitals_and_with_its_port(files: Files, registry: str) -> None:
    assert files.verify(image=f"{registry}/base/node@{ONE}") == Exit.FINE
    assert files.verify(image=f"{registry}/base/node:22@{ONE}") == Exit.FINE
    assert files.verify(image=f"base.example.io:444/base/node@{ONE}") == Exit.NO


def test_people_are_told_in_lines(files: Files, capsys: pytest.CaptureFixture[str]) -> None:
    assert files.verify() == Exit.FINE
    told = capsys.readouterr().out
    assert told.startswith(f"verified: {IMAGE}")
    assert "PASSED by https://base.example.io/policies/strict" in told


def test_a_file_of_several_keys_is_read_whole(files: Files) -> None:
    files.put("all.pem", b"# newest first\n" + public_pem(OTHER_KEY) + b"# older\n" + public_pem(KEY))
    assert files.verify("--json", key="all.pem") == Exit.FINE
    assert files.said()["key"].endswith("all.pem #2")


@pytest.mark.parametrize("content", [b"", b"<html>", b"{}", b"[]"])
def test_a_file_that_is_no_record_is_a_bad_file(files: Files, content: bytes) -> None:
    files.put("record.json", content)
    assert files.verify() == Exit.UNREADABLE


def test_files_that_cannot_be_used_are_said_to_be(files: Files) -> None:
    assert files.verify(file="not-there.json") == Exit.UNREADABLE
    assert files.verify(key="not-there.pem") == Exit.UNREADABLE
    files.put("bad.pem", b"-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n")
    assert files.verify(key="bad.pem") == Exit.UNREADABLE
    files.put("none.pem", b"nothing")
    assert files.verify(key="none.pem") == Exit.UNREADABLE


@pytest.mark.parametrize("image", [REPOSITORY, f"{REPOSITORY}:22", "not//an image", f"{REPOSITORY}@sha256:77"])
def test_offline_an_image_is_named_by_its_digest(files: Files, image: str) -> None:
    assert files.verify(image=image) == Exit.USAGE


def registry_has(monkeypatch: pytest.MonkeyPatch, beside: Beside | ServiceError, tag: Digest | None = ONE) -> None:
    """Let the registry answer so."""

    def answer(*_: Any, **__: Any) -> Beside:
        if isinstance(beside, ServiceError):
            raise beside
        return beside

    monkeypatch.setattr(OciRegistry, "beside", answer)
    monkeypatch.setattr(OciRegistry, "digest", lambda *_: tag)


def bundles(*contents: bytes, unread: tuple[str, ...] = (), hidden: bool = False) -> Beside:
    layers = [Artefact(ArtefactKind.SIGSTORE_BUNDLE, b"{}", (Layer("x", {}, content),)) for content in contents]
    return Beside(tuple(layers), unread=unread, hidden=hidden)


def test_a_record_is_found_beside_the_image_that_a_tag_points_at(files: Files, monkeypatch: pytest.MonkeyPatch) -> None:
    registry_has(monkeypatch, bundles(b"another's", a_bundle()))
    assert files.type(image=f"{REPOSITORY}:22") == Exit.FINE


def test_an_image_without_a_record_and_a_tag_that_is_not_there_are_no_records(
    files: Files, monkeypatch: pytest.MonkeyPatch
) -> None:
    registry_has(monkeypatch, bundles())
    assert files.type() == Exit.ABSENT
    registry_has(monkeypatch, bundles(a_bundle()), tag=None)
    assert files.type(image=f"{REPOSITORY}:22") == Exit.ABSENT


def test_a_record_by_another_key_beside_the_image_is_refused(files: Files, monkeypatch: pytest.MonkeyPatch) -> None:
    registry_has(monkeypatch, bundles(a_bundle(key=OTHER_KEY)))
    assert files.type() == Exit.NO


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (NotFound("404"), Exit.ABSENT),
        (Refused("401", code="401"), Exit.DENIED),
        (NotFound("insufficient_scope", code="401"), Exit.DENIED),
        (Refused("redirected to http", code="302"), Exit.UNREACHABLE),
        (NotPermitted("403"), Exit.DENIED),
        (Unavailable("503"), Exit.UNREACHABLE),
        (RateLimited("429"), Exit.UNREACHABLE),
    ],
)
def test_a_registry_that_does_not_answer_is_not_a_no(
    files: Files, monkeypatch: pytest.MonkeyPatch, error: ServiceError, status: Exit
) -> None:
    registry_has(monkeypatch, error)
    assert files.type() == status


def test_what_could_not_be_read_whole_is_not_a_no(files: Files, monkeypatch: pytest.MonkeyPatch) -> None:
    registry_has(monkeypatch, bundles(unread=("one of them",)))
    assert files.type() == Exit.UNREACHABLE


def test_a_record_is_not_believed_while_a_later_one_may_be_hidden(
    files: Files, monkeypatch: pytest.MonkeyPatch
) -> None:
    registry_has(monkeypatch, bundles(a_bundle(), unread=("listed and not there",), hidden=True))
    assert files.type() == Exit.UNREACHABLE
    registry_has(monkeypatch, bundles(a_bundle(), unread=("an SBOM of 3 MB",)))
    assert files.type() == Exit.FINE


def test_an_account_is_shown_to_its_own_registry_alone(files: Files, monkeypatch: pytest.MonkeyPatch) -> None:
    shown: list[str] = []

    def beside(registry: OciRegistry, *_: Any, **__: Any) -> Beside:
        shown.append(repr(vars(registry)))
        return bundles(a_bundle())

    monkeypatch.setattr(OciRegistry, "beside", beside)
    monkeypatch.setenv("TIDEGATE_REGISTRY_CREDENTIALS", "no json")
    assert files.type() == Exit.USAGE
    monkeypatch.setenv(
        "TIDEGATE_REGISTRY_CREDENTIALS", '{"base.example.io": {"username": "me", "password": "a-password"}}'
    )
    assert files.type() == Exit.FINE


def test_the_public_keys_are_listed_and_written_to_a_file(terminal: Terminal, tmp_path: Path) -> None:
    file = tmp_path / "keys.pem"
    assert terminal.type("signing-keys", "--output", str(file)).status == Exit.ABSENT
    assert not file.exists()
    world = terminal.app.world
    ring = world.records.ring
    assert ring is not None
    ring.sign(b"something")
    typed = terminal.type("signing-keys", "--output", str(file), "--json")
    assert typed.status == Exit.FINE
    (key,) = typed.document["keys"]
    assert (key["valid_until"], typed.document["verifier"]) == (None, "https://base.example.io")
    assert public_pem(world.signer.versions["v1"]).decode() in file.read_text()

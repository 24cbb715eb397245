"""Signatures are judged from files, as the app would: one document, and an exit status that scripts can go by."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import msgspec
import pytest

from shared.cli.main import main
from shared.domain.references import Digest
from shared.domain.signatures.material import Artefact, Material
from tests.made_signatures.authorities import new_key, public_pem
from tests.made_signatures.cosign import bundle, key_bundle, statement

pytestmark = pytest.mark.unit

DIGEST = Digest("sha256:" + "ab" * 32)
KEY, OTHER_KEY = new_key(), new_key()
LIST = """\
policies:
  ours: {test: off, signatures: {cosign: {key: keys/build.pem}}}
  unsigned: {scan: {block: high}}
"""


class Files:
    """A folder with what the command reads."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        (folder / "trust" / "keys").mkdir(parents=True)
        (folder / "trust" / "keys" / "build.pem").write_bytes(public_pem(KEY))
        (folder / "policies.yaml").write_text(LIST)
        self.beside(bundle(key_bundle(statement(DIGEST), KEY)))

    def beside(self, *artefacts: Artefact) -> None:
        (self.folder / "material.json").write_bytes(msgspec.json.encode(Material(DIGEST, "", artefacts)))

    def run(self, *more: str, name: str = "ours", trust: str = "trust") -> int:
        return main(
            [
                *("verify-signature", "--policy", str(self.folder / "policies.yaml"), "--name", name),
                *("--material", str(self.folder / "material.json"), "--source", "ghcr.io/acme/app"),
                *("--trust", str(self.folder / trust), *more),
            ]
        )


@pytest.fixture
def files(tmp_path: Path) -> Files:
    """What the command reads, in a folder."""
    return Files(tmp_path)


def said(capsys: pytest.CaptureFixture[str]) -> Any:
    return json.loads(capsys.readouterr().out)


def test_a_signature_by_whom_the_policy_wants_ends_with_0(files: Files, capsys: pytest.CaptureFixture[str]) -> None:
    assert files.run("--json") == 0
    assert said(capsys)["outcome"] == "verified"
    assert files.run() == 0
    assert capsys.readouterr().out.startswith("verified: signed by the key keys/build.pem")


def test_a_missing_and_a_wrong_signature_end_with_1(files: Files, capsys: pytest.CaptureFixture[str]) -> None:
    files.beside()
    assert files.run("--json") == 1
    assert said(capsys)["outcome"] == "missing"
    files.beside(bundle(key_bundle(statement(DIGEST), OTHER_KEY)))
    assert files.run("--json") == 1
    assert said(capsys)["outcome"] == "wrong"


def test_what_cannot_be_judged_ends_with_2(files: Files, capsys: pytest.CaptureFixture[str]) -> None:
    (files.folder / "trust" / "keys" / "build.pem").unlink()
    assert files.run("--json") == 2
    assert said(capsys)["outcome"] == "unverifiable"


def test_names_from_an_image_do_nothing_to_a_terminal(files: Files, capsys: pytest.CaptureFixture[str]) -> None:
    files.beside(bundle(key_bundle(statement(DIGEST, "\x1b[2J\u202e"), KEY)))
    assert files.run() == 1
    out = capsys.readouterr().out
    assert "attestation" in out
    assert "\x1b" not in out
    assert "\u202e" not in out


@pytest.mark.parametrize(
    ("arguments", "status", "told"),
    [
        ({"name": "unsigned"}, 64, "asks for no signatures"),
        ({"name": "nobodys"}, 64, "has no policy"),
        ({"name": ""}, 64, "--name is empty"),
        ({"trust": "nowhere"}, 65, "no folder"),
    ],
)
def test_a_wrong_argument_is_told(
    files: Files, capsys: pytest.CaptureFixture[str], arguments: dict[str, str], status: int, told: str
) -> None:
    assert files.run(**arguments) == status
    assert told in capsys.readouterr().err


@pytest.mark.parametrize("content", ["", "{}", '{"digest": "latest"}', "[", '{"digest": "sha256:ab"}'])
def test_a_file_that_is_no_material_ends_with_65(
    files: Files, capsys: pytest.CaptureFixture[str], content: str
) -> None:
    (files.folder / "material.json").write_text(content)
    assert files.run() == 65
    assert "material.json" in capsys.readouterr().err

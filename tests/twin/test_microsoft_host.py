"""Where Microsoft's own host comes from, and what it is given to serve; none of it needs that host."""

from __future__ import annotations

import json
import tarfile
from pathlib import Path

import pytest

from infra.local.microsoft_host import found
from infra.local.microsoft_host.deployed import lay_out
from infra.local.microsoft_host.found import ROOT, BuiltHost, CoreTools, HostMissingError, find_host

pytestmark = pytest.mark.twin


@pytest.fixture
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder that is PATH, the cache, and where an archive would lie beside the repository."""
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.delenv(found.SETTING, raising=False)
    monkeypatch.setattr(found, "CACHE", tmp_path / "cache" / "host")
    monkeypatch.setattr(found, "_BESIDE", tmp_path / "beside.tar.xz")
    return tmp_path


def _archive(path: Path, said: str) -> Path:
    program = path.parent / "run"
    program.write_text(said)
    with tarfile.open(path, "w:xz") as packed:
        packed.add(program, "functions-host/run")
    program.unlink()
    return path


def test_core_tools_on_the_path_serve_before_anything_else(machine: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (machine / "func").touch(mode=0o755)
    monkeypatch.setenv(found.SETTING, str(_archive(machine / "named.tar.xz", "named")))
    assert find_host() == CoreTools(str(machine / "func"))


def test_what_the_variable_names_serves_before_what_lies_beside(machine: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    beside = _archive(machine / "beside.tar.xz", "beside")
    assert find_host() == BuiltHost(beside)
    named = _archive(machine / "named.tar.xz", "named")
    monkeypatch.setenv(found.SETTING, str(named))
    assert find_host() == BuiltHost(named)


def test_an_unpacked_folder_serves_as_it_is(machine: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (machine / "run").touch()
    monkeypatch.setenv(found.SETTING, str(machine))
    host = find_host()
    assert isinstance(host, BuiltHost)
    assert host.folder() == machine


def test_where_there_is_none_it_says_where_it_looked(machine: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(HostMissingError, match="no `func` on PATH, and FUNCTIONS_HOST is not set"):
        find_host()
    monkeypatch.setenv(found.SETTING, str(machine / "gone"))
    with pytest.raises(HostMissingError, match=r"FUNCTIONS_HOST names .*gone, where it is not"):
        find_host()


def test_an_archive_is_unpacked_once_and_again_when_it_is_another(machine: Path) -> None:
    archive = _archive(machine / "host.tar.xz", "first")
    folder = BuiltHost(archive).folder()
    assert (folder / "run").read_text() == "first"
    (folder / "run").write_text("kept")
    assert (BuiltHost(archive).folder() / "run").read_text() == "kept"
    _archive(archive, "second, longer")
    assert (BuiltHost(archive).folder() / "run").read_text() == "second, longer"


def test_the_app_is_laid_out_as_it_would_be_deployed(tmp_path: Path) -> None:
    lay_out(ROOT, tmp_path / "app", tmp_path)
    assert {path.name for path in (tmp_path / "app").iterdir()} == {
        "bin",
        "function_app.py",
        "gates",
        "host.json",
        "requirements.txt",
        "shared",
    }
    deployed, own = (json.loads((folder / "host.json").read_text()) for folder in (tmp_path / "app", ROOT))
    assert {**deployed, "extensionBundle": own["extensionBundle"]} == own


def test_what_was_laid_out_before_is_gone(tmp_path: Path) -> None:
    (tmp_path / "app").mkdir()
    (tmp_path / "app" / "old").touch()
    lay_out(ROOT / "tests/twin/sample_app", tmp_path / "app", tmp_path)
    assert {path.name for path in (tmp_path / "app").iterdir()} == {"bin", "host.json", "sample_app.py"}

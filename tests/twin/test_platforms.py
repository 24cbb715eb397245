"""Programs for another machine run where an emulator is; else, like files that are no programs, they are refused."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from pathlib import Path

import pytest

from infra.local.runner.platforms import machines, remarks
from infra.local.twin.images import PushedImage, layer_of, push_layers
from tests.twin.runner_fixtures import Registry, Runs, running_registry

pytestmark = pytest.mark.twin

_AARCH64 = 183
_BASE = 0x400000
# mov x8, 93 (exit); mov x0, 7; svc 0
_EXIT_7 = struct.pack("<III", 0xD2800BA8, 0xD28000E0, 0xD4000001)


def arm64_program() -> bytes:
    """Return a program for arm64 that ends with status 7."""
    size = 64 + 56 + len(_EXIT_7)
    head = b"\x7fELF\x02\x01\x01" + bytes(9)
    head += struct.pack("<HHIQQQIHHHHHH", 2, _AARCH64, 1, _BASE + 64 + 56, 64, 0, 0, 64, 56, 1, 0, 0, 0)
    return head + struct.pack("<IIQQQQQQ", 1, 5, 0, _BASE, _BASE, size, size, 0x1000) + _EXIT_7


@pytest.fixture(scope="module")
def registry(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Registry]:
    """A registry with a small image."""
    with running_registry(tmp_path_factory.mktemp("registry")) as found:
        files = {
            "bare": "echo taken for a script\n",
            "real": "#!/bin/sh\necho a script\n",
            "windows": "#!/bin/sh\r\necho a script\r\n",
        }
        found.push_busybox("library/busybox:1", files)
        yield found


@pytest.fixture(scope="module")
def seven(registry: Registry) -> PushedImage:
    """An index over two images that hold the same program for arm64; one of them says so."""
    files: dict[str, str | bytes] = {"/seven": arm64_program(), "/script": "#!/seven\n"}
    platforms = ("linux/amd64", "linux/arm64")
    layers, config = [layer_of(files)], {"Cmd": ["/seven"]}
    return push_layers(f"http://{registry.address}", "library/seven", "1", layers, platforms=platforms, config=config)


@pytest.fixture
def runs(registry: Registry, tmp_path: Path) -> Runs:
    """Runs with a folder of their own."""
    return Runs(registry, tmp_path)


@pytest.mark.parametrize("command", ["", " /script"])
def test_a_program_for_arm64_runs_where_an_emulator_is_and_else_is_no_program(
    runs: Runs, seven: PushedImage, command: str
) -> None:
    result, log = runs.start(f"steps:\n- cmd: seven@{seven.manifests['linux/arm64']}{command}\n")
    assert result.status == "Failed"
    assert any(line.startswith("WARNING: The requested image's platform (linux/arm64) does not match") for line in log)
    emulated = "arm64" in machines()
    refused = f"exec {command.strip() or '/seven'}: exec format error"
    unknown = "This machine runs nothing for linux/arm64: no emulator is registered with binfmt_misc."
    assert (refused in log) == (unknown in log) == (not emulated)
    assert f"failed to run step ID: acb_step_0: exit status {7 if emulated else 255}" in log


def test_an_image_that_is_not_what_it_says_is_found_out_too(runs: Runs, seven: PushedImage) -> None:
    _, log = runs.start(f"steps:\n- cmd: seven@{seven.digest}\n")
    assert not any(line.startswith("WARNING") for line in log)
    assert ("exec /seven: exec format error" in log) == ("arm64" not in machines())


def test_an_index_without_this_machine_has_nothing_to_pull(runs: Runs, registry: Registry) -> None:
    layers, platforms = [layer_of({"/seven": arm64_program()})], ("linux/arm64", "linux/arm")
    push_layers(f"http://{registry.address}", "library/other", "1", layers, platforms=platforms)
    result, log = runs.start("steps:\n- cmd: other:1\n")
    assert result.status == "Failed"
    assert any("no image found in" in line and "for architecture amd64" in line for line in log)


def test_a_file_that_is_no_program_is_not_taken_for_a_script(runs: Runs) -> None:
    result, log = runs.start("steps:\n- cmd: busybox:1 /real\n- cmd: busybox:1 /bare\n")
    assert result.status == "Failed"
    assert "a script" in log
    assert "exec /bare: exec format error" in log
    assert "taken for a script" not in log


def test_a_script_whose_interpreter_is_not_there_is_not_found(runs: Runs) -> None:
    _, log = runs.start("steps:\n- cmd: busybox:1 /windows\n")
    assert "exec /windows: no such file or directory" in log
    assert "failed to run step ID: acb_step_0: exit status 127" in log


def test_an_emulator_counts_if_it_is_enabled_and_opened_for_all(tmp_path: Path) -> None:
    text = "enabled\ninterpreter /usr/libexec/qemu-binfmt/aarch64-binfmt-P\nflags: {}\noffset 0\n"
    seen = []
    for content in (text.format("POCF"), text.format("POC"), text.format("POCF").replace("enabled", "disabled")):
        (tmp_path / "qemu-aarch64").write_text(content)
        seen.append("arm64" in machines(tmp_path))
    assert seen == [True, False, False]
    assert next(iter(machines(tmp_path))) == "amd64"
    assert remarks("amd64") == []

"""Images made for the demo: real, small, the same for the same content, and runnable."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator

import pytest
import requests

from infra.local.twin.images import OCI_INDEX, OCI_MANIFEST, push_image, tag_digest
from infra.local.twin.ports import new_topology
from infra.local.twin.twin import Twin

pytestmark = pytest.mark.twin


@pytest.fixture(scope="module")
def registry(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with Twin(new_topology(tmp_path_factory.mktemp("images"))) as twin:
        yield twin.topology.http("backing_docker_hub")


def test_a_tag_points_at_what_was_pushed(registry: str) -> None:
    pushed = push_image(registry, "library/one", "1", release="1.0")
    assert tag_digest(registry, "library/one", "1") == pushed.digest == pushed.manifests["linux/amd64"]
    assert tag_digest(registry, "library/one", "2") is None


def test_the_same_content_is_the_same_digest_and_another_release_differs_by_its_upper_layer(registry: str) -> None:
    first = push_image(registry, "library/two", "1", release="1.0")
    again = push_image(registry, "library/two", "1", release="1.0")
    other = push_image(registry, "library/two", "1", release="1.1")
    assert first.digest == again.digest != other.digest
    assert first.layers[0] == other.layers[0]
    assert first.layers[1] != other.layers[1]


def test_an_image_tells_of_each_of_its_layers_so_that_chains_can_be_built_on_it(registry: str) -> None:
    pushed = push_image(registry, "library/five", "1", release="5.0")
    manifest = requests.get(f"{registry}/v2/library/five/manifests/1", headers={"Accept": OCI_MANIFEST}, timeout=5)
    config = manifest.json()["config"]["digest"]
    told = requests.get(f"{registry}/v2/library/five/blobs/{config}", timeout=5).json()["history"]
    assert len(told) == len(pushed.layers) == 2


def test_two_platforms_make_an_index(registry: str) -> None:
    pushed = push_image(registry, "library/three", "1", release="1.0", platforms=("linux/amd64", "linux/arm64"))
    url = f"{registry}/v2/library/three/manifests/1"
    index = requests.get(url, headers={"Accept": OCI_INDEX}, timeout=5).json()
    assert [entry["platform"]["architecture"] for entry in index["manifests"]] == ["amd64", "arm64"]
    assert [entry["digest"] for entry in index["manifests"]] == list(pushed.manifests.values())


def test_skopeo_reads_an_image_and_copies_it_whole(registry: str, tmp_path_factory: pytest.TempPathFactory) -> None:
    pushed = push_image(registry, "library/four", "1", release="4.0", files={"/usr/bin/hello": "#!/bin/sh\necho hi\n"})
    target = tmp_path_factory.mktemp("copy")
    source = f"docker://{registry.removeprefix('http://')}/library/four:1"
    subprocess.run(["skopeo", "copy", "-q", "--src-tls-verify=false", source, f"dir:{target}"], check=True)
    manifest = json.loads((target / "manifest.json").read_text())
    assert [layer["digest"] for layer in manifest["layers"]] == list(pushed.layers)
    listed = subprocess.run(
        ["tar", "-tzf", str(target / pushed.layers[1].removeprefix("sha256:"))],
        capture_output=True,
        text=True,
        check=True,
    ).stdout.split()
    assert {"etc/base-release", "usr/bin/hello"} <= set(listed)

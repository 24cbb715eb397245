"""A watch list is written from a registry that is there: from the twin's, through the real SDK."""

from __future__ import annotations

import json

import pytest

from infra.adopt.__main__ import main
from infra.adopt.listing import as_watch_list
from infra.adopt.reading import read_repositories
from infra.local.twin.images import push_image
from shared.watch_list_yaml import parse_watch_list
from tests.twin.conftest import Twin

pytestmark = pytest.mark.twin

HUB = {"Labels": {"org.opencontainers.image.url": "https://hub.docker.com/_/node"}}
BUILT = {"Labels": {"org.opencontainers.image.base.name": "docker.io/library/alpine:3.20"}}


def test_a_list_is_written_from_a_registry_and_nothing_in_it_is_changed(twin: Twin) -> None:
    backing = twin.topology.http("backing_base")
    for tag in ("22", "3.10"):
        push_image(backing, "adopted/node", tag, f"node {tag}", config=HUB, platforms=("linux/amd64", "linux/arm64"))
    push_image(backing, "adopted/shop", "latest", "shop", config=BUILT)
    push_image(backing, "quay.io/team/tool", "v1", "tool")
    twin.control("DELETE", "/counts")
    with twin.client("base") as client:
        found = [one for one in read_repositories(client) if one.repository.startswith(("adopted/", "quay.io/"))]
    text = as_watch_list("base", found)
    entries = {image.target: image for image in parse_watch_list(text.encode()).images}
    assert set(entries) == {"adopted/node"}
    assert (entries["adopted/node"].source, entries["adopted/node"].tags) == ("docker.io/library/node", ["22", "3.10"])
    assert "its name begins as a registry does, which no target may" in text
    assert "quay.io/team/tool" in text
    assert '# - name: adopted-shop\n  #   source: "docker.io/library/alpine"' in text
    kinds = json.dumps(twin.control("GET", "/counts").json()["base"])
    assert not {"PUT", "PATCH", "DELETE"} & set(kinds.replace('"', " ").split()), kinds


def test_whoever_names_no_registry_is_told_how(capsys: pytest.CaptureFixture[str]) -> None:
    assert main([]) == 2
    assert "python -m infra.adopt <login server" in capsys.readouterr().err

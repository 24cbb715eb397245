"""The product, as it would be deployed, under Microsoft's own Functions host, on a twin; skipped where it is not."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from infra.local.demo.scenes import Scenes
from infra.local.microsoft_host.found import HostMissingError, find_host
from infra.local.twin.ports import new_topology
from infra.local.twin.twin import Twin
from tests.host.product import SETTINGS, UNREADY, Product

# Core Tools serve every function without a key.
needs_keys = pytest.mark.skipif(bool(shutil.which("func")), reason="Core Tools ask for no key")


@pytest.fixture(scope="session")
def microsoft() -> None:
    """Skip what needs Microsoft's host where it is not, with the reason."""
    try:
        find_host()
    except HostMissingError as error:
        pytest.skip(str(error))


@pytest.fixture
def unready(microsoft: None, tmp_path: Path) -> Iterator[Twin]:  # noqa: ARG001
    """The product where nobody set what it does not start without."""
    with Twin(new_topology(tmp_path), UNREADY, host="microsoft", storage_only=True) as twin:
        twin.start_host(queues=False)
        yield twin


@pytest.fixture(scope="session")
def product(microsoft: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Product]:  # noqa: ARG001
    """The product on a running twin, with what the demo's scenes need on the stage."""
    with Twin(new_topology(tmp_path_factory.mktemp("product")), SETTINGS, host="microsoft") as twin:
        scenes = Scenes(twin)
        scenes.prepare()
        twin.start_host()
        yield Product(twin, scenes)

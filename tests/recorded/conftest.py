"""A recording for a test, under the product's own clients; skipped, saying so, where the recordings are not."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

import pytest
from azure.core.credentials import AccessToken

from shared.adapters.azure.clients import AzureClients
from tests.doubles.scripted_http import ScriptedHttp, wire
from tests.recorded.recordings import FOLDER, Recording

__all__ = ["wire"]


@pytest.fixture(autouse=True)
def recordings() -> None:
    """Skip where there are none."""
    if not FOLDER.is_dir():
        pytest.skip("the recordings of Azure's answers are not on this machine (shared/samples/azure-recorded)")


@pytest.fixture
def recording(request: pytest.FixtureRequest, wire: ScriptedHttp) -> Iterator[Recording]:
    """The recording that a test names by ``plays``, played to its end."""
    played = Recording(request.param, wire)
    yield played
    played.end()


class _Identity:
    """An identity that is always signed in."""

    def get_token(self, *_: str, **__: Any) -> AccessToken:
        """Return a token that nobody checks."""
        return AccessToken("entra-token", int(time.time()) + 3600)


@pytest.fixture
def clients() -> AzureClients:
    """The clients as the product makes them in Azure."""
    return AzureClients(
        _Identity,
        arm_endpoint="https://management.azure.com",
        arm_audience="https://management.azure.com",
        acr_audience="https://containerregistry.azure.net",
    )

"""Identities of gates that read secrets are named in the settings, and none of them is the app's."""

from __future__ import annotations

import json

import pytest

from shared.domain.gate.identity import GateIdentity
from shared.errors import ConfigurationError
from shared.gate_identities import identity_problems, parse_identities

pytestmark = pytest.mark.unit

RESOURCE = "/subscriptions/s/resourceGroups/g/providers/Microsoft.ManagedIdentity/userAssignedIdentities/shop"
CLIENT = "0f8fad5b-d9cb-469f-a165-70867728950e"


def setting(resource: str = RESOURCE, client: str = CLIENT) -> str:
    """Return a setting with one identity."""
    return json.dumps({"shop": {"resourceId": resource, "clientId": client}})


def test_an_identity_is_read_by_its_gates_name_and_none_is_named_by_default() -> None:
    assert parse_identities(setting()) == {"shop": GateIdentity(RESOURCE, CLIENT)}
    assert parse_identities("") == {}


@pytest.mark.parametrize(
    "text",
    ["x", "[]", '{"shop": {}}', setting(resource="/subscriptions/s"), setting(client="shop")],
)
def test_what_names_no_user_assigned_identity_is_refused(text: str) -> None:
    with pytest.raises(ConfigurationError, match="GATE_IDENTITIES"):
        parse_identities(text)
    assert identity_problems({"gate_identities": text, "azure_client_id": ""})


def test_the_apps_own_identity_is_refused_for_a_gate() -> None:
    (told,) = identity_problems({"gate_identities": setting(), "azure_client_id": CLIENT.upper()})
    assert "the app's own identity" in told
    assert identity_problems({"gate_identities": setting(), "azure_client_id": CLIENT.replace("0", "1")}) == []

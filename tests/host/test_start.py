"""What an operator sees of an app that Microsoft's host cannot load."""

from __future__ import annotations

import requests

from infra.local.twin.twin import Twin
from tests.host.product import UNREADY


def test_an_app_that_does_not_start_for_its_settings_names_them_in_the_hosts_log(unready: Twin) -> None:
    said = unready.log("host").read_text(errors="replace")
    assert "Tidegate does not start: the app's settings are incomplete" in said
    assert [name for name in UNREADY if name not in said] == []
    health = requests.get(f"{unready.topology.http('host')}/api/health", timeout=20)
    assert health.status_code == 404, "the host runs, and knows no function"

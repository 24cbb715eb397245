"""What every implementation of ``Tools`` promises."""

from __future__ import annotations

from datetime import UTC, datetime

import msgspec
import pytest

from shared.adapters.storage.account import StorageAccount
from shared.adapters.storage.tools_table import ToolsTable
from shared.domain.promotion.target import Sighting
from shared.domain.promotion.tool import Tool
from shared.domain.references import Digest, Tag, parse_repository
from shared.errors import Conflict
from shared.tool_ports import Tools
from tests.doubles.storage import InMemoryTools

pytestmark = pytest.mark.contract

DIGEST = Digest(f"sha256:{'a' * 64}")
TOOL = Tool(
    name="trivy-db",
    repository="tools/trivy-db",
    digest=DIGEST,
    order=7,
    at=datetime(2026, 1, 1, 12, tzinfo=UTC),
    source=parse_repository("mirror.gcr.io/aquasec/trivy-db"),
    source_tag=Tag("2"),
    sightings=(Sighting(7, DIGEST, "00-a-b-01"), Sighting(8, Digest(f"sha256:{'b' * 64}"))),
)


@pytest.fixture
def tools(account_or_none: StorageAccount | None) -> Tools:
    """The implementation under test."""
    return ToolsTable(account_or_none) if account_or_none else InMemoryTools()


def test_at_first_nothing_is_known(tools: Tools) -> None:
    assert tools.get("trivy-db") is None


def test_what_was_written_is_read_back_by_its_name(tools: Tools) -> None:
    tools.put(None, TOOL)
    tools.put(None, msgspec.structs.replace(TOOL, name="trivy-java-db", digest=Digest(""), at=None))
    found = tools.get("trivy-db")
    assert found is not None
    assert found.tool == TOOL


@pytest.mark.parametrize("there", [False, True])
def test_of_two_who_read_the_same_one_writes(tools: Tools, there: bool) -> None:
    read = tools.put(None, TOOL) if there else None
    written = tools.put(read, msgspec.structs.replace(TOOL, order=8))
    with pytest.raises(Conflict):
        tools.put(read, msgspec.structs.replace(TOOL, order=9))
    assert tools.get("trivy-db") == written

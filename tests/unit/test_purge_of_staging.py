"""The purge of the staging registry goes by tags: it spares tools, which candidates mark by theirs."""

from __future__ import annotations

import re
from pathlib import Path

import msgspec
import pytest

from shared.domain.promotion.candidate import Candidate
from shared.domain.promotion.target import Sighting
from shared.domain.promotion.tool import Tool, candidate_of
from shared.domain.references import Tag, parse_repository
from tests.doubles.registries import digest_of
from tests.doubles.storage import MIDDAY

pytestmark = pytest.mark.unit

TEMPLATE = Path(__file__).resolve().parents[2] / "infra" / "modules" / "staging-retention.bicep"
# As the command has it: the repository's part is anchored, the tag's is searched for.
COMMANDS = re.findall(r"acr purge --filter '([^':]+):([^']+)' --ago (\S+)(.*)", TEMPLATE.read_text())


def staged(repository: str, tag: str = "2") -> Candidate:
    """Return the candidate of a tool."""
    source = parse_repository("mirror.gcr.io/aquasec/trivy-db")
    tool = Tool(name="trivy-db", repository=repository, source=source, source_tag=Tag(tag))
    return candidate_of(tool, Sighting(1, digest_of("a")), MIDDAY)


def purged_by(candidate: Candidate) -> list[str]:
    """Return after how long each command purges the tag of a candidate, and how many it keeps."""
    return [
        f"{ago}{options}"
        for repositories, tags, ago, options in COMMANDS
        if re.fullmatch(repositories, candidate.home.repository) and re.search(tags, candidate.staging_tag)
    ]


def test_of_tools_the_latest_are_kept_wherever_they_are() -> None:
    assert len(COMMANDS) == 3
    assert purged_by(staged("tools/trivy-db")) == ["2d --keep 3", "2d --keep 3 --untagged"]
    assert purged_by(staged("mirror/db", "x" * 128)) == ["2d --keep 3"]


@pytest.mark.parametrize("repository", ["base/node", "tools/renovate"])
def test_what_is_promoted_is_purged_as_ever_wherever_it_is(repository: str) -> None:
    image = msgspec.structs.replace(staged(repository), tool="")
    assert purged_by(image) == ["{0}d --untagged"]


def test_the_staging_tag_of_a_tool_is_a_tag_however_long_its_source_tag_is() -> None:
    tag = staged("tools/db", "x" * 128).staging_tag
    assert len(tag) <= 128
    assert tag.endswith(digest_of("a").partition(":")[2][:32])

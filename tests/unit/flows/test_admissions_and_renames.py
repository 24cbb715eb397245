"""By which entry's policy a tag goes where several entries write into one repository."""

from __future__ import annotations

import pytest

from shared.domain.promotion.candidate import Place
from shared.domain.references import Tag
from shared.rules.policies import Asking
from shared.watch_list_yaml import parse_watch_list
from tests.doubles.registries import digest_of

pytestmark = pytest.mark.unit

LIST = f"""
scanner: {{image: 'docker.io/aquasec/trivy@{digest_of("scanner")}', database: trivy-db}}
policies: {{strict: {{test: {{gate: node}}, scan: {{block: low}}}}, lax: {{test: {{gate: node}}}}}}
images:
  - {{name: trivy-db, source: ghcr.io/aquasecurity/trivy-db, tags: [2], target: tools/trivy-db, registry: staging}}
  - {{name: old, source: docker.io/library/node, tags: [20-alpine], target: base/node, policy: lax}}
  - {{name: new, source: docker.io/library/node, tags: [22-alpine], target: base/node, policy: strict}}
"""


def policy_for(tag: str, sighted_for: str) -> str:
    asked = Asking(parse_watch_list(LIST.encode())).of(sighted_for, Place("base/node", Tag(tag)))
    return asked.policy.name if asked.policy else ""


def test_a_renamed_entry_is_known_by_the_tag_that_it_writes() -> None:
    assert policy_for("22-alpine", "the-name-before") == "strict"


def test_a_tag_that_another_entry_writes_now_goes_by_that_ones_policy() -> None:
    assert policy_for("22-alpine", "old") == "strict"

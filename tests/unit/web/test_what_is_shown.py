"""What a record keeps for itself is shown to nobody."""

from __future__ import annotations

import json

import msgspec
import pytest

from shared.domain.promotion.admission import Admission
from shared.domain.promotion.candidate import Candidate
from shared.domain.promotion.importing import Importing
from shared.domain.promotion.statuses import Status
from shared.domain.promotion.target import Origin, Target
from shared.domain.references import Tag
from shared.domain.scan.decision import Outcome
from shared.web.candidates import get_candidate
from shared.web.targets import shown_target
from tests.doubles.storage import InMemoryRecords
from tests.unit.examples import NOON, ONE, candidate

pytestmark = pytest.mark.unit


def test_neither_the_secret_of_a_candidates_runs_nor_what_its_import_is_found_by_is_shown() -> None:
    records = InMemoryRecords(Candidate)
    records.insert(candidate(status=Status.IMPORTING, secret="whispered", operation="signed"))
    shown = get_candidate(candidate().id, records).get_body().decode()
    assert json.loads(shown)["status"] == "importing"
    assert not {word for word in ("whispered", "signed", "operation") if word in shown}


def test_what_scans_mean_for_a_tag_is_shown_with_what_it_was_decided_by() -> None:
    origin = Origin("node", candidate().source, Tag("22"))
    admission = Admission(
        digest=ONE,
        outcome=Outcome.REJECT,
        reasons=("blocking-findings",),
        detail="CVE-1 in openssl",
        policy="p",
        at=NOON,
    )
    target = Target(registry="base", repository="node", tag=Tag("22"), origin=origin, admissions=(admission,))
    (shown,) = shown_target(target).admissions
    assert (shown.outcome, shown.reasons, shown.policy) == (Outcome.REJECT, ("blocking-findings",), "p")


def test_what_an_import_into_the_base_registry_is_found_by_is_not_shown() -> None:
    origin = Origin("node", candidate().source, Tag("22"))
    importing = Importing(ONE, NOON, operation="signed")
    target = Target(registry="base", repository="node", tag=Tag("22"), origin=origin, importing=importing)
    shown = json.loads(msgspec.json.encode(shown_target(target)))
    assert shown["importing"]["digest"] == ONE
    assert "signed" not in json.dumps(shown)

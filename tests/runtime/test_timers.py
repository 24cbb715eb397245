"""The timer functions."""

from __future__ import annotations

import pytest

from shared.adapters.storage.records_table import RecordsTable
from shared.domain.promotion.candidate import Candidate
from tests.contract.examples import candidate
from tests.runtime.conftest import Sent
from tests.runtime.typed_data import timer
from tests.runtime.worker import Worker

REGISTRIES = {"check_docker_hub": "docker.io/", "check_mcr": "mcr.microsoft.com/"}


@pytest.mark.parametrize("name", REGISTRIES)
def test_a_check_timer_asks_for_a_check_of_its_own_upstream(worker: Worker, name: str, sent: Sent) -> None:
    sent("imports")
    assert worker.invoke(name, timer()).succeeded
    (message,) = sent("imports")
    assert message["repositories"]
    assert all(repository.startswith(REGISTRIES[name]) for repository in message["repositories"])


def test_the_sweep_wakes_for_a_candidate_that_was_left_behind(
    worker: Worker, sent: Sent, candidates: RecordsTable[Candidate]
) -> None:
    candidates.insert(candidate(target="base/overdue"))
    sent("imports")
    assert worker.invoke("sweep", timer()).succeeded
    assert "staging" in [message.get("due") for message in sent("imports")]

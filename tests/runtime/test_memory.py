"""A worker with ten thousand tags and five hundred candidates under way fits into the smallest instance of the plan."""

from __future__ import annotations

import signal
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from infra.local.ingestion.server import Ingestion
from shared.domain.events.messages import CheckRepositories, LookAtDue, encode
from shared.domain.promotion.due import Due
from tests.bench.deployed import telemetry_settings
from tests.contract.azurite import connection_string, running_azurite
from tests.runtime.answering import Answering, answering
from tests.runtime.conftest import account_of
from tests.runtime.filled import TAGS_EACH, Filled
from tests.runtime.limited import limited, peak_mb
from tests.runtime.settings import app_settings
from tests.runtime.typed_data import queue_message, timer
from tests.runtime.worker import Worker, running_worker

# The smallest instance has 512 MB, and 272 MB more that the platform keeps for itself and its host:
# https://learn.microsoft.com/azure/azure-functions/flex-consumption-plan#instance-sizes
# Microsoft's host, with this product, took 194 MB at most (version 4.1037). Nobody says what else is in the 272 MB, so
# the host is reckoned as if it were in the 512, with a third more for what it may come to: 512 - 255. What is left has
# to do for the worker.
INSTANCE, HOST = 512, 255
MOST = INSTANCE - HOST
TAGS, UNDER_WAY = 10_000, 500
# As host.json has it: messages that one instance works on at a time.
AT_ONCE = 24


@pytest.fixture(scope="module")
def upstream(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Answering]:
    """The registry that is watched."""
    with answering(tmp_path_factory.mktemp("upstream")) as serving:
        yield serving


@pytest.fixture(scope="module")
def large(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Connection string of a storage account of its own: the others are asked for the sample list."""
    with running_azurite(tmp_path_factory.mktemp("azurite")) as ports:
        yield connection_string(ports)


@pytest.fixture(scope="module")
def filled(upstream: Answering, large: str) -> Filled:
    """What the account holds."""
    all_of_it = Filled(upstream.host, TAGS // TAGS_EACH, UNDER_WAY)
    all_of_it.fill(account_of(large))
    return all_of_it


@pytest.fixture
def small(filled: Filled, upstream: Answering, large: str, log_file: Path) -> Iterator[Worker]:  # noqa: ARG001
    """A worker that is killed if it takes more than is left of the smallest instance, where a limit can be set."""
    with Ingestion() as ingestion, limited(MOST) as before:
        settings = {
            **app_settings(large),
            **telemetry_settings(),
            "APPLICATIONINSIGHTS_CONNECTION_STRING": ingestion.connection_string,
            "REQUESTS_CA_BUNDLE": str(upstream.ca_bundle),
            "SSL_CERT_FILE": str(upstream.ca_bundle),
        }
        with running_worker(settings, log_file, before) as worker:
            assert worker.start().succeeded
            yield worker
        assert ingestion.size(metrics=False), "nothing was told: the worker ran without its telemetry"


def test_who_takes_more_than_the_limit_is_killed() -> None:
    with limited(MOST) as before:
        if not before:
            pytest.skip("no control groups of memory can be made here")
        modest, greedy = (
            subprocess.run([*before, sys.executable, "-c", f"bytearray({size} * 2**20)"], check=False).returncode
            for size in (MOST // 2, MOST * 2)
        )
    assert (modest, greedy) == (0, -signal.SIGKILL)


def test_checks_and_sweeps_of_ten_thousand_tags_fit_into_what_the_smallest_instance_leaves(
    small: Worker, filled: Filled, upstream: Answering
) -> None:
    names = [str(filled.source(number)) for number in range(AT_ONCE)]
    checks = [queue_message(encode(CheckRepositories(v=1, repositories=(name,)))) for name in names]
    assert [one for one in small.invoke_together("import_images", checks) if not one.succeeded] == []
    assert upstream.asked["HEAD"] == AT_ONCE * TAGS_EACH
    print(f"after {AT_ONCE} checks: {peak_mb(small.pid):.0f} MB")

    assert small.invoke("sweep", timer()).succeeded
    assert small.invoke("check_other_registries", timer()).succeeded
    print(f"after a sweep: {peak_mb(small.pid):.0f} MB")

    looks = [queue_message(encode(LookAtDue(v=1, due=due, at=datetime.now(UTC)))) for due in Due]
    assert [one for one in small.invoke_together("import_images", looks) if not one.succeeded] == []
    assert peak_mb(small.pid) <= MOST, f"a worker took {peak_mb(small.pid):.0f} MB"
    print(f"after looks at all that is due: {peak_mb(small.pid):.0f} MB")

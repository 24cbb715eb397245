"""Every request to ARM waits for its turn, and every answer is heard."""

from __future__ import annotations

from datetime import timedelta

import pytest

from shared.adapters.azure.clients import AzureClients
from shared.adapters.azure.registry import AzureContainerRegistry
from shared.adapters.azure.tasks import AcrTasks
from shared.config import RegistryId
from shared.domain.gate.verdict import RunStatus
from shared.domain.pacing.asking import NOTHING, Answered, Asked
from shared.domain.pacing.bucket import Kind, Work
from shared.domain.references import Tag, parse_repository
from shared.errors import Paced, RateLimited, ServiceError, Unavailable
from shared.ports import ImportSource
from tests.doubles.gates import gate_run
from tests.doubles.registries import digest_of
from tests.doubles.scripted_http import ScriptedHttp, wire
from tests.unit.adapters.azure.test_registry import StaticCredential

__all__ = ["wire"]
pytestmark = pytest.mark.unit

_ARM = "https://management.azure.com"
_ID = "/subscriptions/ABC/resourceGroups/g/providers/Microsoft.ContainerRegistry/registries/staging"
_REGISTRY = RegistryId("ABC", "g", "staging", _ID)
_LEFT = "x-ms-ratelimit-remaining-subscription-"
_SOURCE = ImportSource(parse_repository("docker.io/library/node"), digest_of("22"))
_THROTTLED = {"error": {"code": "SubscriptionRequestsThrottled", "message": "Number of requests exceeded the limit."}}
_BY_PROVIDER = {"error": {"code": "ResourceRequestsThrottled", "message": "Number of requests for action exceeded."}}
IMPORT = Asked("abc", Kind.WRITES, "POST registries/importImage")
FIND = Asked("abc", Kind.READS, "GET registries/taskRuns")
UPLOAD = Asked("abc", Kind.WRITES, "POST registries/listBuildSourceUploadUrl")
RUN = Asked("abc", Kind.WRITES, "PUT registries/taskRuns")
LOG = Asked("abc", Kind.WRITES, "POST registries/runs/listLogSasUrl")


class ToldPace:
    """The port ``Pace``: keeps what it was asked and told."""

    def __init__(self) -> None:
        self.taken: list[tuple[Work, Asked]] = []
        self.reserved: list[tuple[Work, tuple[Asked, ...]]] = []
        self.heard: list[tuple[Asked, Answered]] = []
        self.refuses: Paced | None = None

    def reserve(self, work: Work, *requests: Asked) -> None:
        """See the port."""
        self.reserved.append((work, requests))

    def take(self, work: Work, request: Asked) -> None:
        """See the port."""
        if self.refuses is not None:
            raise self.refuses
        self.taken.append((work, request))

    def answered(self, request: Asked, answer: Answered) -> None:
        """See the port."""
        self.heard.append((request, answer))


@pytest.fixture
def pace() -> ToldPace:
    """The pace."""
    return ToldPace()


@pytest.fixture
def clients(pace: ToldPace) -> AzureClients:
    """The clients."""
    audience = "https://containerregistry.azure.net"
    return AzureClients(StaticCredential, arm_endpoint=_ARM, arm_audience=_ARM, acr_audience=audience, pace=pace)


@pytest.fixture
def registry(clients: AzureClients) -> AzureContainerRegistry:
    """The staging registry."""
    return AzureContainerRegistry(clients, _REGISTRY, staging_id=_ID, accounts={})


@pytest.fixture
def runs(clients: AzureClients) -> AcrTasks:
    """ACR Tasks of the staging registry."""
    return AcrTasks(clients.at(Work.GATE), _REGISTRY)


def start(registry: AzureContainerRegistry) -> None:
    """Ask for an import."""
    registry.start_import(_SOURCE, "base/node", Tag("22"))


def test_a_request_takes_its_turn_and_its_answer_is_heard(
    wire: ScriptedHttp, registry: AzureContainerRegistry, pace: ToldPace
) -> None:
    wire.answer(202, {"Location": f"{_ARM}/operations/1", f"{_LEFT}writes": "187", f"{_LEFT}reads": "3"})
    start(registry)
    assert pace.taken == [(Work.IMPORT, IMPORT)]
    assert pace.heard == [(IMPORT, Answered(187))]


def test_what_is_not_in_its_turn_is_not_sent(
    wire: ScriptedHttp, registry: AzureContainerRegistry, pace: ToldPace
) -> None:
    pace.refuses = Paced("not yet", retry_after=3)
    with pytest.raises(Paced, match="not yet"):
        start(registry)
    assert wire.requests == []
    assert pace.heard == []


def test_each_client_asks_for_what_its_requests_are_for(
    wire: ScriptedHttp, clients: AzureClients, pace: ToldPace
) -> None:
    wire.answer(202, {"Location": f"{_ARM}/operations/1"})
    wire.answer(202, {"Location": f"{_ARM}/operations/2"})
    for work in (Work.PROMOTION, Work.IMPORT):
        start(AzureContainerRegistry(clients.at(work), _REGISTRY, staging_id=_ID, accounts={}))
    assert [work for work, _ in pace.taken] == [Work.PROMOTION, Work.IMPORT]


def test_a_log_is_fetched_for_a_verdict(wire: ScriptedHttp, runs: AcrTasks, pace: ToldPace) -> None:
    wire.answer(404, body={"error": {"code": "ResourceNotFound", "message": "no"}})
    assert runs.log("ca1") == ""
    assert pace.taken == [(Work.VERDICT, LOG)]


@pytest.mark.parametrize(("body", "whole"), [(_THROTTLED, True), (_BY_PROVIDER, False)])
def test_a_429_of_arm_is_no_failure_but_a_turn_that_has_not_come(
    wire: ScriptedHttp, registry: AzureContainerRegistry, pace: ToldPace, body: object, whole: bool
) -> None:
    wire.answer(429, {"Retry-After": "17", f"{_LEFT}writes": "0"}, body)
    with pytest.raises(Paced) as told:
        start(registry)
    assert told.value.retry_after == 17
    assert pace.heard == [(IMPORT, Answered(0, timedelta(seconds=17), whole=whole))]
    assert len(wire.requests) == 1


def test_a_429_of_a_read_is_heard_as_one_of_a_write_is(wire: ScriptedHttp, runs: AcrTasks, pace: ToldPace) -> None:
    wire.answer(429, {"Retry-After": "2"}, _THROTTLED)
    with pytest.raises(Paced):
        runs.find("tidegate-1")
    assert pace.heard == [(FIND, Answered(None, timedelta(seconds=2)))]


def test_a_429_that_does_not_say_for_how_long_is_heeded_for_some_seconds(
    wire: ScriptedHttp, registry: AzureContainerRegistry, pace: ToldPace
) -> None:
    wire.answer(429, body=b"slow down")
    with pytest.raises(Paced):
        start(registry)
    assert pace.heard == [(IMPORT, Answered(None, timedelta(seconds=10)))]


def test_a_429_that_quotes_the_source_registry_is_not_about_arm(
    wire: ScriptedHttp, registry: AzureContainerRegistry, pace: ToldPace
) -> None:
    quoted = '{"errors":[{"code":"TOOMANYREQUESTS","message":"You have reached your pull rate limit."}]}'
    wire.answer(429, {"Retry-After": "60"}, {"error": {"code": "InvalidParameters", "message": quoted}})
    with pytest.raises(RateLimited) as told:
        start(registry)
    assert not isinstance(told.value, Paced)
    assert pace.heard == [(IMPORT, NOTHING)]


def test_a_request_without_an_answer_is_not_waited_for(
    wire: ScriptedHttp, registry: AzureContainerRegistry, pace: ToldPace
) -> None:
    wire.fail(OSError("reset"))
    with pytest.raises(ServiceError):
        start(registry)
    assert [one for one, _ in pace.heard] == [one for _, one in pace.taken] != []


def test_a_write_that_was_not_answered_is_sent_once_so_that_a_429_always_means_that_nothing_was_begun(
    wire: ScriptedHttp, registry: AzureContainerRegistry
) -> None:
    wire.fail(OSError("reset"))
    wire.answer(429, {"Retry-After": "17"}, _THROTTLED)
    with pytest.raises(Unavailable):
        start(registry)
    assert len(wire.requests) == 1


def test_the_registrys_own_requests_wait_for_no_turn_of_arm(
    wire: ScriptedHttp, registry: AzureContainerRegistry, pace: ToldPace
) -> None:
    wire.answer(404, body={"errors": [{"code": "MANIFEST_UNKNOWN"}]})
    assert registry.digest("base/node", Tag("22")) is None
    assert pace.taken == []


def test_before_a_claim_a_turn_is_reserved_for_all_that_follows_from_it(
    registry: AzureContainerRegistry, runs: AcrTasks, pace: ToldPace
) -> None:
    registry.take_turn()
    runs.take_gate_turn()
    runs.take_task_turn()
    assert pace.reserved == [
        (Work.IMPORT, (IMPORT,)),
        (Work.GATE, (UPLOAD, RUN)),
        (Work.GATE, (RUN,)),
    ]


def start_first_gate(wire: ScriptedHttp, runs: AcrTasks) -> None:
    """Reserve a turn and schedule the first run of a gate."""
    runs.take_gate_turn()
    wire.answer(200, body={"uploadUrl": "https://blobs.example/gates/source?sig=1", "relativePath": "source/1.tar.gz"})
    wire.answer(201)
    wire.answer(200, body={"properties": {"roleAssignmentMode": "LegacyRegistryPermissions"}})
    result = {"name": "ca1", "properties": {"runId": "ca1", "status": "Queued"}}
    wire.answer(200, body={"name": "n", "properties": {"provisioningState": "Creating", "runResult": result}})
    assert runs.start_gate("tidegate-1", gate_run(digest_of("node")), again=False).status is RunStatus.QUEUED


def test_what_is_reserved_for_a_gate_is_what_it_takes(wire: ScriptedHttp, runs: AcrTasks, pace: ToldPace) -> None:
    start_first_gate(wire, runs)
    once = Asked("abc", Kind.READS, "GET registries")
    assert [request for _, request in pace.taken if request != once] == [*pace.reserved[0][1]]


def test_of_a_gate_that_was_uploaded_before_only_the_run_is_reserved_and_taken(
    wire: ScriptedHttp, runs: AcrTasks, pace: ToldPace
) -> None:
    start_first_gate(wire, runs)
    pace.taken.clear()
    runs.take_gate_turn()
    assert pace.reserved[1] == (Work.GATE, (RUN,))
    result = {"name": "ca2", "properties": {"runId": "ca2", "status": "Queued"}}
    wire.answer(200, body={"name": "n", "properties": {"provisioningState": "Creating", "runResult": result}})
    runs.start_gate("tidegate-2", gate_run(digest_of("other")), again=False)
    assert [request for _, request in pace.taken] == [RUN]

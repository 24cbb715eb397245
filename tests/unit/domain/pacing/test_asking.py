"""Which bucket a request counts against, and what the headers of an answer say of it."""

from __future__ import annotations

import pytest

from shared.domain.pacing.asking import Asked, asked, left
from shared.domain.pacing.bucket import Kind

pytestmark = pytest.mark.unit

_REGISTRY = "/subscriptions/ABC/resourceGroups/g/providers/Microsoft.ContainerRegistry/registries/staging"
_LEFT = "x-ms-ratelimit-remaining-"


@pytest.mark.parametrize(
    ("method", "path", "kind", "operation"),
    [
        ("POST", f"{_REGISTRY}/importImage", Kind.WRITES, "POST registries/importImage"),
        ("POST", f"{_REGISTRY}/listBuildSourceUploadUrl", Kind.WRITES, "POST registries/listBuildSourceUploadUrl"),
        ("POST", f"{_REGISTRY}/runs/ca1/listLogSasUrl", Kind.WRITES, "POST registries/runs/listLogSasUrl"),
        ("PUT", f"{_REGISTRY}/taskRuns/tidegate-1", Kind.WRITES, "PUT registries/taskRuns"),
        ("GET", f"{_REGISTRY}/taskRuns/tidegate-1", Kind.READS, "GET registries/taskRuns"),
        ("HEAD", _REGISTRY, Kind.READS, "HEAD registries"),
        ("DELETE", f"{_REGISTRY}/taskRuns/tidegate-1", Kind.DELETES, "DELETE registries/taskRuns"),
        (
            "GET",
            "/subscriptions/abc/providers/Microsoft.ContainerRegistry/locations/westeurope/operationResults/1",
            Kind.READS,
            "GET locations/operationResults",
        ),
        ("GET", "/subscriptions/abc", Kind.READS, "GET "),
    ],
)
def test_a_request_counts_by_its_subscription_and_method(method: str, path: str, kind: Kind, operation: str) -> None:
    assert asked(method, path) == Asked("abc", kind, operation)


@pytest.mark.parametrize("path", ["", "/", "/providers/Microsoft.ContainerRegistry/operations", "/tenants", "/id"])
def test_a_request_that_is_about_no_subscription_counts_against_no_bucket(path: str) -> None:
    assert asked("GET", path) is None


@pytest.mark.parametrize(
    ("headers", "found"),
    [
        ({f"{_LEFT}subscription-writes": "199"}, 199),
        ({f"{_LEFT}subscription-writes".upper(): " 199 "}, 199),
        ({f"{_LEFT}subscription-writes": "199", f"{_LEFT}subscription-global-writes": "2999"}, 199),
        ({f"{_LEFT}tenant-writes": "7", f"{_LEFT}subscription-writes": "199"}, 7),
        ({f"{_LEFT}subscription-resource-requests": "42"}, 42),
        ({f"{_LEFT}tenant-resource-requests": "41"}, 41),
        ({f"{_LEFT}subscription-reads": "249"}, None),
        ({f"{_LEFT}resource": "Microsoft.Compute/HighCostGet3Min;107"}, None),
        ({f"{_LEFT}subscription-writes": "many"}, None),
        ({f"{_LEFT}subscription-writes": "-1"}, None),
        ({f"{_LEFT}subscription-writes": ""}, None),
        ({}, None),
    ],
)
def test_the_fewest_requests_that_an_answer_names_are_left(headers: dict[str, str], found: int | None) -> None:
    assert left(Kind.WRITES, headers) == found

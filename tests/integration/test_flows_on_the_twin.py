"""What the flows make of services that behave as real ones do."""

from __future__ import annotations

import time
from datetime import timedelta

import pytest

from shared.domain.events.messages import LookAtBase
from shared.domain.gate.verdict import RunStatus
from shared.domain.promotion.candidate import run_name
from shared.domain.promotion.statuses import Reason, Status
from shared.domain.references import Tag
from shared.errors import MalformedRequest
from shared.flows.sweep import sweep_candidates
from shared.run_ports import Run
from tests.integration.conftest import Product

pytestmark = pytest.mark.integration


def test_a_push_travels_through_every_real_adapter_into_the_base_registry(product: Product) -> None:
    pushed = product.update("release 1")
    assert product.base_digest() == pushed.digest
    assert product.candidate(pushed.digest).status is Status.PROMOTED


def test_no_manifest_is_ever_pulled_from_docker_hub_to_look_at_a_tag(product: Product) -> None:
    product.update("release 1")
    before = product.counts()["docker_hub_registry"]
    for _ in range(3):
        product.check()
        product.settle()
    after = product.counts()["docker_hub_registry"]
    assert after["HEAD manifest"] - before["HEAD manifest"] == 3, "one request for each unchanged tag"
    assert {kind: n for kind, n in after.items() if kind != "HEAD manifest"} == {
        kind: n for kind, n in before.items() if kind != "HEAD manifest"
    }


def test_an_import_that_meets_the_upstreams_limit_is_repeated_and_arrives(product: Product) -> None:
    product.update("release 1")
    product.fault(
        front="arm",
        action="fail-operation",
        kind="importImage",
        code="InvalidParameters",
        message="An error occurred when getting manifest. StatusCode: 429, Reason: Too Many Requests, "
        'Details: {"errors":[{"code":"TOOMANYREQUESTS"}]}',
    )
    pushed = product.update("release 2")
    history = product.candidate(pushed.digest).history
    deferred = [change for change in history if change.reason is Reason.IMPORT_DEFERRED]
    assert product.base_digest() == pushed.digest
    assert "429" in deferred[0].detail


@pytest.mark.parametrize("end", ["Timeout", "Canceled", "Error"])
def test_a_run_that_decided_nothing_is_run_again(product: Product, end: str) -> None:
    product.fault(front="arm", action="fail-operation", kind="run", code=end)
    pushed = product.update("release 1")
    assert product.base_digest() == pushed.digest
    assert product.candidate(pushed.digest).runs == 2


def test_the_run_of_a_release_that_is_replaced_meanwhile_is_ended_and_decides_nothing(product: Product) -> None:
    product.emulate(run_seconds=300)
    try:
        first = product.push("release 1")
        product.check()
        end = time.monotonic() + 60
        while not (stored := product.stored(first.digest)) or not stored.live_run:
            assert time.monotonic() < end, "its run does not begin"
            product.step()
        second = product.push("release 2")
        product.check()
        while product.candidate(first.digest).status is not Status.SUPERSEDED:
            assert time.monotonic() < end, "its run is not ended"
            product.step()
    finally:
        product.emulate(run_seconds=0)
    product.settle()
    assert product.parts.staging_runs.find(run_name(stored)) == Run(stored.live_run, RunStatus.CANCELED)
    assert product.base_digest() == second.digest


def test_a_broken_release_is_rejected_with_its_log_and_the_base_stays_as_it_was(product: Product) -> None:
    good = product.update("release 1")
    bad = product.update("release 2 broken")
    candidate = product.candidate(bad.digest)
    kept = product.parts.evidence._container.read(f"{candidate.id}/{candidate.evidence[0]}", 10**6)  # type: ignore[attr-defined]
    assert candidate.status is Status.REJECTED
    assert product.base_digest() == good.digest
    assert b"release 2 broken" in kept.content


@pytest.mark.parametrize(
    ("front", "kind"),
    [
        ("arm", "importImage"),
        ("arm", "poll operation"),
        ("arm", "put taskRun"),
        ("arm", "get taskRun"),
        ("arm", "get run"),
        ("arm", "list runs"),
        ("arm", "listLogSasUrl"),
        ("staging", "GET tag"),
        ("base", "GET tag"),
        ("base", "POST token"),
    ],
)
@pytest.mark.parametrize("status", [429, 503])
def test_a_service_that_answers_badly_for_a_while_delays_an_update_and_loses_nothing(
    product: Product, front: str, kind: str, status: int
) -> None:
    product.fault(front=front, action="status", kind=kind, status=status, times=3)
    pushed = product.update(f"{front} {kind} {status}")
    assert product.base_digest() == pushed.digest


def test_a_connection_that_drops_delays_an_update_and_loses_nothing(product: Product) -> None:
    product.fault(front="arm", action="drop", kind="importImage", times=4)
    pushed = product.update("release after drops")
    assert product.base_digest() == pushed.digest


def test_docker_hubs_account_is_used_to_look_and_to_import_and_its_token_is_kept_nowhere(product: Product) -> None:
    token = "dckr_pat_neverstored"
    product.emulate(hub_user="robot", hub_token=token)
    product.configure(settings={"DOCKER_HUB_USERNAME": "robot", "DOCKER_HUB_TOKEN": token})
    pushed = product.update("release 1")
    product.emulate(hub_user="", hub_token="")
    assert product.base_digest() == pushed.digest
    assert token not in repr(product.candidate(pushed.digest)) + repr(product.outbox.sent)


def test_a_wrong_docker_hub_token_is_told_as_such_and_is_not_quoted(product: Product) -> None:
    product.emulate(hub_user="robot", hub_token="the right one")
    product.configure(settings={"DOCKER_HUB_USERNAME": "robot", "DOCKER_HUB_TOKEN": "a-wrong-one"})
    product.push("release 1")
    product.check()
    product.settle()
    product.emulate(hub_user="", hub_token="")
    repository = product.parts.watch_lists.in_force().images[0].repository
    trouble = product.parts.observations.of(repository).state.trouble
    assert "DOCKER_HUB_TOKEN" in trouble
    assert "a-wrong-one" not in trouble


def test_what_is_lost_with_a_message_is_taken_up_by_the_sweep(product: Product) -> None:
    pushed = product.push("release 1")
    product.check()
    for delivery in product.outbox.deliver():
        product._work(delivery)
    product.outbox.waiting.clear()
    product.clock.now = product.clock.now.replace(year=2031)
    sweep_candidates(product.parts.candidate_progress, product.parts.staging_runs, product.parts.heirs.succeed)
    product.settle()
    assert product.base_digest() == pushed.digest


def test_a_bad_watch_list_leaves_the_last_good_one_in_force_and_is_recorded(product: Product) -> None:
    product.check()
    product.parts.configuration._container.write("images.yaml", b"images: [{name: 1 2}]")  # type: ignore[attr-defined]
    product.parts.watch_lists.in_force()
    again = type(product.parts)(product.parts.settings)
    assert again.watch_lists.in_force().images[0].target == product.target
    assert "line 1: images[0]" in again.activity.of("watch-list", 1)[0].detail
    with pytest.raises(MalformedRequest):
        again.planner.plan_by_hand(again.watch_lists.in_force(), image="no such image", traceparent="")


def test_a_deleted_base_tag_comes_back_by_one_request_a_look(product: Product) -> None:
    pushed = product.update("release 1")
    product.clock.advance(timedelta(hours=1))
    product.delete_base(pushed.digest)
    assert product.base_digest() is None
    before = product.counts()["base"].get("GET tags", 0)
    product.parts.comparer.look(LookAtBase(v=1, repositories=(product.target,)))
    product.settle()
    assert product.base_digest() == pushed.digest
    target = product.parts.target_book.of(product.target, Tag("1"))
    assert target is not None
    assert (target.number, target.astray) == (1, None)
    # Three that miss all that was in the repository, one that shows its end; the token is that of the update.
    assert product.counts()["base"]["GET tags"] - before == 4

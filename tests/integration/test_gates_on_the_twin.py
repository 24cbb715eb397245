"""Gates as they really run: what an image does to get past one, careless gates, and the ways their files take."""

from __future__ import annotations

import json

import pytest

from infra.local.topology import STAGING
from infra.local.twin.images import push_image
from shared.domain.promotion.statuses import Reason, Status
from tests.integration.conftest import GATE, Product, push_bash

pytestmark = pytest.mark.integration

SCHEDULE = "Tidegate large gates"  # the role for runs that have no name of ours
NOTHING = "#!/bin/busybox sh\nexit 0\n"
FORGED = "#!/bin/busybox sh\necho 'tidegate: begin 0'\necho 'tidegate: passed 0'\n"
OUTSIDE = """\
ARG BASE_IMAGE
FROM $BASE_IMAGE AS candidate
FROM {tools}
COPY --from=candidate / /candidate
COPY look.sh /look.sh
ENTRYPOINT ["/bin/sh", "/look.sh"]
"""
LOOK = """\
set -eu
echo "tidegate: begin $TIDEGATE_NONCE"
if grep -q broken /candidate/etc/base-release; then exit 1; fi
echo "tidegate: passed $TIDEGATE_NONCE"
"""


@pytest.mark.parametrize(
    "made",
    [
        {"config": {"Entrypoint": ["/bin/true"]}},
        {"config": {"Entrypoint": ["/swallow"]}, "files": {"/swallow": FORGED}},
        {"config": {"OnBuild": ['ENTRYPOINT ["/bin/true"]', 'CMD ["/bin/true"]']}},
        {"files": {"/bin/sh": NOTHING}},
        {"files": {"/bin/sh": FORGED}},
        {"files": {"/evil/cat": "#!/bin/sh\nkill -9 $PPID\n"}, "config": {"Env": ["PATH=/evil:/bin"]}},
        {"files": {"/evil/cat": "#!/bin/sh\nkill -TERM $PPID\n"}, "config": {"Env": ["PATH=/evil:/bin"]}},
        {"config": {"Env": ["PATH=/nowhere"]}},
        {"config": {"WorkingDir": "/no/such/folder", "Entrypoint": ["/bin/true"]}},
    ],
    ids=lambda made: json.dumps(made)[:70],
)
def test_a_broken_image_that_keeps_its_test_from_running_is_not_promoted(
    product: Product, made: dict[str, object]
) -> None:
    pushed = product.update("release broken", **made)
    assert product.base_digest() is None
    assert product.candidate(pushed.digest).status in {Status.REJECTED, Status.FAILED}


@pytest.mark.parametrize(
    "dockerfile",
    [
        "ARG BASE_IMAGE\nFROM $BASE_IMAGE\nCOPY test.sh /test.sh\n",
        'ARG BASE_IMAGE\nFROM $BASE_IMAGE\nCOPY test.sh /test.sh\nCMD ["/bin/sh", "/test.sh"]\n',
        'FROM scratch\nCOPY test.sh /bin/true\nENTRYPOINT ["/bin/true"]\n',
        'ARG BASE_IMAGE\nFROM $BASE_IMAGE AS unused\nFROM scratch\nENTRYPOINT ["/bin/true"]\n',
    ],
)
def test_a_careless_gate_lets_nothing_through_and_is_never_run(product: Product, dockerfile: str) -> None:
    product.configure(gate={**GATE, "Dockerfile": dockerfile})
    pushed = product.update("release 1")
    candidate = product.candidate(pushed.digest)
    assert (candidate.status, candidate.runs) == (Status.FAILED, 0)
    assert "gates/release/Dockerfile, line " in candidate.last.detail
    assert product.base_digest() is None


def test_an_image_that_lost_a_program_is_rejected_by_127(product: Product) -> None:
    product.configure(gate={**GATE, "test.sh": GATE["test.sh"].replace("cat ", "no-such-program ")})
    candidate = product.candidate(product.update("release 1").digest)
    assert candidate.status is Status.REJECTED
    assert "exited with 127" in candidate.last.detail


def test_a_relative_entry_point_is_found_in_the_images_own_directory(product: Product) -> None:
    dockerfile = 'ARG BASE_IMAGE\nFROM $BASE_IMAGE\nWORKDIR /app\nCOPY test.sh .\nENTRYPOINT ["/bin/sh", "./test.sh"]\n'
    product.configure(gate={**GATE, "Dockerfile": dockerfile})
    pushed = product.update("release 1")
    assert product.base_digest() == pushed.digest


@pytest.mark.parametrize(("release", "status"), [("release 1", Status.PROMOTED), ("broken", Status.REJECTED)])
def test_a_test_from_outside_sees_the_files_of_an_image_that_cannot_run(
    product: Product, release: str, status: Status
) -> None:
    hub = product.twin.topology.http("backing_docker_hub")
    tools = f"docker.io/library/tools@{push_image(hub, 'library/tools', '1', 'tools').digest}"
    product.configure(gate={"Dockerfile": OUTSIDE.format(tools=tools), "look.sh": LOOK})
    pushed = product.update(release, files={"/bin/sh": FORGED}, config={"Entrypoint": ["/bin/false"]})
    assert product.candidate(pushed.digest).status is status


@pytest.mark.parametrize("way", ["upload", "inline", "schedule-run"])
def test_by_every_way_a_gate_passes_and_rejects(product: Product, way: str) -> None:
    push_bash(product)
    product.permit(SCHEDULE)
    product.configure(settings={"GATE_CONTEXT": way})
    good = product.update("release 1")
    bad = product.update("release 2 broken")
    assert product.base_digest() == good.digest
    assert product.candidate(bad.digest).status is Status.REJECTED
    assert product.candidate(good.digest).runs == product.candidate(bad.digest).runs == 1


@pytest.mark.parametrize("size", [10, 100_000])
def test_an_upload_that_is_refused_is_followed_by_another_way_in_the_same_run(product: Product, size: int) -> None:
    push_bash(product)
    product.permit(SCHEDULE)
    product.configure(gate={**GATE, "large": "x" * size})
    told = {"error": {"code": "InvalidTaskRunRequest", "message": "The source location is not a remote context."}}
    product.fault(front="arm", action="status", kind="put taskRun", status=400, body=json.dumps(told))
    pushed = product.update("release 1")
    assert product.base_digest() == pushed.digest
    assert product.candidate(pushed.digest).runs == 1


def test_a_gate_whose_image_is_started_by_a_client_passes_and_rejects_and_sees_nothing_of_the_run(
    product: Product,
) -> None:
    client = push_image(
        product.twin.topology.http("backing_staging"), "tools/docker", "1", "client", files={"/bin/docker": NOTHING}
    )
    look = "if [ -e /workspace ] || [ -e /acb/home ]; then exit 1; fi\nif env | grep -q /acb/home; then exit 1; fi\n"
    product.configure(
        settings={"GATE_CLIENT_IMAGE": f"tools/docker@{client.digest}"},
        gate={**GATE, "test.sh": GATE["test.sh"].replace("cat ", f"{look}cat ")},
    )
    good = product.update("release 1")
    bad = product.update("release 2 broken")
    assert product.base_digest() == good.digest
    assert product.candidate(bad.digest).status is Status.REJECTED
    assert "exited with 1" in product.candidate(bad.digest).last.detail


def test_a_run_without_a_name_whose_answer_was_lost_may_run_twice_and_that_is_said(product: Product) -> None:
    product.permit(SCHEDULE)
    product.configure(settings={"GATE_CONTEXT": "schedule-run"})
    product.fault(front="arm", action="status", kind="scheduleRun", status=503)
    pushed = product.update("release 1")
    assert product.base_digest() == pushed.digest
    history = product.candidate(pushed.digest).history
    assert [change.reason for change in history].count(Reason.RUN_REPEATED) == 1


@pytest.mark.parametrize("may_read", [True, False])
def test_where_staging_gives_rights_by_repository_a_gate_pulls_by_the_apps_own(
    product: Product, *, may_read: bool
) -> None:
    if "abac_registries" not in product.emulated():
        pytest.skip("this twin's registries give rights as a whole only")
    before = product.emulated()["abac_registries"]
    product.emulate(abac_registries=[STAGING])
    if may_read:
        product.permit("Container Registry Repository Reader")
    product.configure(settings={"GATE_CONTEXT": "upload"})
    pushed = product.update("release 1")
    product.emulate(abac_registries=before)
    candidate = product.candidate(pushed.digest)
    assert (product.base_digest() == pushed.digest) is may_read
    assert may_read or candidate.status is Status.FAILED

"""Runs that Resource Manager was asked for and that are really executed: what their steps reach, with which rights."""

from __future__ import annotations

import json
import platform
import re
import time
from collections.abc import Iterator
from typing import Any

import pytest
from azure.core.exceptions import HttpResponseError
from azure.mgmt.containerregistrytasks.models import Run

from infra.local.emulator.assignments import APP, OPERATOR
from infra.local.emulator.role_definitions import IDENTITY_OPERATOR
from infra.local.runner import execute
from infra.local.scanner import advisories
from infra.local.scanner.systems import FIXABLE_CRITICAL, jar
from infra.local.scanner.upstream import DATABASE, JAVA_DATABASE, SCANNER, Published, publish
from infra.local.topology import BASE, RESOURCE_GROUP, STAGING, SUBSCRIPTION
from infra.local.twin.images import push_image
from tests.twin.conftest import Twin, emulated, twin_of
from tests.twin.double import DoubleRunner
from tests.twin.test_runs import encoded, ended, schedule

pytestmark = pytest.mark.twin

SCAN = """version: v1.1.0
networks: [{{name: scan, isDefault: true}}]
steps:
  - cmd: >
      $Registry/tools/trivy@{scanner} image --quiet --config /dev/null --ignorefile /dev/null
      --cache-dir /workspace/cache --skip-version-check --disable-telemetry --image-src remote --scanners vuln
      --db-repository $Registry/tools/trivy-db@{database} --java-db-repository $Registry/tools/trivy-java-db@{java}
      --format json {image}
"""
# As above, on the network that steps have without more. First what was scanned, with every finding left out; then what
# was found, in rows of JSON, by a template that comes as a value, for ACR would take its braces for its own; then how
# old the databases are.
COMMON = (
    "--quiet --config /dev/null --ignorefile /dev/null --cache-dir /workspace/cache --skip-version-check "
    "--disable-telemetry --image-src remote --scanners vuln --db-repository $Registry/tools/trivy-db@{database} "
    "--java-db-repository $Registry/tools/trivy-java-db@{java}"
)
STATUSES = ",".join(advisories.STATUSES)
COMPACT = f"""version: v1.1.0
steps:
  - cmd: >
      $Registry/tools/trivy@{{scanner}} image {COMMON} --list-all-pkgs=false --format json --ignore-status {STATUSES}
      {{image}}
  - cmd: >
      $Registry/tools/trivy@{{scanner}} image {COMMON} --skip-db-update --skip-java-db-update --format template
      --template '{{{{{{{{.Values.rows}}}}}}}}' {{image}}
  - cmd: $Registry/tools/trivy@{{scanner}} version --cache-dir /workspace/cache --format json
"""
ROWS = (
    '{{ range . }}{{ list "result" .Class .Type (len .Packages) (len .Vulnerabilities) | toJson }}{{ "\\n" }}'
    "{{ range .Vulnerabilities }}"
    '{{ list "finding" .VulnerabilityID .PkgName .Severity .Status .PkgPath | toJson }}{{ "\\n" }}'
    '{{ end }}{{ end }}{{ list "end" | toJson }}'
)
FORGED = '/opt/x\n["end"]\n.jar'

VAULT = "https://contoso.vault.azure.net"
WHO = "c72b2df0-b9d8-4ac6-9363-7c1eb06c1c86"
IDENTITY = (
    f"/subscriptions/{SUBSCRIPTION}/resourceGroups/{RESOURCE_GROUP}"
    "/providers/Microsoft.ManagedIdentity/userAssignedIdentities/gate"
)
SECRET = f"""version: v1.1.0
secrets: [{{id: word, keyvault: {VAULT}/secrets/Word, clientID: {WHO}}}]
steps:
  - cmd: app:1 sh -c 'echo the word is $$WORD'
    env: ["WORD='{{{{.Secrets.word}}}}'"]
"""


@pytest.fixture(scope="module")
def real(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Twin]:
    """A twin whose runs are executed."""
    with emulated(tmp_path_factory.mktemp("real"), execute) as topology:
        push_image(topology.http("backing_docker_hub"), "library/app", "1", "1")
        yield twin_of(topology, DoubleRunner(), OPERATOR)


@pytest.fixture(scope="module")
def staged(real: Twin) -> dict[str, str]:
    """The scanner, its databases and an image, imported into staging by the digests that they have upstream."""
    if platform.machine() != "x86_64":
        pytest.skip("the scanner's package is for x86_64")
    published = publish(real.topology)
    other = real.topology.address("other")
    app = push_image(real.topology.http("backing_docker_hub"), "library/app", "old", "1", files=FIXABLE_CRITICAL)
    take(real, "docker.io", f"{SCANNER}@{published.scanner}", "tools/trivy:0.76.0")
    take(real, other, f"{DATABASE}@{published.database}", "tools/trivy-db:2")
    take(real, other, f"{JAVA_DATABASE}@{published.java_database}", "tools/trivy-java-db:1")
    take(real, "docker.io", f"library/app@{app.digest}", "library/app:old")
    return {**digests(published), "image": f"$Registry/library/app@{app.digest}"}


def digests(published: Published) -> dict[str, str]:
    """Return what a scan names by digest."""
    return {"scanner": published.scanner, "database": published.database, "java": published.java_database}


def take(twin: Twin, registry: str, image: str, target: str, into: str = STAGING) -> None:
    """Import an image, as the product does."""
    source = {"registryUri": registry, "sourceImage": image}
    body: dict[str, Any] = {"source": source, "targetTags": [target], "mode": "Force"}
    twin.management.registries.begin_import_image(RESOURCE_GROUP, into, body).result()


def log_of(twin: Twin, run: Run) -> list[str]:
    """Return a run's log."""
    link = twin.tasks.runs.get_log_sas_url(RESOURCE_GROUP, STAGING, str(run.run_id)).log_link
    return twin.get("arm", str(link).partition(twin.topology.address("arm"))[2]).text.splitlines()


def run_with(twin: Twin, name: str, steps: str, identity: str = "") -> Run:
    """Run steps by a task run, which has an identity if one is named; return its run once it has ended."""
    properties = {"runRequest": encoded(steps), "forceUpdateTag": str(time.time_ns())}
    body: dict[str, Any] = {"properties": properties}
    if identity:
        body["identity"] = {"type": "UserAssigned", "userAssignedIdentities": {identity: {}}}
    twin.tasks.task_runs.begin_create(RESOURCE_GROUP, STAGING, name, body, polling=False)
    found = twin.tasks.task_runs.get(RESOURCE_GROUP, STAGING, name).run_result
    assert found is not None
    return ended(twin, str(found.run_id))


def test_the_scanner_and_its_databases_are_imported_and_scan_by_the_runs_own_login(
    real: Twin, staged: dict[str, str]
) -> None:
    run = schedule(real, encoded(SCAN.format(**staged)))
    log = log_of(real, run)
    assert run.status == "Succeeded", log
    report = json.loads("\n".join(log[log.index("{") : log.index("}") + 1]))
    assert report["ArtifactName"].endswith(staged["image"].removeprefix("$Registry/"))
    found = report["Results"][0]["Vulnerabilities"]
    assert [(one["VulnerabilityID"], one["PkgName"]) for one in found] == [("CVE-2026-90001", "libssl3")]


def test_a_scan_says_in_rows_what_it_found_and_no_name_writes_a_row_of_its_own(
    real: Twin, staged: dict[str, str]
) -> None:
    files = {**FIXABLE_CRITICAL, FORGED: jar("org.example", "parser", "2.0.0")}
    image = push_image(real.topology.http("backing_staging"), "forging", "1", "1", files=files).digest
    steps = COMPACT.format(**{**staged, "image": f"$Registry/forging@{image}"})
    run = schedule(real, encoded(steps, values=[{"name": "rows", "value": ROWS}]))
    log = log_of(real, run)
    assert run.status == "Succeeded", log
    assert [json.loads(line) for line in log if line.startswith("[")] == [
        ["result", "os-pkgs", "debian", 3, 1],
        ["finding", "CVE-2026-90001", "libssl3", "CRITICAL", "fixed", ""],
        ["result", "lang-pkgs", "jar", 1, 1],
        ["finding", "CVE-2026-90005", "org.example:parser", "CRITICAL", "fixed", FORGED.lstrip("/")],
        ["end"],
    ]
    about, version = (
        json.JSONDecoder().raw_decode("\n".join(log[number:]))[0]
        for number, line in enumerate(log)
        if line.startswith("{")
    )
    assert about["Metadata"]["RepoDigests"] == [f"{real.topology.address('staging')}/forging@{image}"]
    assert about["Metadata"]["ImageConfig"]["architecture"] == "amd64"
    assert not any(result.get("Vulnerabilities") for result in about["Results"])
    assert {"VulnerabilityDB", "JavaDB"} <= set(version)


def test_the_login_of_a_run_reaches_no_other_registry(real: Twin, staged: dict[str, str]) -> None:
    digest = staged["image"].rpartition("@")[2]
    take(real, "docker.io", f"library/app@{digest}", "library/app:old", into=BASE)
    image = f"{real.topology.address('base')}/library/app@{digest}"
    run = schedule(real, encoded(SCAN.format(**{**staged, "image": image})))
    assert run.status == "Failed"
    assert any("UNAUTHORIZED" in line for line in log_of(real, run))


def test_a_run_without_rights_is_not_signed_in(real: Twin) -> None:
    real.control("POST", "/settings", {"abac_registries": [STAGING]})
    try:
        steps = "version: v1.1.0\nsteps:\n  - cmd: app:1 cat /acb/home/.docker/config.json\n"
        text = "\n".join(log_of(real, schedule(real, encoded(steps))))
    finally:
        real.control("POST", "/settings", {"abac_registries": []})
    assert "HttpHeaders" in text
    assert "auths" not in text


@pytest.fixture
def vaults(real: Twin) -> Iterator[None]:
    """A vault that the identity of a gate may read."""
    vault = {"readers": [WHO], "secrets": {"Word": "xyzzy"}}
    real.control("POST", "/settings", {"identities": {IDENTITY: WHO}, "vaults": {VAULT: vault}})
    yield
    real.control("POST", "/settings", {"identities": {}, "vaults": {}})


@pytest.mark.usefixtures("vaults")
def test_a_task_run_reads_a_secret_by_the_identity_that_it_has(real: Twin) -> None:
    run = run_with(real, "with-identity", SECRET, IDENTITY)
    assert "the word is xyzzy" in log_of(real, run)
    assert real.tasks.task_runs.get(RESOURCE_GROUP, STAGING, "with-identity").identity is not None


@pytest.mark.usefixtures("vaults")
@pytest.mark.parametrize(
    ("steps", "identity", "said"),
    [
        (SECRET, "", "unable to render task: timeout in fetching secrets. please check permissions are valid"),
        (SECRET.replace("/Word", "/None"), IDENTITY, 'Code="SecretNotFound"'),
        (SECRET.replace("contoso", "nowhere"), IDENTITY, "no such host"),
    ],
    ids=["no identity", "no secret", "no vault"],
)
def test_a_secret_that_cannot_be_read_fails_the_run_and_says_why(
    real: Twin, steps: str, identity: str, said: str
) -> None:
    run = run_with(real, re.sub(r"\W", "", said)[:40], steps, identity)
    log = log_of(real, run)
    assert run.status == "Failed"
    assert any(said in line for line in log)
    assert not any("Executing step" in line for line in log)


@pytest.mark.usefixtures("vaults")
def test_who_may_not_assign_an_identity_cannot_run_with_it(real: Twin) -> None:
    app = twin_of(real.topology, DoubleRunner())
    with pytest.raises(HttpResponseError) as refusal:
        run_with(app, "not-mine", SECRET, IDENTITY)
    assert refusal.value.status_code == 403
    assert "userAssignedIdentities/assign/action" in str(refusal.value)
    before = real.control("GET", "/settings").json()["assignments"]
    given = [*before, {"principal": APP, "role": IDENTITY_OPERATOR, "scope": IDENTITY}]
    real.control("POST", "/settings", {"assignments": given})
    try:
        assert run_with(app, "mine-now", SECRET, IDENTITY).status == "Succeeded"
    finally:
        real.control("POST", "/settings", {"assignments": before})

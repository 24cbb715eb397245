"""What is sent to ACR Tasks to scan an image: steps as YAML. Pure functions. Nothing of the image is executed.

One step of each platform scans it, and one more makes rows of the report; they may fail, for the last step tells what
there is. Trivy gets nothing from anywhere but the registry that the run belongs to: no configuration and no list of
what to ignore, which it would look for in the working directory; no socket of Docker's, which ACR lends to every step;
no other source for its databases, no news of newer versions, and no advice on jars. Of the run's login it uses no more
than what reads this image and those databases.

Another scanner is called as the list says, and its step may not fail: how it ended is told nowhere but by the run, and
half a report may look like a whole one. Its report is packed as it is.
"""

from __future__ import annotations

import base64
import json
from typing import Any

from shared.adapters.azure.gate_run import ENCODED, LONGEST_RUN, PLATFORM, RunOptions, credentials
from shared.adapters.azure.scan_script import (
    FOLDER,
    TELL,
    TELL_PACKED,
    most_packed,
    prepare,
    prepare_documents,
    prepare_other,
)
from shared.domain.gate.words import NONCE_VARIABLE
from shared.domain.policy.scanner_format import ScannerFormat
from shared.domain.scan.run_log import rows_step, scan_step
from shared.domain.watching.scanner_command import filled
from shared.run_ports import ScanRun

# Seconds. Trivy gives up after five minutes by itself; and it does not count the time that a registry lets it wait. To
# make rows of 36,000 findings takes it nine seconds of a processor.
_SCAN_TIMEOUT, _ROWS_TIMEOUT, _BASH_TIMEOUT = 1800, 600, 300
_TRIVY_GIVES_UP = "28m"
# To find an agent, fetch the scanner and upload the log.
_AROUND_STEPS = 1200
# On ACR this is a bridge of the run's own, from which the internet is reached like from any other; only an agent pool
# in a network can close that. The twin lets nothing through but the registry.
_HEAD = "version: v1.1.0\nnetworks: [{name: tidegate, isDefault: true}]\nsteps:\n"
_BASH_STEP = """\
  - id: {step}
    cmd: "bash -c \\"echo {script} | base64 -d | bash\\""
    entryPoint: bash
    env: {environment}
    timeout: {timeout}
"""
_TRIVY_STEP = """\
  - id: {step}
    cmd: {command}
    ignoreErrors: true
    timeout: {timeout}
"""
_OTHER_STEP = """\
  - id: {step}
    cmd: {command}
    timeout: {timeout}
"""
_CACHE = "/workspace/cache"
# Nothing of what lies around decides anything, and nothing but rows and fatal trouble is printed.
_COMMON = f"--quiet --config /dev/null --ignorefile /dev/null --timeout {_TRIVY_GIVES_UP}"
_APART = "--skip-version-check --disable-telemetry --offline-scan"


def scan_steps(scan: ScanRun) -> str:
    """Return the YAML of a scan's run.

    Args:
        scan: what is scanned, and by what.
    """
    of_each = _scan if scan.tools.format is None else _other_scan
    scans = "".join(of_each(scan, number) for number, _ in enumerate(scan.platforms, 1))
    words = scan.words
    told: tuple[str, ...] = (
        f"{NONCE_VARIABLE}={words.nonce}",
        f"TIDEGATE_SCANNED={scan.digest}",
        f"TIDEGATE_PLATFORMS={','.join(scan.platforms)}",
    )
    sizes = [len(scan.documents[each]) for each in scan.platforms] if scan.documents else []
    before, after = prepare_documents(sizes) if sizes else prepare(len(scan.platforms)), TELL
    if scan.tools.format is not None:
        before, after, told = prepare_other(), TELL_PACKED, (*told, *_packing(scan, scan.tools.format))
    return _HEAD + _bash(words.begin_step, before) + scans + _bash(words.end_step, after, told)


def scan_files(scan: ScanRun) -> dict[str, bytes]:
    """Return what is uploaded for a scan: its documents, as the steps look for them."""
    return {f"{name}.json": text for name, text in scan.documents.items()}


def scan_request(scan: ScanRun, options: RunOptions, source: str = "") -> dict[str, Any]:
    """Return the run request of a scan.

    Args:
        scan: what is scanned, and by what.
        options: how runs of this registry are asked for.
        source: where its documents were uploaded.
    """
    request: dict[str, Any] = {
        "type": ENCODED,
        "encodedTaskContent": base64.b64encode(scan_steps(scan).encode()).decode(),
        "platform": PLATFORM,
        "timeout": min(_AROUND_STEPS + (_SCAN_TIMEOUT + _ROWS_TIMEOUT) * len(scan.platforms), LONGEST_RUN),
        "credentials": credentials(options),
    }
    if source:
        request["sourceLocation"] = source
    if options.agent_pool:
        request["agentPoolName"] = options.agent_pool
    return request


def _scan(scan: ScanRun, number: int) -> str:
    report, words, of = f"{FOLDER}/report-{number}.json", scan.words, scan.platforms[number - 1]
    kind = f"sbom {_COMMON} {_APART}" if scan.documents else f"image {_COMMON} --image-src remote {_APART}"
    platform = "" if scan.documents else f"--platform {of} "
    what = f"/workspace/{of}.json" if scan.documents else f"$Registry/{scan.image}@{scan.digest}"
    template = f"rows-{number}.tpl" if scan.documents else "rows.tpl"
    scanning = (
        f"{kind} {_databases(scan, number)} --cache-dir /workspace/cache --scanners vuln "
        f"--show-suppressed {platform}--format json --output {report} {what}"
    )
    rows = (
        f"convert {_COMMON} --cache-dir /workspace/cache --format template --template @{FOLDER}/{template} "
        f"--output {FOLDER}/rows-{number} {report}"
    )
    return _trivy(scan, scan_step(words, number), scanning, _SCAN_TIMEOUT) + _trivy(
        scan, rows_step(words, number), rows, _ROWS_TIMEOUT
    )


def _packing(scan: ScanRun, form: ScannerFormat) -> tuple[str, str]:
    return f"TIDEGATE_FORMAT={form.value}", f"TIDEGATE_MOST={most_packed(len(scan.platforms))}"


def _other_scan(scan: ScanRun, number: int) -> str:
    tools = scan.tools
    given = {
        "image": f"$Registry/{scan.image}@{scan.digest}",
        "platform": scan.platforms[number - 1],
        "output": f"{FOLDER}/report-{number}",
        "database": f"$Registry/{tools.database}",
        "java_database": f"$Registry/{tools.java_database}",
        "cache": _CACHE,
    }
    command = json.dumps(" ".join((f"$Registry/{tools.scanner}", *filled(tools.command, given))))
    return _OTHER_STEP.format(step=scan_step(scan.words, number), command=command, timeout=_SCAN_TIMEOUT)


def _databases(scan: ScanRun, number: int) -> str:
    """The first platform fetches what all use; the other database is fetched when there is a jar, and only then."""
    tools = scan.tools
    of_vulnerabilities = f"--db-repository $Registry/{tools.database}" if number == 1 else "--skip-db-update"
    of_java = f"--java-db-repository $Registry/{tools.java_database}" if tools.java_database else ""
    return f"{of_vulnerabilities} {of_java or '--skip-java-db-update'}"


def _trivy(scan: ScanRun, step: str, arguments: str, timeout: int) -> str:
    command = json.dumps(f"$Registry/{scan.tools.scanner} {arguments}")
    return _TRIVY_STEP.format(step=step, command=command, timeout=timeout)


def _bash(step: str, script: str, environment: tuple[str, ...] = ()) -> str:
    packed = base64.b64encode(script.encode()).decode()
    told = json.dumps(environment)
    return _BASH_STEP.format(step=step, script=packed, environment=told, timeout=_BASH_TIMEOUT)

"""``tidegate verdict``: what the app would decide about a scan."""

from __future__ import annotations

import argparse

from shared.cli import verdicts
from shared.cli.parsing import Parser
from shared.cli.session import Session


def add(verdict: Parser, _: str) -> None:
    """Take a policy, a report, and what is known beside it."""
    verdict.add_argument("--policy", required=True, metavar="FILE", help="a policy's mapping, or a list with policies")
    verdict.add_argument("--name", metavar="POLICY", help="which policy of the list, by its name or an entry's")
    verdict.add_argument("--report", required=True, metavar="REPORT", help="Trivy's JSON, or SARIF")
    verdict.add_argument("--base-report", metavar="REPORT", help="of the base in use, which it is compared with")
    verdict.add_argument("--database", metavar="FILE", help="what `trivy version --format json` said in the same run")
    verdict.add_argument("--vex", nargs="+", action="extend", default=[], metavar="FILE", help="OpenVEX documents")
    verdict.add_argument("--waivers", metavar="FILE", help="[{id, package, reason, by, until}]")
    verdict.add_argument("--known-exploited", metavar="FILE", help="CISA's list, as JSON")
    verdict.add_argument("--digest", metavar="DIGEST", help="which image the report has to be about")
    verdict.add_argument("--platform", metavar="PLATFORM", help="of which platform, such as linux/amd64")
    verdict.add_argument("--at", metavar="TIME", help="decide for this time; default: now")
    verdict.add_argument("--json", action="store_true", help="print one JSON document")


def run(asked: argparse.Namespace, _: Session) -> int:
    """See ``shared.cli.verdicts``."""
    return verdicts.run(asked)

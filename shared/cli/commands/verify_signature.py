"""``tidegate verify-signature``: what the app would decide about an image's signatures."""

from __future__ import annotations

import argparse

from shared.cli import signatures
from shared.cli.parsing import Parser
from shared.cli.session import Session


def add(verify: Parser, _: str) -> None:
    """Take a policy, what lies beside an image, and whom to trust."""
    verify.add_argument("--policy", required=True, metavar="FILE", help="a policy's mapping, or a list with policies")
    verify.add_argument("--name", metavar="POLICY", help="which policy of the list, by its name or an entry's")
    verify.add_argument("--material", required=True, metavar="FILE", help="what lies beside the image, as it is kept")
    verify.add_argument("--source", required=True, metavar="REPOSITORY", help="where the image comes from")
    verify.add_argument("--trust", required=True, metavar="FOLDER", help="the files of trust, as below config/trust/")
    verify.add_argument("--at", metavar="TIME", help="decide for this time; default: now")
    verify.add_argument("--json", action="store_true", help="print one JSON document")


def run(asked: argparse.Namespace, _: Session) -> int:
    """See ``shared.cli.signatures``."""
    return signatures.run(asked)

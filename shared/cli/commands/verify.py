"""``tidegate verify``: whether an image has a record of the decision that let it in, by keys that are at hand."""

from __future__ import annotations

import argparse

from shared.cli.parsing import Parser
from shared.cli.session import Session


def add(verify: Parser, _: str) -> None:
    """Take the image, the keys, and what the record must say."""
    verify.add_argument("reference", metavar="REFERENCE", help="the image, such as base.azurecr.io/base/node:22")
    verify.add_argument(
        "--key", action="append", required=True, metavar="PEM", help="a file with public keys; any of them will do"
    )
    verify.add_argument("--offline", metavar="FILE", help="judge this bundle or envelope, and ask nobody")
    verify.add_argument("--verifier", metavar="URL", help="who must have verified it; default: the registry")
    verify.add_argument("--level", action="append", metavar="LEVEL", help="must be verified, such as TIDEGATE_SCANNED")
    verify.add_argument("--max-age", metavar="TIME", help="may have been decided so long ago at most, such as 30d")
    verify.add_argument("--json", action="store_true", help="print one JSON document")


def run(asked: argparse.Namespace, to: Session) -> int:
    """See ``shared.cli.records``."""
    from shared.cli import records  # noqa: PLC0415  reads keys, which only this needs

    return records.run(asked, to.around.now())

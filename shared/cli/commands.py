"""The commands and what they print."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

import msgspec

from shared.cli.exits import FINE, NO, UNREACHABLE, UNREADABLE, Ends, Parser
from shared.cli.explaining import lines_of, policies, table
from shared.cli.files import read_list, read_listing, valid_list
from shared.cli.findings import Finding, annotation, gate_findings, list_findings, trusting
from shared.cli.remarks import Listings, is_missing, remarks
from shared.config import addresses
from shared.watch_list_yaml import Reading


def main(arguments: Sequence[str]) -> int:
    """Run a command.

    Args:
        arguments: of the command line, without the program.

    Returns:
        0 for yes, 1 if the list is not valid, a tag does not exist, a scan is rejected or a signature missing or wrong,
        2 if a scan is no answer or a signature cannot be judged,
        6 if an upstream does not answer, 64 for a wrong argument, 65 for a file that cannot be read.
    """
    try:
        asked = _parser().parse_args(arguments)
        status: int = asked.run(asked)
    except Ends as end:
        print(end, file=sys.stderr)
        return end.status
    return status


def _parser() -> Parser:
    parser = Parser(
        prog="python -m shared.cli",
        description="Validate watch lists, say what they take, judge scans and signatures.",
    )
    commands = parser.add_subparsers(required=True, metavar="command", parser_class=Parser)
    validate = commands.add_parser("validate", help="say what is wrong with a watch list and its gates")
    validate.set_defaults(run=_validate)
    explain = commands.add_parser("explain", help="say for every tag whether it is taken, and why")
    explain.set_defaults(run=_explain)
    for each in (validate, explain):
        each.add_argument("files", nargs="+", metavar="FILE", help="the watch list, in one file or several")
        each.add_argument("--base", metavar="LOGIN_SERVER", help="the base registry, whose images nobody watches")
    validate.add_argument("--gates", metavar="FOLDER", help="where the gates are; default: gates beside the first file")
    validate.add_argument("--annotations", action="store_true", help="mark the problems in a pull request of GitHub's")
    ways = explain.add_mutually_exclusive_group(required=True)
    ways.add_argument("--listing", metavar="FILE", help='JSON: {"docker.io/library/node": ["22-alpine", …]}')
    ways.add_argument("--online", action="store_true", help="ask the upstreams, and say which named tags do not exist")
    explain.add_argument("--json", action="store_true", help="print one JSON document")
    _add_verdict(commands.add_parser("verdict", help="say whether a policy lets an image pass by its scan's report"))
    _add_signatures(commands.add_parser("verify-signature", help="say whether an image is signed as a policy wants"))
    return parser


def _add_verdict(verdict: argparse.ArgumentParser) -> None:
    verdict.set_defaults(run=_verdict)
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


def _add_signatures(verify: argparse.ArgumentParser) -> None:
    verify.set_defaults(run=_verify_signature)
    verify.add_argument("--policy", required=True, metavar="FILE", help="a policy's mapping, or a list with policies")
    verify.add_argument("--name", metavar="POLICY", help="which policy of the list, by its name or an entry's")
    verify.add_argument("--material", required=True, metavar="FILE", help="what lies beside the image, as it is kept")
    verify.add_argument("--source", required=True, metavar="REPOSITORY", help="where the image comes from")
    verify.add_argument("--trust", required=True, metavar="FOLDER", help="the files of trust, as below config/trust/")
    verify.add_argument("--at", metavar="TIME", help="decide for this time; default: now")
    verify.add_argument("--json", action="store_true", help="print one JSON document")


def _verify_signature(asked: argparse.Namespace) -> int:
    from shared.cli.signatures import run  # noqa: PLC0415  the other commands need none of it

    return run(asked)


def _verdict(asked: argparse.Namespace) -> int:
    from shared.cli.verdicts import run  # noqa: PLC0415  the other commands need none of it

    return run(asked)


def _validate(asked: argparse.Namespace) -> int:
    return _annotated(asked) if asked.annotations else _told(asked)


def _told(asked: argparse.Namespace) -> int:
    reading = read_list(asked.files, _base(asked))
    folder = _gates(asked)
    findings = list_findings(reading)
    if folder.is_dir():
        findings += gate_findings(reading, folder)
    else:
        print(f"{folder} is not there: whether the gates exist was not looked at", file=sys.stderr)
    return _concluded(asked, reading, [finding.told for finding in findings], valid=not findings)


def _annotated(asked: argparse.Namespace) -> int:
    """A gate that is not here fails nothing: a pull request shows the repository, and the gate may be a blob."""
    try:
        reading = read_list(asked.files, _base(asked))
        folder = _gates(asked)
    except Ends as end:
        print(annotation(Finding(str(end)), asked.files[0]))
        raise
    findings = [*list_findings(reading), *gate_findings(reading, folder)]
    told = [annotation(finding, asked.files[0]) for finding in findings]
    return _concluded(asked, reading, told, valid=all(finding.elsewhere for finding in findings))


def _concluded(asked: argparse.Namespace, reading: Reading, told: Sequence[str], *, valid: bool) -> int:
    print("".join(f"{line}\n" for line in told), end="")
    if not valid or reading.watch_list is None:
        return NO
    print(f"{', '.join(asked.files)}: {len(reading.watch_list.images)} entries, valid")
    return FINE


def _gates(asked: argparse.Namespace) -> Path:
    folder = Path(asked.gates) if asked.gates else Path(asked.files[0]).parent / "gates"
    if asked.gates and not folder.is_dir():
        raise Ends(UNREADABLE, f"{folder} is no folder that can be read")
    return folder


def _explain(asked: argparse.Namespace) -> int:
    watch_list = valid_list(asked.files, _base(asked))
    images = watch_list.images
    if asked.online:
        from shared.cli.online import listings_of  # noqa: PLC0415  HTTP takes long to load

        listings = listings_of(images)
    else:
        listings = Listings(read_listing(asked.listing))
    lines = [
        line
        for image in images
        for line in lines_of(image, listings.listed.get(image.repository, []), watch_list.policy_of(image))
    ]
    print(msgspec.json.encode(lines).decode() if asked.json else table(lines), end="\n" if lines or asked.json else "")
    told = (
        *policies(images, watch_list.policy_of),
        *remarks(images, listings, lines),
        *trusting(images, Path(asked.files[0]).parent / "gates"),
    )
    print("".join(f"{each}\n" for each in told), end="", file=sys.stderr)
    if listings.unanswered:
        return UNREACHABLE
    return NO if asked.online and is_missing(images, listings) else FINE


def _base(asked: argparse.Namespace) -> str:
    return str(asked.base or addresses()["base_login_server"])

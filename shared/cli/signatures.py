"""A verdict over signatures that are at hand: what the app would decide about them, offline."""

from __future__ import annotations

import argparse
from pathlib import Path

from shared.cli.asked import check_given, content_of, document, policy_of, time_of
from shared.cli.exits import FINE, HOLD, NO, UNREADABLE, USAGE, Ends
from shared.cli.text import fitting, printable
from shared.domain.policy.signing import SignatureCheck
from shared.domain.references import parse_repository
from shared.domain.signatures.judging import judge_signatures
from shared.domain.signatures.material import LARGEST_MATERIAL, read_material
from shared.domain.signatures.trust import LARGEST_TRUST_FILE
from shared.domain.signatures.verdict import SignatureOutcome, SignatureVerdict
from shared.errors import InvalidReference

_MOST_FILES = 1000
_STATUSES = {
    SignatureOutcome.VERIFIED: FINE,
    SignatureOutcome.MISSING: NO,
    SignatureOutcome.WRONG: NO,
    SignatureOutcome.UNVERIFIABLE: HOLD,
}


def run(asked: argparse.Namespace) -> int:
    """Judge the signatures of an image, and print what comes of it.

    Args:
        asked: the command's arguments.

    Returns:
        0 if it is signed by whom the policy wants, 1 if not, 2 if nobody can say.

    Raises:
        Ends: an argument is wrong, or a file is missing or not what it should be.
    """
    check_given(asked)
    check = _check(asked)
    material = content_of(asked.material, read_material, LARGEST_MATERIAL)
    verdict = judge_signatures(check, material, _source(asked.source), _trust(asked.trust), time_of(asked.at))
    print(document(verdict) if asked.json else fitting(_shown(verdict)))
    return _STATUSES[verdict.outcome]


def _check(asked: argparse.Namespace) -> SignatureCheck:
    policy = policy_of(asked.policy, asked.name)
    if policy.signatures is None:
        raise Ends(USAGE, f"the policy {policy.name} of {asked.policy} asks for no signatures")
    return policy.signatures


def _source(text: str) -> str:
    try:
        return str(parse_repository(text))
    except InvalidReference as error:
        raise Ends(USAGE, f"--source: {error}") from error


def _trust(folder: str) -> dict[str, bytes]:
    """A file that is too large is handed over as such, so that the verdict tells of it when it matters."""
    top = Path(folder)
    if not top.is_dir():
        raise Ends(UNREADABLE, f"{folder} is no folder that can be read")
    paths = sorted(path for path in top.rglob("*") if path.is_file())
    if len(paths) > _MOST_FILES:
        raise Ends(UNREADABLE, f"{folder} holds more than {_MOST_FILES} files")
    return {path.relative_to(top).as_posix(): content_of(str(path), bytes, LARGEST_TRUST_FILE) for path in paths}


def _shown(verdict: SignatureVerdict) -> str:
    ignored = [f"  ignored: {printable(each)}" for each in verdict.ignored]
    return "\n".join((f"{verdict.outcome.value}: {printable(verdict.detail)}", *ignored))

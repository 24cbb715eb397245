"""``tidegate whoami``."""

from __future__ import annotations

import argparse

from shared.cli.exits import Exit
from shared.cli.parsing import Parser
from shared.cli.session import Session
from shared.cli.text import minute, plain


def add(_: Parser, __: str) -> None:
    """Nothing is asked beside what every command takes."""


def run(_: argparse.Namespace, to: Session) -> int:
    """Tell who the app takes the caller for."""
    me = to.client.get("me")
    signed_in = f"signed in {minute(me['signed_in_at'])}" if me.get("signed_in_at") else ""
    named = f" ({me['installation']})" if me.get("installation") else ""
    lines = [
        f"{me['name']}, {me['kind']} {me['id']}",
        f"may: {', '.join(me['roles'])}",
        signed_in,
        f"at {to.client.access.url}{named}, version {me['version']}",
    ]
    to.show(me, [plain(line) for line in lines if line])
    return Exit.FINE

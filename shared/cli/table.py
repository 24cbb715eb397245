"""The table of commands: one line a command, whose module is imported when the command is asked for.

A module below ``shared.cli.commands`` has two functions, and may serve several commands::

    def add(parser: Parser, command: str) -> None:
        '''Add the command's arguments; those that every command has are there already.'''

    def run(asked: argparse.Namespace, to: Session) -> int:
        '''Do it, and return the exit status; ``asked.command`` is the command's name.'''
"""

from __future__ import annotations

import msgspec

SEE, DECIDE, FOLLOW, OFFLINE, RUN = "see", "decide", "ask and follow", "judge files, offline", "run it"
GROUPS = (SEE, DECIDE, FOLLOW, OFFLINE, RUN)


class Command(msgspec.Struct, frozen=True):
    """One command.

    Attributes:
        name: as it is typed.
        group: what it is for; the help shows commands by that.
        purpose: one sentence for people.
        module: below ``shared.cli.commands``.
        online: whether it asks an app, and so takes what all such commands take.
    """

    name: str
    group: str
    purpose: str
    module: str
    online: bool = True


COMMANDS = (
    Command("whoami", RUN, "Tell who the app takes you for, and what you may do.", "whoami"),
    Command("version", RUN, "Tell which version this is.", "version", online=False),
    Command("validate", OFFLINE, "Say what is wrong with a watch list and its gates.", "validate", online=False),
    Command("explain", OFFLINE, "Say for every tag whether it is taken, and why.", "explain", online=False),
    Command(
        "verdict", OFFLINE, "Say whether a policy lets an image pass by its scan's report.", "verdict", online=False
    ),
    Command(
        "verify-signature",
        OFFLINE,
        "Say whether an image is signed as a policy wants.",
        "verify_signature",
        online=False,
    ),
)

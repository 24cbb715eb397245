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
    Command("status", SEE, "Tell what needs people, what waits, and how the rest stands.", "status"),
    Command("images", SEE, "Tell how each watched tag stands.", "images"),
    Command("candidates", SEE, "List what is on its way, or ended.", "candidates"),
    Command("show", SEE, "Show one candidate: its way, its evidence, the tag that it is for.", "show"),
    Command("exposure", SEE, "Tell what is in use and would not be let in any more.", "exposure"),
    Command("rebuilds", SEE, "List rebuilds of applications whose base moved.", "rebuilds"),
    Command("waves", SEE, "List rebuilds that go in waves, and what waits for whom.", "waves"),
    Command("impact", SEE, "Tell who would be rebuilt if the tags of an entry moved.", "impact"),
    Command("bases", SEE, "Tell which builds, or lines of a Dockerfile, take images from outside.", "bases"),
    Command("rulings", SEE, "List what is blocked and what is held.", "rulings"),
    Command("signing-keys", SEE, "Give the public keys by which records are verified.", "signing_keys"),
    Command("activity", SEE, "List what happened, and who did what why.", "activity"),
    Command("approve", DECIDE, "Agree to a digest that waits for people.", "consents"),
    Command("reject", DECIDE, "Refuse a digest that waits for people.", "consents"),
    Command("waivers", DECIDE, "List, ask for, grant and revoke waivers of findings.", "waivers"),
    Command("pin", DECIDE, "Keep a tag at a digest, whatever comes.", "on_target"),
    Command("unpin", DECIDE, "Let a tag follow its source again.", "on_target"),
    Command("rollback", DECIDE, "Take a tag back to a digest that it bore before.", "on_target"),
    Command("promote", DECIDE, "Ask for a digest against its gate, or grant what another one asked.", "on_target"),
    Command("block", DECIDE, "Refuse a digest, wherever it comes from.", "rulings"),
    Command("release", DECIDE, "Refuse a digest no more.", "rulings"),
    Command("hold", DECIDE, "Decide nothing any more for an entry's tags.", "rulings"),
    Command("resume", DECIDE, "Decide again for an entry's tags.", "rulings"),
    Command("wave", DECIDE, "Show one wave of rebuilds; continue it, take its tag back, or cancel it.", "waves"),
    Command("check", FOLLOW, "Ask that the upstreams are looked at now.", "check"),
    Command("retry", FOLLOW, "Try again what failed, or was rejected.", "retry"),
    Command("watch", FOLLOW, "Follow a candidate live.", "watch"),
    Command("list", RUN, "Show, compare and write the watch list, and other files of config/.", "config_files"),
    Command("export", RUN, "Keep what people decided in a file.", "decisions"),
    Command("import", RUN, "Bring back what people decided, from a file.", "decisions"),
    Command("notify", RUN, "Tell how destinations of notices fare; try, mute and send once more.", "notify"),
    Command("housekeeping", RUN, "Delete from registries what nobody needs, or tell what would go.", "housekeeping"),
    Command("preview", RUN, "Tell what another watch list or policy would decide otherwise.", "preview"),
    Command("whoami", RUN, "Tell who the app takes you for, and what you may do.", "whoami"),
    Command("doctor", RUN, "Look whether the app is reached from here, by whom, and as it should be.", "doctor"),
    Command("version", RUN, "Tell which version this is.", "version", online=False),
    Command("completion", RUN, "Print what completes commands in a shell.", "completion", online=False),
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
    Command(
        "verify",
        OFFLINE,
        "Say whether an image has a record of the decision that let it in.",
        "verify",
        online=False,
    ),
)

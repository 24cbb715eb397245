"""``tidegate doctor``: whether the app is reached from here, by whom, and whether it can be worked with."""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from email.utils import parsedate_to_datetime
from urllib.parse import urlsplit
from urllib.request import getproxies, proxy_bypass

import msgspec

from shared.cli.client import Document, document_of
from shared.cli.commands.images import every_image
from shared.cli.exchange import Sent
from shared.cli.exits import Ends, Exit, Unreached
from shared.cli.parsing import Parser
from shared.cli.session import Session
from shared.cli.text import plain, read_time, table
from shared.version import VERSION

OK, WARN, BAD = "ok", "warn", "bad"
# Beyond it a sign-in is too old or not begun yet for one of the two sides.
_MOST_SECONDS_APART = 60
_KEY_AGREES = "a key agrees to nothing where the policy does not name it among its machines"


class Found(msgspec.Struct, frozen=True):
    """What one look found.

    Attributes:
        about: what was looked at.
        state: ``ok``, ``warn`` for what works and may surprise, ``bad`` for what does not work.
        told: for people, with what to do.
    """

    about: str
    state: str
    told: str


def add(_: Parser, __: str) -> None:
    """Nothing is asked beside what every command takes."""


def run(_: argparse.Namespace, to: Session) -> int:
    """Look at everything that can be looked at from here.

    Returns:
        0 if all of it works, 1 if something does not.
    """
    found: list[Found] = []
    for look in (_address, _way, _answers, _identity, _list):
        found += look(to)
        if any(one.state == BAD for one in found):
            break
    document: Document = {"found": [msgspec.to_builtins(one) for one in found]}
    rows = [(one.state, one.about, one.told) for one in found]
    to.show(document, table(("state", "what", "found"), rows, to.colours))
    return Exit.NO if any(one.state == BAD for one in found) else Exit.FINE


def _address(to: Session) -> Iterator[Found]:
    try:
        access = to.client.access
    except Ends as end:
        yield Found("address", BAD, str(end))
        return
    except Unreached as error:
        yield Found("authorities", BAD, str(error))
        return
    yield Found("address", OK, access.url)
    if access.key:
        yield Found("key", OK, f"from {access.key_from}")
    elif access.sign_in:
        yield Found("key", OK, f"none; az login, for {access.sign_in}")
    else:
        yield Found("key", BAD, "none: set TIDEGATE_KEY or TIDEGATE_KEY_FILE, or sign_in in a profile")


def _way(to: Session) -> Iterator[Found]:
    """A proxy's password is nobody's to see."""
    parts = urlsplit(to.client.access.url)
    proxy = getproxies().get(parts.scheme)
    if proxy and not proxy_bypass(parts.netloc):
        yield Found("proxy", OK, f"through {urlsplit(proxy).hostname or proxy.rpartition('@')[2]}")
    bundle = to.around.environment.get("REQUESTS_CA_BUNDLE")
    yield Found("authorities", OK, f"those of {bundle}" if bundle else "the system's")


def _answers(to: Session) -> Iterator[Found]:
    """Health is anonymous: whether somebody is let in is another question."""
    sent = Sent("GET", f"{to.client.access.url}/api/health", {}, None, to.client.access.timeout)
    try:
        answer = to.client.ask_anybody(sent)
    except Unreached as error:
        yield Found("connection", BAD, f"{to.client.access.url}: {error}")
        return
    if answer.status != 200:
        yield Found("connection", BAD, f"HTTP {answer.status} for /api/health: no Tidegate, or it is not started")
        return
    yield Found("connection", OK, "the app answers")
    yield from _clock(to, answer.headers.get("date", ""))


def _clock(to: Session, date: str) -> Iterator[Found]:
    try:
        apart = abs((parsedate_to_datetime(date) - to.around.now()).total_seconds())
    except (ValueError, TypeError):
        return
    if apart > _MOST_SECONDS_APART:
        yield Found("clock", WARN, f"{apart:.0f} s from the app's: sign-ins may be too old, or not begun yet")
    else:
        yield Found("clock", OK, f"{apart:.0f} s from the app's")


def _identity(to: Session) -> Iterator[Found]:
    try:
        me = to.client.get("me")
    except Ends as end:
        yield Found("identity", BAD, str(end))
        return
    yield Found("identity", OK, f"{me['name']}, {me['kind']} {me['id']}, {me.get('installation') or 'no name'}")
    yield Found("roles", OK, ", ".join(me["roles"]))
    if "approver" in me["roles"] and me["kind"] == "API key":
        yield Found("approving", WARN, _KEY_AGREES)
    if me["kind"] == "person" and not read_time(me.get("signed_in_at")):
        yield Found("approving", WARN, "nobody says when you signed in, so your word counts for no approval")
    state = OK if me["version"] == VERSION else WARN
    yield Found("versions", state, f"the app's is {me['version']}, this one's {VERSION}")


def _list(to: Session) -> Iterator[Found]:
    """What the app knows to be wrong is no defect of the way here, so it is told and is no failure."""
    try:
        entries, wrong = [*every_image(to)], _wrong(to)
    except Ends as end:
        yield Found("watch list", BAD, str(end))
        return
    yield Found("watch list", OK if entries else WARN, f"{len(entries)} entries are in force")
    if wrong == []:
        yield Found("set-up", OK, "nothing is asked for that cannot be, such as approvals that nobody could give")
    noted = [one["trouble"] for entry in entries for one in entry.get("troubles", ())]
    yield from _troubles([*noted, *(wrong or ())])


def _wrong(to: Session) -> list[Document] | None:
    """What is set up so that it cannot work, as of now; an older app does not tell."""
    answer = to.client.answer("GET", "readiness", takes=frozenset({404}))
    found: list[Document] | None = document_of(answer)["wrong"] if answer.status == 200 else None
    return found


def _troubles(troubles: list[Document]) -> Iterator[Found]:
    told = {f"{one['kind']} {one['about']}": str(one["detail"]) for one in troubles}
    yield from (Found(plain(about), WARN, plain(detail)) for about, detail in told.items())

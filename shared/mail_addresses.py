"""Mail servers and people as an address names them: ``smtps://user:password@host:465?from=…&to=…,…``."""

from __future__ import annotations

import re
from urllib.parse import unquote, urlsplit

import msgspec

_PORTS = {"smtp": 587, "smtps": 465}
# Without the forms that only quoting makes possible: nothing in it can end a command or a header.
_PERSON = re.compile(r"[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]{1,64}@[A-Za-z0-9](?:[A-Za-z0-9.-]{0,252}[A-Za-z0-9])?")
_MOST_PEOPLE = 50
_EXPECTED = (
    "is no mail destination: expected mail:smtps://user:password@host:465?from=tidegate@example.net&to=a@example.net,"
    "b@example.net, or smtp:// for a server that begins TLS by STARTTLS; what is special in a password is "
    "percent-encoded"
)


class Mailbox(msgspec.Struct, frozen=True):
    """How mail is sent and to whom; its text form holds no password.

    Attributes:
        host: of the mail server.
        port: of it.
        at_once: whether TLS begins with the connection, else by STARTTLS; never without.
        user: empty where the server asks for none.
        password: of the user.
        sender: who it is from.
        people: who it is for.
    """

    host: str
    port: int
    at_once: bool
    user: str
    password: str
    sender: str
    people: tuple[str, ...]

    def __repr__(self) -> str:
        return f"Mailbox({self.host!r})"


def mailbox_of(address: str) -> Mailbox:
    """Read an address that ``mail_problem`` finds nothing wrong with.

    Raises:
        ValueError: there is something wrong with it.
    """
    parts = urlsplit(address)
    said = [(name, unquote(value)) for name, _, value in (one.partition("=") for one in parts.query.split("&"))]
    people = [person.strip() for name, value in said if name == "to" for person in value.split(",")]
    return Mailbox(
        host=parts.hostname or "",
        port=parts.port or _PORTS[parts.scheme],
        at_once=parts.scheme == "smtps",
        user=unquote(parts.username or ""),
        password=unquote(parts.password or ""),
        sender=next((value for name, value in said if name == "from"), ""),
        people=tuple(person for person in people if person),
    )


def mail_problem(address: str) -> str:
    """Say what is wrong with an address, without anything of it; empty where nothing is."""
    try:
        found = mailbox_of(address)
    except (ValueError, KeyError):
        return _EXPECTED
    if not (found.host and found.people and bool(found.user) == bool(found.password)):
        return _EXPECTED
    if not (found.user + found.password).isascii():
        return "has a user or password with characters that a mail server's login cannot take: expected ASCII"
    if len(found.people) > _MOST_PEOPLE:
        return f"names more than {_MOST_PEOPLE} people: use a distribution list"
    wrong = [person for person in (found.sender, *found.people) if not _PERSON.fullmatch(person)]
    return f"has {len(wrong)} mail address(es) in from or to that are none" if wrong else ""

"""Where notices go: one setting ``NOTIFY_<NAME>`` for each destination, which has the name and the address.

An address is a secret: whoever knows it can write to the channel. It stands in no record, error or log.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Iterable, Mapping
from enum import Enum
from urllib.parse import unquote, urlsplit

import msgspec

from shared.mail_addresses import Mailbox, mail_problem, mailbox_of

PREFIX = "NOTIFY_"
# What a service manager says to a process that it starts.
_NOT_OURS = frozenset({"NOTIFY_SOCKET"})
_NAME = re.compile(r"[A-Z][A-Z0-9_]{0,38}[A-Z0-9]|[A-Z]")
_KEY = re.compile(r"whsec_[A-Za-z0-9+/]{32,88}={0,2}")
_MOST_KEYS = 2
# Bytes of a key, as the Standard Webhooks ask for.
_SHORTEST = 24
# A part of an address that is as long as this was made at random, and is what protects it.
_LONG = 16
_LONGEST_ADDRESS = 4096
_UNRESOLVED = "@microsoft.keyvault("


class Service(Enum):
    """What a destination is."""

    SLACK = "slack"  # an incoming webhook of a channel
    TEAMS = "teams"  # a workflow of Teams that posts cards
    MAIL = "mail"  # people, by a mail server
    WEBHOOK = "webhook"  # a machine: CloudEvents, signed by the Standard Webhooks
    APPRISE = "apprise"  # any of some hundred other services, as well as that library can
    UNKNOWN = "unknown"  # its address is a reference to a vault that was not followed; nothing can be sent


class Destination(msgspec.Struct, frozen=True):
    """One destination; its text form holds no address.

    Attributes:
        name: as people write it: small letters, digits and ``-``.
        service: what it is.
        address: what follows the service's name in the setting, without the keys.
        keys: of a webhook: what it is signed with, the newest first.
        setting: the app setting's name.
    """

    name: str
    service: Service
    address: str
    keys: tuple[str, ...] = ()
    setting: str = ""

    def __repr__(self) -> str:
        return f"Destination({self.name!r}, {self.service.value})"

    @property
    def mailbox(self) -> Mailbox:
        """Where mail goes, of a destination that is mail."""
        return mailbox_of(self.address)

    @property
    def secrets(self) -> tuple[str, ...]:
        """What nobody may be shown of it, in every form in which others may quote it."""
        if self.service is Service.MAIL:
            return (self.address, self.mailbox.password)
        keys = (part for key in self.keys for part in (key, key.removeprefix("whsec_")))
        whole = self.address.partition("://")[2]
        path = whole if self.service is Service.APPRISE else whole.partition("/")[2]
        passwords = (found for text in re.split(r"[\s,]+", path) if (found := _password(text)))
        return tuple({self.address, *keys, *passwords, *_telling_parts(path)} | ({whole} if path else set()))


def destinations_of(environment: Mapping[str, str]) -> tuple[Destination, ...]:
    """Read the destinations, sorted by name; what is wrong with them, ``destination_problems`` says.

    Args:
        environment: settings by name.
    """
    given = (
        (name, value.strip())
        for name, value in environment.items()
        if name.startswith(PREFIX) and name not in _NOT_OURS
    )
    found = (_destination(name, value) for name, value in given if value)
    return tuple(sorted(found, key=lambda one: one.name))


def destination_problems(destinations: Iterable[Destination]) -> list[str]:
    """Say what is wrong with destinations, by the settings' names and never by what stands in them."""
    return [f"{one.setting} {problem}" for one in destinations if (problem := _problem(one))]


def destination_secrets(destinations: Iterable[Destination]) -> tuple[str, ...]:
    """Return what nobody may be shown of any of them; none of one that ``destination_problems`` names."""
    return tuple(secret for one in destinations for secret in one.secrets)


def _destination(setting: str, value: str) -> Destination:
    name = setting.removeprefix(PREFIX).lower().replace("_", "-")
    if value.lower().startswith(_UNRESOLVED):
        return Destination(name, Service.UNKNOWN, "", setting=setting)
    kind, _, address = value.partition(":")
    service = next((one for one in Service if one.value == kind.lower()), Service.UNKNOWN)
    if service is not Service.WEBHOOK:
        return Destination(name, service, address.strip() or "nothing", setting=setting)
    url, *keys = address.split() or ["nothing"]
    return Destination(name, service, url, tuple(keys), setting)


def _problem(one: Destination) -> str:
    if not _NAME.fullmatch(one.setting.removeprefix(PREFIX)):
        return "names no destination: expected NOTIFY_ and up to 40 capital letters, digits and _"
    if one.service is Service.UNKNOWN:
        kinds = ", ".join(f"{service.value}:" for service in Service if service is not Service.UNKNOWN)
        return f"is no destination: expected an address that begins with one of {kinds}" if one.address else ""
    if one.service is Service.MAIL:
        return mail_problem(one.address)
    if one.service is Service.APPRISE:
        return (
            "" if "://" in one.address else "is no destination: expected apprise: and one of that library's addresses"
        )
    return _address_problem(one.address) or (_key_problem(one.keys) if one.service is Service.WEBHOOK else "")


def _address_problem(address: str) -> str:
    """The address is sent as it was given: a workflow's holds a signature over its own spelling."""
    if not address.startswith("https://"):
        return "must lead to an address that begins with https://"
    try:
        parts = urlsplit(address)
        good = bool(parts.hostname) and (parts.port is None or parts.port > 0) and "@" not in parts.netloc
    except ValueError:
        good = False
    plain = address.isascii() and address.isprintable() and " " not in address and "#" not in address
    if good and plain and len(address) <= _LONGEST_ADDRESS:
        return ""
    return "is no address: expected https://, a host without a user, and what follows, in plain ASCII without blanks"


def _key_problem(keys: tuple[str, ...]) -> str:
    if 1 <= len(keys) <= _MOST_KEYS and all(map(_is_key, keys)):
        return ""
    return (
        "needs one key after the address, or two while they are renewed, the newest first: whsec_ and 24 to 64 random "
        "bytes in base64"
    )


def _is_key(key: str) -> bool:
    """Letters of base64 may still be none: what cannot be decoded would sign nothing, when something is to be sent."""
    try:
        return (
            bool(_KEY.fullmatch(key)) and len(base64.b64decode(key.removeprefix("whsec_"), validate=True)) >= _SHORTEST
        )
    except ValueError:
        return False


def _password(address: str) -> str:
    """What stands before a host, however short it is."""
    return unquote(address.rpartition("://")[2].partition("/")[0].rpartition("@")[0].partition(":")[2])


def _telling_parts(path: str) -> set[str]:
    """Whoever quotes an address may leave out its host, or show only a part; a short part tells nothing."""
    before, _, query = path.partition("?")
    parts = [path, *re.split(r"[/@:]", before), *re.split(r"[&=]", query)]
    return {text for part in parts if len(part) >= _LONG for text in (part, unquote(part))}

"""Who builds elsewhere: one setting ``DISPATCH_<NAME>`` for each, with its kind, its address and by what it is asked.

An address stands here and nowhere else: neither the watch list, nor a record, nor an answer names one that is asked.
"""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Iterable, Mapping
from datetime import timedelta
from enum import Enum
from urllib.parse import urlsplit

import msgspec

PREFIX = "DISPATCH_"
_NAME = re.compile(r"[A-Z](?:[A-Z0-9_]{0,38}[A-Z0-9])?")
_VAULT_KEY = re.compile(r"https://[a-z0-9.-]+(?::\d{1,5})?/keys/[A-Za-z0-9-]{1,127}")
_NUMBER = re.compile(r"[1-9]\d{0,14}")
_TOKEN = re.compile(r"[A-Za-z0-9_.-]{20,500}")
_KEY = re.compile(r"whsec_[A-Za-z0-9+/]{32,88}={0,2}")
_SHORTEST_KEY, _MOST_KEYS = 24, 2
_LONGEST_ADDRESS = 1000
_HOURS = re.compile(r"[1-9]\d?")
_UNRESOLVED = "@microsoft.keyvault("


class DispatcherKind(Enum):
    """Who is asked."""

    GITHUB = "github"  # GitHub Actions, by a GitHub App whose key a vault holds, or by a token
    PIPELINES = "pipelines"  # Azure Pipelines, by the app's own identity
    EVENTS = "events"  # whoever takes a CloudEvent, signed by the Standard Webhooks, and tells the end by itself
    UNKNOWN = "unknown"  # a reference to a vault that was not followed, or no kind at all; nothing can be asked


class DispatcherSetting(msgspec.Struct, frozen=True):
    """One of them; its text form holds neither address nor secret.

    Attributes:
        name: as people write it: small letters, digits and ``-``.
        kind: what it is.
        address: what follows the kind in the setting.
        options: what follows the address, by name, each with all that was given for it.
        setting: the app setting's name.
        stray: what follows the address and is no option.
    """

    name: str
    kind: DispatcherKind
    address: str = ""
    options: Mapping[str, tuple[str, ...]] = {}
    setting: str = ""
    stray: bool = False

    def __repr__(self) -> str:
        return f"DispatcherSetting({self.name!r}, {self.kind.value})"

    def one(self, option: str) -> str:
        """Return what was given for an option; empty if nothing was."""
        return next(iter(self.options.get(option, ())), "")

    @property
    def answers_within(self) -> timedelta:
        """How long the end of a build is waited for that is told to us."""
        return timedelta(hours=int(self.one("hours") or "2"))

    @property
    def fingerprint(self) -> str:
        """Changes with where it is and by what it is asked, and tells neither."""
        parts = [
            self.kind.value,
            self.address,
            *(f"{name}={'+'.join(self.options[name])}" for name in sorted(self.options)),
        ]
        return hashlib.sha256("\0".join(parts).encode()).hexdigest()[:32]

    @property
    def secrets(self) -> tuple[str, ...]:
        """What nobody may be shown of it, in every form in which others may quote it."""
        keys = [*self.options.get("token", ()), *self.options.get("send", ()), *self.options.get("answer", ())]
        bare = [key.removeprefix("whsec_") for key in keys]
        whole = (self.address,) if self.kind is DispatcherKind.EVENTS else ()
        return tuple(dict.fromkeys([*whole, *keys, *bare]))


def dispatchers_of(environment: Mapping[str, str]) -> tuple[DispatcherSetting, ...]:
    """Read them, sorted by name; what is wrong with them, ``dispatcher_problems`` says.

    Args:
        environment: settings by name.
    """
    given = ((name, value.strip()) for name, value in environment.items() if name.startswith(PREFIX))
    return tuple(sorted((_dispatcher(name, value) for name, value in given if value), key=lambda one: one.name))


def dispatcher_problems(dispatchers: Iterable[DispatcherSetting]) -> list[str]:
    """Say what is wrong with them, by the settings' names and never by what stands in them."""
    return [f"{one.setting} {problem}" for one in dispatchers if (problem := _problem(one))]


def dispatcher_secrets(dispatchers: Iterable[DispatcherSetting]) -> tuple[str, ...]:
    """Return what nobody may be shown of any of them."""
    return tuple(secret for one in dispatchers for secret in one.secrets)


def _dispatcher(setting: str, value: str) -> DispatcherSetting:
    name = setting.removeprefix(PREFIX).lower().replace("_", "-")
    if value.lower().startswith(_UNRESOLVED):
        return DispatcherSetting(name, DispatcherKind.UNKNOWN, setting=setting)
    kind, _, rest = value.partition(":")
    address, *more = rest.split() or ["nothing"]
    options: dict[str, tuple[str, ...]] = {}
    for text in more:
        option, _, given = text.partition("=")
        options[option] = (*options.get(option, ()), given)
    found = next((one for one in DispatcherKind if one.value == kind.lower()), DispatcherKind.UNKNOWN)
    return DispatcherSetting(name, found, address, options, setting, any("=" not in text for text in more))


def _problem(one: DispatcherSetting) -> str:
    if not _NAME.fullmatch(one.setting.removeprefix(PREFIX)) or one.name == "acr":
        return "names no dispatcher: expected DISPATCH_ and up to 40 capital letters, digits and _, and not ACR"
    if one.kind is DispatcherKind.UNKNOWN:
        kinds = ", ".join(f"{kind.value}:" for kind in DispatcherKind if kind is not DispatcherKind.UNKNOWN)
        return f"is no dispatcher: expected an address that begins with one of {kinds}" if one.address else ""
    if one.stray or not all(all(given) for given in one.options.values()):
        return "has something after its address that is no option: expected name=value, parted by blanks"
    return _address_problem(one.address) or _PROBLEMS[one.kind](one)


def _address_problem(address: str) -> str:
    """As those of notices: a host without a user, over https, and nothing that could lead elsewhere."""
    try:
        parts = urlsplit(address)
        good = parts.scheme == "https" and bool(parts.hostname) and (parts.port is None or parts.port > 0)
    except ValueError:
        return _NO_ADDRESS
    plain = address.isascii() and address.isprintable() and not {*address} & {"#", "@", "\\", " "}
    return "" if good and plain and len(address) <= _LONGEST_ADDRESS else _NO_ADDRESS


_NO_ADDRESS = "is no address: expected https://, a host without a user, and what follows, in plain ASCII without blanks"


def _github_problem(one: DispatcherSetting) -> str:
    if one.options.keys() == {"token"} and _TOKEN.fullmatch(one.one("token")):
        return ""
    app = one.options.keys() == {"app", "installation", "key"} and all(
        len(given) == 1 for given in one.options.values()
    )
    numbers = all(_NUMBER.fullmatch(one.one(name)) for name in ("app", "installation"))
    if app and numbers and _VAULT_KEY.fullmatch(one.one("key")):
        return ""
    return (
        "needs a GitHub App after the address, app=123 installation=456 key=https://<vault>.vault.azure.net/keys/<name>,"
        " or token= and a token"
    )


def _pipelines_problem(one: DispatcherSetting) -> str:
    return "takes nothing after the address: Azure Pipelines is asked by the app's own identity" if one.options else ""


def _events_problem(one: DispatcherSetting) -> str:
    if one.options.keys() - {"hours"} != {"send", "answer"} or not (
        _are_keys(one, "send") and _are_keys(one, "answer")
    ):
        return (
            "needs send= and answer= after the address, each with a key of its own, whsec_ and 24 to 64 random bytes "
            "in base64, or twice with two while they are renewed, the newest first"
        )
    if {*one.options["send"]} & {*one.options["answer"]}:
        return "has one key for what is sent and for what is answered: each needs its own"
    return "" if _HOURS.fullmatch(one.one("hours") or "2") else "has hours= that are none: expected 1 to 99"


def _are_keys(one: DispatcherSetting, option: str) -> bool:
    given = one.options[option]
    return len(given) <= _MOST_KEYS and all(map(_is_key, given))


def _is_key(key: str) -> bool:
    """Letters of base64 may still be none: what cannot be decoded would sign nothing, when something is to be sent."""
    try:
        secret = base64.b64decode(key.removeprefix("whsec_"), validate=True)
    except ValueError:
        return False
    return bool(_KEY.fullmatch(key)) and len(secret) >= _SHORTEST_KEY


_PROBLEMS = {
    DispatcherKind.GITHUB: _github_problem,
    DispatcherKind.PIPELINES: _pipelines_problem,
    DispatcherKind.EVENTS: _events_problem,
}

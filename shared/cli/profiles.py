"""Where the app is and by what one is let in: flags first, then the environment, then a profile of config.toml.

A key is never a flag, which other processes and the shell's history could read. A profile's key goes to the profile's
own address alone, whatever a flag or the environment says.
"""

from __future__ import annotations

import argparse
import stat
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated
from urllib.parse import urlsplit

import msgspec
from msgspec import Meta

from shared.cli.exits import Ends, Exit
from shared.cli.text import duration
from shared.cli_settings import config_file

USUAL_TIMEOUT = "30s"
_LOCAL = frozenset({"localhost", "127.0.0.1", "::1"})
_LARGEST = 64 * 1024
_Text = Annotated[str, Meta(min_length=1, max_length=2000)]


class Profile(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One installation, as ``config.toml`` names it.

    Attributes:
        url: where the app is.
        key_file: a file that holds the API key alone; ``~`` is the home folder.
        key: the API key itself, where the file is readable by its owner alone.
        sign_in: the app registration that ``az`` gets a token for, such as ``api://tidegate``.
        timeout: how long an answer may take.
    """

    url: _Text
    key_file: _Text | None = None
    key: _Text | None = None
    sign_in: _Text | None = None
    timeout: _Text | None = None


class Config(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What ``config.toml`` says.

    Attributes:
        default: the profile that is meant where none is named.
        profiles: by name.
    """

    default: _Text | None = None
    profiles: Mapping[str, Profile] = {}


class Access(msgspec.Struct, frozen=True):
    """How the app is reached.

    Attributes:
        url: where it is, without ``/api``.
        timeout: seconds that an answer may take, all tries together.
        key: an API key; ``None`` for none.
        sign_in: the app registration to sign in for; ``None`` for none.
        key_from: where the key is from, for people.
        warnings: what is to be told about it.
    """

    url: str
    timeout: float
    key: str | None = None
    sign_in: str | None = None
    key_from: str = ""
    warnings: tuple[str, ...] = ()


def access_of(asked: argparse.Namespace, environment: Mapping[str, str]) -> Access:
    """Return how the app is reached.

    Args:
        asked: the command's arguments: ``url``, ``profile`` and ``timeout``.
        environment: ``TIDEGATE_URL``, ``TIDEGATE_KEY``, ``TIDEGATE_KEY_FILE``, ``TIDEGATE_SIGN_IN``,
            ``TIDEGATE_PROFILE``, ``TIDEGATE_TIMEOUT``.

    Raises:
        Ends: nobody said where the app is, or something of it is not what it should be.
    """
    profile, warnings = _profile(asked.profile or environment.get("TIDEGATE_PROFILE"), environment)
    said = asked.url or environment.get("TIDEGATE_URL") or (profile.url if profile else "")
    if not said:
        raise Ends(Exit.USAGE, "where is the app? Say it by --url, by TIDEGATE_URL, or in a profile (docs/cli.md)")
    url = address_of(said)
    at_home = profile is not None and address_of(profile.url) == url
    own = profile if at_home else None
    key, key_from, more = _key(own, environment)
    sign_in = None if key else environment.get("TIDEGATE_SIGN_IN") or (own.sign_in if own else None)
    limit = asked.timeout or environment.get("TIDEGATE_TIMEOUT") or (profile and profile.timeout) or USUAL_TIMEOUT
    seconds = duration(limit, "--timeout").total_seconds()
    if not seconds:
        raise Ends(Exit.USAGE, "--timeout: it must be longer than nothing")
    elsewhere = profile is not None and not at_home and (profile.key or profile.key_file or profile.sign_in)
    left = (f"the profile's key is not sent to {url}, which is another address",) if elsewhere and not key else ()
    return Access(url, seconds, key, sign_in, key_from, (*warnings, *more, *left))


def address_of(text: str) -> str:
    """Return the address of an app, as it is put before ``/api/…``.

    Raises:
        Ends: it is none, or a key would go there in the clear.
    """
    try:
        parts = urlsplit(text.strip())
        host, _ = parts.hostname, parts.port
    except ValueError as error:
        raise Ends(Exit.USAGE, f"the app's address is none: {error}") from error
    if parts.scheme not in {"https", "http"} or not host or parts.query or parts.fragment or "@" in parts.netloc:
        raise Ends(Exit.USAGE, "the app's address is none: it is like https://tidegate.example.net")
    if parts.scheme == "http" and host not in _LOCAL:
        raise Ends(Exit.USAGE, f"http://{host} is no address that a key may go to; say https://")
    return f"{parts.scheme}://{parts.netloc.lower()}{parts.path.rstrip('/').removesuffix('/api')}"


def _profile(wanted: str | None, environment: Mapping[str, str]) -> tuple[Profile | None, tuple[str, ...]]:
    file = config_file(environment)
    content = _content(file)
    if content is None:
        if wanted:
            raise Ends(Exit.USAGE, f"--profile {wanted}: there is no {file}")
        return None, ()
    try:
        config = msgspec.convert(tomllib.loads(content), Config)
    except (tomllib.TOMLDecodeError, msgspec.ValidationError) as error:
        raise Ends(Exit.UNREADABLE, f"{file}: {error}") from error
    name = wanted or config.default
    if name is not None and name not in config.profiles:
        there = ", ".join(sorted(config.profiles)) or "none"
        raise Ends(Exit.USAGE, f"{file} has no profile {name!r}; there are: {there}")
    return (config.profiles[name] if name else None), _open_to_others(file)


def _content(file: Path) -> str | None:
    try:
        with file.open("rb") as opened:
            return opened.read(_LARGEST).decode()
    except FileNotFoundError:
        return None
    except (OSError, UnicodeDecodeError) as error:
        raise Ends(Exit.UNREADABLE, f"{file} cannot be read: {error}") from error


def _open_to_others(file: Path) -> tuple[str, ...]:
    mode = stat.S_IMODE(file.stat().st_mode)
    return (f"{file} can be read by others (mode {mode:o}); say: chmod 600 {file}",) if mode & 0o077 else ()


def _key(profile: Profile | None, environment: Mapping[str, str]) -> tuple[str | None, str, tuple[str, ...]]:
    """The environment's key, a file's, or the profile's; the first that is there."""
    if said := environment.get("TIDEGATE_KEY"):
        return _checked(said, "TIDEGATE_KEY"), "TIDEGATE_KEY", ()
    if environment.get("TIDEGATE_SIGN_IN"):
        return None, "", ()
    named = environment.get("TIDEGATE_KEY_FILE") or (profile.key_file if profile else None)
    if named:
        file = Path(named).expanduser()
        content = _content(file)
        if content is None:
            raise Ends(Exit.UNREADABLE, f"{file}, which should hold the API key, is not there")
        return _checked(content, str(file)), str(file), _open_to_others(file)
    if profile is not None and profile.key:
        return _checked(profile.key, "the profile's key"), "the profile", ()
    return None, "", ()


def _checked(text: str, place: str) -> str:
    key = text.strip()
    if not key or not key.isascii() or not key.isprintable() or " " in key:
        raise Ends(Exit.UNREADABLE, f"{place} holds no API key: it is one line of letters and digits")
    return key

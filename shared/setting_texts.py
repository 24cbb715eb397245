"""What the settings' texts may be, whatever they mean: addresses, secrets, and references that were followed."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from urllib.parse import urlsplit

# Fewer different characters are a placeholder, or can be guessed.
_FEWEST_DIFFERENT = 6
_SHORTEST_SECRET = 16
_THIS_MACHINE = frozenset({"localhost", "127.0.0.1", "::1"})


def text_problems(values: Mapping[str, str], secrets: Iterable[str]) -> list[str]:
    """Say which settings are no addresses, no secrets, or references to a vault that were not followed.

    Args:
        values: the settings' texts, by field.
        secrets: the fields that are secrets.
    """
    webhook = _webhook_secret(values["webhook_secret"])
    return [*webhook, *_secrets(values, secrets), *_addresses(values), *_unresolved(values)]


def _webhook_secret(secret: str) -> list[str]:
    if not secret:
        return []
    if len(secret) < _SHORTEST_SECRET:
        return ["WEBHOOK_SECRET is too short: expected 16 characters or more"]
    if len(set(secret)) < _FEWEST_DIFFERENT:
        return ["WEBHOOK_SECRET can be guessed: it has fewer than six different characters; make one at random"]
    return []


def _secrets(values: Mapping[str, str], secrets: Iterable[str]) -> list[str]:
    """They travel in headers, which hold printable ASCII only; JSON is read by who knows its grammar."""
    return [
        f"{name.upper()} has characters that no header holds: expected printable ASCII"
        for name in secrets
        if name != "registry_credentials" and not (values[name].isascii() and values[name].isprintable())
    ]


def _addresses(values: Mapping[str, str]) -> list[str]:
    """Credentials and tokens go to these addresses, so they must be TLS, and lead where they seem to."""
    problems = []
    for name, text in values.items():
        if not name.endswith(("_url", "_endpoint")) or not text:
            continue
        if not text.startswith("https://") and not _leads_to_this_machine(name, text):
            problems.append(f"{name.upper()} must begin with https://")
        elif not _is_plain(text):
            problems.append(f"{name.upper()} is no address: expected https://, a host, and a path at most")
    return problems


def _leads_to_this_machine(name: str, address: str) -> bool:
    """Nothing is sent to where links lead, and the laptop twin's pages are reached without TLS."""
    if name != "public_url" or not address.startswith("http://") or not _is_plain(address):
        return False
    return urlsplit(address).hostname in _THIS_MACHINE


def _is_plain(address: str) -> bool:
    try:
        parts = urlsplit(address)
        known_port = parts.port is None or parts.port > 0
    except ValueError:
        return False
    plain = address.isascii() and address.isprintable() and " " not in address
    return plain and known_port and bool(parts.hostname) and not set("@?#\\") & set(address)


def _unresolved(values: Mapping[str, str]) -> list[str]:
    """A reference to a vault that could not be followed is handed on as it stands; it is nobody's secret."""
    return [
        f"{name.upper()} is a reference to a key vault that was not resolved: check that the secret is there and that "
        "the app's identity may read it"
        for name, text in values.items()
        if text.lower().startswith("@microsoft.keyvault(")
    ]

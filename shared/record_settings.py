"""The settings that say how decisions are recorded beside images: a part of ``shared.config``."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import PurePosixPath
from typing import Annotated
from urllib.parse import urlsplit

from msgspec import Meta

from shared.decision_settings import DecisionSettings

_KEY_PATH = re.compile(r"/keys/[0-9A-Za-z-]{1,127}")
_FORMS = frozenset({"att", "sig", "platforms"})
_OVERRIDES = frozenset({"none", "failed"})
# The platform sets it in every app that it runs.
_IN_AZURE = "WEBSITE_INSTANCE_ID"


def _setting(description: str) -> Meta:
    return Meta(description=description, extra={"secret": False})


class RecordSettings(DecisionSettings, frozen=True, kw_only=True):
    """Whether decisions are signed and put beside images, by which key, and how."""

    record_key: Annotated[
        str,
        _setting(
            "Key that signs what was decided of an image, `https://<vault>/keys/<name>`: of Key Vault, EC, P-256. "
            "Beside each image in the base registry then lies [a record](decision-record.md). Default: none does."
        ),
    ] = ""
    record_forms: Annotated[
        str,
        _setting(
            "Forms of the record beside the bundle that is always there, separated by commas: `att` and `sig`, tags "
            "that older verifiers read, and `platforms`, the bundle at each platform's image as well."
        ),
    ] = ""
    record_overrides: Annotated[
        str,
        _setting(
            "Whether what people took against its gate, or refuse, has a record that says `FAILED`: `failed`, or "
            "`none` for no record at all."
        ),
    ] = "none"
    record_verifier: Annotated[
        str,
        _setting("Who records say verified an image, an address. Default: `https://` and the base registry's server."),
    ] = ""
    vault_audience: Annotated[str, _setting("Audience of tokens for Key Vault; another one in sovereign clouds.")] = (
        "https://vault.azure.net"
    )

    @property
    def forms(self) -> frozenset[str]:
        """The forms of a record beside the bundle."""
        return frozenset(part.strip() for part in self.record_forms.split(",") if part.strip())

    @property
    def says_failed(self) -> bool:
        """Whether something that did not pass is said so."""
        return self.record_overrides == "failed"


def record_problems(values: Mapping[str, str], environment: Mapping[str, str]) -> list[str]:
    """Say what is wrong with these settings.

    Args:
        values: the settings' texts, by field.
        environment: settings by name, for where the app runs.
    """
    problems = [*_key(values["record_key"], environment), *_verifier(values["record_verifier"])]
    strange = {part.strip() for part in values["record_forms"].split(",") if part.strip()} - _FORMS
    if strange:
        problems.append(f"RECORD_FORMS: {', '.join(sorted(strange))} is no form: expected att, sig, platforms")
    if values["record_overrides"] not in {"", *_OVERRIDES}:
        problems.append("RECORD_OVERRIDES must be none or failed")
    if values["vault_audience"] and not values["vault_audience"].startswith("https://"):
        problems.append("VAULT_AUDIENCE must begin with https://")
    return problems


def _key(text: str, environment: Mapping[str, str]) -> list[str]:
    if not text:
        return []
    parts = urlsplit(text)
    if parts.scheme == "file":
        if environment.get(_IN_AZURE):
            return ["RECORD_KEY is a file, which is for a laptop alone: in Azure it must be a key of Key Vault"]
        whole = PurePosixPath(parts.path).is_absolute() and not parts.netloc
        return [] if whole else ["RECORD_KEY must be a whole path where it is a file: file:///…"]
    plain = parts.scheme == "https" and bool(parts.hostname) and not (parts.query or parts.fragment or "@" in text)
    if plain and _KEY_PATH.fullmatch(parts.path):
        return []
    return ["RECORD_KEY must be a key of Key Vault without its version: https://<vault>.vault.azure.net/keys/<name>"]


def _verifier(text: str) -> list[str]:
    """It is compared letter by letter, so that it is no place for what can be written in several ways."""
    if not text or (text.startswith("https://") and text.isascii() and text.isprintable() and " " not in text):
        return []
    return ["RECORD_VERIFIER must be an address that begins with https://"]

"""``python -m shared.keys``: make, list and revoke the API keys of an installation.

Whoever runs it needs the role Storage Table Data Contributor on the app's storage account and a way to it, and is who
``az login`` says. A key is shown once, on standard output and alone, so that it can be led into a vault.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import msgspec

from shared.access_ports import ApiKeys
from shared.domain.access.api_keys import new_key
from shared.domain.access.callers import Role
from shared.errors import MalformedInput, TidegateError
from shared.storage_settings import named_storage

if TYPE_CHECKING:
    from azure.core.credentials import TokenCredential

_USAGE = 64


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> None:  # type: ignore[override]
        self.print_usage(sys.stderr)
        self.exit(_USAGE, f"{self.prog}: {message}\n")


def main(arguments: Sequence[str] | None = None) -> int:
    """Do what the command line asks for.

    Returns:
        0; 1 where it cannot be done, with the reason on standard error; 64 for a command line that is none.
    """
    asked = _parser().parse_args(arguments)
    try:
        return _do(_keys(asked.account), asked)
    except TidegateError as error:
        print(error, file=sys.stderr)
        return 1


def _do(keys: ApiKeys, asked: argparse.Namespace) -> int:
    if asked.command == "make":
        print(make(keys, asked.name, Role(asked.role)))
    elif asked.command == "revoke":
        print(revoke(keys, asked.id))
    else:
        print("\n".join(listed(keys)))
    return 0


def make(keys: ApiKeys, name: str, role: Role) -> str:
    """Keep a new key, and return it; it cannot be had again. Dying before it is shown leaves a key nobody has.

    Raises:
        MalformedInput: the name is none, or has two keys in force.
    """
    record, text = new_key(name, role, datetime.now(UTC), [stored.key for stored in keys.every()])
    keys.add(record)
    return text


def revoke(keys: ApiKeys, key_id: str) -> str:
    """Let a key open nothing any more, and return what was done; done twice is done once.

    Raises:
        MalformedInput: there is no such key.
        Conflict: somebody else revoked it just now.
    """
    stored = next((one for one in keys.every() if one.key.id == key_id), None)
    if stored is None:
        raise MalformedInput(f"there is no key {key_id[:80]!r}; 'list' shows the ids")
    if stored.key.revoked is None:
        keys.replace(stored, msgspec.structs.replace(stored.key, revoked=datetime.now(UTC)))
    return f"{key_id} of {stored.key.name} is revoked; within a minute it opens nothing any more"


def listed(keys: ApiKeys) -> list[str]:
    """Return a line for each key, those in force first."""
    records = sorted((stored.key for stored in keys.every()), key=lambda key: (key.revoked is not None, key.name))
    lines = [f"{'id':14}{'name':24}{'role':10}{'made':22}revoked"]
    for key in records:
        revoked = f"{key.revoked:%Y-%m-%d %H:%M}" if key.revoked else ""
        lines.append(f"{key.id:14}{key.name:24}{key.role.value:10}{key.made:%Y-%m-%d %H:%M}      {revoked}".rstrip())
    return lines


def _keys(account: str) -> ApiKeys:
    from shared.adapters.storage.account import StorageAccount  # noqa: PLC0415
    from shared.adapters.storage.api_keys_table import ApiKeysTable  # noqa: PLC0415

    return ApiKeysTable(StorageAccount(named_storage(account), _credential))


def _credential() -> TokenCredential:
    from azure.identity import AzureCliCredential  # noqa: PLC0415

    return AzureCliCredential()


def _parser() -> argparse.ArgumentParser:
    parser = _Parser(prog="python -m shared.keys", description="The API keys of an installation.")
    parser.add_argument(
        "--account", default="", help="name of the app's storage account; default: what AzureWebJobsStorage says"
    )
    commands = parser.add_subparsers(dest="command", required=True)
    made = commands.add_parser("make", help="make a key, and show it once")
    made.add_argument("name", help="whose it is, such as deploy-pipeline")
    made.add_argument("--role", required=True, choices=[role.value for role in Role])
    commands.add_parser("list", help="show every key but for its secret")
    commands.add_parser("revoke", help="let a key open nothing any more").add_argument("id")
    return parser


if __name__ == "__main__":
    sys.exit(main())

"""Key Vault's data plane for keys: signing, reading them and their versions, making, rotating and changing them.

https://learn.microsoft.com/rest/api/keyvault/keys/operation-groups
"""

from __future__ import annotations

import time
from collections.abc import Iterable
from typing import Any
from urllib.parse import urlencode

from werkzeug.exceptions import abort
from werkzeug.wrappers import Request, Response

from infra.local.emulator.front import Route
from infra.local.emulator.settings import Settings
from infra.local.emulator.vault_algorithms import kind_asked
from infra.local.emulator.vault_keys import KeyVersion, VaultKeys
from infra.local.emulator.vault_wire import bundle, decoded, encoded, item, key_not_found, vault_error
from infra.local.emulator.wire import json_reply

_KEYS = "Microsoft.KeyVault/vaults/keys"
_PAGE = 25


class Vault:
    """The routes of the twin's one vault.

    Args:
        keys: all of them.
        address: of the vault, with which the names of keys begin.
        settings: what may be changed.
    """

    def __init__(self, keys: VaultKeys, address: str, settings: Settings) -> None:
        self._keys = keys
        self._address = address
        self._settings = settings

    def routes(self) -> list[Route]:
        """Return the routes served; each names the action that a role has to permit."""
        one, version = "/keys/<name>", "/keys/<name>/<version>"
        used = [
            Route("POST", pattern, kind, handler, f"{_KEYS}/{kind}/action")
            for kind, handler in (("sign", self.sign), ("verify", self.verify))
            for pattern in (f"{version}/{kind}", f"{one}/{kind}", f"{one}//{kind}")
        ]
        return [
            *used,
            Route("GET", "/keys", "GET keys", self.listed, f"{_KEYS}/read"),
            Route("GET", one, "GET key", self.get, f"{_KEYS}/read"),
            Route("GET", f"{one}/versions", "GET key versions", self.versions, f"{_KEYS}/read"),
            Route("GET", version, "GET key", self.get, f"{_KEYS}/read"),
            Route("POST", f"{one}/create", "create key", self.create, f"{_KEYS}/create/action"),
            Route("POST", f"{one}/rotate", "rotate key", self.rotate, f"{_KEYS}/rotate/action"),
            Route("PATCH", version, "PATCH key", self.change, f"{_KEYS}/update/action"),
            Route("PATCH", one, "PATCH key", self.change, f"{_KEYS}/update/action"),
        ]

    def listed(self, request: Request) -> Response:
        """Answer all keys, each once, in pages."""
        newest = (self._keys.find(name, "") for name in self._keys.names())
        return self._page(request, [item(self._address, key, versioned=False) for key in newest if key])

    def versions(self, request: Request, name: str) -> Response:
        """Answer all versions of a key, those that are disabled too, in pages."""
        self._found(name, "")
        return self._page(request, [item(self._address, key, versioned=True) for key in self._keys.versions(name)])

    def get(self, _: Request, name: str, version: str = "") -> Response:
        """Answer a version of a key, the newest if none is named; a disabled one is refused."""
        key = self._found(name, version)
        if not key.enabled:
            return _disabled("get")
        return json_reply(bundle(self._address, key))

    def create(self, request: Request, name: str) -> Response:
        """Make a key, or a new version of it."""
        body = _body(request)
        kind = kind_asked(body)
        if kind is None:
            asked = {one: body[one] for one in ("kty", "crv", "key_size") if one in body}
            return vault_error(400, "BadParameter", f"A key of {asked} is not there in the twin.")
        return json_reply(bundle(self._address, self._keys.create(name, kind, body.get("attributes") or {})))

    def rotate(self, _: Request, name: str) -> Response:
        """Make a new version of a key, like the newest there is."""
        return json_reply(bundle(self._address, self._keys.create(name, self._found(name, "").kind, {})))

    def change(self, request: Request, name: str, version: str = "") -> Response:
        """Change whether and when a version may be used."""
        key = self._keys.change(self._found(name, version), _body(request).get("attributes") or {})
        return json_reply(bundle(self._address, key))

    def sign(self, request: Request, name: str, version: str = "") -> Response:
        """Answer a digest's signature; of a curve r and s, in full width, one after the other."""
        key = self._usable(name, version, "sign")
        algorithm, digest = _digest(key, _body(request), "value")
        zero = self._settings.now.signatures_with_leading_zero
        return self._result(key, encoded(key.sign(algorithm, digest, leading_zero=zero)))

    def verify(self, request: Request, name: str, version: str = "") -> Response:
        """Answer whether a signature is right; a key that is over still verifies."""
        key = self._found(name, version)
        if not key.enabled:
            return _disabled("verify")
        body = _body(request)
        algorithm, digest = _digest(key, body, "digest")
        return self._result(key, key.verifies(algorithm, digest, decoded(body.get("value")) or b""))

    def _result(self, key: KeyVersion, value: object) -> Response:
        return json_reply({"kid": f"{self._address}/keys/{key.name}/{key.version}", "value": value})

    def _found(self, name: str, version: str) -> KeyVersion:
        key = self._keys.find(name, version)
        if key is None:
            abort(key_not_found(f"{name}/{version}" if version else name))
        return key

    def _usable(self, name: str, version: str, operation: str) -> KeyVersion:
        key, now = self._found(name, version), time.time()
        if not key.enabled:
            abort(_disabled(operation))
        if key.expires is not None and now >= key.expires:
            message = f"Operation {operation} is not allowed on an expired key."
            abort(vault_error(403, "Forbidden", message, "KeyExpired"))
        if key.not_before is not None and now < key.not_before:
            message = f"Operation {operation} is not allowed on a key that is not yet valid."
            abort(vault_error(403, "Forbidden", message, "KeyNotYetValid"))
        return key

    def _page(self, request: Request, entries: Iterable[dict[str, Any]]) -> Response:
        found = list(entries)
        first, size = request.args.get("$skiptoken", 0, type=int), request.args.get("maxresults", _PAGE, type=int)
        query = urlencode({**request.args.to_dict(), "$skiptoken": first + size})
        more = f"{self._address}{request.path}?{query}" if first + size < len(found) else None
        return json_reply({"value": found[first : first + size], "nextLink": more})


def _disabled(operation: str) -> Response:
    return vault_error(403, "Forbidden", f"Operation {operation} is not allowed on a disabled key.", "KeyDisabled")


def _body(request: Request) -> dict[str, Any]:
    body = request.get_json(force=True, silent=True)
    if not isinstance(body, dict):
        abort(vault_error(400, "BadParameter", "Property  has invalid value\r\n"))
    return body


def _digest(key: KeyVersion, body: dict[str, Any], name: str) -> tuple[str, bytes]:
    """Return algorithm and digest that a request is about; 400 for an algorithm not of the key, or another length."""
    algorithm = str(body.get("alg", ""))
    if algorithm not in key.algorithms:
        message = f"Key and signing algorithm are incompatible. Key {key.name}/{key.version} is of '{key.kind}', "
        abort(vault_error(400, "BadParameter", f"{message}and algorithm '{algorithm}' can not be used with it."))
    digest, size = decoded(body.get(name)), key.algorithms[algorithm].digest_size
    if digest is None or len(digest) != size:
        length = 0 if digest is None else len(digest)
        message = f"Invalid length of '{name}': {length} bytes. {algorithm} requires {size} bytes, "
        abort(vault_error(400, "BadParameter", f"{message}encoded with base64url."))
    return algorithm, digest

"""GET /api/signing-keys: the public keys by which records beside images are verified."""

from __future__ import annotations

import azure.functions as func
import msgspec

from shared.domain.record.signing_keys import ShownKey, shown
from shared.record_ports import SigningKeys
from shared.web.answers import json_answer


class SigningKeysListed(msgspec.Struct, frozen=True):
    """The public keys, the first one first, and who records say verified an image."""

    keys: tuple[ShownKey, ...]
    verifier: str


def listed_signing_keys(keys: SigningKeys, verifier: str) -> func.HttpResponse:
    """List every key that signs records, is about to, or did.

    Args:
        keys: where they are kept.
        verifier: who records say verified an image.
    """
    return json_answer(SigningKeysListed(shown(stored.key for stored in keys.every()), verifier))

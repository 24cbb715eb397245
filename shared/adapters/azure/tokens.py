"""Tokens of the app's own identity, for services that no SDK here asks."""

from __future__ import annotations

from shared.adapters.azure.errors import azure_errors
from shared.adapters.azure.identity import Identity
from shared.errors import NotTaken, ServiceError


def identity_token(identity: Identity, resource: str) -> str:
    """Return a token for a resource; the credential keeps it as long as it is good.

    Args:
        identity: the app's.
        resource: whose audience it is.

    Raises:
        NotTaken: there is none, so nothing was asked with it.
    """
    try:
        with azure_errors(f"asking for a token of the app's identity for {resource}", "any"):
            return identity.credential().get_token(f"{resource}/.default").token
    except ServiceError as error:
        raise NotTaken(str(error), code=error.code, retry_after=error.retry_after) from None

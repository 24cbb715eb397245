"""Signs in who sits at the terminal, by ``az login``: no token of ours is kept on any disk."""

from __future__ import annotations

from shared.cli.exits import Ends, Exit


def token_for(registration: str) -> str:
    """Return a token for the app.

    Args:
        registration: of the app, such as ``api://tidegate`` or its client id.

    Raises:
        Ends: nobody is signed in, or ``az`` gets no token for it.
    """
    from azure.core.exceptions import ClientAuthenticationError  # noqa: PLC0415  takes long to load
    from azure.identity import AzureCliCredential, CredentialUnavailableError  # noqa: PLC0415

    scope = registration if registration.endswith("/.default") else f"{registration}/.default"
    try:
        return str(AzureCliCredential().get_token(scope).token)
    except (CredentialUnavailableError, ClientAuthenticationError) as error:
        told = f"no sign-in for {registration}: {error.message.splitlines()[0]}; say az login"
        raise Ends(Exit.DENIED, told) from error

"""A file under ``config/trust/`` read as what it is: a key, certificates, or the trusted root of a sigstore."""

from __future__ import annotations

from shared.domain.policy.signing import CosignCheck
from shared.domain.signatures.findings import Unverifiable
from shared.domain.signatures.roots import read_vouching
from shared.domain.signatures.trust import certificates, public_key
from shared.errors import MalformedInput

_FOLDER = "trust/"
_STORES = "stores/"
# Whose signature is wanted does not matter to what a root is.
_ANYBODY = "anybody"


def checked_trust(name: str, content: bytes) -> bytes:
    """Return a file of trust that can be used.

    Args:
        name: of the file, below ``config/``.
        content: of the file.

    Raises:
        MalformedInput: it is of no use.
    """
    if problem := problem_with(name.removeprefix(_FOLDER), content):
        raise MalformedInput(problem)
    return content


def problem_with(path: str, content: bytes) -> str:
    """Return why a file is of no use, for people; empty if it can be used.

    Args:
        path: below ``config/trust/``.
        content: of the file.
    """
    try:
        if path.endswith(".json"):
            read_vouching(CosignCheck(identity=_ANYBODY, issuer=_ANYBODY, root=path), {path: content})
        elif path.startswith(_STORES) or b"BEGIN CERTIFICATE" in content or path.endswith((".crt", ".cer")):
            certificates({path: content}, path)
        else:
            public_key({path: content}, path)
    except (Unverifiable, ValueError) as error:
        return str(error)
    return ""

"""Bundles by identities, as sigstore's own library judges them: certificate, logs, times. It is never online here."""

from __future__ import annotations

from datetime import datetime
from functools import lru_cache

from cryptography import x509
from sigstore.errors import VerificationError
from sigstore.models import Bundle, InvalidBundle, TrustedRoot
from sigstore.verify import Verifier
from sigstore_models.trustroot.v1 import TrustedRoot as RootMessage

from shared.domain.policy.signing import CosignCheck
from shared.domain.signatures.encoded import at_second
from shared.domain.signatures.findings import Found, Refused, Unverifiable
from shared.domain.signatures.identities import Identity, check_identity, identity_of


class _Wanted:
    """The policy as sigstore's library asks for it; it keeps who it was."""

    def __init__(self, wanted: CosignCheck) -> None:
        self._wanted = wanted
        self.identity: Identity | None = None

    def verify(self, cert: x509.Certificate) -> None:
        """Check a certificate's holder.

        Raises:
            Refused: it is somebody else.
        """
        self.identity = identity_of(cert)
        check_identity(self.identity, self._wanted)


def check_bundle(content: bytes, root: bytes, wanted: CosignCheck) -> tuple[str, bytes, Found]:
    """Check everything about a bundle but what it says.

    Args:
        content: the bundle.
        root: the trusted root of the sigstore instance.
        wanted: whose signature is wanted.

    Returns:
        The payload's type, the payload, and who signed it.

    Raises:
        Refused: it does not count.
        Unverifiable: the trusted root cannot be used.
    """
    verifier = _verifier(root)
    who = _Wanted(wanted)
    try:
        bundle = Bundle.from_json(content)
        kind, payload = verifier.verify_dsse(bundle, who)
    except InvalidBundle as error:
        raise _unread(content, error) from None
    except VerificationError as error:
        raise Refused(f"it does not verify: {_line(error)}") from None
    return kind, payload, Found(str(who.identity), _promised_at(bundle))


def _unread(content: bytes, error: InvalidBundle) -> Refused | Unverifiable:
    """Older bundles bring a promise of the log along and no proof, which the library does not take for enough."""
    if b"bundle+json;version=0." in content:
        return Unverifiable(f"it is a bundle of an older form, which cannot be judged here: {_line(error)}")
    return Refused(f"it is no bundle that can be read: {_line(error)}")


def _line(error: Exception) -> str:
    return " ".join(str(error).split())[:300]


def _promised_at(bundle: Bundle) -> datetime | None:
    """When the log took it in; without its promise the time that it tells is only said, and another one was checked."""
    entry = bundle.log_entry._inner
    if not entry.inclusion_promise or not entry.integrated_time:
        return None
    return at_second(entry.integrated_time, "the log's time")


@lru_cache(maxsize=4)
def _verifier(root: bytes) -> Verifier:
    try:
        return Verifier(trusted_root=TrustedRoot(RootMessage.from_json(root)))
    # Whatever is wrong with it, nothing can be judged by it, and its people are told.
    except Exception as error:  # noqa: BLE001
        raise Unverifiable(f"it is no trusted root of sigstore: {_line(error)}") from None

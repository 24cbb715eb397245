"""Who a certificate of Fulcio's kind says that its holder is, and who vouched for it."""

from __future__ import annotations

import msgspec
from cryptography import x509
from cryptography.x509.oid import ObjectIdentifier

from shared.domain.policy.signing import CosignCheck, compiled
from shared.domain.signatures.certificates import extension
from shared.domain.signatures.der import read_whole
from shared.domain.signatures.findings import Refused

_ISSUER = ObjectIdentifier("1.3.6.1.4.1.57264.1.8")
_ISSUER_OF_OLD = ObjectIdentifier("1.3.6.1.4.1.57264.1.1")
_OTHER_NAME = ObjectIdentifier("1.3.6.1.4.1.57264.1.7")
_UTF8_STRING = 0x0C
_LONGEST = 2000


class Identity(msgspec.Struct, frozen=True):
    """Who signed without a key of their own.

    Attributes:
        name: an address or a mail.
        issuer: who vouched for it.
    """

    name: str
    issuer: str

    def __str__(self) -> str:
        return f"{self.name[:300]} (vouched for by {self.issuer[:200]})"


def identity_of(certificate: x509.Certificate) -> Identity:
    """Return who a certificate was made for.

    Raises:
        Refused: it does not say, or says several.
    """
    names = extension(certificate, x509.SubjectAlternativeName)
    if names is None or len(names) != 1:
        raise Refused("its certificate does not say in one name whose it is")
    name = _name(next(iter(names)))
    issuer = _issuer(certificate)
    if max(len(name), len(issuer)) > _LONGEST:
        raise Refused("its certificate's names are too long")
    return Identity(name, issuer)


def check_identity(identity: Identity, check: CosignCheck) -> None:
    """Check that somebody is who the policy wants.

    Raises:
        Refused: it is somebody else, or somebody else vouched for it.
    """
    if not _is(identity.name, check.identity, check.identity_pattern):
        raise Refused(f"it is by {identity}, which is another identity")
    if not _is(identity.issuer, check.issuer, check.issuer_pattern):
        raise Refused(f"it is by {identity}, which is another issuer")


def _is(text: str, exact: str | None, pattern: str | None) -> bool:
    if exact is not None:
        return text == exact
    return pattern is not None and compiled(pattern).fullmatch(text) is not None


def _name(name: x509.GeneralName) -> str:
    if isinstance(name, x509.RFC822Name | x509.UniformResourceIdentifier):
        return name.value
    if isinstance(name, x509.OtherName) and name.type_id == _OTHER_NAME:
        return read_whole(name.value, _UTF8_STRING).content.decode()
    raise Refused("its certificate's name is neither an address nor a mail")


def _issuer(certificate: x509.Certificate) -> str:
    told = {each.oid: each.value for each in certificate.extensions if each.oid in (_ISSUER, _ISSUER_OF_OLD)}
    for oid in (_ISSUER, _ISSUER_OF_OLD):
        value = told.get(oid)
        if isinstance(value, x509.UnrecognizedExtension):
            return (read_whole(value.value, _UTF8_STRING).content if oid == _ISSUER else value.value).decode()
    raise Refused("its certificate does not say who vouched for its holder")

"""Certificates: whether one leads to another that is trusted, was valid at a time, and may be used for what it was."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import TypeVar

import msgspec
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.x509.oid import ExtendedKeyUsageOID, ObjectIdentifier

from shared.domain.signatures.findings import Refused

MOST_IN_CHAIN = 10
_DEEPEST = 6
_UNDERSTOOD = (
    x509.BasicConstraints,
    x509.KeyUsage,
    x509.ExtendedKeyUsage,
    x509.SubjectAlternativeName,
    x509.CertificatePolicies,
)
_WEAK = (hashes.MD5, hashes.SHA1)
CODE_SIGNING = ExtendedKeyUsageOID.CODE_SIGNING
TIME_STAMPING = ExtendedKeyUsageOID.TIME_STAMPING
_Kind = TypeVar("_Kind", bound=x509.ExtensionType)


class Moment(msgspec.Struct, frozen=True):
    """When something was signed, as exactly as somebody vouches for it.

    Attributes:
        earliest: it was not before.
        latest: nor after.
    """

    earliest: datetime
    latest: datetime

    @classmethod
    def of(cls, at: datetime) -> Moment:
        """Return the moment that is known exactly."""
        return cls(at, at)


def shown(certificate: x509.Certificate) -> str:
    """Return a certificate's subject for people."""
    return (certificate.subject.rfc4514_string() or f"serial number {certificate.serial_number:x}")[:200]


def check_valid(certificate: x509.Certificate, moment: Moment) -> None:
    """Check that a certificate was valid.

    Raises:
        Refused: it was not yet, or no longer.
    """
    start, end = certificate.not_valid_before_utc, certificate.not_valid_after_utc
    if not start <= moment.earliest <= moment.latest <= end:
        raise Refused(
            f"the certificate {shown(certificate)} is valid from {start:%Y-%m-%d %H:%M} to {end:%Y-%m-%d %H:%M}, which "
            f"does not hold {moment.latest:%Y-%m-%d %H:%M} UTC"
        )


def check_leaf(leaf: x509.Certificate, purpose: ObjectIdentifier, *, said: bool) -> None:
    """Check that a certificate may sign, and for this purpose.

    Args:
        leaf: the signer's.
        purpose: what it must be for.
        said: whether it must say what it is for; if not, it may leave it open.

    Raises:
        Refused: it may not.
    """
    _check_extensions(leaf)
    usage = extension(leaf, x509.KeyUsage)
    if usage is None or not usage.digital_signature:
        raise Refused(f"the certificate {shown(leaf)} is not for signing")
    purposes = extension(leaf, x509.ExtendedKeyUsage)
    if (purposes is None and said) or (purposes is not None and purpose not in purposes):
        raise Refused(f"the certificate {shown(leaf)} is for other purposes than this ({purpose.dotted_string})")


def check_chain(
    leaf: x509.Certificate,
    others: Sequence[x509.Certificate],
    trusted: Sequence[x509.Certificate],
    moment: Moment,
    purpose: ObjectIdentifier,
) -> x509.Certificate | None:
    """Check that a certificate was valid and is trusted, itself or through others.

    Args:
        leaf: the signer's.
        others: what came along; they are trusted only through what is.
        trusted: what people trust.
        moment: when all of them must have been valid.
        purpose: what those in between must be for, where they say.

    Returns:
        Who issued the leaf; ``None`` if it is trusted itself.

    Raises:
        Refused: no way leads to one that is trusted.
    """
    check_valid(leaf, moment)
    if leaf in trusted:
        return None
    constraints = extension(leaf, x509.BasicConstraints)
    if constraints is not None and constraints.ca:
        raise Refused(f"the certificate {shown(leaf)} is an authority's, not a signer's")
    way = _Ways(trusted, others[:MOST_IN_CHAIN], moment, purpose).up(leaf, 0)
    if way is None:
        raise Refused(f"no chain leads from the certificate {shown(leaf)} to one that is trusted")
    return way


class _Ways:
    """Looks for a way up to a trusted certificate; each that came along is gone through once."""

    def __init__(
        self,
        trusted: Sequence[x509.Certificate],
        others: Sequence[x509.Certificate],
        moment: Moment,
        purpose: ObjectIdentifier,
    ) -> None:
        self._trusted = trusted
        self._left = [each for each in others if each not in trusted]
        self._moment = moment
        self._purpose = purpose

    def up(self, below: x509.Certificate, depth: int) -> x509.Certificate | None:
        """Return an issuer of a certificate from which the way leads on to a trusted one."""
        if _is_weak(below):
            return None
        for issuer in self._trusted:
            if self._is_issuer(issuer, below, depth):
                return issuer
        for issuer in tuple(self._left):
            if depth < _DEEPEST and issuer in self._left and self._is_issuer(issuer, below, depth):
                self._left.remove(issuer)
                if self.up(issuer, depth + 1) is not None:
                    return issuer
        return None

    def _is_issuer(self, issuer: x509.Certificate, below: x509.Certificate, depth: int) -> bool:
        try:
            if issuer.subject != below.issuer:
                return False
            _check_authority(issuer, depth, None if issuer in self._trusted else self._purpose)
            check_valid(issuer, self._moment)
            below.verify_directly_issued_by(issuer)
        # Not by it; or a key or signature that the library does not know, which proves nothing either.
        except Exception:  # noqa: BLE001
            return False
        return True


def _check_authority(authority: x509.Certificate, depth: int, purpose: ObjectIdentifier | None) -> None:
    _check_extensions(authority)
    constraints = extension(authority, x509.BasicConstraints)
    if constraints is None or not constraints.ca:
        raise Refused(f"the certificate {shown(authority)} is no authority's")
    if constraints.path_length is not None and constraints.path_length < depth:
        raise Refused(f"the authority {shown(authority)} may not have others below it")
    usage = extension(authority, x509.KeyUsage)
    if usage is not None and not usage.key_cert_sign:
        raise Refused(f"the certificate {shown(authority)} may not sign others")
    purposes = extension(authority, x509.ExtendedKeyUsage)
    wanted = {purpose, ExtendedKeyUsageOID.ANY_EXTENDED_KEY_USAGE}
    if purpose is not None and purposes is not None and not wanted & set(purposes):
        raise Refused(f"the authority {shown(authority)} is for other purposes")


def _check_extensions(certificate: x509.Certificate) -> None:
    """What a certificate says must be heeded and nobody here does makes it useless."""
    for each in certificate.extensions:
        if each.critical and not isinstance(each.value, _UNDERSTOOD):
            raise Refused(
                f"the certificate {shown(certificate)} needs {each.oid.dotted_string}, which is not known here"
            )


def _is_weak(certificate: x509.Certificate) -> bool:
    return isinstance(certificate.signature_hash_algorithm, _WEAK)


def extension(certificate: x509.Certificate, kind: type[_Kind]) -> _Kind | None:
    """Return what a certificate says of something; ``None`` if it says nothing."""
    try:
        return certificate.extensions.get_extension_for_class(kind).value
    except x509.ExtensionNotFound:
        return None

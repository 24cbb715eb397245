"""Whose signature an image must have. Frozen records, parts of a policy; the files that they name are not read here."""

from __future__ import annotations

from typing import Annotated, Any, Final

import msgspec
from msgspec import Meta

from shared.domain.policy.mode import Mode
from shared.domain.policy.subjects import Subject, read_subject

# What a signature says by being one: cosign's own statement. Anything else that the same key signs says something else.
SIGNATURE_TYPE: Final = "https://sigstore.dev/cosign/sign/v1"
SIGSTORE_ROOT: Final = "roots/sigstore.json"
LONGEST_PATTERN = 500
_MOST = 20
_LARGEST_ENGINE = 1024 * 1024  # bytes
_PATH = "^[A-Za-z0-9][A-Za-z0-9._-]{0,99}(/[A-Za-z0-9][A-Za-z0-9._-]{0,99}){0,5}$"
_STORE = "^[A-Za-z0-9][A-Za-z0-9._-]{0,62}$"
_LINE = "^[^\\x00-\\x1f\\x7f]{1,500}$"


def _matching(pattern: str) -> dict[str, Any]:
    # To Python the dollar sign also stands before a last line end; editors know no other way to say the end.
    return {"pattern": pattern.replace("$", r"\Z"), "extra_json_schema": {"pattern": pattern}}


_TrustPath = Annotated[str, Meta(**_matching(_PATH))]
_Line = Annotated[str, Meta(**_matching(_LINE))]


class CosignCheck(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """Whose cosign signature is wanted: a key's, or that of an identity which an issuer vouched for (keyless).

    Raises:
        ValueError: it names nobody, or two, or leaves out who vouches.
    """

    key: Annotated[
        _TrustPath | None,
        Meta(description="File under config/trust/ with the signer's public key in PEM, such as `keys/build.pem`."),
    ] = None
    identity: Annotated[
        _Line | None,
        Meta(description="Who signed without a key of their own: the whole address or mail of the certificate."),
    ] = None
    identity_pattern: Annotated[
        _Line | None,
        Meta(description="The same as a regular expression (RE2) that must match all of it, in place of `identity`."),
    ] = None
    issuer: Annotated[_Line | None, Meta(description="Who vouched for the identity: the whole address.")] = None
    issuer_pattern: Annotated[
        _Line | None,
        Meta(description="The same as a regular expression (RE2) that must match all of it, in place of `issuer`."),
    ] = None
    root: Annotated[
        _TrustPath,
        Meta(description="File under config/trust/ with the trusted root of the sigstore instance, for an identity."),
    ] = SIGSTORE_ROOT
    fulcio: Annotated[
        _TrustPath | None,
        Meta(
            description="File under config/trust/ with the certificates of the authority that certifies identities, in "
            "PEM: for signatures of the older form, in place of what `root` says.",
        ),
    ] = None
    rekor: Annotated[
        _TrustPath | None,
        Meta(
            description="File under config/trust/ with the public key of the transparency log, in PEM: for signatures "
            "of the older form, in place of what `root` says.",
        ),
    ] = None

    def __post_init__(self) -> None:
        wanted = self._one_of("identity") or self._one_of("issuer")
        if self.key is not None:
            self._check_key_alone(wanted)
            return
        if self._one_of("identity") is None:
            raise ValueError("cosign needs to know whose signature is wanted: write key, or identity and issuer")
        if self._one_of("issuer") is None:
            raise ValueError(
                "an identity without its issuer is nobody, for anyone may run an issuer: "
                "write issuer, or issuer_pattern, too"
            )
        for pattern in filter(None, (self.identity_pattern, self.issuer_pattern)):
            compiled(pattern)

    @property
    def wanted(self) -> str:
        """Whose signature is wanted, as people are told."""
        if self.key is not None:
            return f"the key {self.key}"
        who, issuer = self.identity or f"/{self.identity_pattern}/", self.issuer or f"/{self.issuer_pattern}/"
        return f"the identity {who} of the issuer {issuer}"

    def _one_of(self, name: str) -> str | None:
        exact, pattern = getattr(self, name), getattr(self, f"{name}_pattern")
        if exact is not None and pattern is not None:
            raise ValueError(f"{name} and {name}_pattern are two answers to one question: write one of them")
        return str(exact or pattern) if exact or pattern else None

    def _check_key_alone(self, wanted: str | None) -> None:
        if wanted is not None:
            raise ValueError("a key and an identity are two signers: write key, or identity and issuer")
        if self.root != SIGSTORE_ROOT or self.fulcio or self.rekor:
            raise ValueError("root, fulcio and rekor vouch for an identity; a key needs none of them")


class NotationCheck(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """Whose signature of the Notary Project is wanted: a certificate's below a trust store's, of one of these subjects.

    Raises:
        ValueError: no identity is named, or one that cannot be told from others.
    """

    store: Annotated[
        str,
        Meta(
            **_matching(_STORE),
            description="Folder under config/trust/stores/ with the authorities' certificates; those of time stamps in "
            "its folder tsa.",
        ),
    ]
    identity: Annotated[
        _Line | None,
        Meta(description="Who must have signed: `x509.subject: C=US, ST=Washington, O=Acme, CN=Release`."),
    ] = None
    identities: Annotated[
        tuple[_Line, ...], Meta(max_length=_MOST, description="The same, where it may be one of several.")
    ] = ()

    def __post_init__(self) -> None:
        if not self.subjects:
            raise ValueError(
                "notation needs to know whose signature is wanted: write identity, such as "
                "'x509.subject: C=US, ST=Washington, O=Acme, CN=Release'"
            )

    @property
    def named(self) -> tuple[str, ...]:
        """Whoever may have signed, as it is written."""
        return ((self.identity,) if self.identity is not None else ()) + self.identities

    @property
    def subjects(self) -> tuple[Subject, ...]:
        """Whoever may have signed, taken apart."""
        return tuple(read_subject(each) for each in self.named)

    @property
    def wanted(self) -> str:
        """Whose signature is wanted, as people are told."""
        return f"{' or '.join(self.named)} below a certificate of the trust store {self.store}"


class SignatureCheck(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """The signatures that an image must have: of each kind that is named.

    Raises:
        ValueError: it is made, and asks for no kind of signature.
    """

    mode: Annotated[
        Mode,
        Meta(
            description="`enforce`: the check decides; `observe`: it is told and never blocks; `off`: it is not made."
        ),
    ] = Mode.ENFORCE
    cosign: Annotated[CosignCheck | None, Meta(description="Whose signature of cosign (sigstore) is wanted.")] = None
    notation: Annotated[
        NotationCheck | None,
        Meta(description="Whose signature of the Notary Project is wanted; with cosign, both are."),
    ] = None
    types: Annotated[
        tuple[_Line, ...],
        Meta(
            min_length=1,
            max_length=_MOST,
            description="The predicate types whose signing counts as a signature of the image.",
        ),
    ] = (SIGNATURE_TYPE,)
    references: Annotated[
        tuple[_Line, ...],
        Meta(
            max_length=_MOST,
            description="Repositories that a signature of cosign's older form may name besides the image's source.",
        ),
    ] = ()

    def __post_init__(self) -> None:
        if self.mode is not Mode.OFF and self.cosign is None and self.notation is None:
            raise ValueError("signatures need to know whose: write cosign or notation")


def compiled(pattern: str) -> Any:
    """Return a pattern by RE2, which takes a time that grows with the text alone, whatever the pattern.

    Args:
        pattern: must match all of a text.

    Raises:
        ValueError: it is no regular expression, or one too large.
    """
    import re2  # type: ignore[import-untyped]  # noqa: PLC0415

    options = re2.Options()
    options.log_errors = False
    options.max_mem = _LARGEST_ENGINE
    try:
        if len(pattern) > LONGEST_PATTERN:
            raise ValueError(f"a pattern has at most {LONGEST_PATTERN} characters")
        return re2.compile(pattern, options)
    except re2.error as error:
        told = error.args[0] if error.args else ""
        told = told.decode("utf-8", "replace") if isinstance(told, bytes) else str(told)
        raise ValueError(f"{pattern!r} is not a regular expression of RE2: {told}") from None

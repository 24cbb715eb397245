"""The subjects of certificates as policies write them: `x509.subject: C=US, ST=Washington, O=Microsoft Corporation`."""

from __future__ import annotations

import re

PREFIX = "x509.subject:"
_NEEDED = ("C", "ST", "O")
_KNOWN = frozenset({"C", "ST", "L", "O", "OU", "CN", "STREET", "DC", "UID", "SERIALNUMBER"})
_PART = re.compile(r"(?:[^,\\]|\\.)+", re.DOTALL)
_ESCAPED = re.compile(r"\\(.)", re.DOTALL)

Subject = dict[str, str]


def read_subject(text: str) -> Subject:
    """Read who may have signed, by the parts that the subject of the signing certificate must have.

    Args:
        text: the prefix and a distinguished name (RFC 4514, blanks after commas allowed); a comma inside a value is
            written with a backslash before it.

    Returns:
        The value of each part, by the part's short name in capitals.

    Raises:
        ValueError: it is none, or says too little to tell one signer from another; the message says what was expected.
    """
    if not text.startswith(PREFIX):
        raise ValueError(f"an identity starts with {PREFIX!r}, such as 'x509.subject: C=US, ST=WA, O=Acme, CN=Release'")
    subject: Subject = {}
    parts = _PART.findall(text.removeprefix(PREFIX))
    if ",".join(parts) != text.removeprefix(PREFIX):
        raise ValueError(f"an identity is made of parts such as O=Acme with one comma between them: {text!r}")
    for part in parts:
        name, value = _read_part(part)
        if name in subject:
            raise ValueError(f"an identity has each part once, and {name} twice is no way to tell signers apart")
        subject[name] = value
    if missing := [name for name in _NEEDED if name not in subject]:
        raise ValueError(
            f"an identity says at least C, ST and O (country, state, organisation): {missing[0]} is missing"
        )
    return subject


def _read_part(part: str) -> tuple[str, str]:
    name, equals, value = part.strip().partition("=")
    name = name.strip().upper()
    name = {"S": "ST"}.get(name, name)
    if not equals or name not in _KNOWN or not value.strip():
        raise ValueError(
            f"an identity is made of parts such as O=Acme, known are {', '.join(sorted(_KNOWN))}: {part!r}"
        )
    if re.search(r"(?<!\\)\+", value):
        raise ValueError(f"an identity has no parts of two values (+): {part!r}")
    return name, _ESCAPED.sub(r"\1", value.strip())

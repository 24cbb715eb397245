"""A policy: which checks a candidate must pass, and how each of them decides. A frozen record, known by its content."""

from __future__ import annotations

import hashlib
import re
from datetime import timedelta
from enum import Enum
from typing import Annotated, Any

import msgspec
from msgspec import Meta

from shared.domain.policy.mode import Mode as Mode  # noqa: PLC0414 - it is told from here
from shared.domain.policy.promoting import ApprovalCheck, Freeze, Span
from shared.domain.policy.rebuilding import Rebuilding
from shared.domain.policy.severity import Severity
from shared.domain.policy.signing import SignatureCheck

_NAME = "^[a-z0-9][a-z0-9._-]{0,62}$"
# To Python the dollar sign also stands before a last line end; editors know no other way to say the end.
NAMED: dict[str, Any] = {"pattern": _NAME.replace("$", r"\Z"), "extra_json_schema": {"pattern": _NAME}}
NAME_PATTERN = re.compile(NAMED["pattern"])
_AGE = "^[1-9][0-9]{0,3}[mhdw]$"
_UNITS = {"m": timedelta(minutes=1), "h": timedelta(hours=1), "d": timedelta(days=1), "w": timedelta(weeks=1)}


def span_of(text: str) -> timedelta:
    """Return how long ``90m``, ``12h``, ``3d`` or ``1w`` are."""
    return int(text[:-1]) * _UNITS[text[-1]]


class Gap(Enum):
    """What a scan may not have looked at or not say, and a policy may accept all the same."""

    NO_PACKAGES = "no-packages"  # nothing was found, and nothing is listed that was looked at
    UNSUPPORTED_SYSTEM = "unsupported-system"  # no distribution whose packages the scanner can read was recognised
    DATABASE_UNKNOWN = "database-unknown"  # the run does not say of when the scanner's database is


_Mode = Annotated[
    Mode,
    Meta(description="`enforce`: the check decides; `observe`: it is told and never blocks; `off`: it is not made."),
]

Untested = Annotated[
    Mode,
    Meta(
        description="Whether an image holds that has platforms which the test does not run on: all but `linux/amd64`."
    ),
]


class GateCheck(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """The functional test of an image."""

    gate: Annotated[str, Meta(**NAMED, description="Folder under gates/ with the test (docs/gates.md).")]
    mode: _Mode = Mode.ENFORCE
    untested: Untested = Mode.OBSERVE


class ScanCheck(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """The vulnerability scan of an image: what its report must not say."""

    mode: _Mode = Mode.ENFORCE
    block: Annotated[
        Severity,
        Meta(description="The least severity that blocks, as the scanner reports it; `unknown` blocks all."),
    ] = Severity.HIGH
    fixable: Annotated[
        bool,
        Meta(description="Whether only what has a fix blocks; where nobody says whether there is one, it counts."),
    ] = False
    delta: Annotated[
        bool,
        Meta(
            description="Whether only what the base in use does not already have blocks: the same id in the same "
            "package, whatever its version. Without a base everything is new.",
        ),
    ] = False
    max_db_age: Annotated[
        str,
        Meta(
            pattern=_AGE.replace("$", r"\Z"),
            extra_json_schema={"pattern": _AGE},
            description="How old the scanner's database may be, in minutes, hours, days or weeks: `90m`, `12h`, `3d`.",
        ),
    ] = "3d"
    known_exploited: Annotated[
        _Mode,
        Meta(
            description="Whether what is known to be exploited (CISA's list) blocks whatever its severity, and without "
            "a fix too.",
        ),
    ] = Mode.OFF
    end_of_life: Annotated[
        _Mode,
        Meta(description="Whether a distribution that gets no security updates any more blocks."),
    ] = Mode.ENFORCE
    accept: Annotated[
        tuple[Gap, ...],
        Meta(
            max_length=3, description="What need not have been looked at or be known; without it such a report holds."
        ),
    ] = ()

    @property
    def oldest_database(self) -> timedelta:
        """How old the scanner's database may be."""
        return span_of(self.max_db_age)


class Policy(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What a candidate must pass, with what it extends taken in.

    Attributes:
        name: its own, or that of the entry which wrote it.
        test: the functional test; ``None`` if there is none.
        scan: the vulnerability scan; ``None`` if there is none.
        signatures: who has to have signed it; ``None`` if nobody has to.
        min_age: how long it has to have been seen before it is promoted; ``None`` for not at all.
        fast_lane: whether what fixes something urgent need not be that old.
        approval: who has to agree; ``None`` for nobody.
        freeze: when nothing is promoted.
        rebuild: how what is built on the image is rebuilt; ``None`` for all at once. No digest passes or fails by it,
            so that it is no part of the hash.
    """

    name: str
    test: GateCheck | None = None
    scan: ScanCheck | None = None
    signatures: SignatureCheck | None = None
    min_age: Span | None = None
    fast_lane: bool = False
    approval: ApprovalCheck | None = None
    freeze: tuple[Freeze, ...] = ()
    rebuild: Rebuilding | None = None

    @property
    def sha256(self) -> str:
        """Hash of its content, in hexadecimal: the same for two policies of one content, whatever their names."""
        beside = {
            "signatures": self.signatures,
            "min_age": self.min_age,
            "fast_lane": self.fast_lane,
            "approval": self.approval,
            "freeze": self.freeze,
        }
        # What a policy does not say leaves its hash as it was before policies could say it.
        said = {name: value for name, value in beside.items() if value}
        content = msgspec.json.encode([self.test, self.scan, *([said] if said else [])])
        return hashlib.sha256(content).hexdigest()

    @property
    def age(self) -> timedelta:
        """How long a digest has to have been seen before it is promoted."""
        return span_of(self.min_age) if self.min_age else timedelta(0)

    @property
    def is_more(self) -> bool:
        """Whether it asks for more than a test and a scan."""
        return bool(self.min_age or self.approval is not None or self.freeze or self.signed is not None)

    @property
    def signed(self) -> SignatureCheck | None:
        """The signatures that are looked at, whatever that leads to; ``None`` if none are."""
        return None if self.signatures is None or self.signatures.mode is Mode.OFF else self.signatures

    @property
    def gate(self) -> str | None:
        """The gate whose test is made; ``None`` if none is."""
        return None if self.test is None or self.test.mode is Mode.OFF else self.test.gate

    @property
    def modes(self) -> dict[str, Mode]:
        """The mode of each check."""
        checks: dict[str, GateCheck | ScanCheck | SignatureCheck | None] = {"test": self.test, "scan": self.scan}
        checks |= {"signatures": self.signatures} if self.signatures is not None else {}
        return {name: Mode.OFF if check is None else check.mode for name, check in checks.items()}


# Threads that all read their first list at once must find its types known whole: docs/decisions/0016.
msgspec.json.Decoder(Policy)

"""What a policy asks for beside checks of the image: its age, no freeze of promotion, and people who agree."""

from __future__ import annotations

from enum import Enum
from typing import Annotated

import msgspec
from msgspec import Meta

_SPAN = "^[1-9][0-9]{0,3}[mhdw]$"
Span = Annotated[str, Meta(pattern=_SPAN.replace("$", r"\Z"), extra_json_schema={"pattern": _SPAN}, examples=["48h"])]

_SPAN_OR_OFF = "^([1-9][0-9]{0,3}[mhdw]|off)$"
SpanOrOff = Annotated[str, Meta(pattern=_SPAN_OR_OFF.replace("$", r"\Z"), extra_json_schema={"pattern": _SPAN_OR_OFF})]


class Approval(Enum):
    """The short ways to say who has to agree."""

    REQUIRED = "required"  # one approver
    OFF = "off"  # nobody


class Off(Enum):
    """Takes away what a policy that is extended says."""

    OFF = "off"


class ApprovalCheck(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """Who has to agree before a digest is promoted to a tag."""

    required: Annotated[int, Meta(ge=1, le=10, description="How many different approvers have to agree.")] = 1
    machines: Annotated[
        tuple[Annotated[str, Meta(min_length=1, max_length=200)], ...],
        Meta(
            max_length=20,
            description="Machines whose approval counts, by what stays of them: an application's object id, or the id "
            "of an API key. Without any only people count.",
        ),
    ] = ()


class Freeze(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True, rename={"span": "for"}):
    """A time in which nothing is promoted; everything else goes on."""

    cron: Annotated[
        str,
        Meta(
            min_length=9,
            max_length=100,
            description="When it begins: minute, hour, day, month and day of the week, as cron has them.",
            examples=["0 17 * * FRI"],
        ),
    ]
    span: Annotated[Span, Meta(description="How long it is: `90m`, `62h`, `3d`, `1w`.")]
    zone: Annotated[
        str, Meta(min_length=1, max_length=64, description="The time zone of `cron`.", examples=["Europe/Berlin"])
    ] = "UTC"

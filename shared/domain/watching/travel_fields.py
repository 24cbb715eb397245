"""What entries say of what travels with their images: each field with its bounds, and with what it means."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta

from shared.domain.watching.travelling import Lockable, ReferrerMode
from shared.domain.watching.unique_tags import UNIQUE_TAG

ReferrersField = Annotated[
    ReferrerMode,
    Meta(
        description="What becomes of signatures, SBOMs and other statements that refer to the image upstream. "
        "`required`: they come into the base registry first, and the tag waits for them; `best-effort`: they come "
        "first if they can, and follow if they cannot; `off`: they stay where they are.",
    ),
]
UniqueTagField = Annotated[
    Annotated[str, Meta(max_length=128, extra_json_schema={"pattern": "^[A-Za-z0-9_{][A-Za-z0-9._{}-]*$"})] | None,
    Meta(
        description="The name that each digest keeps besides the tag that moves on, made of `{tag}`, `{yyyymmdd}` (the "
        "day of the decision, UTC) and `{n}` (counts those of a day); `none`: no name. It may not end in -1 to -999 or "
        "-patched.",
        examples=[UNIQUE_TAG],
    ),
]
RecordField = Annotated[
    bool,
    Meta(
        description="Whether what was decided of each digest is signed by the app's key and put beside it, before the "
        "tag is moved to it; needs RECORD_KEY.",
    ),
]
LockField = Annotated[
    Lockable | Annotated[list[Lockable], Meta(max_length=3)] | None,
    Meta(
        description="What is locked in the base registry, so that nobody overwrites, deletes or purges it: `unique`: "
        "the name that each digest keeps; `stable`: the tag that moves on, which the app moves all the same; each with "
        "the manifest and its platforms. `blocked`: a digest that people block is not to be pulled any more. An empty "
        "list: nothing, which is the default.",
        examples=[["unique", "stable"]],
    ),
]

"""A build that is wanted, as a CloudEvent, for whoever takes one. Pure.

https://github.com/cloudevents/spec/blob/v1.0.2/cloudevents/formats/json-format.md
"""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

import msgspec
from msgspec import Meta

from shared.domain.dispatch.builds import Asked

EVENT_TYPE = "tidegate.rebuild.asked"


class RebuildData(msgspec.Struct, frozen=True, kw_only=True):
    """What is to be built, and how its end is told."""

    rebuild: Annotated[str, Meta(description="The rebuild's id; the answer says it again.")]
    attempt: Annotated[int, Meta(description="The number of the attempt; the answer says it again.")]
    place: Annotated[str, Meta(description="What is to be built, as the watch list names it.")]
    image: Annotated[str, Meta(description="The base image by tag and digest, to build on.")]
    repository: Annotated[str, Meta(description="The base image's repository.")]
    tag: Annotated[str, Meta(description="Its tag.")]
    digest: Annotated[str, Meta(description="What the tag moved to.")]
    decision: Annotated[int, Meta(description="The number of the decision that moved it; 0 for a push by others.")]
    answer: Annotated[str, Meta(description="Where the end of the build is told.")]


class RebuildEvent(msgspec.Struct, frozen=True, kw_only=True):
    """A CloudEvent 1.0 in its structured form; `webhook-id` is its `id`, and whoever has had that id drops it."""

    id: Annotated[str, Meta(description="Names the attempt; the same whenever it is sent again.")]
    source: Annotated[str, Meta(description="`/tidegate`.")] = "/tidegate"
    type: Annotated[str, Meta(description="`tidegate.rebuild.asked`.")] = EVENT_TYPE
    time: Annotated[datetime, Meta(description="When the attempt was begun, UTC.")]
    subject: Annotated[str, Meta(description="What is to be built.")]
    data: RebuildData
    specversion: str = "1.0"
    datacontenttype: str = "application/json"
    traceparent: str = ""


_ENCODER = msgspec.json.Encoder()


def rebuild_event(asked: Asked, answer: str) -> bytes:
    """Return an event as JSON, as it is signed and sent.

    Args:
        asked: what is asked for.
        answer: where its end is told.
    """
    data = RebuildData(
        rebuild=asked.rebuild,
        attempt=asked.attempt,
        place=asked.place,
        image=asked.image,
        repository=asked.repository,
        tag=asked.tag,
        digest=asked.digest,
        decision=asked.decision,
        answer=answer,
    )
    event = RebuildEvent(
        id=asked.correlation, time=asked.asked_at, subject=asked.place, data=data, traceparent=asked.traceparent
    )
    return _ENCODER.encode(event)

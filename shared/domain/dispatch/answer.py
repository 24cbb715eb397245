"""What a builder tells of a build that it was asked for: read, and held to the attempt that it is about. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from enum import Enum
from typing import Any

import msgspec

from shared.domain.dispatch.builds import End
from shared.domain.dispatch.signing import verify
from shared.domain.promotion.rebuilds import BUSY, DISPATCHED, EndKind, Rebuild, RebuildStatus, follow
from shared.domain.promotion.schedule import MOST_RUNS, pause_before_retry
from shared.domain.references import parse_digest
from shared.errors import InvalidReference, MalformedRequest

LARGEST_BODY = 64 * 1024
_LONGEST_LINK, _LONGEST_ID = 500, 200


class Answer(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What is told.

    Attributes:
        rebuild: its id.
        attempt: the number of the attempt that it is about.
        end: how the build ended.
        built_on: the digest of the base that it was built on.
        link: the build's page, for people.
    """

    rebuild: str
    attempt: int
    end: End
    built_on: str = ""
    link: str = ""


class Taken(Enum):
    """What an answer does."""

    ENDS = "ends"  # the attempt is under way, and ends by it
    KNOWN = "known"  # the same was told before
    OTHER = "other"  # the attempt has ended otherwise
    NOT_ASKED = "not-asked"  # that attempt is over, or was never begun


_ANSWER = msgspec.json.Decoder(Answer)
_STATUS = {End.BUILT: RebuildStatus.SUCCEEDED, End.FAILED: RebuildStatus.FAILED, End.UNDECIDED: RebuildStatus.UNDECIDED}


def dispatcher_in(rebuild_id: str) -> str:
    """Return the dispatcher that a rebuild's id names; empty if it names none."""
    first, parted, _ = rebuild_id[:_LONGEST_ID].partition("~")
    return first.removeprefix(DISPATCHED) if parted and first.startswith(DISPATCHED) else ""


def read_answer(
    rebuild_id: str, keys: tuple[str, ...], headers: Mapping[str, str], body: bytes, now: datetime
) -> Answer:
    """Believe and read an answer about a rebuild.

    Args:
        rebuild_id: the one that the address names.
        keys: of the dispatcher that its id names; none if there is none, and then nothing is believed.
        headers: of the request.
        body: as sent.
        now: UTC.

    Raises:
        MalformedRequest: 413 if it is too large, 401 if it is not believed, 400 if it is none or about another.
    """
    if len(body) > LARGEST_BODY:
        raise MalformedRequest(f"the body has {len(body)} bytes; an answer has at most {LARGEST_BODY}", status=413)
    verify(keys, headers, body, now)
    try:
        answer = _ANSWER.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise MalformedRequest(f"the body is no answer to a rebuild: {error}") from None
    if answer.rebuild != rebuild_id:
        raise MalformedRequest("$.rebuild: it is another one than the address names")
    try:
        if answer.built_on:
            parse_digest(answer.built_on)
    except InvalidReference as error:
        raise MalformedRequest(f"$.built_on: {error}") from None
    if not _is_link(answer.link):
        raise MalformedRequest("$.link: expected an address that begins with https://, in plain ASCII")
    return answer


def taken(rebuild: Rebuild, answer: Answer) -> Taken:
    """Decide what an answer does: it ends one attempt that is under way, once."""
    if answer.attempt != rebuild.runs:
        return Taken.NOT_ASKED
    if rebuild.status in BUSY:
        return Taken.ENDS
    if rebuild.told and rebuild.status is _STATUS[answer.end]:
        return Taken.KNOWN
    if rebuild.status is RebuildStatus.WANTED:  # that attempt decided nothing, and the next one has not begun
        return Taken.KNOWN if answer.end is End.UNDECIDED else Taken.NOT_ASKED
    return Taken.OTHER


def ended_by(rebuild: Rebuild, answer: Answer, now: datetime) -> Rebuild:
    """Return a rebuild as an answer ends its attempt; what decided nothing is tried again, three times at most.

    What is told from outside is marked so: alone it takes nothing back.
    """
    detail = (
        f"{rebuild.registry} told that it ended as {answer.end.value} (attempt {rebuild.runs} of at most {MOST_RUNS})"
    )
    known: dict[str, Any] = {"detail": detail, "link": answer.link or rebuild.link, "built_on": answer.built_on}
    if answer.end is End.UNDECIDED and rebuild.runs < MOST_RUNS:
        return follow(rebuild, RebuildStatus.WANTED, now, pause=pause_before_retry(rebuild.runs), **known)
    by = EndKind.PLATFORM if answer.end is End.UNDECIDED else EndKind.BUILD
    return follow(rebuild, _STATUS[answer.end], now, pause=timedelta(0), told=True, ended_by=by, **known)


def _is_link(text: str) -> bool:
    plain = text.isascii() and text.isprintable() and not {*text} & {'"', "<", ">", " "}
    return not text or (text.startswith("https://") and plain and len(text) <= _LONGEST_LINK)

"""What a listing of an image's referrers means for those that are known: pure, whatever came before."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from datetime import datetime

import msgspec

from shared.domain.references import Digest
from shared.domain.travel.referrers import (
    LARGEST_MANIFEST,
    LARGEST_REFERRER,
    MOST_REFERRERS,
    Listed,
    Listing,
    Referrer,
    ReferrerState,
    Refusal,
)

# A list that others write may name thousands; of those that do not come so many are kept by name.
MOST_REFUSED_KEPT = 20


def merged(
    known: Sequence[Referrer], listing: Listing, manifests: Collection[Digest], now: datetime
) -> tuple[Referrer, ...]:
    """Return the referrers that are known after a listing.

    What is on its way or arrived stays so. What a whole listing does not name any more and had not come is gone. What
    is named for the first time is there, or refused by name; whoever came first keeps the place.

    Args:
        known: those known before.
        listing: what the upstream lists now.
        manifests: the image and its platforms.
        now: UTC.

    Returns:
        The referrers, those that are about the image first, in an order that no list decides.
    """
    entries = _named_once(listing.entries)
    kept = [_still(one, entries, whole=listing.whole) for one in known if _stays(one, entries)]
    places = {one.key for one in kept}
    new = [_new(one, manifests, now) for key, one in entries.items() if key not in places]
    taken = sum(_takes_a_place(one) for one in kept)
    for one in sorted(new, key=_place):
        too_many = _takes_a_place(one) and taken >= MOST_REFERRERS
        taken += _takes_a_place(one) and not too_many
        kept.append(_refused(one, Refusal.TOO_MANY) if too_many else one)
    return _bounded(sorted(kept, key=_place))


def _named_once(entries: Iterable[Listed]) -> dict[tuple[str, str], Listed]:
    """What is listed beside several manifests is one referrer, of the one nearest to the image."""
    found: dict[tuple[str, str], Listed] = {}
    for one in sorted(entries, key=lambda each: (each.depth, each.subject, each.digest)):
        found.setdefault(_key(one), one)
    return found


def _key(one: Listed) -> tuple[str, str]:
    return (one.subject, one.tag) if one.tag else (one.digest, "")


def _stays(one: Referrer, entries: dict[tuple[str, str], Listed]) -> bool:
    """What was refused for its number is judged anew; so is a tag of older clients that bears something else by now."""
    listed = entries.get(one.key)
    if one.ours:
        return listed is None or listed.digest in {one.digest, one.over}
    if one.state is ReferrerState.REFUSED:
        return listed is not None and listed.digest == one.digest and one.refusal is not Refusal.TOO_MANY
    return listed is None or listed.digest == one.digest


def _still(one: Referrer, entries: dict[tuple[str, str], Listed], *, whole: bool) -> Referrer:
    listed = one.key in entries
    if one.ours:
        return one
    if one.state is ReferrerState.GONE and listed:
        return msgspec.structs.replace(one, state=ReferrerState.THERE)
    gone = whole and not listed and one.state is ReferrerState.THERE
    return msgspec.structs.replace(one, state=ReferrerState.GONE) if gone else one


def _new(one: Listed, manifests: Collection[Digest], now: datetime) -> Referrer:
    made = Referrer(
        digest=one.digest,
        subject=one.subject,
        depth=one.depth,
        media_type=one.media_type,
        artifact_type=one.artifact_type,
        size=one.size,
        tag=one.tag,
        found_at=now,
    )
    if one.digest == one.subject:
        return _refused(made, Refusal.LOOP)
    if one.digest in manifests:
        return msgspec.structs.replace(made, state=ReferrerState.INCLUDED)
    if not 0 <= one.size <= min(LARGEST_MANIFEST, LARGEST_REFERRER):
        return _refused(made, Refusal.TOO_LARGE)
    return made


def _refused(one: Referrer, refusal: Refusal) -> Referrer:
    return msgspec.structs.replace(one, state=ReferrerState.REFUSED, refusal=refusal, carry=None)


def _takes_a_place(one: Referrer) -> bool:
    return one.state not in {ReferrerState.REFUSED, ReferrerState.GONE}


def _place(one: Referrer) -> tuple[int, str, str]:
    return one.depth, one.digest, one.tag


def _bounded(found: Sequence[Referrer]) -> tuple[Referrer, ...]:
    """Of what does not come only the first are kept; what is refused for its number is still known to be too much."""
    left = MOST_REFUSED_KEPT
    kept = []
    for one in found:
        if not _takes_a_place(one):
            left -= 1
            if left < 0:
                continue
        kept.append(one)
    return tuple(kept)

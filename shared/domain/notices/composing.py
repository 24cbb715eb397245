"""What a message says: of one notice its facts, of several what they have in common, and each in a line."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from datetime import datetime

from shared.domain.links import Links
from shared.domain.notices.kinds import KINDS, Told, kind_named
from shared.domain.notices.notice import Notice
from shared.domain.notices.outgoing import DIGEST, Item, Line, Outgoing

# Nobody reads more in a message; the page has all.
MOST_ITEMS = 50
_LONGEST = 1000
_MOST_NAMED = 3
_SUBJECTS = ("target", "candidate", "image", "wave")


def message(
    message_id: str,
    notices: Sequence[Notice],
    links: Links,
    installation: str,
    *,
    cause: str = "",
    again: bool = False,
    short: bool = False,
    missed: str = "",
) -> Outgoing:
    """Return the message that tells of notices.

    Args:
        message_id: names it.
        notices: what it tells, at least one, in the order in which it happened.
        links: makes links.
        installation: its name; may be empty.
        cause: what it is folded by.
        again: whether it may have arrived before.
        short: whether only title and link are to be sent.
        missed: what the destination missed before; may be empty.
    """
    single = notices[0] if len(notices) == 1 else None
    worst = sorted(notices, key=lambda one: -one.severity.rank)
    return Outgoing(
        id=message_id,
        kind=_common([one.kind for one in notices]) or DIGEST,
        severity=worst[0].severity,
        title=title_of(single) if single is not None else _title(notices),
        at=max(one.at for one in notices),
        lines=() if short else (*_missed(missed), *(_facts(single) if single is not None else _counts(notices))),
        items=() if short or single is not None else tuple(_item(one, links) for one in worst[:MOST_ITEMS]),
        more=0 if short or single is not None else max(len(notices) - MOST_ITEMS, 0),
        link=link_of(single, links) if single is not None else links.now(),
        installation=installation,
        again=again,
        short=short,
        cause=cause,
        image=_common([one.images[0] if len(one.images) == 1 else "" for one in notices]),
        target=_common([_named(one, "target") for one in notices]),
        digest=_common([one.digest for one in notices]),
    )


def tried_again(
    message_id: str,
    since: datetime,
    why: str,
    links: Links,
    installation: str,
    at: datetime,
    *,
    given_up: str = "",
) -> Outgoing:
    """Return the message by which a broken destination is tried."""
    lines = (
        Line("What", "This destination did not take notices, which wait for it. If you read this, they follow."),
        Line("Since", f"{since:%Y-%m-%d %H:%M} UTC"),
        *((Line("Given up", given_up[:_LONGEST]),) if given_up else ()),
        Line("Its last answer", why[:_LONGEST]),
    )
    return _own(message_id, Told.TRIED_AGAIN, lines, links, installation, at)


def trial(message_id: str, by: str, links: Links, installation: str, at: datetime) -> Outgoing:
    """Return the message that somebody tries a destination with."""
    lines = (Line("What", "Somebody tries whether notices arrive here. They do."), Line("By", by))
    return _own(message_id, Told.TEST, lines, links, installation, at)


def title_of(notice: Notice) -> str:
    """Return one line for people."""
    over = f"{kind_named(notice.kind).title}: " if notice.closes else ""
    reminds = " (still)" if notice.stage else ""
    what = notice.place or ", ".join(notice.images[:_MOST_NAMED]) or _subject(notice.about)
    return f"{over}{notice.known.title}{reminds}: {what}"


def link_of(notice: Notice, links: Links) -> str:
    """Return the page of what a notice is about."""
    kind, _, name = notice.about.partition(":")
    pages = {"target": links.target, "candidate": links.candidate, "image": links.image, "wave": links.wave}
    if kind in pages and name:
        return pages[kind](name)
    if kind == "task":
        return links.impact(notice.images[0]) if ":" in name and notice.images else links.dependants()
    if len(notice.images) == 1:
        return links.image(notice.images[0])
    is_own = notice.known.is_trouble or notice.kind == Told.GIVEN_UP.value
    return links.system() if is_own else links.now()


def _own(
    message_id: str, told: Told, lines: tuple[Line, ...], links: Links, installation: str, at: datetime
) -> Outgoing:
    kind = KINDS[told.value]
    return Outgoing(
        id=message_id,
        kind=kind.name,
        severity=kind.severity,
        title=kind.title,
        at=at,
        lines=lines,
        link=links.system(),
        installation=installation,
    )


def _title(notices: Sequence[Notice]) -> str:
    """Of one kind how many there are; of several, how many of the most urgent."""
    kinds = Counter((one.kind, one.closes) for one in notices)
    if len(kinds) > 1:
        return f"{len(notices)} notices: {', '.join(f'{count} {_kind(*kind)}' for kind, count in kinds.most_common(4))}"
    return f"{len(notices)} x {_kind(*next(iter(kinds)))}"


def _kind(kind: str, closes: str) -> str:
    return f"{kind} {closes}" if closes else kind


def _facts(notice: Notice) -> tuple[Line, ...]:
    when = f"{notice.at:%Y-%m-%d %H:%M} UTC"
    found = (
        ("What", notice.detail[:_LONGEST]),
        ("Tag", notice.place),
        ("Digest", notice.digest),
        ("Image", ", ".join(notice.images[:10])),
        ("Over since" if notice.closes else "Told again at" if notice.stage else "At", when),
    )
    return tuple(Line(label, text) for label, text in found if text)


def _missed(text: str) -> tuple[Line, ...]:
    return (Line("Missed", text[:_LONGEST]),) if text else ()


def _counts(notices: Sequence[Notice]) -> tuple[Line, ...]:
    """Where there is one kind, the title says it all."""
    kinds = Counter((one.kind, one.closes) for one in notices)
    if len(kinds) == 1:
        return ()
    return tuple(Line(_kind(*kind), str(count)) for kind, count in kinds.most_common(20))


def _item(notice: Notice, links: Links) -> Item:
    return Item(title_of(notice), notice.detail[:300], link_of(notice, links), notice.kind, notice.key)


def _named(notice: Notice, subject: str) -> str:
    kind, _, name = notice.about.partition(":")
    return name if kind == subject else ""


def _subject(about: str) -> str:
    kind, _, name = about.partition(":")
    return name if kind in _SUBJECTS else about


def _common(values: Iterable[str]) -> str:
    found = set(values)
    return found.pop() if len(found) == 1 else ""

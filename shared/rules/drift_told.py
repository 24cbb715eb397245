"""What people are told of a tag of the base registry that is not what it should be."""

from __future__ import annotations

from shared.domain.promotion.astray import Astray
from shared.domain.promotion.drift import Answer
from shared.domain.promotion.target import Target

_DONE = {
    Answer.REPAIR: "it is put back",
    Answer.TELL: "it is left so, as the watch list says",
    Answer.BLOCKED: "it is left so, because that digest is blocked",
    Answer.HELD: "it is left so, because the tag is held",
    Answer.FOUGHT: "it is left so, because it was put back three times within a day: find out who else writes it",
}


def what_is_wrong(target: Target, astray: Astray, answer: Answer) -> str:
    """Say what a tag is and what it should be, what is done about it, and what a person can do."""
    place = f"{target.repository}:{target.tag}"
    wanted = f"{target.wanted} is wanted there (decision {target.number}, {target.why.value})"
    done = _DONE[answer]
    if astray.digest:
        return f"{place} was overwritten by others and points at {astray.digest}; {wanted}; {done}"
    who = f", deleted by {astray.by}" if astray.by else ""
    block = "; if it was deleted because it is bad, block the digest" if answer is Answer.REPAIR else ""
    return f"{place} is not in the base registry any more{who}; {wanted}; {done}{block}"


def in_order_again(target: Target, astray: Astray) -> str:
    """Say that a tag is what it should be once more."""
    was = f"pointed at {astray.digest}" if astray.digest else "was missing"
    return (
        f"{target.repository}:{target.tag} {was} since {astray.since:%Y-%m-%d %H:%M} UTC; it is {target.wanted} again"
    )


def has_left(target: Target) -> str:
    """Say that a tag has left the watch list, and what that means."""
    place = f"{target.repository}:{target.tag}"
    return f"no entry of the watch list writes {place} any more; it is left as it is, and no longer looked after"


def taken_back(target: Target) -> str:
    """Say that a tag has returned to the watch list."""
    return f"{target.repository}:{target.tag} is on the watch list again; what stands there is taken as it is"

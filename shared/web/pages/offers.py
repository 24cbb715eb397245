"""The forms of a tag's page: what can be done, what it comes to, and why whoever reads it cannot do it. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterable

import msgspec

from shared.domain.access.callers import Caller, Kind
from shared.domain.promotion.foretold import Effect, Foretold
from shared.domain.promotion.offering import Act
from shared.domain.promotion.target import Target
from shared.flows.foretell import Offer
from shared.web.pages.forms import about
from shared.web.routes import AGREEING, ROUTES

_ROLES = {route.name: route.roles for route in ROUTES}
_LABELS = {
    Act.APPROVE: "Approve this digest",
    Act.REJECT: "Reject this digest",
    Act.ROLL_BACK: "Go back to this digest",
    Act.PIN: "Pin to this digest",
    Act.UNPIN: "Unpin",
    Act.OVERRIDE: "Ask for it against its gate",
    Act.ASK_WAIVER: "Ask to waive a finding",
    Act.GRANT_WAIVER: "Grant the waiver",
    Act.REVOKE_WAIVER: "Revoke the waiver",
    Act.BLOCK: "Block this digest",
    Act.RELEASE: "Release this digest",
    Act.HOLD: "Hold the entry",
    Act.RESUME: "Resume the entry",
    Act.RETRY: "Try again",
}


class OfferView(msgspec.Struct, frozen=True):
    """One form.

    Attributes:
        act: what it does.
        label: of its button.
        digest: of which digest.
        foretold: what it comes to.
        may_not: why its reader cannot do it now; empty for who can.
        token: of the form; empty where there is none.
        number: of the decision that is shown.
        image: the name of the entry.
        id, package: of the finding that is waived; empty for none.
    """

    act: Act
    label: str
    digest: str
    foretold: Foretold
    may_not: str
    token: str
    number: int
    image: str
    id: str
    package: str


class OffersAt(msgspec.Struct, frozen=True):
    """The forms of one tag, where more than one has some."""

    target: Target
    offers: tuple[OfferView, ...]


def offer_views(
    offers: Iterable[Offer], target: Target, caller: Caller, make: Callable[[Caller, Iterable[str]], str]
) -> tuple[OfferView, ...]:
    """Return the forms that somebody is shown.

    Args:
        offers: what can be done to the tag.
        target: its record.
        caller: who is shown them.
        make: makes the token of a form.
    """
    return tuple(_view(one, target, caller, make) for one in offers)


def _view(offer: Offer, target: Target, caller: Caller, make: Callable[[Caller, Iterable[str]], str]) -> OfferView:
    image, waived = target.origin.image, offer.waived
    id, package = (waived.id, waived.package) if waived is not None else ("", "")
    may_not = _may_not(offer, caller)
    parts = about(offer.act, target.id, target.number, offer.digest, image, id, package)
    label = "Grant that it is taken against its gate" if offer.act is Act.OVERRIDE and offer.grants else ""
    return OfferView(
        act=offer.act,
        label=label or _LABELS[offer.act],
        digest=offer.digest,
        foretold=offer.foretold,
        may_not=may_not,
        token="" if may_not else make(caller, parts),
        number=target.number,
        image=image,
        id=id,
        package=package,
    )


def _may_not(offer: Offer, caller: Caller) -> str:
    """It is asked again at the click, and that is what counts."""
    if caller.kind is not Kind.PERSON:
        return "pages are acted on by people who signed in; a key and an application act by the API"
    wanted = AGREEING if offer.grants else _ROLES[offer.act.value]
    if not caller.roles & wanted:
        return f"this wants the role {' or '.join(sorted(role.value for role in wanted))}"
    if offer.foretold.effect in {Effect.REFUSED, Effect.SAME}:
        return offer.foretold.told
    return offer.may_not

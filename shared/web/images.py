"""GET /api/images, GET /api/images/{image} and GET /api/images/{image}/tags."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import azure.functions as func

from shared.domain.promotion.standing import TagStanding
from shared.domain.references import Tag
from shared.domain.watching.watch_list import Image, WatchList
from shared.errors import MalformedRequest
from shared.flows.explain import explain
from shared.flows.overview import MOST_IMAGES, ImageStanding, Overview
from shared.ports import Observations, Upstream
from shared.rules.ledger import Ledger
from shared.web.answers import json_answer, part_answer
from shared.web.parts import Part
from shared.web.queries import after_of, limit_of


class ImagesPart(Part, frozen=True, omit_defaults=True, kw_only=True):
    """Some entries of the watch list, by name."""

    images: tuple[ImageStanding, ...]


def explain_tags(
    name: str,
    *,
    watch_list: WatchList,
    upstream: Callable[[str], Upstream],
    observations: Observations,
    ledger: Ledger,
    standings: Callable[[Image], Mapping[Tag, TagStanding]],
    trusts: Callable[[str | None], bool],
) -> func.HttpResponse:
    """Show every upstream tag of an entry of the watch list, with the reason why it is taken or left.

    Args:
        name: the entry's name.
        watch_list: the list in force.
        upstream: gives the upstream of a registry.
        observations: what is known of the tags.
        ledger: the upstreams' budgets.
        standings: tells how the tags of an entry stand that were looked at.
        trusts: tells whether a gate trusts the image that it tests.

    Returns:
        200.

    Raises:
        MalformedRequest: 404, there is no such entry.
        ServiceError: the upstream does not answer.
    """
    told = explain(
        name,
        watch_list=watch_list,
        upstream=upstream,
        observations=observations,
        ledger=ledger,
        standings=standings,
        trusts=trusts,
    )
    return json_answer(told)


def list_images(request: func.HttpRequest, *, watch_list: WatchList, overview: Overview) -> func.HttpResponse:
    """Show how the entries of the watch list stand, with each of their tags, by name.

    Args:
        request: may ask for at most so many entries (``limit``), and for those ``after`` a name.
        watch_list: the list in force.
        overview: tells how they stand.

    Returns:
        200 with ``{"images": [...], "next": "<name to ask for those after>"}``; no ``next`` at the end.

    Raises:
        MalformedRequest: a parameter is not what it should be.
    """
    found, more = overview.images(watch_list, limit=limit_of(request, MOST_IMAGES), after=after_of(request))
    return part_answer(ImagesPart(images=found, next=more), request, more)


def get_image(name: str, *, watch_list: WatchList, overview: Overview) -> func.HttpResponse:
    """Show how one entry stands; 404 if the watch list has none of the name."""
    image = watch_list.named(name)
    if image is None:
        raise MalformedRequest(f"the watch list has no entry named {name!r}", status=404)
    return json_answer(overview.image(image))

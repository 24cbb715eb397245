"""GET /api/images/{image}/impact, GET /api/exposure/builds and POST /api/exposure/dockerfile."""

from __future__ import annotations

import azure.functions as func

from shared.domain.promotion.listing import KnownTasks
from shared.domain.references import parse_tag
from shared.domain.watching.watch_list import WatchList
from shared.domain.waves.dockerfile_lines import LARGEST_FILE
from shared.errors import MalformedInput, MalformedRequest
from shared.flows.built_outside import BuildOutside, OutsideTeller
from shared.flows.impact import ImpactTeller
from shared.web.answers import json_answer, part_answer
from shared.web.parts import Part
from shared.web.queries import after_of, limit_of

MOST_BUILDS = 500


class BuildsPart(Part, frozen=True, omit_defaults=True, kw_only=True):
    """Some tasks that are built on images from outside.

    Attributes:
        builds: they, by their ids.
        tasks: how many tasks are known.
        outside: how many of them are built on images from outside.
        registries: how much is known of each application registry.
        problems: what could not be read.
    """

    builds: tuple[BuildOutside, ...]
    tasks: int
    outside: int
    registries: tuple[KnownTasks, ...]
    problems: tuple[str, ...]


def impact(name: str, request: func.HttpRequest, teller: ImpactTeller, watch_list: WatchList) -> func.HttpResponse:
    """Tell who would be rebuilt if the tags of an entry moved.

    Args:
        name: the entry's.
        request: may ask for one ``tag`` of the base registry.
        teller: tells it.
        watch_list: in force.

    Raises:
        MalformedRequest: 404, there is no such entry or tag; 400, the tag is none.
    """
    tag = request.params.get("tag", "")
    return json_answer(teller.of_entry(watch_list, name, parse_tag(tag) if tag else ""))


def builds(request: func.HttpRequest, teller: OutsideTeller) -> func.HttpResponse:
    """Tell which tasks were last built on images from outside.

    Args:
        request: may ask for at most so many (``limit``), and for those ``after`` an id.
        teller: tells it.

    Raises:
        MalformedRequest: a parameter is not what it should be.
    """
    found = teller.builds(after=after_of(request), limit=limit_of(request, MOST_BUILDS))
    part = BuildsPart(
        builds=found.builds,
        tasks=found.tasks,
        outside=found.outside,
        registries=found.registries,
        problems=found.problems,
        next=found.after,
    )
    return part_answer(part, request, found.after)


def dockerfile(request: func.HttpRequest, teller: OutsideTeller) -> func.HttpResponse:
    """Tell of the Dockerfile in the body which of its images leave the organisation; nothing of it is kept or fetched.

    Raises:
        MalformedRequest: 413, it is larger than any that is read; 422, no builder could read it.
    """
    content = request.get_body()
    if len(content) > LARGEST_FILE:
        raise MalformedRequest(f"the Dockerfile has {len(content)} bytes; at most {LARGEST_FILE} are read", status=413)
    try:
        return json_answer(teller.dockerfile(content))
    except MalformedInput as error:
        raise MalformedRequest(f"the Dockerfile cannot be read: {error}", status=422) from error

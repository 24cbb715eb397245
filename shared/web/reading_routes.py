"""The part of the table of routes that tells what is so; nothing comes of asking."""

from __future__ import annotations

from typing import Annotated, Any

from msgspec import Meta

from shared.domain.decisions.records import Decisions
from shared.domain.promotion.exposure import Standing
from shared.domain.promotion.rebuilds import RebuildStatus
from shared.domain.promotion.statuses import Status
from shared.flows.built_outside import DockerfileTold
from shared.flows.compare_file import FileChecked, FileCompared
from shared.flows.explain import Explanation
from shared.flows.impact import ImpactTold
from shared.flows.overview import MOST_IMAGES, ImageStanding
from shared.flows.preview import Preview
from shared.web.activity import LONGEST_SUBJECT, ActivityPart
from shared.web.candidates import CandidatesPart, ShownCandidate
from shared.web.evidence import EvidenceListed
from shared.web.exposure import MOST_EXPOSED, ExposurePart
from shared.web.images import ImagesPart
from shared.web.impact import MOST_BUILDS, BuildsPart
from shared.web.me import Me
from shared.web.previews import PreviewAsked
from shared.web.problems import Problem
from shared.web.readiness import Readiness
from shared.web.rebuilds import RebuildsPart
from shared.web.route import JSON, OCTETS, PAGE, READING, WRITING, Later, Method, Route, Value, part
from shared.web.shown_targets import ShownTarget, TargetsPart
from shared.web.targets import RulingsInForce
from shared.web.waivers import WaiversPart

_GET = Method.GET
_REPOSITORY = Value("repository", "Only what one repository of the base registry asked for.", str, "base/node")
_SUBJECT = Value(
    "subject",
    "Only the latest lines about one subject, such as `repository:docker.io/library/node`, however long ago.",
    Annotated[str, Meta(max_length=LONGEST_SUBJECT)],
    "watch-list",
)
_TASK = Value("task", "All rebuilds of one task, as `registry/name`.", str, "contosoapps/shop")

READING_ROUTES = (
    Route(
        "preview",
        Method.POST,
        "preview",
        READING,
        "Tell what another watch list or policy would decide otherwise; changes nothing.",
        Preview,
        query=part(),
        body=PreviewAsked,
        example={"policy": "{min_age: 48h}"},
        problems=(Problem.NOT_FOUND,),
    ),
    Route(
        "readiness",
        _GET,
        "readiness",
        READING,
        "Tell what is set up so that it cannot work, such as a policy whose approval nobody could give.",
        Readiness,
        problems=(Problem.LIST_NOT_VALID,),
    ),
    Route("me", _GET, "me", READING, "Tell the caller who it is here, and what it may do.", Me),
    Route(
        "list_images",
        _GET,
        "images",
        READING,
        "Tell how each watched tag stands.",
        ImagesPart,
        query=part(most=MOST_IMAGES),
    ),
    Route("get_image", _GET, "images/{image}", READING, "Tell how each tag of one entry stands.", ImageStanding),
    Route(
        "explain_tags",
        _GET,
        "images/{image}/tags",
        READING,
        "Tell for every upstream tag of an entry whether it is taken, and why.",
        Explanation,
    ),
    Route(
        "get_impact",
        _GET,
        "images/{image}/impact",
        READING,
        "Tell who would be rebuilt if the tags of an entry moved, in which order, and which were failing before.",
        ImpactTold,
        query=(Value("tag", "Only one tag, as the base registry names it.", str, "22-alpine"),),
    ),
    Route("list_activity", _GET, "activity", READING, "List what happened.", ActivityPart, query=part(_SUBJECT)),
    Route(
        "list_rebuilds",
        _GET,
        "rebuilds",
        READING,
        "List rebuilds of applications.",
        RebuildsPart,
        query=part(_TASK, Value("status", "Only those with one status.", RebuildStatus, RebuildStatus.SUCCEEDED.value)),
    ),
    Route(
        "list_candidates",
        _GET,
        "candidates",
        READING,
        "List candidates.",
        CandidatesPart,
        query=part(_REPOSITORY, Value("status", "Only those with one status.", Status, Status.REJECTED.value)),
    ),
    Route("get_candidate", _GET, "candidates/{candidate}", READING, "Show one candidate.", ShownCandidate),
    Route(
        "list_evidence",
        _GET,
        "candidates/{candidate}/evidence",
        READING,
        "List what is kept of a candidate and of its digest's scan: logs, reports and decisions.",
        EvidenceListed,
    ),
    Route(
        "get_evidence",
        _GET,
        "candidates/{candidate}/evidence/{evidence}",
        READING,
        "Give a piece of evidence, to be saved.",
        bytes,
        media=("text/plain", JSON),
        problems=(Problem.NOT_VALID,),
    ),
    Route(
        "list_signing_keys",
        _GET,
        "signing-keys",
        READING,
        "Give the public keys by which records beside images are verified.",
        Later("shared.web.signing_keys", "SigningKeysListed"),
    ),
    Route(
        "list_exposure",
        _GET,
        "exposure",
        READING,
        "Tell what is in use and would not be let in any more.",
        ExposurePart,
        query=part(Value("standing", "Only what stands so.", Standing, Standing.CLEAN.value), most=MOST_EXPOSED),
    ),
    Route(
        "list_builds",
        _GET,
        "exposure/builds",
        READING,
        "List tasks that were last built on images from outside, and what to write instead of each.",
        BuildsPart,
        query=part(most=MOST_BUILDS),
    ),
    Route(
        "judge_dockerfile",
        Method.POST,
        "exposure/dockerfile",
        READING,
        "Tell of a Dockerfile which of its images leave the organisation, and what to write instead; fetches nothing.",
        DockerfileTold,
        body=bytes,
        problems=(Problem.NOT_VALID, Problem.TOO_LARGE),
    ),
    Route(
        "list_targets",
        _GET,
        "targets",
        READING,
        "List what the tags of the base registry should point at.",
        TargetsPart,
        query=part(_REPOSITORY),
    ),
    Route(
        "get_target",
        _GET,
        "targets/{target}",
        READING,
        "Show one target, and who has what it bore before.",
        ShownTarget,
    ),
    Route(
        "list_waivers",
        _GET,
        "waivers",
        READING,
        "List the findings that people waive for a tag, or ask to.",
        WaiversPart,
        query=part(),
    ),
    Route("get_file", _GET, "config/{file}", READING, "Show a file of the configuration.", bytes, media=(OCTETS,)),
    Route(
        "validate_file",
        Method.POST,
        "config/{file}/validate",
        READING,
        "Tell whether a file could be written as it is sent; changes nothing.",
        FileChecked,
        body=bytes,
    ),
    Route(
        "compare_file",
        Method.POST,
        "config/{file}/diff",
        READING,
        "Tell what a file would change of the watch list in force, read with its other files; changes nothing.",
        FileCompared,
        body=bytes,
    ),
    Route("export_decisions", _GET, "decisions", WRITING, "Give what people decided, as one document.", Decisions),
    Route("list_rulings", _GET, "rulings", READING, "List what is blocked and what is held.", RulingsInForce),
    Route("openapi", _GET, "openapi.json", READING, "Describe the API: this document.", dict[str, Any]),
    Route("reference", _GET, "reference", READING, "Describe the API, to be read.", str, media=(PAGE,)),
    Route(
        "explain_problem",
        _GET,
        "problems/{problem}",
        READING,
        "Tell what a type of problem means, and what to do.",
        str,
        media=(PAGE,),
    ),
)

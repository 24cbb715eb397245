"""What is to be rebuilt elsewhere, as people name it: a dispatcher of the settings, and a place that it knows.

Only what is named here is ever asked: an address stands in the settings alone, and a place is a part of a path.
"""

from __future__ import annotations

import re

import msgspec

from shared.errors import InvalidReference

_REF = r"[A-Za-z0-9][A-Za-z0-9._/-]{0,199}"
_WORKFLOW = re.compile(
    r"(?P<owner>[A-Za-z0-9][A-Za-z0-9-]{0,38})/(?P<repository>[A-Za-z0-9._-]{1,100})"
    rf"(?:/(?:\.github/workflows/)?(?P<file>[A-Za-z0-9_-][A-Za-z0-9._-]{{0,99}}\.ya?ml)@(?P<ref>{_REF})"
    r"|!(?P<event>[A-Za-z0-9][A-Za-z0-9._-]{0,99}))"
)
_PROJECT = r"[A-Za-z0-9](?:[A-Za-z0-9 ._-]{0,62}[A-Za-z0-9_-])?"
_PIPELINE = re.compile(rf"(?P<project>{_PROJECT})/(?P<number>[1-9]\d{{0,8}})@(?P<ref>{_REF})")
_SUBJECT = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9._/-]{0,198}[A-Za-z0-9])?")


class Workflow(msgspec.Struct, frozen=True):
    """A workflow of GitHub Actions, or all that listen to one event of a repository.

    Attributes:
        owner: of the repository.
        repository: its name.
        file: the workflow's file; empty for an event.
        ref: the branch or tag it is run on; empty for an event, which runs on the default branch.
        event: the event's type; empty for a workflow.
    """

    owner: str
    repository: str
    file: str = ""
    ref: str = ""
    event: str = ""


class Pipeline(msgspec.Struct, frozen=True):
    """A pipeline of Azure Pipelines: its project, its number, and the ref it is run on."""

    project: str
    number: int
    ref: str


def parse_workflow(place: str) -> Workflow:
    """Read a place of GitHub's: ``owner/repository/workflow.yml@ref``, or ``owner/repository!event``.

    Raises:
        InvalidReference: it is none.
    """
    found = _WORKFLOW.fullmatch(place)
    if found is None or ".." in place or found["repository"] == ".":
        raise InvalidReference(
            f"{place[:120]!r} is no workflow: expected owner/repository/workflow.yml@branch, or owner/repository!event"
        )
    return Workflow(**{name: text or "" for name, text in found.groupdict().items()})


def parse_pipeline(place: str) -> Pipeline:
    """Read a place of Azure Pipelines: ``project/number@ref``.

    Raises:
        InvalidReference: it is none.
    """
    found = _PIPELINE.fullmatch(place)
    if found is None or ".." in place:
        raise InvalidReference(
            f"{place[:120]!r} is no pipeline: expected project/number@branch, the number as its address has it after "
            "definitionId="
        )
    ref = found["ref"] if found["ref"].startswith("refs/") else f"refs/heads/{found['ref']}"
    return Pipeline(found["project"], int(found["number"]), ref)


def parse_subject(place: str) -> str:
    """Read a place of a receiver of events, which is a word of its own.

    Raises:
        InvalidReference: it is none.
    """
    if _SUBJECT.fullmatch(place) is None or ".." in place:
        raise InvalidReference(f"{place[:120]!r} is no place: expected letters, digits and . _ / - of your own choice")
    return place

"""GET /api/activity."""

from __future__ import annotations

import azure.functions as func

from shared.domain.pages import MOST_LISTED
from shared.errors import MalformedRequest
from shared.ports import Activity, Clock, Event
from shared.web.answers import part_answer
from shared.web.parts import Part
from shared.web.queries import after_of, limit_of

LONGEST_SUBJECT = 500


class ActivityPart(Part, frozen=True, omit_defaults=True, kw_only=True):
    """Some lines of the activity log, the newest first."""

    activity: tuple[Event, ...]


def list_activity(request: func.HttpRequest, activity: Activity, clock: Clock) -> func.HttpResponse:
    """List what happened, newest first.

    Args:
        request: may ask for at most so many (``limit``), and for those ``after`` the ``next`` of an earlier answer; or
            for the newest of one ``subject``, such as ``repository:docker.io/library/node``, however long ago.
        activity: where it is kept.
        clock: tells the time.

    Returns:
        200 with ``{"activity": [...], "next": "..."}``: of the last month; no ``next`` at the end.

    Raises:
        MalformedRequest, InvalidReference: a parameter is not what it should be.
    """
    subject, after, limit = request.params.get("subject", ""), after_of(request), limit_of(request)
    if len(subject) > LONGEST_SUBJECT or not subject.isprintable():
        raise MalformedRequest("subject: it is too long, or holds what cannot be printed")
    if subject and after:
        raise MalformedRequest(f"after: the lines of one subject are told at once, up to {MOST_LISTED} by limit")
    lines, more = (activity.of(subject, limit), "") if subject else activity.recent(clock(), limit, after)
    return part_answer(ActivityPart(activity=lines, next=more), request, more)

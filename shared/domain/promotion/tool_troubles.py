"""What keeps a tool from being what its upstream is."""

from __future__ import annotations

from shared.domain.promotion.candidate import Candidate
from shared.domain.promotion.statuses import Status
from shared.domain.promotion.tool import Tool
from shared.domain.promotion.transitions import ENDS
from shared.domain.watching.scanner import SCANNER
from shared.domain.watching.troubles import Kind, Trouble, about_tool


def tool_troubles(tool: Tool, candidate: Candidate | None) -> tuple[Trouble, ...]:
    """Return what is wrong with a tool: nothing while its newest digest is in use, or on its way there.

    Args:
        tool: its record.
        candidate: by which its newest digest is mirrored; ``None`` if there is none.
    """
    if tool.newest is None or tool.is_current or candidate is None or not _failed(candidate):
        return ()
    instead = f"{tool.digest}, in use since {tool.at:%Y-%m-%d %H:%M}," if tool.digest and tool.at else "nothing"
    last = candidate.last
    return (
        Trouble(
            kind=Kind.TOOL_NOT_MIRRORED,
            about=about_tool(tool.name),
            detail=f"{tool.source}@{tool.newest.digest} does not get into the staging registry as {tool.repository}; "
            f"runs are given {instead} instead, and it is tried again every hour: {last.reason.value}, {last.detail}",
            # The scanner is no entry of the list: it has no page of its own and no owner, and concerns everybody.
            images=() if tool.name == SCANNER else (tool.name,),
            since=candidate.since if candidate.status is Status.FAILED else None,
        ),
    )


def _failed(candidate: Candidate) -> bool:
    """What is tried again stays failed in between, or its trouble would end and begin every hour."""
    return candidate.status is Status.FAILED or (candidate.retried and candidate.status not in ENDS)

"""GET /api/readiness: what is set up so that it cannot work, told before anything waits for it."""

from __future__ import annotations

from collections.abc import Callable

import azure.functions as func
import msgspec

from shared.domain.watching.troubles import Trouble
from shared.domain.watching.watch_list import WatchList
from shared.rules.answerability import Answerability
from shared.rules.trouble_finding import NotTaken
from shared.web.answers import json_answer


class Readiness(msgspec.Struct, frozen=True):
    """What is set up so that it cannot work.

    Attributes:
        ready: whether nothing is.
        entries: how many entries of the watch list are in force.
        wrong: each thing that is wrong, of a kind that docs/runbook.md has a section for.
    """

    ready: bool
    entries: int
    wrong: tuple[Trouble, ...]


def readiness(
    in_force: Callable[[], WatchList],
    not_taken: Callable[[], NotTaken | None],
    answerability: Answerability,
    unnamed: Callable[[], tuple[Trouble, ...]],
) -> func.HttpResponse:
    """Tell what is set up so that it cannot work; the storage account alone is asked.

    Args:
        in_force: gives the watch list in force.
        not_taken: why the stored one is not, as far as that is known by then.
        answerability: knows the policies whose approval nobody could give.
        unnamed: gives those who build elsewhere by the list, and whom the settings do not name.

    Returns:
        200 with ``Readiness``.
    """
    entries, problem = len(in_force().images), not_taken()
    of_list = (problem.trouble,) if problem is not None else ()
    wrong = (*of_list, *answerability.now(), *unnamed())
    return json_answer(Readiness(not wrong, entries, wrong))

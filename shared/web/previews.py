"""POST /api/preview: what another watch list, or another policy, would decide otherwise. Nothing comes of it."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence
from typing import Annotated, Protocol

import azure.functions as func
import msgspec
from msgspec import Meta

from shared.domain.pages import MOST_LISTED
from shared.domain.policy.policy import Policy
from shared.domain.policy.reading import OnePolicy
from shared.domain.promotion.target import parts_of_target
from shared.domain.watching.watch_list import ListFile, WatchList
from shared.errors import MalformedInput, MalformedRequest, WatchListError
from shared.flows.preview import Previewer
from shared.flows.watch_lists import WatchLists
from shared.rules.other_policies import AskingOtherwise
from shared.rules.policies import Asking
from shared.web.answers import json_answer, problem
from shared.web.asked import Asked
from shared.web.bodies import decoded
from shared.web.queries import limit_of

# A list of the most bytes, its quotes and line ends escaped.
LARGEST_BODY = 2 * 1024 * 1024
_MOST_TOLD = 20
_EITHER = "say either 'list', the files of a watch list by their names, or 'policy', the text or the name of a policy"


_Files = Annotated[dict[Annotated[str, Meta(max_length=200)], str], Meta(min_length=1, max_length=100)]


class PreviewAsked(msgspec.Struct, forbid_unknown_fields=True, rename={"files": "list"}):
    """Either another watch list, or another policy.

    Attributes:
        list: the files of a watch list, by their names.
        policy: the text of a policy, or the name of one that is in force.
        entries: the names of those entries that it is asked of; without it, of all that have a policy.
    """

    files: _Files | None = None
    policy: str | None = None
    entries: Annotated[list[str], Meta(min_length=1, max_length=10_000)] | None = None


_BODY = msgspec.json.Decoder(PreviewAsked)


class Means(Protocol):
    """What previews are made with."""

    @property
    def previewer(self) -> Previewer:
        """Tells what would be decided otherwise."""
        ...

    def read_list(self, files: Sequence[ListFile]) -> WatchList:
        """Read a list's files.

        Raises:
            WatchListError: every problem.
        """
        ...

    def read_policy(self, text: bytes, named: Mapping[str, Policy]) -> OnePolicy:
        """Read one policy, on top of those that are known by name.

        Raises:
            MalformedInput: every problem, each in a line of its own.
        """
        ...


class Previews:
    """Serves previews, one at a time: each takes as much as it is allowed to.

    Args:
        watch_lists: say which list is in force.
        means: what previews are made with.
    """

    def __init__(self, watch_lists: Callable[[], WatchLists], means: Callable[[], Means]) -> None:
        self._watch_lists = watch_lists
        self._means = means
        self._at_work = threading.Lock()

    def preview(self, asked: Asked) -> func.HttpResponse:
        """Tell one part of what would be decided otherwise.

        Args:
            asked: the body has ``list``, or ``policy`` and maybe ``entries``; the query maybe ``limit`` and ``after``.

        Returns:
            200 with the part; or 400 with every problem of the list or policy, with its line.

        Raises:
            MalformedRequest: 400, 404 or 413; 429 while another one is made.
            ServiceError: something that is needed cannot be read now.
        """
        body = decoded(asked.request.get_body(), _BODY, PreviewAsked, LARGEST_BODY)
        limit, after = limit_of(asked.request, MOST_LISTED), asked.request.params.get("after", "")
        if after:
            parts_of_target(after)
        if not self._at_work.acquire(blocking=False):
            raise MalformedRequest("another preview is being made, and each takes much; ask again", status=429)
        try:
            return self._answered(body, limit, after)
        finally:
            self._at_work.release()

    def _answered(self, body: PreviewAsked, limit: int, after: str) -> func.HttpResponse:
        try:
            asking = self._asking(body)
        except _Wrong as error:
            return problem(f"{error.what} is not valid: {error.problems[0]}", 400, problems=error.problems)
        return json_answer(self._means().previewer.preview(asking, limit=limit, after=after))

    def _asking(self, body: PreviewAsked) -> Asking:
        if body.files is not None and body.policy is None and body.entries is None:
            return Asking(self._list_of(body.files))
        if body.policy is None or body.files is not None:
            raise MalformedRequest(_EITHER)
        watch_list, entries = self._watch_lists().in_force(), body.entries or []
        _check_names(watch_list, entries)
        read = self._policy_of(body.policy, watch_list)
        return AskingOtherwise(watch_list, read.policy, entries, keeps_test=not read.says_test)

    def _list_of(self, files: Mapping[str, str]) -> WatchList:
        try:
            return self._means().read_list([ListFile(name, text.encode()) for name, text in files.items()])
        except WatchListError as error:
            raise _Wrong("the list", error.problems) from error

    def _policy_of(self, text: str, watch_list: WatchList) -> OnePolicy:
        try:
            return self._means().read_policy(text.encode(), watch_list.policies.named)
        except MalformedInput as error:
            raise _Wrong("the policy", str(error).splitlines()) from error


class _Wrong(Exception):
    """What was handed over is not valid."""

    def __init__(self, what: str, problems: Sequence[str]) -> None:
        self.what = what
        self.problems = tuple(problems) or ("it cannot be read",)


def _check_names(watch_list: WatchList, entries: Sequence[str]) -> None:
    there = {image.name for image in watch_list.base_images}
    absent = [name[:80] for name in entries if name not in there]
    if absent:
        more = f" and {len(absent) - _MOST_TOLD} more" if len(absent) > _MOST_TOLD else ""
        names = ", ".join(map(repr, absent[:_MOST_TOLD]))
        raise MalformedRequest(f"entries: the watch list has no entry with a policy named {names}{more}", status=404)

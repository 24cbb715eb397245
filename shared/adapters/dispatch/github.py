"""GitHub Actions: a workflow is asked for by its dispatch, or by an event of its repository for who wants that.

https://docs.github.com/rest/actions/workflows#create-a-workflow-dispatch-event
https://docs.github.com/rest/repos/repos#create-a-repository-dispatch-event
https://docs.github.com/rest/actions/workflow-runs
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import quote, urlencode

from shared.adapters.dispatch.answer_parts import id_of, link_of, time_of
from shared.adapters.dispatch.one_request import Answer, once
from shared.adapters.dispatch.refusals import refusal
from shared.dispatch_settings import DispatcherSetting
from shared.domain.dispatch.builds import Asked, End, Found, Outcome, Sent
from shared.domain.dispatch.places import Workflow, parse_workflow
from shared.domain.promotion.rebuilds import BuilderKind
from shared.errors import RateLimited, ServiceError, UnusableAnswer

_VERSION = "2022-11-28"
_PAGE, _MOST_PAGES = 100, 10
# How far clocks may differ: a run is looked for that was made a little before it was asked for.
_CLOCKS_DIFFER = timedelta(minutes=5)
# What builds an image of the branch: a run for a pull request does not.
_BUILDING = frozenset({"push", "workflow_dispatch", "repository_dispatch", "schedule"})
_ENDS = {"success": End.BUILT, "failure": End.FAILED}
_HINTS = {
    401: "The token is not believed: check the App's number, its installation and its key, or renew the token",
    403: "The App or token lacks a right: it needs Actions: write (and Contents: write for an event)",
    404: "There is no such repository or workflow file, or the App is not installed there",
    422: "Check that the branch exists and that the workflow has workflow_dispatch with the inputs tidegate and image",
}


class GitHubActions:
    """The port ``Dispatcher``.

    Args:
        setting: its name and its address.
        token: gives a token that is good now.
        clock: tells the time.
    """

    kind = BuilderKind.GITHUB
    repeats = False
    tells: timedelta | None = None

    def __init__(self, setting: DispatcherSetting, token: Callable[[], str], clock: Callable[[], datetime]) -> None:
        self.name, self.fingerprint = setting.name, setting.fingerprint
        self._url = setting.address.rstrip("/")
        self._token = token
        self._clock = clock

    def ask(self, asked: Asked) -> Sent:
        """See ``Dispatcher.ask``."""
        workflow = parse_workflow(asked.place)
        path, body = _request(workflow, asked)
        doing = f"asking {self.name} for {asked.place}"
        answer = self._send(doing, "POST", path, body)
        if answer.status == 204:
            return Sent()
        if answer.status != 200:
            raise self._refused(doing, answer)
        try:
            said = answer.json(doing)
        except UnusableAnswer:  # it is accepted all the same, and found by its name
            return Sent()
        return Sent(_id(said.get("workflow_run_id")), link_of(said.get("html_url")))

    def find(self, asked: Asked) -> tuple[Found, ...]:
        """See ``Dispatcher.find``: the name of a run bears the correlation, by the workflow's ``run-name``."""
        workflow = parse_workflow(asked.place)
        event = "repository_dispatch" if workflow.event else "workflow_dispatch"
        since = (asked.asked_at - _CLOCKS_DIFFER).astimezone(UTC)
        query = {"event": event, "created": f">={since:%Y-%m-%dT%H:%M:%SZ}"}
        if workflow.ref:
            query["branch"] = _branch(workflow.ref)
        found = self._runs(f"looking at {self.name} for {asked.correlation}", _runs_path(workflow), query)
        return tuple(
            Found(_id(run.get("id")), link_of(run.get("html_url")), time_of(run.get("created_at")))
            for run in found
            if asked.correlation in f"{run.get('display_title', '')} {run.get('name', '')}" and _id(run.get("id"))
        )

    def follow(self, asked: Asked, run: str) -> Outcome | None:
        """See ``Dispatcher.follow``."""
        workflow, number = parse_workflow(asked.place), _id(run)
        if not number:
            return None
        doing = f"looking at run {number} of {asked.place}"
        answer = self._send(doing, "GET", f"{_repository(workflow)}/actions/runs/{number}")
        if answer.status == 404:
            return None
        if answer.status != 200:
            raise self._refused(doing, answer)
        return self._outcome(workflow, answer.json(doing))

    def _outcome(self, workflow: Workflow, run: Mapping[str, Any]) -> Outcome:
        link, words = link_of(run.get("html_url")), str(run.get("conclusion") or run.get("status") or "unknown")[:40]
        if run.get("status") != "completed":
            return Outcome(None, words, link)
        end = _ENDS.get(words, End.UNDECIDED)
        covered = self._later(workflow, run) if words == "cancelled" else ""
        return Outcome(end, words, link, covered)

    def _later(self, workflow: Workflow, run: Mapping[str, Any]) -> str:
        """A concurrency group cancels what waits for what comes later: that builds the same branch, if it is let."""
        number, made = _id(run.get("id")), time_of(run.get("created_at"))
        if made is None or not _id(run.get("workflow_id")):
            return ""
        query = {"created": f">={made:%Y-%m-%dT%H:%M:%SZ}", "branch": str(run.get("head_branch") or "")}
        path = f"{_repository(workflow)}/actions/workflows/{_id(run['workflow_id'])}/runs"
        found = self._runs(f"looking for what covers run {number} of {self.name}", path, query)
        later = [one for one in found if _is_later(one, int(number), made) and one.get("event") in _BUILDING]
        good = (one for one in later if one.get("status") != "completed" or one.get("conclusion") in _ENDS)
        return min((_id(one.get("id")) for one in good), key=int, default="")

    def _runs(self, doing: str, path: str, query: Mapping[str, str]) -> list[Mapping[str, Any]]:
        """All of them, or an error: a part is not taken for all."""
        found: list[Mapping[str, Any]] = []
        for page in range(1, _MOST_PAGES + 1):
            answer = self._send(doing, "GET", f"{path}?{urlencode({**query, 'per_page': _PAGE, 'page': page})}")
            if answer.status != 200:
                raise self._refused(doing, answer)
            runs = answer.json(doing).get("workflow_runs")
            if not isinstance(runs, list):
                raise UnusableAnswer(f"{doing}: an answer without runs: {answer.text}")
            found += _only_objects(runs)
            if len(runs) < _PAGE:
                return found
        raise UnusableAnswer(f"{doing}: more than {_PAGE * _MOST_PAGES} runs, so that not all can be looked through")

    def _send(self, doing: str, method: str, path: str, body: object = None) -> Answer:
        headers = {
            "Accept": "application/vnd.github+json",
            "Authorization": f"Bearer {self._token()}",
            "X-GitHub-Api-Version": _VERSION,
        }
        return once(doing, method, f"{self._url}{path}", headers, body)

    def _refused(self, doing: str, answer: Answer) -> ServiceError:
        """Its secondary limits are told by 403 as well as by 429."""
        left = answer.headers.get("x-ratelimit-remaining", "")
        limited = answer.status == 403 and (
            "retry-after" in answer.headers or left == "0" or "rate limit" in answer.text
        )
        error = refusal(doing, answer, _HINTS, limited=limited)
        if isinstance(error, RateLimited) and error.retry_after is None:
            error.retry_after = self._until_reset(answer)
        return error

    def _until_reset(self, answer: Answer) -> float | None:
        reset = answer.headers.get("x-ratelimit-reset", "")
        known = answer.headers.get("x-ratelimit-remaining") == "0" and reset.isdecimal() and len(reset) < 12
        return max(min(int(reset) - self._clock().timestamp(), 3600.0), 1.0) if known else None


def _request(workflow: Workflow, asked: Asked) -> tuple[str, Mapping[str, Any]]:
    said = {"tidegate": asked.correlation, "image": asked.image}
    if workflow.event:
        return f"{_repository(workflow)}/dispatches", {"event_type": workflow.event, "client_payload": said}
    path = f"{_repository(workflow)}/actions/workflows/{quote(workflow.file, safe='')}/dispatches"
    return path, {"ref": workflow.ref, "inputs": said, "return_run_details": True}


def _repository(workflow: Workflow) -> str:
    return f"/repos/{quote(workflow.owner, safe='')}/{quote(workflow.repository, safe='')}"


def _runs_path(workflow: Workflow) -> str:
    if workflow.event:
        return f"{_repository(workflow)}/actions/runs"
    return f"{_repository(workflow)}/actions/workflows/{quote(workflow.file, safe='')}/runs"


def _branch(ref: str) -> str:
    return ref.removeprefix("refs/heads/").removeprefix("refs/tags/")


def _only_objects(found: list[Any]) -> Iterator[Mapping[str, Any]]:
    return (one for one in found if isinstance(one, dict))


def _is_later(run: Mapping[str, Any], number: int, made: datetime) -> bool:
    own, at = _id(run.get("id")), time_of(run.get("created_at"))
    return bool(own) and int(own) > number and at is not None and at >= made


def _id(value: object) -> str:
    return id_of(value, 20)

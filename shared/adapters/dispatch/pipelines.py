"""Azure Pipelines: pipelines are run by the app's own identity, which is a user of the organisation.

https://learn.microsoft.com/rest/api/azure/devops/pipelines/runs/run-pipeline
https://learn.microsoft.com/rest/api/azure/devops/build/builds/list
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import quote, urlencode

from shared.adapters.dispatch.answer_parts import id_of, link_of, time_of
from shared.adapters.dispatch.one_request import Answer, once
from shared.adapters.dispatch.refusals import refusal
from shared.dispatch_settings import DispatcherSetting
from shared.domain.dispatch.builds import Asked, End, Found, Outcome, Sent
from shared.domain.dispatch.places import Pipeline, parse_pipeline
from shared.domain.promotion.rebuilds import BuilderKind
from shared.errors import NotPermitted, ServiceError, UnusableAnswer

# The resource of Azure DevOps, for which tokens are made.
RESOURCE = "499b84ac-1321-427f-aa17-267ca6975798"
_API = "7.1"
_MOST = 1000
_CLOCKS_DIFFER = timedelta(minutes=5)
_ENDS = {"succeeded": End.BUILT, "partiallySucceeded": End.BUILT, "failed": End.FAILED}
# What builds an image of the branch: a run for a pull request does not.
_BUILDING = frozenset({"manual", "individualCI", "batchedCI", "schedule", "resourceTrigger", "buildCompletion"})
_HINTS = {
    400: "Check that the branch exists and that the pipeline has the parameters tidegate and image",
    404: "There is no such project or pipeline, or the app's identity does not see it",
}
_NOT_LET_IN = "Make the app's identity a user of the organisation, with Queue builds on the pipeline"
_SIGN_IN = frozenset({203, 302, 401, 403})


class AzurePipelines:
    """The port ``Dispatcher``.

    Args:
        setting: its name, and the organisation's address.
        token: gives a token of the app's identity for ``RESOURCE``.
    """

    kind = BuilderKind.PIPELINES
    repeats = False
    tells: timedelta | None = None

    def __init__(self, setting: DispatcherSetting, token: Callable[[], str]) -> None:
        self.name, self.fingerprint = setting.name, setting.fingerprint
        self._url = setting.address.rstrip("/")
        self._token = token

    def ask(self, asked: Asked) -> Sent:
        """See ``Dispatcher.ask``."""
        pipeline = parse_pipeline(asked.place)
        body = {
            "resources": {"repositories": {"self": {"refName": pipeline.ref}}},
            "templateParameters": {"tidegate": asked.correlation, "image": asked.image},
        }
        doing = f"asking {self.name} for {asked.place}"
        answer = self._send(doing, "POST", pipeline, f"pipelines/{pipeline.number}/runs", {}, body)
        if answer.status not in {200, 201}:
            raise _refused(doing, answer)
        try:
            said = answer.json(doing)
        except UnusableAnswer:  # it is accepted all the same, and found by its name
            return Sent()
        return Sent(_id(said.get("id")), _page(said))

    def find(self, asked: Asked) -> tuple[Found, ...]:
        """See ``Dispatcher.find``: a run bears the correlation by its name, or by parameters that are told."""
        pipeline = parse_pipeline(asked.place)
        doing = f"looking at {self.name} for {asked.correlation}"
        builds = self._builds(doing, pipeline, asked.asked_at - _CLOCKS_DIFFER)
        return tuple(
            Found(_id(one.get("id")), _page(one), time_of(one.get("queueTime")))
            for one in builds
            if _id(one.get("id")) and _bears(one, asked.correlation)
        )

    def follow(self, asked: Asked, run: str) -> Outcome | None:
        """See ``Dispatcher.follow``."""
        pipeline, number = parse_pipeline(asked.place), _id(run)
        if not number:
            return None
        doing = f"looking at run {number} of {asked.place}"
        answer = self._send(doing, "GET", pipeline, f"pipelines/{pipeline.number}/runs/{number}", {})
        if answer.status == 404:
            return None
        if answer.status != 200:
            raise _refused(doing, answer)
        said = answer.json(doing)
        if said.get("state") != "completed":
            return Outcome(None, str(said.get("state") or "unknown")[:40], _page(said))
        words = str(said.get("result") or "unknown")[:40]
        covered = self._later(pipeline, number, asked) if words == "canceled" else ""
        return Outcome(_ENDS.get(words, End.UNDECIDED), words, _page(said), covered)

    def _later(self, pipeline: Pipeline, number: str, asked: Asked) -> str:
        """An exclusive lock or a batch may cancel what waits for what comes later: that builds the same branch."""
        doing = f"looking for what covers run {number} of {self.name}"
        builds = self._builds(doing, pipeline, asked.asked_at)
        later = [one for one in builds if _id(one.get("id")) and int(_id(one["id"])) > int(number)]
        good = [one for one in later if one.get("sourceBranch") == pipeline.ref and one.get("reason") in _BUILDING]
        running = (one for one in good if one.get("status") != "completed" or one.get("result") in _ENDS)
        return min((_id(one["id"]) for one in running), key=int, default="")

    def _builds(self, doing: str, pipeline: Pipeline, since: datetime) -> list[Mapping[str, Any]]:
        """All of them, or an error: a part is not taken for all."""
        query = {
            "definitions": str(pipeline.number),
            "minTime": f"{since.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}",
            "queryOrder": "queueTimeDescending",
            "$top": str(_MOST),
        }
        answer = self._send(doing, "GET", pipeline, "build/builds", query)
        if answer.status != 200:
            raise _refused(doing, answer)
        found = answer.json(doing).get("value")
        if not isinstance(found, list):
            raise UnusableAnswer(f"{doing}: an answer without builds: {answer.text}")
        if len(found) >= _MOST or answer.headers.get("x-ms-continuationtoken"):
            raise UnusableAnswer(f"{doing}: {_MOST} runs or more, so that not all can be looked through")
        return [one for one in found if isinstance(one, dict)]

    def _send(
        self,
        doing: str,
        method: str,
        pipeline: Pipeline,
        path: str,
        query: Mapping[str, str],
        body: object = None,
    ) -> Answer:
        url = f"{self._url}/{quote(pipeline.project, safe='')}/_apis/{path}?{urlencode({**query, 'api-version': _API})}"
        # Without this, whoever is not let in is shown a page to sign in, by 203 or a redirect.
        headers = {"Authorization": f"Bearer {self._token()}", "X-TFS-FedAuthRedirect": "Suppress"}
        return once(doing, method, url, headers, body)


def _refused(doing: str, answer: Answer) -> ServiceError:
    """Whoever is not let in is shown a page to sign in, which is no answer of the API's; nothing was begun."""
    if answer.status in _SIGN_IN:
        told = f"{doing}: HTTP {answer.status}, the app's identity is not let in. {_NOT_LET_IN}"
        return NotPermitted(told, code=str(answer.status))
    return refusal(doing, answer, _HINTS)


def _bears(build: Mapping[str, Any], correlation: str) -> bool:
    told = build.get("templateParameters")
    said = told.get("tidegate") if isinstance(told, dict) else ""
    return said == correlation or correlation in str(build.get("buildNumber", ""))


def _page(said: Mapping[str, Any]) -> str:
    links = said.get("_links")
    web = links.get("web") if isinstance(links, dict) else None
    return link_of(web.get("href")) if isinstance(web, dict) else ""


def _id(value: object) -> str:
    return id_of(value, 12)

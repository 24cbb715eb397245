"""Azure Pipelines' API, as far as it runs pipelines: whoever is not let in is shown a page to sign in, by 203.

https://learn.microsoft.com/rest/api/azure/devops/pipelines/runs, https://learn.microsoft.com/rest/api/azure/devops/build/builds
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from werkzeug.exceptions import abort
from werkzeug.wrappers import Request, Response

from infra.local.builders.builds import Build, Builds
from infra.local.emulator.front import Route
from infra.local.emulator.wire import json_reply, timestamp

PREFIX = "/pipelines"
NUMBER = 42
_PROJECT = f"{PREFIX}/<project>/_apis"
_RUNS = f"{_PROJECT}/pipelines/<int:number>/runs"


class Pipelines:
    """The routes of one organisation with the one pipeline 42 in each of its projects.

    Args:
        builds: what is begun.
        lets_in: tells whether a token is one of an identity that is a user here.
    """

    def __init__(self, builds: Builds, lets_in: Callable[[str], bool]) -> None:
        self._builds = builds
        self._lets_in = lets_in

    def routes(self) -> list[Route]:
        """Return the routes served."""
        return [
            Route("POST", _RUNS, "POST run", self.begin),
            Route("GET", f"{_RUNS}/<int:run>", "GET run", self.run),
            Route("GET", f"{_PROJECT}/build/builds", "GET builds", self.builds),
        ]

    def begin(self, request: Request, project: str, number: int) -> Response:
        """Begin a run."""
        self._let_in(request)
        body: dict[str, Any] = request.get_json(force=True, silent=True) or {}
        given = body.get("templateParameters") or {}
        ref = body.get("resources", {}).get("repositories", {}).get("self", {}).get("refName", "")
        self._check(number, given, ref)
        build = self._builds.begin(f"{project}/{number}", ref, given, "manual")
        if self._builds.odd.plays("lost"):
            return Response("<html>502 Bad Gateway</html>", 502, content_type="text/html")
        if build is None or self._builds.odd.plays("nameless"):
            return Response("{", 200, content_type="application/json")
        return json_reply(_run(build))

    def _check(self, number: int, given: Mapping[str, Any], ref: str) -> None:
        odd = self._builds.odd
        if odd.plays("limited"):
            message = "Request was blocked due to exceeding usage of resource."
            abort(_message(429, message, {"Retry-After": str(odd.wait)}))
        if number != NUMBER:
            abort(_message(404, "The pipeline could not be found."))
        if given.keys() - {"tidegate", "image"}:
            abort(_message(400, "Unexpected parameter."))
        if ref != "refs/heads/main":
            abort(_message(400, f"Unable to resolve the reference '{ref}'."))

    def run(self, request: Request, project: str, number: int, run: int) -> Response:
        """Answer one run."""
        self._let_in(request)
        build = self._builds.look(run)
        if build is None or build.place != f"{project}/{number}":
            return _message(404, "The run could not be found.")
        return json_reply(_run(build))

    def builds(self, request: Request, project: str) -> Response:
        """Answer the runs of a pipeline that were queued since a moment, the newest first."""
        self._let_in(request)
        since = request.args.get("minTime", "")
        after = datetime.fromisoformat(since).timestamp() if since else 0.0
        listed = self._builds.listed(f"{project}/{request.args.get('definitions', '')}", "", after)
        return json_reply({"count": len(listed), "value": [_build(one) for one in listed]})

    def _let_in(self, request: Request) -> None:
        if not self._lets_in(request.headers.get("Authorization", "").removeprefix("Bearer ")):
            abort(Response("<html>Azure DevOps Services | Sign In</html>", 203, content_type="text/html"))
        if not request.args.get("api-version"):
            abort(_message(400, "No api-version was supplied."))


def _run(build: Build) -> dict[str, Any]:
    said = {"id": build.number % 1_000_000, "name": _name(build), "_links": _links(build)}
    state = {"state": "completed", "result": build.end} if build.over else {"state": "inProgress"}
    return {**said, "id": build.number, **state, "createdDate": timestamp(build.made)}


def _build(build: Build) -> dict[str, Any]:
    state = {"status": "completed", "result": build.end} if build.over else {"status": "inProgress"}
    said = {"id": build.number, "buildNumber": _name(build), "queueTime": timestamp(build.made), "reason": build.event}
    return {**said, **state, "sourceBranch": build.ref, "_links": _links(build)}


def _name(build: Build) -> str:
    return f"20260101.1 {build.inputs.get('tidegate', '')}"


def _links(build: Build) -> dict[str, Any]:
    return {"web": {"href": f"https://dev.azure.example/shop/_build/results?buildId={build.number}"}}


def _message(status: int, message: str, headers: dict[str, str] | None = None) -> Response:
    return json_reply({"$id": "1", "message": message, "typeKey": "Problem", "errorCode": 0}, status, headers)

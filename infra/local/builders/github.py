"""GitHub's API, as far as it runs workflows: a JWT is exchanged for a token, and its odd answers are there on demand.

https://docs.github.com/rest/actions/workflows, https://docs.github.com/rest/apps/apps
"""

from __future__ import annotations

import base64
import json
import secrets
import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from werkzeug.exceptions import abort
from werkzeug.wrappers import Request, Response

from infra.local.builders.builds import Build, Builds
from infra.local.emulator.front import Route
from infra.local.emulator.wire import json_reply, nothing

PREFIX = "/github"
APP, INSTALLATION = "123456", "7654321"
TOKEN = "github_pat_of_the_twin_0123456789"  # noqa: S105  the twin's own, it protects nothing
# The App's private key, in the twin's vault: what it signed is believed.
KEY = "github-app"
WORKFLOWS = frozenset({"build.yml", "image.yaml"})
_REPOSITORY = f"{PREFIX}/repos/<owner>/<repository>"
_WORKFLOW = f"{_REPOSITORY}/actions/workflows/<workflow>"
_INPUTS = {"tidegate", "image"}


class GitHub:
    """The routes of one installation of one App, in repositories of the owner ``contoso``.

    Args:
        builds: what is begun.
        believes: tells whether a JWT's signature is the App's: of its signed part and its signature.
    """

    def __init__(self, builds: Builds, believes: Callable[[bytes, bytes], bool] = lambda *_: False) -> None:
        self._builds = builds
        self.believes = believes
        self._tokens = {TOKEN}

    def routes(self) -> list[Route]:
        """Return the routes served."""
        token = f"{PREFIX}/app/installations/<installation>/access_tokens"
        return [
            Route("POST", token, "POST token", self.token),
            Route("POST", f"{_WORKFLOW}/dispatches", "POST dispatch", self.dispatch),
            Route("POST", f"{_REPOSITORY}/dispatches", "POST event", self.event),
            Route("GET", f"{_WORKFLOW}/runs", "GET runs", self.workflow_runs),
            Route("GET", f"{_REPOSITORY}/actions/runs", "GET runs", self.all_runs),
            Route("GET", f"{_REPOSITORY}/actions/runs/<int:number>", "GET run", self.run),
        ]

    def token(self, request: Request, installation: str) -> Response:
        """Answer a token to whoever shows the App's JWT, no older than ten minutes."""
        if not self._is_the_app(request.headers.get("Authorization", "").removeprefix("Bearer ")):
            return _message(401, "A JSON web token could not be decoded")
        if installation != INSTALLATION:
            return _message(404, "Not Found")
        made = f"ghs_{secrets.token_hex(18)}"
        self._tokens.add(made)
        until = datetime.fromtimestamp(time.time() + 3600, UTC)
        return json_reply({"token": made, "expires_at": f"{until:%Y-%m-%dT%H:%M:%SZ}"}, 201)

    def dispatch(self, request: Request, owner: str, repository: str, workflow: str) -> Response:
        """Begin a workflow; 200 with the run where that is asked for, else 204."""
        body = self._let_in(request, owner, workflow)
        given = body.get("inputs") or {}
        if given.keys() - _INPUTS:
            return _message(422, f"Unexpected inputs provided: {sorted(given.keys() - _INPUTS)}")
        if body.get("ref") not in {"main", "refs/heads/main"}:
            return _message(422, f"No ref found for: {body.get('ref')}")
        build = self._builds.begin(f"{owner}/{repository}/{workflow}", "main", given, "workflow_dispatch")
        if self._builds.odd.plays("lost"):
            return Response("<html>502 Bad Gateway</html>", 502, content_type="text/html")
        if not body.get("return_run_details") or self._builds.odd.plays("nameless") or build is None:
            return nothing(204)
        return json_reply({"workflow_run_id": build.number, "run_url": _url(request, build), "html_url": _page(build)})

    def event(self, request: Request, owner: str, repository: str) -> Response:
        """Begin what listens to an event, on the default branch; 204, and nothing about a run."""
        body = self._let_in(request, owner, "build.yml")
        payload = body.get("client_payload") or {}
        if not body.get("event_type") or len(payload) > 10:
            return _message(422, "Invalid request.")
        self._builds.begin(f"{owner}/{repository}/build.yml", "main", payload, "repository_dispatch")
        if self._builds.odd.plays("lost"):
            return Response("<html>502 Bad Gateway</html>", 502, content_type="text/html")
        return nothing(204)

    def workflow_runs(self, request: Request, owner: str, repository: str, workflow: str) -> Response:
        """Answer a page of the runs of one workflow, by its file or its number."""
        self._authenticate(request)
        return self._page(request, f"{owner}/{repository}/{'build.yml' if workflow.isdecimal() else workflow}")

    def all_runs(self, request: Request, owner: str, repository: str) -> Response:
        """Answer a page of the runs of all workflows."""
        self._authenticate(request)
        return self._page(request, f"{owner}/{repository}/")

    def run(self, request: Request, owner: str, repository: str, number: int) -> Response:
        """Answer one run."""
        self._authenticate(request)
        build = self._builds.look(number)
        if build is None or not build.place.startswith(f"{owner}/{repository}/"):
            return _message(404, "Not Found")
        return json_reply(_run(request, build))

    def _page(self, request: Request, place: str) -> Response:
        since = request.args.get("created", "").removeprefix(">=")
        after = datetime.fromisoformat(since).timestamp() if since else 0.0
        listed = self._builds.listed(place, request.args.get("event", ""), after)
        size, page = request.args.get("per_page", 30, type=int), request.args.get("page", 1, type=int)
        shown = listed[(page - 1) * size : page * size]
        return json_reply({"total_count": len(listed), "workflow_runs": [_run(request, one) for one in shown]})

    def _let_in(self, request: Request, owner: str, workflow: str) -> dict[str, Any]:
        self._authenticate(request)
        odd = self._builds.odd
        if odd.plays("limited"):
            message = "You have exceeded a secondary rate limit. Please wait a few minutes before you try again."
            abort(_message(403, message, {"Retry-After": str(odd.wait)}))
        if owner != "contoso" or workflow not in WORKFLOWS:
            abort(_message(404, "Not Found"))
        body = request.get_json(force=True, silent=True)
        if not isinstance(body, dict):
            abort(_message(400, "Problems parsing JSON"))
        return body

    def _authenticate(self, request: Request) -> None:
        if request.headers.get("Authorization", "").removeprefix("Bearer ") not in self._tokens:
            abort(_message(401, "Bad credentials"))

    def _is_the_app(self, jwt: str) -> bool:
        head, _, rest = jwt.partition(".")
        body, _, signature = rest.partition(".")
        try:
            header, claims = json.loads(_octets(head)), json.loads(_octets(body))
            good = header["alg"] == "RS256" and claims["iss"] == APP and claims["exp"] - claims["iat"] <= 600
            now = time.time()
            fresh = claims["iat"] <= now <= claims["exp"]
            return bool(good and fresh and self.believes(f"{head}.{body}".encode(), _octets(signature)))
        except (ValueError, KeyError, TypeError):
            return False


def _run(request: Request, build: Build) -> dict[str, Any]:
    at = f"{datetime.fromtimestamp(build.made, UTC):%Y-%m-%dT%H:%M:%SZ}"
    return {
        "id": build.number,
        "name": "build",
        "display_title": f"build {build.inputs.get('tidegate', '')}",
        "event": build.event,
        "status": "completed" if build.over else "in_progress",
        "conclusion": build.end if build.over else None,
        "head_branch": build.ref,
        "workflow_id": 4711,
        "created_at": at,
        "url": _url(request, build),
        "html_url": _page(build),
    }


def _url(request: Request, build: Build) -> str:
    return f"{request.host_url}github/repos/{build.place.rpartition('/')[0]}/actions/runs/{build.number}"


def _page(build: Build) -> str:
    return f"https://github.example/{build.place.rpartition('/')[0]}/actions/runs/{build.number}"


def _message(status: int, message: str, headers: dict[str, str] | None = None) -> Response:
    return json_reply({"message": message, "documentation_url": "https://docs.github.com/rest"}, status, headers)


def _octets(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))

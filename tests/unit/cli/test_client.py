"""The client says by its status what an answer means, waits where it is asked to, and sends a key nowhere else."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from shared.cli.exchange import Answer, Sent
from shared.cli.exits import Exit, Unreached
from shared.cli.transport import over_http
from tests.unit.cli.conftest import Terminal

pytestmark = pytest.mark.unit

PROBLEM = "application/problem+json"


def problem(status: int, **more: object) -> Answer:
    """A problem as the app tells it."""
    content = {"type": "about:blank", "title": "No", "status": status, "detail": "what is wrong", **more}
    return Answer(status, {"content-type": PROBLEM}, json.dumps(content).encode())


class Answers:
    """Answers in turn, the last one again and again, and keeps what was asked."""

    def __init__(self, *answers: Answer | str) -> None:
        self.answers = [*answers]
        self.asked: list[Sent] = []

    def __call__(self, sent: Sent) -> Answer:
        """See ``Send``."""
        self.asked.append(sent)
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        if isinstance(answer, str):
            raise Unreached(answer)
        return answer


FINE = Answer(200, {"content-type": "application/json"}, b'{"blocked": [], "held": []}')
HTML = Answer(200, {"content-type": "text/html"}, b"<html>sign in</html>")
STATUSES = [
    (problem(400), Exit.USAGE),
    (problem(401), Exit.DENIED),
    (problem(403), Exit.DENIED),
    (problem(404), Exit.ABSENT),
    (problem(405), Exit.USAGE),
    (problem(409), Exit.CONFLICT),
    (problem(409, reason="own-request"), Exit.DENIED),
    (problem(412), Exit.CONFLICT),
    (problem(413), Exit.UNREADABLE),
    (problem(422, problems=["line 1: no"]), Exit.UNREADABLE),
    (problem(428), Exit.USAGE),
    (problem(429), Exit.UNREACHABLE),
    (problem(500), Exit.DEFECT),
    (problem(502), Exit.UNREACHABLE),
    (problem(503), Exit.UNREACHABLE),
    (Answer(302, {"location": "https://login.example/?client=1"}, b""), Exit.DENIED),
    (Answer(401, {}, b""), Exit.DENIED),
    (Answer(403, {}, b"Site Disabled"), Exit.DENIED),
    (Answer(404, {}, b""), Exit.UNREACHABLE),
    (Answer(500, {}, b""), Exit.DEFECT),
    (Answer(502, {"content-type": "text/html"}, b"bad gateway"), Exit.UNREACHABLE),
    (Answer(418, {"content-type": PROBLEM}, b"{"), Exit.UNREACHABLE),
    (HTML, Exit.UNREACHABLE),
    (Answer(200, {}, b"[]"), Exit.UNREACHABLE),
    (Answer(200, {}, b""), Exit.UNREACHABLE),
]


@pytest.mark.parametrize(("answer", "status"), STATUSES, ids=lambda one: getattr(one, "name", str(one))[:60])
def test_every_answer_has_the_status_that_scripts_go_by(terminal: Terminal, answer: Answer, status: Exit) -> None:
    terminal.send = Answers(answer)
    typed = terminal.type("rulings")
    assert (typed.status, typed.out) == (status, "")
    assert typed.err.strip()


def test_what_a_problem_says_is_told_and_does_nothing_to_the_terminal(terminal: Terminal) -> None:
    told = problem(422, problems=["line 1: \x1b[2J"], reason="bad\x07", request_id="ab12")
    terminal.send = Answers(told)
    assert terminal.type("rulings").err == "what is wrong\n  line 1: \\x1b[2J\n  reason: bad\\x07\n  request: ab12\n"


@pytest.mark.parametrize("answer", [problem(429), problem(503), problem(502), "refused"], ids=str)
def test_what_is_only_not_possible_now_is_asked_again(terminal: Terminal, answer: Answer | str) -> None:
    terminal.send = sent = Answers(answer, answer, FINE)
    assert terminal.type("rulings").status == Exit.FINE
    assert (len(sent.asked), terminal.passed) == (3, 1.5)


def test_who_is_asked_to_wait_waits_that_long_or_says_that_it_is_too_long(terminal: Terminal) -> None:
    later = Answer(503, {"content-type": PROBLEM, "retry-after": "20"}, problem(503).body)
    terminal.send = Answers(later, FINE)
    assert (terminal.type("rulings").status, terminal.passed) == (Exit.FINE, 20)
    terminal.send = sent = Answers(later)
    assert terminal.type("rulings", "--timeout", "10s").status == Exit.UNREACHABLE
    assert len(sent.asked) == 1


def test_no_try_goes_on_for_longer_than_was_said(terminal: Terminal) -> None:
    terminal.send = sent = Answers("no route to host")
    typed = terminal.type("rulings", "--timeout", "12s")
    assert (typed.status, terminal.passed <= 12) == (Exit.UNREACHABLE, True)
    assert typed.err == "https://tidegate.example does not answer: no route to host\n"
    assert [round(one.timeout, 1) for one in sent.asked] == [12, 11.5, 10.5, 8.5, 4.5]


def test_an_act_of_which_nobody_knows_whether_it_was_done_is_asked_for_again_by_the_same_key(
    terminal: Terminal,
) -> None:
    done = Answer(
        200,
        {},
        b'{"kind": "hold", "subject": "n", "in_force": true, "said": {"by": "a", "why": "b"}, '
        b'"targets": [], "count": 0}',
    )
    terminal.send = sent = Answers("reset", problem(503), done)
    assert terminal.type("hold", "node", "--reason", "why").status == Exit.FINE
    assert len({one.headers["Idempotency-Key"] for one in sent.asked}) == 1
    terminal.send = sent = Answers(problem(502), done)
    assert (terminal.type("hold", "node", "--reason", "why").status, len(sent.asked)) == (Exit.UNREACHABLE, 1)


def test_a_list_that_says_to_go_on_where_it_was_is_a_defect_and_no_loop(terminal: Terminal) -> None:
    terminal.send = Answers(Answer(200, {}, b'{"rebuilds": [], "next": "x"}'))
    assert terminal.type("rebuilds").status == Exit.DEFECT


def test_a_defect_of_our_own_is_told_from_an_answer(terminal: Terminal) -> None:
    terminal.send = Answers(Answer(200, {}, b'{"other": 1}'))
    typed = terminal.type("rulings")
    assert (typed.status, typed.err) == (Exit.DEFECT, "a defect of tidegate's own: KeyError: 'blocked'\n")


def test_who_interrupts_is_told_so_by_the_status(terminal: Terminal) -> None:
    def interrupt(_: Sent) -> Answer:
        raise KeyboardInterrupt

    terminal.send = interrupt
    assert terminal.type("rulings").status == Exit.INTERRUPTED


class Server(ThreadingHTTPServer):
    """A server that answers by a script and keeps what it was sent."""

    allow_reuse_address = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.script: dict[str, tuple[int, dict[str, str], bytes]] = {}
        self.got: list[tuple[str, str, dict[str, str], bytes]] = []

    @property
    def url(self) -> str:
        """Where it is."""
        return f"http://127.0.0.1:{self.server_address[1]}"


class Handler(BaseHTTPRequestHandler):
    """Answers one request."""

    server: Server

    def do_GET(self) -> None:
        """Answer."""
        body = self.rfile.read(int(self.headers.get("content-length") or 0))
        headers = {name.lower(): value for name, value in self.headers.items()}
        self.server.got.append((self.command, self.path, headers, body))
        status, more, content = self.server.script.get(self.path, (404, {}, b""))
        self.send_response(status)
        for name, value in {**more, "Content-Length": str(len(content))}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(content)

    do_POST = do_GET  # noqa: N815  the name that http.server looks for

    def log_message(self, *_: Any) -> None:
        """Say nothing."""


@pytest.fixture
def server() -> Iterator[Server]:
    """A real server on this machine."""
    with Server() as running:
        thread = threading.Thread(target=running.serve_forever, args=(0.01,), daemon=True)
        thread.start()
        yield running
        running.shutdown()


def over(terminal: Terminal, server: Server, *words: str) -> tuple[int, str]:
    """Type a command that asks a real server over HTTP."""
    terminal.send = None
    typed = terminal.type(*words, environment={**terminal.environment(), "TIDEGATE_URL": server.url})
    return typed.status, typed.err


def test_requests_go_over_http_with_the_key_in_a_header_alone(terminal: Terminal, server: Server) -> None:
    server.script["/api/rulings"] = (200, {"Content-Type": "application/json"}, FINE.body)
    assert over(terminal, server, "rulings") == (Exit.FINE, "")
    ((method, path, headers, _),) = server.got
    assert (method, path) == ("GET", "/api/rulings")
    assert headers["x-api-key"] == terminal.environment()["TIDEGATE_KEY"]
    assert headers["user-agent"].startswith("tidegate/")


def test_a_body_and_a_problem_go_over_http(terminal: Terminal, server: Server) -> None:
    server.script["/api/images/a%20b/hold"] = (409, {"Content-Type": PROBLEM}, problem(409).body)
    status, err = over(terminal, server, "hold", "a b", "--reason", "wörds")
    assert (status, err) == (Exit.CONFLICT, "what is wrong\n")
    assert json.loads(server.got[0][3]) == {"why": "wörds"}


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_no_redirect_takes_a_key_elsewhere(terminal: Terminal, server: Server, status: int) -> None:
    server.script["/api/rulings"] = (status, {"Location": f"{server.url}/elsewhere?a=b"}, b"")
    told, err = over(terminal, server, "rulings")
    assert (told, [path for _, path, _, _ in server.got]) == (Exit.DENIED, ["/api/rulings"])
    assert "which is not followed" in err and "a=b" not in err


def test_nobody_there_is_not_reachable(terminal: Terminal, server: Server) -> None:
    server.shutdown()
    server.server_close()
    status, err = over(terminal, server, "rulings", "--timeout", "1s")
    assert (status, "does not answer" in err) == (Exit.UNREACHABLE, True)


def test_authorities_that_are_none_are_told(terminal: Terminal, tmp_path: Any) -> None:
    terminal.send = None
    bundle = tmp_path / "none.pem"
    typed = terminal.type("rulings", environment={**terminal.environment(), "REQUESTS_CA_BUNDLE": str(bundle)})
    assert (typed.status, str(bundle) in typed.err) == (Exit.UNREACHABLE, True)


def test_a_proxy_is_asked_where_the_environment_names_one(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("http_proxy", server.url)
    monkeypatch.setenv("no_proxy", "")
    server.script["http://tidegate.example/api/me"] = (200, {}, b"{}")
    answer = over_http({})(Sent("GET", "http://tidegate.example/api/me", {}, None, 5))
    assert (answer.status, answer.body) == (200, b"{}")

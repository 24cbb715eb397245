"""An upstream that means harm: it holds threads, locks itself or others out, and answers with what nobody can use."""

from __future__ import annotations

import contextlib
import gzip
import json
import socket
import threading
import time
from typing import Any

import pytest

from shared.adapters import connections
from shared.adapters.upstream import http, tag_pages
from shared.adapters.upstream.http import UpstreamHttp
from shared.adapters.upstream.oci_registry import OciRegistry
from shared.adapters.upstream.places import Within
from shared.domain.references import Repository, Tag
from shared.domain.watching.budget import LONGEST_SILENCE, Purpose
from shared.domain.watching.questions import RepositoryState, failed
from shared.errors import Refused, ServiceError, Unavailable
from shared.rules.ledger import Ledger
from tests.attacks.hostile import Behaviour, Hostile, answer, hostile, says, says_for_ever
from tests.doubles.storage import InMemoryBudgets, SettableClock

pytestmark = pytest.mark.unit

APP, TAG = Repository("evil.example", "org/app"), Tag("v1")
# In tests everything goes faster: the deadline, and what tries to get around it.
DEADLINE, LATE = 0.6, 3.0
OK = b"HTTP/1.1 200 OK\r\n"


@pytest.fixture
def short(monkeypatch: pytest.MonkeyPatch) -> None:
    """A deadline that a test can wait for."""
    monkeypatch.setattr(http, "LONGEST_ANSWER", DEADLINE)


def upstream(server: Hostile) -> OciRegistry:
    """Return the hostile server as a registry."""
    return OciRegistry("evil.example", server.url, UpstreamHttp("evil.example"))


ENDLESS: dict[str, Behaviour] = {
    "a status line that trickles": says_for_ever(b"HTTP/1.1 200 ", b"O", 0.05),
    "a header that trickles": says_for_ever(OK + b"X: ", b"x", 0.05),
    "headers that trickle": says_for_ever(OK, b"X: y\r\n", 0.1),
    "continue for ever, slowly": says_for_ever(b"", b"HTTP/1.1 100 Continue\r\n\r\n", 0.05),
    "continue for ever, fast": says_for_ever(b"", b"HTTP/1.1 100 Continue\r\n\r\n"),
    "continue with headers for ever": says_for_ever(b"", b"HTTP/1.1 100 Continue\r\nX: y\r\n\r\n", 0.05),
    "a body that trickles": says_for_ever(OK + b"Content-Length: 100000\r\n\r\n", b"x", 0.05),
    "a body without end that trickles": says_for_ever(OK + b"Connection: close\r\n\r\n", b" ", 0.05),
    "one chunk that trickles": says_for_ever(OK + b"Transfer-Encoding: chunked\r\n\r\n100000\r\n", b"x", 0.05),
    "chunks that trickle": says_for_ever(OK + b"Transfer-Encoding: chunked\r\n\r\n", b"1\r\nx\r\n", 0.05),
    "the size of a chunk that trickles": says_for_ever(OK + b"Transfer-Encoding: chunked\r\n\r\n", b"0", 0.05),
    "silence": says(ends=False, every=LATE),
    "silence after the headers": says(OK + b"Content-Length: 9\r\n\r\n", ends=False, every=LATE),
}


@pytest.mark.usefixtures("short")
@pytest.mark.parametrize("behaviour", ENDLESS.values(), ids=ENDLESS)
def test_no_answer_holds_a_thread_beyond_the_deadline(behaviour: Behaviour) -> None:
    with hostile(behaviour) as server:
        began = time.monotonic()
        with pytest.raises(Unavailable):
            upstream(server).tags(APP)
        assert time.monotonic() - began < LATE


def cut(*pieces: bytes) -> Behaviour:
    """Return what sends a part of an answer and lets the rest be waited for."""
    return says(*pieces, ends=False, every=LATE)


@pytest.mark.usefixtures("short")
@pytest.mark.parametrize("kind", ["headers", "a body without length"])
def test_what_was_cut_off_by_the_deadline_is_not_taken_for_an_answer(kind: str) -> None:
    body = b'{"tags": ["1.0"]}'
    cuts = {
        "headers": cut(OK + b"Content-Length: 17\r\nX: y\r\n"),
        "a body without length": cut(OK + b"Connection: close\r\n\r\n" + body),
    }
    with hostile(cuts[kind]) as server, pytest.raises(Unavailable, match="took longer"):
        upstream(server).tags(APP)


def given_up(registry: OciRegistry) -> None:
    """Ask what is not answered."""
    with pytest.raises(Unavailable):
        registry.tags(Repository("x", "slow"))


@pytest.mark.usefixtures("short")
def test_one_that_hangs_takes_no_connection_from_another_question() -> None:
    good = answer(body=b'{"tags": ["1.0"]}')
    slow: list[str] = []

    def behave(connection: socket.socket, request: str) -> None:
        if "slow" in request:
            slow.append(request)
            time.sleep(LATE)
        else:
            says(good, ends=False)(connection, request)

    with hostile(behave) as server:
        registry = upstream(server)
        hanging = threading.Thread(target=given_up, args=(registry,))
        hanging.start()
        began = time.monotonic()
        while time.monotonic() - began < 2 * DEADLINE:
            assert registry.tags(APP) == ("1.0",)
        hanging.join()
    assert slow


def test_an_answer_that_takes_longer_than_it_may_take_to_connect_is_waited_for(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(http, "TIMEOUTS", (0.2, 2.0))

    def behave(connection: socket.socket, request: str) -> None:
        time.sleep(0.7)
        says(answer(body=b'{"tags": ["1.0"]}'))(connection, request)

    with hostile(behave) as server:
        assert upstream(server).tags(APP) == ("1.0",)


def test_nobody_watches_when_nothing_is_asked() -> None:
    with hostile(says(answer(body=b'{"tags": []}'))) as server:
        upstream(server).tags(APP)
    for _ in range(40):
        if not any(thread.name == "deadlines" for thread in threading.enumerate()):
            break
        time.sleep(0.05)
    else:
        pytest.fail("the watch goes on though there is nothing to watch")


FAR = "99999999999"
LOCKING: list[tuple[str, dict[str, str]]] = [
    (status, headers)
    for status in ("429 Slow", "503 Away", "200 OK")
    for headers in (
        {"Retry-After": "86400"},
        {"Retry-After": "9" * 19},
        {"Retry-After": "4102444800"},
        {"Retry-After": "4102444800000"},
        {"Retry-After": "Fri, 31 Dec 9999 23:59:59 GMT"},
        {"Retry-After": "9999-12-31T23:59:59Z"},
        {"X-Retry-After": FAR},
        {"ratelimit-limit": "1;w=999999", "ratelimit-remaining": "0;w=999999"},
        {"X-RateLimit-Limit": "1", "X-RateLimit-Remaining": "0", "X-RateLimit-Reset": FAR},
        {"X-RateLimit-Limit": "999999999", "X-RateLimit-Remaining": "0", "X-RateLimit-Reset": "999999999"},
    )
]


@pytest.mark.parametrize(("status", "headers"), LOCKING)
def test_no_header_keeps_an_upstream_from_being_asked_again_within_the_hour(
    status: str, headers: dict[str, str]
) -> None:
    clock = SettableClock()
    ledger = Ledger(InMemoryBudgets(), clock)
    ledger.grant("evil.example", 5, Purpose.LOOK)
    state = RepositoryState()
    with hostile(says(answer(status, b'{"tags": ["1.0"]}', **headers), ends=False)) as server:
        registry = OciRegistry("evil.example", server.url, UpstreamHttp("evil.example", ledger.learned))
        try:
            registry.tags(APP)
        except ServiceError as error:
            state = failed(state, str(error), clock(), error.retry_after)
    ledger.grant("evil.example", 5, Purpose.LOOK)
    clock.advance(LONGEST_SILENCE)
    assert ledger.grant("evil.example", 5, Purpose.LOOK).requests > 0
    assert state.next_at is None or state.next_at <= clock()


DEEP = 200_000
UNREADABLE = {
    "lists in lists": b"[" * DEEP,
    "objects in objects": b'{"a":' * DEEP,
    "lists among the tags": b'{"tags": [' + b"[" * DEEP,
    "lists in a field nobody reads": b'{"tags": ["1.0"], "x": ' + b"[" * DEEP,
    "a lone surrogate": b'{"tags": ["\\ud800"',
    "bytes that are no text": b'{"tags": ["\xff\xfe"]}',
    "a number without end": b'{"tags": [' + b"9" * DEEP + b"]}",
}


@pytest.mark.parametrize("body", UNREADABLE.values(), ids=UNREADABLE)
def test_a_list_that_cannot_be_read_is_no_answer(body: bytes) -> None:
    with hostile(says(answer(body=body), ends=False)) as server, pytest.raises(Unavailable):
        upstream(server).tags(APP)


@pytest.mark.parametrize(
    "link", ['<?last={}>; rel="next"', '<{}>; rel="next"', "</v2/{}>; rel=next; rel=next", '<?n={}&last=a>; rel="next"']
)
def test_pages_without_end_have_an_end(link: str) -> None:
    def behave(connection: socket.socket, _: str) -> None:
        body = json.dumps({"tags": [f"t{len(server.asked)}-{number}" for number in range(200)]}).encode()
        says(answer(body=body, Link=link.format(len(server.asked))), ends=False)(connection, "")

    with hostile(behave) as server, pytest.raises(ServiceError):
        upstream(server).tags(APP)
    assert len(server.asked) <= 1_001


def test_full_pages_without_end_have_an_end() -> None:
    def behave(connection: socket.socket, _: str) -> None:
        body = json.dumps({"tags": [f"t{len(server.asked)}-{number}" for number in range(1_000)]}).encode()
        says(answer(body=body), ends=False)(connection, "")

    with hostile(behave) as server, pytest.raises(Refused, match="watch exact tags"):
        upstream(server).tags(APP)


def test_pages_that_come_slowly_end_when_a_list_has_to(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tag_pages, "LONGEST_LIST", 0.3)

    def behave(connection: socket.socket, _: str) -> None:
        time.sleep(0.1)
        says(answer(body=b'{"tags": []}', Link=f'<?last={len(server.asked)}>; rel="next"'), ends=False)(connection, "")

    with hostile(behave) as server, pytest.raises(Unavailable, match="longer"):
        upstream(server).tags(APP)
    assert len(server.asked) < 10


HUGE = "x" * 60_000


@pytest.mark.parametrize("name", ["Content-Type", "Docker-Content-Digest", "ETag", "WWW-Authenticate", "Location"])
@pytest.mark.parametrize("status", ["200 OK", "401 Unauthorized", "307 Elsewhere", "429 Slow"])
def test_no_header_is_quoted_at_length(status: str, name: str) -> None:
    with hostile(says(answer(status, **{name: HUGE}), ends=False)) as server:
        try:
            upstream(server).digest(APP, TAG)
        except ServiceError as error:
            assert len(str(error)) < 1_000
        else:
            pytest.fail("an answer of which nothing can be used was used")


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1", "[::ffff:127.0.0.1]"])
def test_a_name_that_leads_into_a_private_network_is_told_nothing(host: str) -> None:
    with socket.create_server(("::", 0), family=socket.AF_INET6, dualstack_ipv6=True) as inside:
        inside.settimeout(0.2)
        asked = UpstreamHttp("evil.example", within=Within("evil.example"))
        with pytest.raises(Refused, match="not everybody can reach"):
            asked.ask("looking", f"https://{host}:{inside.getsockname()[1]}/secret")
        with contextlib.suppress(TimeoutError):
            connection, _ = inside.accept()
            assert connection.recv(1) == b""


ODD_HOSTS = ["https://2130706433/", "https://0x7f.1/", "https://127.1/", "https://0/", "https://localhost./"]


@pytest.mark.parametrize("url", ODD_HOSTS)
def test_no_other_way_to_write_an_address_gets_around_that(url: str) -> None:
    with pytest.raises(ServiceError):
        UpstreamHttp("evil.example", within=Within("evil.example")).ask("looking", url)


NO_ANSWERS = {
    "a header without end": OK + b"X: " + b"x" * 200_000,
    "headers without end": OK + b"X: y\r\n" * 5_000,
    "a status line without end": b"HTTP/1.1 200 " + b"O" * 200_000,
    "a version nobody knows": b"HTTP/9.9 200 OK\r\n\r\n",
    "a status that is no number": b"HTTP/1.1 abc OK\r\n\r\n",
    "another protocol": b"SSH-2.0-OpenSSH_9.6\r\n",
    "nothing at all": b"",
    "a length that is no number": OK + b"Content-Length: x\r\nContent-Length: 7\r\n\r\n{}",
    "chunks that are none": OK + b"Transfer-Encoding: chunked\r\n\r\nzz\r\n",
    "a negative chunk": OK + b"Transfer-Encoding: chunked\r\n\r\n-5\r\nabc\r\n",
    "what is no gzip": OK + b"Content-Encoding: gzip\r\nContent-Length: 4\r\n\r\nabcd",
    "gzip of what never ends": OK + b"Content-Encoding: gzip\r\n\r\n" + gzip.compress(b" " * 64 * 1024 * 1024),
    "gzip within gzip within gzip": OK
    + b"Content-Encoding: gzip, gzip, gzip, gzip, gzip, gzip\r\n\r\n"
    + gzip.compress(gzip.compress(b"{}")),
    "half an answer": OK + b'Content-Length: 900\r\n\r\n{"tags": ["1.0"',
}


@pytest.mark.parametrize("piece", NO_ANSWERS.values(), ids=NO_ANSWERS)
def test_what_is_no_answer_fails_as_one_and_leaves_the_next_question_alone(piece: bytes) -> None:
    bad: list[bytes] = [piece]

    def behave(connection: socket.socket, request: str) -> None:
        says(bad.pop() if bad else answer(body=b'{"tags": ["1.0"]}'))(connection, request)

    with hostile(behave) as server:
        registry = upstream(server)
        with pytest.raises(ServiceError) as failed_by:
            registry.tags(APP)
        assert len(str(failed_by.value)) < 1_500
        time.sleep(0.05)  # the other side hangs up meanwhile, which is no matter of this test
        assert registry.tags(APP) == ("1.0",)


WORDS = ("null", "7", '""', "[]", "{}", "true", '"x"', "[[]]", '{"a": []}', "1e999", '"\\u0000"')


@pytest.mark.parametrize("word", WORDS)
def test_no_word_of_json_breaks_the_reading_of_a_registrys_answers(word: str, record_property: Any) -> None:
    bodies = [word, f'{{"tags": {word}}}', f'{{"tags": [{word}]}}', f'{{"schemaVersion": {word}, "mediaType": {word}}}']
    record_property("attacks", 2 * len(bodies))
    for body in bodies:
        with hostile(says(answer(body=body.encode()), ends=False)) as server:
            registry = OciRegistry("evil.example", server.url, UpstreamHttp("evil.example"), reads=True)
            with contextlib.suppress(ServiceError):
                assert all(isinstance(tag, str) for tag in registry.tags(APP))
            with pytest.raises(ServiceError):
                registry.digest(APP, TAG)


def test_a_name_with_many_dead_addresses_does_not_take_the_time_of_all(monkeypatch: pytest.MonkeyPatch) -> None:
    tried: list[str] = []

    def dead(address: tuple[str, int], *_: Any, **__: Any) -> Any:
        tried.append(address[0])
        time.sleep(0.1)
        raise TimeoutError

    def named(*_: Any, **__: Any) -> Any:
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (f"203.0.113.{number}", 80)) for number in range(100)]

    monkeypatch.setattr("urllib3.util.connection.create_connection", dead)
    monkeypatch.setattr(socket, "getaddrinfo", named)
    monkeypatch.setattr(connections, "_LONGEST_CONNECT", 0.5)
    with pytest.raises(Unavailable, match="ConnectTimeoutError"):
        UpstreamHttp("evil.example").ask("looking", "http://evil.example/v2/")
    assert 1 < len(tried) < 20


def test_a_name_is_reached_at_whichever_of_its_addresses_answers(monkeypatch: pytest.MonkeyPatch) -> None:
    with hostile(says(answer(body=b'{"tags": ["1.0"]}'))) as server:
        port = int(server.url.rpartition(":")[2])
        hosts = ("127.0.0.2", "127.0.0.3", "127.0.0.1")
        found = [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (host, port)) for host in hosts]
        monkeypatch.setattr(
            socket,
            "getaddrinfo",
            lambda host, *_, **__: (
                found if host == "many.example" else [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (host, port))]
            ),
        )
        registry = OciRegistry("evil.example", f"http://many.example:{port}", UpstreamHttp("evil.example"))
        assert registry.tags(APP) == ("1.0",)

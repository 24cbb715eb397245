"""A small mail server: STARTTLS on one port, TLS from the first byte on another; it asks who sends, and keeps the mail.

https://www.rfc-editor.org/rfc/rfc5321, replies as Exchange Online words them.
"""

from __future__ import annotations

import base64
import socket
import socketserver
import ssl
import threading
import time
from collections.abc import Callable
from typing import Any

from infra.local.emulator.counting import Counts
from infra.local.emulator.faults import Fault, Faults
from infra.local.receivers.kept import Kept, Received

USER, PASSWORD = "tidegate", "correct horse battery staple"
_LARGEST = 10 * 1024 * 1024
_LONGEST_LINE = 998
_ACTIONS = ("status", "slow", "drop", "lose-answer")
_SECONDS = 30
_Reply = tuple[int, str]
_OK: _Reply = (250, "2.0.0 OK")


class MailServer:
    """Listens on both ports; each fault of the front ``mail`` names a command as its kind, ``message`` for the mail.

    Args:
        ports: of STARTTLS, and of TLS from the first byte.
        context: shows the twin's certificate.
        counts: is told of each command.
        faults: is asked before each.
        kept: is given what arrives.
    """

    def __init__(
        self, ports: tuple[int, int], context: ssl.SSLContext, counts: Counts, faults: Faults, kept: Kept
    ) -> None:
        self.context, self.counts, self.faults, self.kept = context, counts, faults, kept
        self._servers = [_Server(port, self, tls=tls) for port, tls in zip(ports, (False, True), strict=True)]

    def start(self) -> None:
        """Serve from threads of its own."""
        for server in self._servers:
            threading.Thread(target=server.serve_forever, args=(0.1,), name="mail", daemon=True).start()

    def stop(self) -> None:
        """Stop listening."""
        for server in self._servers:
            server.shutdown()
            server.server_close()


class _Server(socketserver.ThreadingTCPServer):
    allow_reuse_address = True
    daemon_threads = True

    def __init__(self, port: int, mail: MailServer, *, tls: bool) -> None:
        self.mail, self.tls = mail, tls
        super().__init__(("127.0.0.1", port), _Session)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Say nothing: a client that hangs up in the middle is what tests are about."""


class _Session(socketserver.StreamRequestHandler):
    """One connection, command by command."""

    server: _Server
    timeout = _SECONDS

    def setup(self) -> None:
        if self.server.tls:
            self.request = self.server.mail.context.wrap_socket(self.request, server_side=True)
        super().setup()

    def handle(self) -> None:
        self._secure, self._known = self.server.tls, False
        self._sender, self._recipients = "", list[str]()
        self._going = self._answer("connect", lambda: (220, "localhost ESMTP the twin's mail server"))
        while self._going and (line := self.rfile.readline(4096)):
            verb, _, argument = line.decode("utf-8", "replace").strip().partition(" ")
            handler = getattr(self, f"_on_{verb.lower()}", None)
            if handler is None:
                self._say(502, "5.5.1 Command not implemented")
            else:
                self._going = self._answer(verb.upper(), lambda found=handler, of=argument: found(of))

    def _on_ehlo(self, _: str) -> _Reply:
        offers = ["localhost", f"SIZE {_LARGEST}", "8BITMIME"]
        offers += ["AUTH PLAIN LOGIN"] if self._secure else ["STARTTLS"]
        return 250, "\n".join(offers)

    def _on_helo(self, _: str) -> _Reply:
        return 250, "localhost"

    def _on_starttls(self, _: str) -> _Reply:
        return (503, "5.5.1 TLS is on already") if self._secure else (220, "2.0.0 Ready to start TLS")

    def _on_auth(self, argument: str) -> _Reply:
        if not self._secure:
            return 530, "5.7.0 Must issue a STARTTLS command first"
        self._known = self._credentials(argument) == (USER, PASSWORD)
        return (235, "2.7.0 Authentication successful") if self._known else (535, "5.7.3 Authentication unsuccessful")

    def _credentials(self, argument: str) -> tuple[str, str]:
        way, _, given = argument.partition(" ")
        if way.upper() == "PLAIN":
            _, user, password = _decoded(given or self._asked("")).split("\0")
            return user, password
        return _decoded(given or self._asked("VXNlcm5hbWU6")), _decoded(self._asked("UGFzc3dvcmQ6"))

    def _on_mail(self, argument: str) -> _Reply:
        if not self._known:
            return 530, "5.7.57 Client not authenticated to send mail"
        address, _, options = argument.partition(" ")
        sizes = [int(one[5:]) for one in options.split() if one.upper().startswith("SIZE=")]
        if any(size > _LARGEST for size in sizes):
            return 552, "5.3.4 Message size exceeds fixed maximum message size"
        self._sender, self._recipients = _address(address), []
        return _OK

    def _on_rcpt(self, argument: str) -> _Reply:
        if not self._sender:
            return 503, "5.5.1 Bad sequence of commands"
        self._recipients.append(_address(argument.partition(" ")[0]))
        return _OK

    def _on_data(self, _: str) -> _Reply:
        return (354, "Start mail input; end with <CRLF>.<CRLF>") if self._recipients else (503, "5.5.1 No recipients")

    def _on_rset(self, _: str) -> _Reply:
        self._sender, self._recipients = "", []
        return _OK

    def _on_noop(self, _: str) -> _Reply:
        return _OK

    def _on_quit(self, _: str) -> _Reply:
        return 221, "2.0.0 Bye"

    def _take(self) -> _Reply:
        lines = []
        while (line := self.rfile.readline(_LARGEST)) not in (b".\r\n", b""):
            lines.append(line.removeprefix(b"."))
        wrong = next((wrong for line in lines if (wrong := _wrong_with(line))), "")
        envelope = {"from": self._sender, "to": ", ".join(self._recipients)}
        text = b"".join(lines).decode("utf-8", "surrogateescape")
        self.server.mail.kept.add(Received("mail", text, not wrong, wrong, envelope))
        return (554, wrong) if wrong else (250, "2.0.0 OK queued")

    def _answer(self, kind: str, handler: Callable[[], _Reply]) -> bool:
        """Answer one command, unless a fault says otherwise, and say whether there may be another."""
        mail = self.server.mail
        mail.counts.add("mail", kind)
        fault = mail.faults.take("mail", kind, "", _ACTIONS)
        if fault is not None and (refused := self._faulty(fault)):
            return refused != "gone"
        code, text = handler()
        if fault is not None and fault.action == "lose-answer":
            return self._hang_up()
        self._say(code, text)
        return self._after(kind, code)

    def _after(self, kind: str, code: int) -> bool:
        if kind == "STARTTLS" and code == 220:
            self.request = self.server.mail.context.wrap_socket(self.request, server_side=True)
            super().setup()
            self._secure = True
        if kind == "DATA" and code == 354:
            return self._answer("message", self._take)
        return kind != "QUIT"

    def _faulty(self, fault: Fault) -> str:
        if fault.action == "slow":
            time.sleep(fault.seconds)
        if fault.action == "drop":
            self._hang_up()
            return "gone"
        if fault.action == "status":
            self._say(fault.status, fault.body or "played")
            return "gone" if fault.status == 421 else "refused"
        return ""

    def _hang_up(self) -> bool:
        self.request.shutdown(socket.SHUT_RDWR)
        return False

    def _say(self, code: int, text: str) -> None:
        lines = text.split("\n")
        said = [f"{code}{' ' if number == len(lines) else '-'}{line}\r\n" for number, line in enumerate(lines, 1)]
        self.wfile.write("".join(said).encode())

    def _asked(self, challenge: str) -> str:
        self.wfile.write(f"334 {challenge}\r\n".encode())
        return self.rfile.readline(4096).decode().strip()


def _decoded(text: str) -> str:
    return base64.b64decode(text).decode()


def _address(argument: str) -> str:
    return argument.partition(":")[2].strip().strip("<>")


def _wrong_with(line: bytes) -> str:
    if len(line.rstrip(b"\r\n")) > _LONGEST_LINE:
        return "5.6.0 Lines longer than 998 characters"
    return "" if line.endswith(b"\r\n") and b"\r" not in line[:-2] else "5.6.11 Bare line feeds"

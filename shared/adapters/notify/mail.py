"""Mail, by a server that begins TLS at once or by STARTTLS; never without.

Until the last line of the mail is sent, nothing has arrived: https://www.rfc-editor.org/rfc/rfc5321#section-4.2.5
"""

from __future__ import annotations

import smtplib
import ssl
from collections.abc import Callable
from datetime import datetime
from email.message import EmailMessage
from email.policy import SMTP as WIRE
from email.utils import format_datetime

from shared.adapters.deadlines import Exchange
from shared.adapters.notify.posting import DEADLINES
from shared.adapters.redaction import redacted
from shared.domain.notices.outgoing import Outgoing
from shared.domain.notices.rendering import JOINER
from shared.domain.notices.rendering_text import mail_letter
from shared.errors import NotTaken, Refused, ServiceError, Unavailable
from shared.mail_addresses import Mailbox
from shared.notify_settings import Destination
from shared.sender_ports import Sent

# Seconds of one command, and of all together.
_COMMAND, _LONGEST = 10.0, 25.0
# A name of our own is not known, and is asked for; an address in brackets needs none.
_HELLO = "[127.0.0.1]"


class MailSender:
    """Sends to one list of people.

    Args:
        destination: whose address names server and people.
        trust: gives what verifies the server's certificate.
        clock: tells when the mail was written.
    """

    takes_ids = False

    def __init__(
        self, destination: Destination, trust: Callable[[], ssl.SSLContext], clock: Callable[[], datetime]
    ) -> None:
        self._to = destination
        self._box = destination.mailbox
        self._trust = trust
        self._clock = clock

    def send(self, message: Outgoing) -> Sent:
        """See ``Sender``. Where the server refuses some of the people for good, the others get it, and that is said."""
        exchange = DEADLINES.begin(_LONGEST)
        talk = _Talk(f"destination {self._to.name} (mail)", self._box, exchange)
        try:
            return talk.deliver(self._written(message), self._trust)
        except ServiceError:
            raise
        except (smtplib.SMTPException, OSError, ValueError) as error:
            # Not chained: a library's text may quote people's addresses, and be logged.
            raise talk.broke_off(error) from None
        finally:
            DEADLINES.end(exchange)

    def _written(self, message: Outgoing) -> bytes:
        letter = mail_letter(message)
        mail = EmailMessage(policy=WIRE)
        mail["From"], mail["To"] = self._box.sender, ", ".join(self._box.people)
        mail["Subject"], mail["Date"] = _unencoded(letter.title), format_datetime(self._clock())
        mail["Message-ID"] = f"<{message.id}@{self._box.sender.rpartition('@')[2]}>"
        # Whoever is away has no answer sent to what no person wrote.
        mail["Auto-Submitted"], mail["X-Auto-Response-Suppress"] = "auto-generated", "All"
        mail.set_content(letter.text, cte="quoted-printable")
        return mail.as_bytes()


class _Talk:
    """One conversation with a mail server.

    Args:
        doing: to which destination, for the errors' messages.
        box: server and people.
        exchange: is told what is read from, so that it ends in time.
    """

    def __init__(self, doing: str, box: Mailbox, exchange: Exchange) -> None:
        self._doing, self._box, self._exchange = doing, box, exchange
        self._out = False

    def deliver(self, mail: bytes, trust: Callable[[], ssl.SSLContext]) -> Sent:
        """Have the server take a mail."""
        smtp = self._connected(trust())
        try:
            self._begin(smtp, len(mail))
            refused = self._people(smtp)
            sent = self._data(smtp, mail)
        finally:
            smtp.close()
        return Sent(sent.status, f"{sent.said}; {refused}" if refused else sent.said)

    def broke_off(self, error: Exception) -> ServiceError:
        """Return what it means that the conversation broke off: only once the mail is out it may have arrived."""
        name, words = type(error).__name__, self._words(str(error)) or "no reason given"
        if self._out:
            return Unavailable(f"{self._doing}: the mail may have arrived, no answer came ({name}): {words}", code=name)
        return NotTaken(f"{self._doing}: nothing was sent ({name}): {words}", code=name)

    def _connected(self, trust: ssl.SSLContext) -> smtplib.SMTP:
        box = self._box
        if box.at_once:
            smtp: smtplib.SMTP = smtplib.SMTP_SSL(
                box.host, box.port, local_hostname=_HELLO, timeout=_COMMAND, context=trust
            )
        else:
            smtp = smtplib.SMTP(box.host, box.port, local_hostname=_HELLO, timeout=_COMMAND)
        self._exchange.sock = smtp.sock
        try:
            self._checked(smtp.ehlo(), "EHLO")
            return smtp if box.at_once else self._with_tls(smtp, trust)
        except BaseException:
            smtp.close()
            raise

    def _with_tls(self, smtp: smtplib.SMTP, trust: ssl.SSLContext) -> smtplib.SMTP:
        if not smtp.has_extn("starttls"):
            raise Refused(f"{self._doing}: the server offers no TLS, nothing was sent", code="starttls")
        self._checked(smtp.starttls(context=trust), "STARTTLS")
        self._exchange.sock = smtp.sock
        self._checked(smtp.ehlo(), "EHLO")
        return smtp

    def _begin(self, smtp: smtplib.SMTP, size: int) -> None:
        if self._box.user:
            try:
                smtp.login(self._box.user, self._box.password)
            except smtplib.SMTPAuthenticationError as error:
                self._checked((error.smtp_code, error.smtp_error), "AUTH")
        options = [f"SIZE={size}"] if smtp.has_extn("size") else []
        self._checked(smtp.mail(self._box.sender, options), "MAIL")

    def _people(self, smtp: smtplib.SMTP) -> str:
        """Name everybody; whoever may be taken later has the mail wait for all, so that nobody gets it twice."""
        replies = [smtp.rcpt(person) for person in self._box.people]
        for reply in replies:
            if 400 <= reply[0] < 500:
                self._checked(reply, "RCPT")
        refused = [reply for reply in replies if reply[0] >= 300]
        if len(refused) == len(replies):
            self._checked(refused[0], "RCPT")
        words = "; ".join(sorted({f"{code} {self._words(_text(said))}" for code, said in refused}))
        return f"not to {len(refused)} of {len(replies)} people: {words}" if refused else ""

    def _data(self, smtp: smtplib.SMTP, mail: bytes) -> Sent:
        code, said = smtp.docmd("DATA")
        if code != 354:
            self._checked((code, said), "DATA")
        smtp.send(mail.replace(b"\r\n.", b"\r\n.."))
        # Until the line that ends it, the server has to forget the mail if the connection breaks.
        self._out = True
        smtp.send(b".\r\n")
        code, said = smtp.getreply()
        self._checked((code, said), "the mail")
        return Sent(code, self._words(_text(said)))

    def _checked(self, reply: tuple[int, bytes | str], of: str) -> None:
        code, said = reply
        if 200 <= code < 300:
            return
        told = f"{self._doing}: {code} to {of}, {self._words(_text(said))}"
        if 500 <= code < 600:
            raise Refused(told, code=str(code))
        if 400 <= code < 500 or not self._out:
            raise NotTaken(told, code=str(code))
        raise Unavailable(told, code=str(code))

    def _words(self, text: str) -> str:
        for person in {self._box.sender, *self._box.people}:
            text = text.replace(person, "…")
        return redacted(text)


def _unencoded(title: str) -> str:
    """Return a title in which nothing is a word that is encoded as headers do: such words are decoded, ends of lines
    too, and those begin headers of their own (https://www.rfc-editor.org/rfc/rfc2047)."""
    return title.replace("=?", f"={JOINER}?")


def _text(said: bytes | str) -> str:
    return said.decode("utf-8", "replace") if isinstance(said, bytes) else said
